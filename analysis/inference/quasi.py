"""Quasi-standard errors: one error per system, such that any two systems can be compared without the whole matrix."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import linalg

if TYPE_CHECKING:
    from analysis.results import Fit, FloatArray

ITERATIONS = 100
LARGE = 0.1
"""A relative error of a comparison's standard error above this is worth a warning."""


@dataclass(frozen=True, slots=True)
class Effects:
    """Effects of all levels of one factor, the reference included: ``estimate`` (S,), ``covariance`` (S, S)."""

    labels: tuple[str, ...]
    estimate: FloatArray
    covariance: FloatArray


@dataclass(frozen=True, slots=True)
class QuasiErrors:
    """Quasi-variances of the levels of one factor.

    Attributes
    ----------
    variance, se
        Shape (S,); the variance of level i less level j is nearly ``variance[i] + variance[j]``. A quasi-variance
        may be negative, which is no mistake; its ``se`` is NaN then and ``message`` says so.
    largest_error
        Largest relative error of a comparison's standard error, for example 0.02 for 2%.
    """

    labels: tuple[str, ...]
    estimate: FloatArray
    variance: FloatArray
    se: FloatArray
    largest_error: float
    message: str = ""


def effects_of(fit: Fit, levels: tuple[str, ...], *, factor: str = "system") -> Effects:
    """Return the effects of ``levels``, named ``factor[level]`` in the fit; the one without a column is the reference.

    Raises
    ------
    ValueError
        If more than one level has no column, or none of them has.
    """
    columns = [fit.names.index(name) if (name := f"{factor}[{level}]") in fit.names else None for level in levels]
    missing = [level for level, column in zip(levels, columns, strict=True) if column is None]
    if len(missing) > 1 or len(missing) == len(levels):
        raise ValueError(f"the fit has no effect of {', '.join(missing)} (looked for {factor}[…])")
    at = np.array([-1 if column is None else column for column in columns])
    known = at >= 0
    estimate, covariance = np.zeros(at.size), np.zeros((at.size,) * 2)
    estimate[known] = fit.estimate[at[known]]
    covariance[np.ix_(known, known)] = fit.covariance[np.ix_(at[known], at[known])]
    return Effects(tuple(levels), estimate, covariance)


def quasi_errors(effects: Effects) -> QuasiErrors:
    """Return the quasi-variances that minimise Σ (log((q_i + q_j) / var(i − j)))² over all pairs.

    Exact for three levels; equals R's ``qvcalc``.

    Raises
    ------
    ValueError
        With fewer than three levels (two have one comparison, which says nothing about either), or if a comparison
        has no variance.

    References
    ----------
    Firth & de Menezes 2004, Biometrika 91, 65–80.
    """
    count = len(effects.labels)
    if count < 3:  # noqa: PLR2004
        raise ValueError("quasi-standard errors need at least three levels: report the one comparison instead")
    diagonal = np.diag(effects.covariance)
    pairs = diagonal[:, None] + diagonal - 2.0 * effects.covariance
    other = ~np.eye(count, dtype=bool)
    if not np.isfinite(pairs).all() or (pairs[other] <= 0.0).any():
        raise ValueError("a comparison of two levels has no variance: estimate all of them first")
    np.fill_diagonal(pairs, np.nan)
    variance = _minimise(pairs)
    error = np.sqrt((variance[:, None] + variance)[other] / pairs[other]) - 1.0
    largest = float(error[np.abs(error).argmax()])
    negative = [label for label, value in zip(effects.labels, variance, strict=True) if value <= 0.0]
    words = []
    if negative:
        words.append(f"the quasi-variance of {', '.join(negative)} is negative: use the comparisons themselves")
    if abs(largest) > LARGE:
        words.append(f"quasi-standard errors are off by up to {abs(largest):.0%}: use the comparisons themselves")
    se = np.sqrt(np.where(variance > 0.0, variance, np.nan))
    return QuasiErrors(effects.labels, effects.estimate, variance, se, abs(largest), "; ".join(words))


def _minimise(pairs: FloatArray) -> FloatArray:
    """Gauss–Newton on the logarithms of the sums, which stay positive; starts at the least-squares solution."""
    count = pairs.shape[0]
    rows = np.nansum(pairs, axis=1)
    start = (rows - rows.sum() / (2.0 * (count - 1))) / (count - 2)
    q = start if _sums(start).min() > 0.0 else np.full(count, np.nanmin(pairs) / 2.0)
    for _ in range(ITERATIONS):
        sums = q[:, None] + q
        np.fill_diagonal(sums, 1.0)
        residual = np.nan_to_num(np.log(pairs / sums))
        weight = 1.0 / sums
        np.fill_diagonal(weight, 0.0)
        normal = weight**2
        normal[np.diag_indices(count)] = (weight**2).sum(axis=1)
        step = linalg.lstsq(normal, (weight * residual).sum(axis=1))[0]
        length, before = 1.0, float((residual**2).sum())
        while _loss(pairs, q + length * step) > before + 1e-15 and length > 1e-8:  # noqa: PLR2004
            length *= 0.5
        q = q + length * step
        if np.abs(length * step).max() < 1e-13 * np.abs(q).max():
            break
    return np.asarray(q)


def _sums(q: FloatArray) -> FloatArray:
    return np.asarray((q[:, None] + q)[~np.eye(q.size, dtype=bool)])


def _loss(pairs: FloatArray, q: FloatArray) -> float:
    sums = _sums(q)
    if sums.min() <= 0.0:
        return float("inf")
    return float((np.log(pairs[~np.eye(q.size, dtype=bool)] / sums) ** 2).sum())
