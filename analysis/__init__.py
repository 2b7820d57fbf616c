"""The statistics of a blinded pairwise study: from a long table of judgements to a significance report, without Django.

Heavy libraries load when they are used, so that ``import analysis`` stays quick::

    import analysis
    table = analysis.read("judgements.csv")
    result = analysis.analyse(table, baseline="baseline")
    print(result.sentence)
    analysis.write_report(result, "report")

One mixed model at a time, in the notation of lme4::

    model = analysis.fit("answer ~ system + (1 | output) + (1 | rater:system)", table, dimension="originality")
    print(model.summary())
    print(model.contrasts("system", "control", adjust="single-step"))
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from analysis.design import FormulaError, build_design
    from analysis.judges import compare_judges, read_scores
    from analysis.modelling import MixedModel, fit
    from analysis.report import analyse, examine, with_judges, write_report
    from analysis.schema import SchemaError, read, validate

__version__ = "0.1.0"
__all__ = [
    "FormulaError",
    "MixedModel",
    "SchemaError",
    "analyse",
    "build_design",
    "compare_judges",
    "examine",
    "fit",
    "read",
    "read_scores",
    "validate",
    "with_judges",
    "write_report",
]
_HOME = {
    "FormulaError": "analysis.design",
    "MixedModel": "analysis.modelling",
    "build_design": "analysis.design",
    "fit": "analysis.modelling",
    "SchemaError": "analysis.schema",
    "read": "analysis.schema",
    "validate": "analysis.schema",
    "compare_judges": "analysis.judges",
    "read_scores": "analysis.judges",
    "with_judges": "analysis.report",
    "analyse": "analysis.report",
    "examine": "analysis.report",
    "write_report": "analysis.report",
}


def __getattr__(name: str) -> Any:
    """Load the home of a public name when it is first asked for."""
    if name not in _HOME:
        message = f"module 'analysis' has no attribute {name!r}"
        raise AttributeError(message)
    return getattr(import_module(_HOME[name]), name)
