"""What the contrasts would be had another choice been declared, or had other raters been excluded."""

from analysis.sensitivity.alternatives import (
    Alternative,
    alternatives,
    as_choices,
    as_points,
    without_first,
    without_hasty,
)
from analysis.sensitivity.exclusions import check_exclusions
from analysis.sensitivity.refit import agree, check_sensitivity

__all__ = [
    "Alternative",
    "agree",
    "alternatives",
    "as_choices",
    "as_points",
    "check_exclusions",
    "check_sensitivity",
    "without_first",
    "without_hasty",
]
