"""Intraclass correlations, the reliability of one rater, split halves, and how many raters to ask."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analysis.agreement.ratings import (
    RESAMPLES,
    AgreementError,
    Coefficient,
    Ratings,
    bootstrap_weights,
    needs_pairs,
    with_interval,
)

if TYPE_CHECKING:
    from analysis.numerics.structure import FloatArray, IntArray

SPLITS = 200
WANTED = 0.8
FEW_UNITS = 3


@dataclass(frozen=True, slots=True)
class IntraclassCorrelation:
    """One of Shrout and Fleiss' (1979) six, with the F-based interval of McGraw and Wong (1996)."""

    name: str
    value: float
    low: float
    high: float


def intraclass_correlations(matrix: FloatArray, *, confidence: float = 0.95) -> dict[str, IntraclassCorrelation]:
    """Return ICC1, ICC2, ICC3 (one rater) and ICC1k, ICC2k, ICC3k (mean of k raters) of a complete matrix.

    Parameters
    ----------
    matrix
        Ratings, shape (units n, raters k), no value missing.

    Raises
    ------
    AgreementError
        A value is missing, or there are fewer than two units or raters: use :func:`single_rater_reliability`.
    """
    from scipy import stats

    n, k = matrix.shape
    if np.isnan(matrix).any() or min(n, k) < 2:  # noqa: PLR2004
        raise AgreementError(
            "an intraclass correlation of two-way data needs every rater on every unit, at least two of each: "
            "for incomplete data use single_rater_reliability or the variance shares of the mixed model"
        )
    rows, columns, error, within = _mean_squares(matrix)
    tail = 0.5 + confidence / 2.0

    def interval(ratio: float, df: int) -> tuple[float, float]:
        low, high = ratio / stats.f.ppf(tail, n - 1, df), ratio * stats.f.ppf(tail, df, n - 1)
        return (low - 1.0) / (low + k - 1.0), (high - 1.0) / (high + k - 1.0)

    one = (rows - within) / (rows + (k - 1) * within)
    two = (rows - error) / (rows + (k - 1) * error + k * (columns - error) / n)
    three = (rows - error) / (rows + (k - 1) * error)
    ends = {
        "ICC1": (one, *interval(rows / within, n * (k - 1))),
        "ICC2": (two, *_absolute_interval(two, (rows, columns, error), (n, k), tail=tail)),
        "ICC3": (three, *interval(rows / error, (n - 1) * (k - 1))),
    }
    found = {name: IntraclassCorrelation(name, *map(float, values)) for name, values in ends.items()}
    for name, single in list(found.items()):
        stepped = [spearman_brown(value, k) for value in (single.value, single.low, single.high)]
        found[f"{name}k"] = IntraclassCorrelation(f"{name}k", *stepped)
    return found


def single_rater_reliability(
    ratings: Ratings, *, confidence: float = 0.95, resamples: int = RESAMPLES, seed: int = 0
) -> Coefficient:
    """Return ICC(1), the reliability of one rating, for any number of ratings per unit.

    One-way analysis of variance with n₀ = (N − Σnᵢ²/N)/(units − 1) ratings per unit (Snedecor & Cochran 1967); the
    interval is from a bootstrap over units.
    """
    data = needs_pairs(ratings)
    count = np.bincount(data.unit).astype(float)
    total = np.bincount(data.unit, weights=data.value)
    square = np.bincount(data.unit, weights=data.value**2)

    def reliability(weights: FloatArray) -> float:
        units, n = weights.sum(), weights @ count
        mean = (weights @ total) / n
        between = (weights @ (total**2 / count) - n * mean**2) / (units - 1.0)
        within = (weights @ (square - total**2 / count)) / (n - units)
        size = (n - (weights @ count**2) / n) / (units - 1.0)
        spread = between + (size - 1.0) * within
        return float((between - within) / spread) if spread > 0.0 else float("nan")

    if data.units < 2:  # noqa: PLR2004
        raise AgreementError("reliability needs at least two units with two ratings each")
    return with_interval(reliability, bootstrap_weights(data.units, resamples, seed), data, confidence=confidence)


def spearman_brown(reliability: float, factor: float) -> float:
    """Return the reliability of the mean of ``factor`` times as many raters (Spearman 1910, Brown 1910).

    It has no number where raters disagree as perfectly as so many can.
    """
    below = 1.0 + (factor - 1.0) * reliability
    return factor * reliability / below if below > 0.0 else float("nan")


