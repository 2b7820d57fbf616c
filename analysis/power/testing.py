"""From a standard error to power: two-sided t tests, alone and in a family corrected by Bonferroni or Holm."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy import optimize, stats

from analysis.numerics.structure import FloatArray, IntArray

BoolArray = npt.NDArray[np.bool_]

STEPS: Final = 400
DRAWS: Final = 20_000
LARGE_DF: Final = 1e6
LARGEST: Final = 60.0


def power_of_test(noncentrality: FloatArray, df: FloatArray, *, alpha: float) -> FloatArray:
    """Return P(|T| > t_{1−α/2, df}) of T noncentral t with df degrees of freedom.

    Integrated over the estimated standard error, √(χ²/df), at its quantiles; within 1e-3 of ``scipy.stats.nct``.
    """
    delta, nu = np.broadcast_arrays(np.atleast_1d(np.asarray(noncentrality, float)), np.asarray(df, float))
    error = np.array([_chi_quantiles(min(float(value), LARGE_DF)) for value in nu])
    edge = np.asarray(stats.t.isf(alpha / 2.0, nu))[:, None] * error
    reject = stats.norm.sf(edge - delta[:, None]) + stats.norm.cdf(-edge - delta[:, None])
    return np.asarray(reject.mean(axis=1))


@lru_cache(maxsize=512)
def _chi_quantiles(df: float) -> FloatArray:
    """Return the quantiles of √(χ²/df) at the middles of equal shares."""
    share = (np.arange(STEPS) + 0.5) / STEPS
    return np.asarray(np.sqrt(stats.chi2.ppf(share, df) / df))


@lru_cache(maxsize=512)
def required_noncentrality(target: float, df: float, *, alpha: float) -> float:
    """Return effect / standard error at which a test reaches ``target`` power."""

    def lacking(value: float) -> float:
        return float(power_of_test(np.array([value]), np.array([df]), alpha=alpha)[0]) - target

    return float(optimize.brentq(lacking, 0.0, LARGEST, xtol=1e-6))


def power_of_holm(
    noncentrality: FloatArray,
    df: FloatArray,
    *,
    correlation: FloatArray,
    dimension: IntArray,
    alpha: float,
    draws: int = DRAWS,
) -> FloatArray:
    """Return the power of each of m tests after Holm's step-down correction of all of them, shape (m,).

    Over fixed draws of the joint distribution of the statistics: within a dimension they have ``correlation`` and
    share the error of their standard error; dimensions are taken as independent.
    """
    rng = np.random.default_rng(20_261_120)
    count = noncentrality.size
    values, vectors = np.linalg.eigh(np.where(dimension[:, None] == dimension, correlation, 0.0))
    half = vectors * np.sqrt(np.maximum(values, 0.0))
    z = rng.standard_normal((draws, count)) @ half.T
    share = rng.integers(STEPS, size=(draws, int(dimension.max()) + 1))[:, dimension]
    nu = np.minimum(df, LARGE_DF)
    error = np.column_stack([_chi_quantiles(float(value))[share[:, at]] for at, value in enumerate(nu)])
    p = np.asarray(2.0 * stats.t.sf(np.abs((z + noncentrality) / error), nu))
    return np.asarray(holm_rejections(p, alpha=alpha).mean(axis=0))


def holm_rejections(p: FloatArray, *, alpha: float) -> BoolArray:
    """Return which tests of each family Holm rejects; ``p`` is (families, m), a missing value is never rejected."""
    values = np.where(np.isnan(p), 1.0, p)
    order = np.argsort(values, axis=1)
    limit = alpha / np.arange(values.shape[1], 0, -1)
    passed = np.logical_and.accumulate(np.take_along_axis(values, order, axis=1) <= limit, axis=1)
    result = np.zeros(values.shape, dtype=bool)
    np.put_along_axis(result, order, passed, axis=1)
    return np.asarray(result)
