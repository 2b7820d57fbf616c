"""Krippendorff's alpha, Fleiss' kappa and raw agreement."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

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
    from analysis.numerics.structure import FloatArray

Level = Literal["nominal", "ordinal", "interval"]


def krippendorff_alpha(
    ratings: Ratings, level: Level, *, confidence: float = 0.95, resamples: int = RESAMPLES, seed: int = 0
) -> Coefficient:
    """Return Krippendorff's alpha with a percentile interval from a bootstrap over units.

    Ratings may be missing anywhere. ``level`` is the metric of differences (Krippendorff 2011, "Computing
    Krippendorff's alpha-reliability"): nominal, ordinal or interval. NaN if all ratings are
    equal (nothing to agree on).

    Raises
    ------
    AgreementError
        No unit has two ratings.
    """
    data = needs_pairs(ratings)
    moments = _Moments(data, level)
    weights = bootstrap_weights(data.units, resamples, seed)
    return with_interval(moments.alpha, weights, data, confidence=confidence)


def raw_agreement(
    ratings: Ratings, *, confidence: float = 0.95, resamples: int = RESAMPLES, seed: int = 0
) -> Coefficient:
    """Return the share of pairs of raters who gave the same answer, averaged over units, not corrected for chance."""
    data = needs_pairs(ratings)
    share, _ = _agreeing(data)

    def mean(weights: FloatArray) -> float:
        return float(weights @ share / weights.sum())

    return with_interval(mean, bootstrap_weights(data.units, resamples, seed), data, confidence=confidence)


def fleiss_kappa(
    ratings: Ratings, *, confidence: float = 0.95, resamples: int = RESAMPLES, seed: int = 0
) -> Coefficient:
    """Return Fleiss' kappa (1971) of a nominal scale; statsmodels computes it, units are resampled for the interval.

    Raises
    ------
    AgreementError
        Units differ in their number of ratings; use Krippendorff's alpha then.
    """
    from statsmodels.stats.inter_rater import fleiss_kappa as of_table

    data = needs_pairs(ratings)
    counts = np.bincount(data.unit)
    if counts.min() != counts.max():
        raise AgreementError(
            f"Fleiss' kappa needs the same number of ratings for every unit (here {counts.min()} to {counts.max()}): "
            "use Krippendorff's alpha, which does not"
        )
    _, category = np.unique(data.value, return_inverse=True)
    table = np.zeros((data.units, int(category.max()) + 1))
    np.add.at(table, (data.unit, category), 1.0)
    kinds, kind_of = np.unique(table, axis=0, return_inverse=True)

    def kappa(weights: FloatArray) -> float:
        repeats = np.bincount(kind_of.ravel(), weights=weights, minlength=len(kinds)).astype(np.int64)
        sample = np.repeat(kinds, repeats, axis=0)
        if np.count_nonzero(sample.sum(axis=0)) < 2:  # noqa: PLR2004 - one category: chance agreement is certain
            return float("nan")
        return float(of_table(sample))

    return with_interval(kappa, bootstrap_weights(data.units, resamples, seed), data, confidence=confidence)


class _Moments:
    """What alpha needs of each unit, so that a resample of units is a weighted sum.

    The ordinal metric (Σ of the counts between two values, ends halved)² is the interval metric on the mid-ranks of
    the pooled ratings; those change with the resample.
    """

    def __init__(self, data: Ratings, level: Level) -> None:
        self.level = level
        self.values, category = np.unique(data.value, return_inverse=True)
        self.table = np.zeros((data.units, self.values.size))
        np.add.at(self.table, (data.unit, category), 1.0)
        self.size = self.table.sum(axis=1)
        share = 1.0 / (self.size - 1.0)
        self.share = share
        self.alike = (self.table**2).sum(axis=1)

    def alpha(self, weights: FloatArray) -> float:
        counts = weights @ self.table
        n = counts.sum()
        if self.level == "nominal":
            observed = weights @ (self.share * (self.size**2 - self.alike))
            expected = (n**2 - counts @ counts) / (n - 1.0)
        else:
            scores = self.values if self.level == "interval" else np.cumsum(counts) - counts / 2.0
            scores = scores - counts @ scores / n
            first, second = self.table @ scores, self.table @ scores**2
            observed = weights @ (self.share * 2.0 * (self.size * second - first**2))
            expected = 2.0 * (n * (counts @ scores**2) - (counts @ scores) ** 2) / (n - 1.0)
        return float(1.0 - observed / expected) if expected > 0.0 else float("nan")


def _agreeing(data: Ratings) -> tuple[FloatArray, FloatArray]:
    """Return the share of agreeing pairs of ratings in each unit, and its number of ratings."""
    _, category = np.unique(data.value, return_inverse=True)
    table = np.zeros((data.units, int(category.max()) + 1))
    np.add.at(table, (data.unit, category), 1.0)
    size = table.sum(axis=1)
    return np.asarray(((table**2).sum(axis=1) - size) / (size * (size - 1.0))), size
