"""Experimental design. Pure, seeded, no Django: which outputs meet, bound into booklets, with a certificate.

`plan(outputs, spec, attention=...)` gives a `Plan` or raises `Infeasible`; `certify(rows_or_columns, spec)` recounts
every guarantee from a plan or from an export; `estimate_plan(plan, words)` says how long it takes and what it costs.
"""

from annotations.design.certificate import Certificate, Exposure, Summary, certify
from annotations.design.errors import Clash, DesignError, Infeasible, Suggestion
from annotations.design.estimate import Estimate, Pace, Rate, booklet_words, estimate, estimate_plan
from annotations.design.planner import plan
from annotations.design.plans import (
    ROW_FIELDS,
    Booklets,
    MissingCell,
    Plan,
    PlannedBooklet,
    PlannedTask,
    PlannedTrial,
    TrialColumns,
)
from annotations.design.promises import Guarantee
from annotations.design.spec import (
    DIMENSION_ORDERS,
    GROUPS,
    MOST_OUTPUTS,
    SHUFFLED,
    SINGLE,
    AttentionTask,
    DesignSpec,
    OutputRef,
)
from annotations.design.tasks import COMPARISONS, PAIRINGS, Meeting, build_tasks, system_pairs

__all__ = [
    "COMPARISONS",
    "DIMENSION_ORDERS",
    "GROUPS",
    "MOST_OUTPUTS",
    "PAIRINGS",
    "ROW_FIELDS",
    "SHUFFLED",
    "SINGLE",
    "AttentionTask",
    "Booklets",
    "Certificate",
    "Clash",
    "DesignError",
    "DesignSpec",
    "Estimate",
    "Exposure",
    "Guarantee",
    "Infeasible",
    "Meeting",
    "MissingCell",
    "OutputRef",
    "Pace",
    "Plan",
    "PlannedBooklet",
    "PlannedTask",
    "PlannedTrial",
    "Rate",
    "Suggestion",
    "Summary",
    "TrialColumns",
    "booklet_words",
    "build_tasks",
    "certify",
    "estimate",
    "estimate_plan",
    "plan",
    "system_pairs",
]
