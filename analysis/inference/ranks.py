"""Confidence intervals for ranks, from any estimates with their covariance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import linalg

if TYPE_CHECKING:
    from analysis.inference.quasi import Effects
    from analysis.results import FloatArray

DRAWS = 20_000
BUDGET = 400_000_000
"""Most draws × pairs; with very many systems the number of draws gives way, down to FEWEST."""
FEWEST = 2_000


@dataclass(frozen=True, slots=True)
class RankInterval:
    """The rank of one system, 1 for the largest estimate, with the limits of a confidence interval."""

    label: str
    estimate: float
    rank: int
    low: int
    high: int


def rank_intervals(
    effects: Effects, *, confidence: float = 0.95, df: float = np.inf, seed: int = 0
) -> tuple[RankInterval, ...]:
    """Return rank intervals that hold all true ranks at once with at least this probability, best first.

    For every ordered pair the claim "i is better than j" is tested, stepping down by the largest t statistic over the
    pairs that are left (Romano & Wolf 2005), whose distribution comes from draws of the multivariate normal (or t
    with ``df`` degrees of freedom) with the pairs' own correlations. A system is then no better than 1 + the number
    of systems proven better, and no worse than S − the number proven worse. Ties among the true values are covered:
    any way of breaking them stays within the limits.

    Parameters
    ----------
    effects
        All levels with covariance, reference included (:func:`analysis.inference.quasi.effects_of`).
    confidence
        Simultaneous, over all systems.
    df
        Degrees of freedom of the errors, for example min(raters, prompts) − 1.
    seed
        Of the draws; their number makes the critical value good to about ±0.02.

    Raises
    ------
    ValueError
        If an estimate or a variance is missing: rank systems that are comparable with one another.

    References
    ----------
    Mogstad, Romano, Shaikh & Wilhelm 2024, Review of Economic Studies 91, 476–518.
    """
    estimate = np.asarray(effects.estimate, dtype=float)
    difference = estimate[:, None] - estimate
    variance = np.diag(effects.covariance)
    spread = np.sqrt(np.maximum(variance[:, None] + variance - 2.0 * effects.covariance, 0.0))
    off = ~np.eye(estimate.size, dtype=bool)
    if not (np.isfinite(difference).all() and np.isfinite(spread).all() and (spread[off] > 0.0).all()):
        raise ValueError("ranks need a finite estimate and variance of every comparison of two systems")
    if not 0.0 < confidence < 1.0:
        raise ValueError("confidence must lie between 0 and 1, for example 0.95")
    better = _proven(difference, spread, effects.covariance, level=1.0 - confidence, df=df, seed=seed)
    low, high = 1 + better.sum(axis=0), estimate.size - better.sum(axis=1)
    order = np.argsort(-estimate, kind="stable")
    return tuple(
        RankInterval(effects.labels[k], float(estimate[k]), place, int(low[k]), int(high[k]))
        for place, k in enumerate(order, start=1)
    )


def _proven(
    difference: FloatArray, spread: FloatArray, covariance: FloatArray, *, level: float, df: float, seed: int
) -> np.ndarray:
    """Return the (S, S) table of proven claims "row is better than column"."""
    count = difference.shape[0]
    statistic = np.divide(difference, spread, out=np.zeros_like(difference), where=spread > 0.0)
    left = ~np.eye(count, dtype=bool)
    proven = np.zeros_like(left)
    draws = _draws(covariance, df=df, seed=seed)
    while left.any():
        critical = float(np.quantile(_largest(draws, spread, left), 1.0 - level))
        new = left & (statistic > critical)
        if not new.any():
            break
        proven |= new
        left &= ~new
    return proven


def _draws(covariance: FloatArray, *, df: float, seed: int) -> FloatArray:
    """Return draws of the errors, (draws, S): multivariate normal, or t."""
    count = covariance.shape[0]
    rng = np.random.default_rng(seed)
    size = int(np.clip(BUDGET // max(count * count, 1), FEWEST, DRAWS))
    value, vector = linalg.eigh(covariance)
    root = vector * np.sqrt(np.maximum(value, 0.0))
    draws = rng.standard_normal((size, count)) @ root.T
    if np.isfinite(df):
        draws /= np.sqrt(rng.chisquare(df, size=size) / df)[:, None]
    return np.asarray(draws)


def _largest(draws: FloatArray, spread: FloatArray, left: np.ndarray) -> FloatArray:
    """Return for each draw the largest statistic over the pairs that are left."""
    largest = np.full(draws.shape[0], -np.inf)
    for i in np.flatnonzero(left.any(axis=1)):
        others = np.flatnonzero(left[i])
        statistic = (draws[:, [i]] - draws[:, others]) / spread[i, others]
        np.maximum(largest, statistic.max(axis=1), out=largest)
    return largest
