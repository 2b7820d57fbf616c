"""Experimental design. Pure, seeded, no Django: which outputs meet, bound into booklets, with a certificate.

    spec = DesignSpec(raters_per_task=3, trials_per_rater=20, seed=1)
    made = plan(outputs, spec, attention=("check-1", "check-2"))   # Plan, or Infeasible
    certify(made.columns(), spec)                                  # Certificate; also from rows of an export
    estimate(made, words, ...)                                     # minutes and cost
"""

from annotations.design.errors import Clash, DesignError, Infeasible, Suggestion
from annotations.design.plans import (
    ROW_FIELDS,
    MissingCell,
    Plan,
    PlannedBooklet,
    PlannedTask,
    PlannedTrial,
    TrialColumns,
)
from annotations.design.planner import plan
from annotations.design.spec import DesignSpec, OutputRef

__all__ = [
    "ROW_FIELDS",
    "Clash",
    "DesignError",
    "DesignSpec",
    "Infeasible",
    "MissingCell",
    "OutputRef",
    "Plan",
    "PlannedBooklet",
    "PlannedTask",
    "PlannedTrial",
    "Suggestion",
    "TrialColumns",
    "plan",
]
