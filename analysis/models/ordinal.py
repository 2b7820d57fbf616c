"""Cumulative-link mixed model for graded preferences, Likert answers, and forced choices with ties (three levels)."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from analysis.models.mixed import Problem, fit_mixed
from analysis.numerics import cumulative

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from analysis.numerics.cumulative import FloatArray, IntArray, LinkName, Thresholds
    from analysis.numerics.structure import SignedFactor, Structure
    from analysis.results import Fit

ThresholdKind = Literal["symmetric", "flexible", "equidistant"]
THRESHOLDS: Final[Mapping[str, Callable[[int], Thresholds]]] = {
    "symmetric": cumulative.symmetric,
    "flexible": cumulative.flexible,
    "equidistant": cumulative.equidistant,
}


def fit_cumulative(  # noqa: PLR0913 - all but three are keywords with defaults
    category: IntArray,
    fixed: FloatArray,
    factors: tuple[SignedFactor, ...],
    *,
    levels: int,
    names: tuple[str, ...],
    thresholds: ThresholdKind = "symmetric",
    labels: tuple[str, ...] | None = None,
    weights: FloatArray | None = None,
    link: LinkName = "logit",
    quadrature: int = 1,
    formula: str = "",
    notes: tuple[str, ...] = (),
    structure: Structure | None = None,
    start: Fit | None = None,
    small_sample: bool = True,
) -> Fit:
    """Fit P(category ≤ j) = F(τ_j − Xβ − Zb), b independent normal with one variance per factor.

    Parameters
    ----------
    category
        0 … levels − 1, shape (n,); higher is "more in favour".
    fixed, factors, weights, link, quadrature, structure, start
        As in :func:`analysis.models.glmm.fit_logistic`.
    thresholds
        ``symmetric`` about zero (a side effect is then a column of ones in ``fixed``), ``flexible`` (a constant
        column is dropped, and so are levels that nobody used) or ``equidistant``.
    labels
        Names of the levels, for the names of the thresholds.

    Raises
    ------
    ValueError
        If shapes, values, link, thresholds or quadrature make no sense.

    Notes
    -----
    Equals ``ordinal::clmm(..., nAGQ = quadrature)``. Its threshold "symmetric2" is our ``symmetric``; its
    "symmetric" is ours with a column of ones, whose coefficient is minus the central threshold.
    """
    labels = labels or tuple(str(level + 1) for level in range(levels))
    if thresholds not in THRESHOLDS:
        raise ValueError(f"thresholds {thresholds!r} are not known: choose {', '.join(THRESHOLDS)}")
    if len(labels) != levels or levels < 2:  # noqa: PLR2004
        raise ValueError(f"{levels} levels need at least two and one label each, not {len(labels)}")
    category = np.asarray(category)
    if thresholds == "flexible":
        category, labels, unused = _used_levels(category, labels, weights)
        notes = (*notes, *unused)
    return fit_mixed(
        Problem(
            model=f"cumulative {link} mixed model, {thresholds} thresholds",
            family="cumulative",
            link=link,
            formula=formula,
            category=category,
            weights=weights,
            thresholds=THRESHOLDS[thresholds](len(labels)),
            threshold_names=tuple(f"{low}|{high}" for low, high in pairwise(labels)),
            fixed=fixed,
            names=names,
            factors=factors,
            notes=notes,
            quadrature=quadrature,
            structure=structure,
            start=start,
            small_sample=small_sample,
        )
    )


def _used_levels(
    category: IntArray, labels: tuple[str, ...], weights: FloatArray | None
) -> tuple[IntArray, tuple[str, ...], tuple[str, ...]]:
    """Leave out levels that nobody used: free thresholds on either side of them would meet or run away."""
    if not category.size or category.min() < 0 or category.max() >= len(labels):
        return category, labels, ()
    counted = category if weights is None else category[np.asarray(weights) > 0]
    used = np.bincount(counted, minlength=len(labels)) > 0
    if used.all() or used.sum() < 2:  # noqa: PLR2004 - one level left is said by the fit
        return category, labels, ()
    gone = [label for label, kept in zip(labels, used, strict=True) if not kept]
    kept_labels = tuple(label for label, kept in zip(labels, used, strict=True) if kept)
    number = np.maximum(np.cumsum(used) - 1, 0)
    return number[category], kept_labels, (f"nobody used the answer level(s) {', '.join(gone)}; left out of the scale",)
