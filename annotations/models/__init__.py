"""Nouns: fields, constraints, __str__. What may be done with them stands in ``annotations.domain``."""

from .alert import Alert
from .event import Event
from .foresight import PowerCheck
from .generation import Generation, Sample
from .judgement import Judgement
from .material import MaterialImport, Output, Prompt, System
from .measure import AuditRun, Judge, Measurement, OutputScore
from .member import ApiToken, StudyMember
from .money import LedgerEntry
from .panel import Round, Writer
from .path import ConsentVersion, PathAnswer
from .plan import Booklet, Lease, Plan, Task, Trial
from .quality import Examination, Exclusion, Flag
from .rater import Participation, Rater, RecruitmentIdentity
from .recruiting import BonusOrder, Invitation, RecruiterAccount, RecruiterEvent, Recruitment, Submission
from .report import Report
from .study import Dimension, Study

__all__ = [
    "Alert",
    "ApiToken",
    "AuditRun",
    "BonusOrder",
    "Booklet",
    "ConsentVersion",
    "Dimension",
    "Event",
    "Examination",
    "Exclusion",
    "Flag",
    "Generation",
    "Invitation",
    "Judge",
    "Judgement",
    "Lease",
    "LedgerEntry",
    "MaterialImport",
    "Measurement",
    "Output",
    "OutputScore",
    "Participation",
    "PathAnswer",
    "Plan",
    "PowerCheck",
    "Prompt",
    "Rater",
    "RecruiterAccount",
    "RecruiterEvent",
    "Recruitment",
    "RecruitmentIdentity",
    "Report",
    "Round",
    "Sample",
    "Study",
    "StudyMember",
    "Submission",
    "System",
    "Task",
    "Trial",
    "Writer",
]
