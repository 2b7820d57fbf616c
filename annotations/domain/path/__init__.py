"""The path of a participant: what a study asks around its trials, read strictly from JSON, and what comes next.

Pure: nothing here reads or writes the database. ``annotations.domain.walking`` has the verbs.
"""

from .answers import Problem, is_eligible, is_expected, read_fields, read_quiz
from .parsing import FIELD_TYPES, check_against, parse_path
from .steps import AFTER, BEFORE, ENDINGS, Standing, break_due, next_step
from .values import Translate

__all__ = [
    "AFTER",
    "BEFORE",
    "ENDINGS",
    "FIELD_TYPES",
    "Problem",
    "Standing",
    "Translate",
    "break_due",
    "check_against",
    "is_eligible",
    "is_expected",
    "next_step",
    "parse_path",
    "read_fields",
    "read_quiz",
]
