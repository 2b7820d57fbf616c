"""Cumulative logit mixed model for graded preferences, and for forced choices with ties (three levels)."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from analysis.models.mixed import Problem, fit_mixed
from analysis.numerics import cumulative

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from analysis.numerics.cumulative import FloatArray, IntArray, Thresholds
    from analysis.numerics.structure import SignedFactor
    from analysis.results import Fit

ThresholdKind = Literal["symmetric", "flexible", "equidistant"]
THRESHOLDS: Final[Mapping[str, Callable[[int], Thresholds]]] = {
    "symmetric": cumulative.symmetric,
    "flexible": cumulative.flexible,
    "equidistant": cumulative.equidistant,
}


def fit_cumulative(
    category: IntArray,
    fixed: FloatArray,
    factors: tuple[SignedFactor, ...],
    *,
    levels: int,
    names: tuple[str, ...],
    thresholds: ThresholdKind = "symmetric",
    labels: tuple[str, ...] | None = None,
    weights: FloatArray | None = None,
    formula: str = "",
    notes: tuple[str, ...] = (),
) -> Fit:
    """Fit P(category ≤ j) = F(τ_j − Xβ − Zb) by full Laplace.

    Parameters
    ----------
    category
        0 … levels − 1, shape (n,); higher is "more in favour".
    thresholds
        ``symmetric`` about zero (a side effect is then a column of ones in ``fixed``), ``flexible`` (as
        ``ordinal::clmm``; a constant column is dropped) or ``equidistant``.
    labels
        Names of the levels, for the names of the thresholds.
    """
    labels = labels or tuple(str(level + 1) for level in range(levels))
    return fit_mixed(
        Problem(
            model=f"cumulative logit mixed model, {thresholds} thresholds (Laplace)",
            formula=formula,
            category=category.astype(np.int64),
            weights=np.ones(category.size) if weights is None else weights,
            thresholds=THRESHOLDS[thresholds](levels),
            threshold_names=tuple(f"{low}|{high}" for low, high in pairwise(labels)),
            fixed=fixed,
            names=names,
            factors=factors,
            notes=notes,
        )
    )
