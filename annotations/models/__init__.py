"""Nouns: fields, constraints, __str__. What may be done with them stands in ``annotations.domain``."""

from .alert import Alert
from .event import Event
from .foresight import PowerCheck
from .judgement import Judgement
from .material import MaterialImport, Output, Prompt, System
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
    "BonusOrder",
    "Booklet",
    "ConsentVersion",
    "Dimension",
    "Event",
    "Examination",
    "Exclusion",
    "Flag",
    "Invitation",
    "Judgement",
    "Lease",
    "LedgerEntry",
    "MaterialImport",
    "Output",
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
    "Study",
    "StudyMember",
    "Submission",
    "System",
    "Task",
    "Trial",
    "Writer",
]
