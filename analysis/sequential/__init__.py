"""Looking early, honestly: confidence sequences and e-values that hold at any time, and classical error spending.

Declared before launch as ``looks`` of the analysis plan, ``{"method": "obrien_fleming", "times": [0.5, 1]}``; at
any look ``describe(estimate, se, df, looks=..., time=..., family=...)`` says what may be concluded.
"""

from analysis.sequential.confidence import confidence_bound, e_value, tuned_mixture
from analysis.sequential.looks import METHODS, NAMES, Look, Looks, describe
from analysis.sequential.spending import (
    Boundary,
    SequentialError,
    constant_boundaries,
    crossing_probabilities,
    spending_boundaries,
)
from analysis.sequential.study import StudyLook, look_at_study

__all__ = [
    "METHODS",
    "NAMES",
    "Boundary",
    "Look",
    "Looks",
    "SequentialError",
    "StudyLook",
    "confidence_bound",
    "constant_boundaries",
    "crossing_probabilities",
    "describe",
    "e_value",
    "look_at_study",
    "spending_boundaries",
    "tuned_mixture",
]
