"""Ratings in long form, and the bootstrap over their units that every coefficient shares."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from analysis.numerics.structure import FloatArray, IntArray

RESAMPLES = 1000
"""Resamples of units behind an interval, unless somebody asks for another number."""


class AgreementError(ValueError):
    """The ratings do not allow the coefficient; the message says what it needs."""


@dataclass(frozen=True, slots=True)
class Ratings:
    """Who said what about what: ``unit``, ``rater`` (codes from 0) and ``value``, each of shape (n,)."""

    unit: IntArray
    rater: IntArray
    value: FloatArray

    @property
    def units(self) -> int:
        """Return the number of units."""
        return int(self.unit.max(initial=-1)) + 1

    def pairable(self) -> Ratings:
        """Keep units that at least two ratings are about; only those can agree or disagree."""
        count = np.bincount(self.unit, minlength=self.units)
        keep = (count >= 2)[self.unit]  # noqa: PLR2004
        number = np.unique(self.unit[keep], return_inverse=True)[1]
        return Ratings(number.astype(np.int64), self.rater[keep], self.value[keep])


@dataclass(frozen=True, slots=True)
class Coefficient:
    """A coefficient with its interval; ``units`` and ``ratings`` say how much stands behind it."""

    value: float
    low: float
    high: float
    units: int
    ratings: int


def from_matrix(matrix: FloatArray) -> Ratings:
    """Turn a matrix (units, raters) with NaN for "not rated" into long form."""
    unit, rater = np.nonzero(~np.isnan(matrix))
    return Ratings(unit.astype(np.int64), rater.astype(np.int64), matrix[unit, rater])


def needs_pairs(ratings: Ratings) -> Ratings:
    """Return the pairable ratings; raise :class:`AgreementError` if there are none."""
    data = ratings.pairable()
    if not data.value.size:
        raise AgreementError("no unit was rated twice, so nothing can agree: let at least two raters judge each unit")
    return data


def bootstrap_weights(units: int, resamples: int, seed: int) -> FloatArray:
    """Return how often each unit is in each resample, shape (resamples, units)."""
    rng = np.random.default_rng(seed)
    return rng.multinomial(units, np.full(units, 1.0 / units), size=resamples).astype(float)


def with_interval(
    statistic: Callable[[FloatArray], float], weights: FloatArray, data: Ratings, *, confidence: float
) -> Coefficient:
    """Return the statistic of all units with its percentile interval over resamples."""
    value = statistic(np.ones(data.units))
    found = np.array([statistic(row) for row in weights])
    found = found[np.isfinite(found)]
    low = high = float("nan")
    if found.size and not math.isnan(value):
        low, high = np.percentile(found, [50.0 * (1.0 - confidence), 50.0 * (1.0 + confidence)])
    return Coefficient(value, float(low), float(high), data.units, data.value.size)
