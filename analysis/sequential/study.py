"""A whole study looked at as its plan declares: one look for each line of the significance table."""

from __future__ import annotations

from dataclasses import dataclass

from analysis.results import Fit, SignificanceRow, StudyResult
from analysis.sequential.looks import Look, Looks, describe


@dataclass(frozen=True, slots=True)
class StudyLook:
    """The declared looks, the share of the planned raters that is in, and a look at every row of the result."""

    looks: Looks
    time: float
    raters: int
    planned: int
    rows: tuple[tuple[SignificanceRow, Look], ...]


def look_at_study(result: StudyResult) -> StudyLook | None:
    """Return what the looks that the frozen plan declares say now; None when none are declared.

    The level is that of the study's intervals, divided among all rows. Raters are counted as the booklets of the plan:
    the most that any dimension has. Raises SequentialError for a plan that cannot be followed.
    """
    declaration = result.declaration
    looks = Looks.from_plan(declaration.analysis.get("looks")) if declaration else Looks()
    if declaration is None or looks.method == "none":
        return None
    raters = max((item.n_raters for item in result.dimensions), default=0)
    planned = int(declaration.plan.get("booklets") or raters)
    time = min(raters / planned, 1.0) if planned else 1.0
    alpha = 1.0 - result.confidence
    restricted = {item.dimension for item in result.dimensions if _is_restricted(item.fit)}

    def look(row: SignificanceRow) -> Look:
        return describe(
            row.estimate,
            row.se,
            row.df,
            looks=looks,
            time=time,
            family=len(result.rows),
            alpha=alpha,
            likelihood="reml" if row.dimension in restricted else "ml",
        )

    return StudyLook(looks, time, raters, planned, tuple((row, look(row)) for row in result.rows))


def _is_restricted(fit: Fit) -> bool:
    """Return whether the standard errors are free of maximum likelihood's bias."""
    return fit.method == "REML" or fit.adjusted_covariance is not None