def raters_needed(reliability: float, *, wanted: float = WANTED) -> float:
    """Return how many raters per unit make the mean's reliability ``wanted``; infinite if one rater has none.

    Solves Spearman and Brown's formula and rounds up.
    """
    if math.isnan(reliability):
        return float("nan")
    if reliability <= 0.0:
        return float("inf")
    if reliability >= 1.0:
        return 1.0
    return max(1.0, float(math.ceil(wanted * (1.0 - reliability) / (reliability * (1.0 - wanted)) - 1e-9)))


def split_half(
    rater: IntArray, scored: IntArray, credit: FloatArray, *, splits: int = SPLITS, seed: int = 0
) -> Coefficient:
    """Return the split-half reliability of the mean scores of what was rated, stepped up to all raters.

    Parameters
    ----------
    rater, scored, credit
        Who gave how much credit (a score, or 1, ½, 0 for a win, tie, loss) to which output or system; shape (n,).
    splits
        Number of random halvings of the raters, whose correlations are averaged and then stepped up. The interval is
        the central 95% of them: how much it matters which half one takes, not a confidence interval.

    Raises
    ------
    AgreementError
        Fewer than two raters or fewer than three things rated by both halves.
    """
    people, person = np.unique(rater, return_inverse=True)
    things, thing = np.unique(scored, return_inverse=True)
    if people.size < 2 or things.size < FEW_UNITS:  # noqa: PLR2004
        raise AgreementError("split halves need at least two raters and three things that were rated")
    rng, found = np.random.default_rng(seed), []
    for _ in range(splits):
        first = (rng.permutation(people.size) < people.size / 2)[person]
        sides = [_means(thing[half], credit[half], things.size) for half in (first, ~first)]
        both = ~np.isnan(sides[0]) & ~np.isnan(sides[1])
        if both.sum() < FEW_UNITS or min(side[both].std() for side in sides) == 0.0:
            continue
        found.append(float(np.corrcoef(sides[0][both], sides[1][both])[0, 1]))
    if not found:
        raise AgreementError("no halving left three things rated by both halves: more ratings per output are needed")
    middle, (low, high) = float(np.mean(found)), np.percentile(found, [2.5, 97.5])
    value, low, high = (spearman_brown(float(one), 2.0) for one in (middle, low, high))
    return Coefficient(value, low, high, things.size, credit.size)


def _mean_squares(matrix: FloatArray) -> tuple[float, float, float, float]:
    """Return the mean squares of units, raters, error, and within units."""
    n, k = matrix.shape
    grand = matrix.mean()
    rows = k * ((matrix.mean(axis=1) - grand) ** 2).sum() / (n - 1)
    columns = n * ((matrix.mean(axis=0) - grand) ** 2).sum() / (k - 1)
    within = ((matrix - matrix.mean(axis=1, keepdims=True)) ** 2).sum()
    error = (within - columns * (k - 1)) / ((n - 1) * (k - 1))
    return float(rows), float(columns), float(error), float(within / (n * (k - 1)))


def _absolute_interval(
    value: float, squares: tuple[float, float, float], shape: tuple[int, int], *, tail: float
) -> tuple[float, float]:
    """Return the interval of ICC2 (Satterthwaite's degrees of freedom, McGraw & Wong 1996, table 7)."""
    from scipy import stats

    (rows, columns, error), (n, k) = squares, shape
    ratio, inner = columns / error, n * (1.0 + (k - 1) * value) - k * value
    df = (k - 1) * (n - 1) * (k * value * ratio + inner) ** 2
    df /= (n - 1) * k**2 * value**2 * ratio**2 + inner**2
    upper, lower = stats.f.ppf(tail, n - 1, df), stats.f.ppf(tail, df, n - 1)
    base = k * columns + (k * n - k - n) * error
    low = n * (rows - upper * error) / (upper * base + n * rows)
    high = n * (lower * rows - error) / (base + n * lower * rows)
    return float(low), float(high)


def _means(thing: IntArray, credit: FloatArray, size: int) -> FloatArray:
    count = np.bincount(thing, minlength=size)
    total = np.bincount(thing, weights=credit, minlength=size)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)
