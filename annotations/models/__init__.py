"""Nouns: fields, constraints, __str__. What may be done with them stands in ``annotations.domain``."""

from .event import Event
from .foresight import PowerCheck
from .judgement import Judgement
from .material import MaterialImport, Output, Prompt, System
from .plan import Booklet, Lease, Plan, Task, Trial
from .quality import Exclusion, Flag
from .rater import Participation, Rater, RecruitmentIdentity
from .report import Report
from .study import Dimension, Study

__all__ = [
    "Booklet",
    "Dimension",
    "Event",
    "Exclusion",
    "Flag",
    "Judgement",
    "Lease",
    "MaterialImport",
    "Output",
    "Participation",
    "Plan",
    "PowerCheck",
    "Prompt",
    "Rater",
    "RecruitmentIdentity",
    "Report",
    "Study",
    "System",
    "Task",
    "Trial",
]
