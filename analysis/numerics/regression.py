"""Cumulative-link regression without random effects: starting values, and a certificate that no answers are separated.

Rows that agree in all columns and in the answer are one row of their summed weight, so the work depends on the
number of patterns, which for pairs of systems is a few dozen, however many raters there are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import linalg

from analysis.numerics.cumulative import CumulativeLink, FloatArray, IntArray, Terms

MAX_ITERATIONS = 60
SHORTEST_STEP = 1e-4
FAR = 40.0
"""A linear predictor beyond this has left every finite maximum behind."""
CERTAIN = 1e-6


@dataclass(frozen=True)
class Patterns:
    """The distinct rows of a design with their answers; ``of_row`` maps each original row to its pattern."""

    fixed: FloatArray
    family: CumulativeLink
    of_row: IntArray


@dataclass(frozen=True)
class Regression:
    """The maximum of the likelihood without random effects: (β, free thresholds), or how far the search came."""

    parameter: FloatArray
    log_likelihood: float
    gradient: FloatArray
    terms: Terms
    finite: bool


def collect_patterns(fixed: FloatArray, family: CumulativeLink) -> Patterns:
    """Sum the weights of rows that are alike in ``fixed`` (n, p) and in the answer."""
    levels = family.thresholds.fixed.size + 1
    row_of, distinct = _distinct_rows(fixed)
    pattern, of_row = np.unique(row_of * levels + family.category, return_inverse=True)
    weights = np.asarray(np.bincount(of_row, weights=family.weights, minlength=pattern.size), dtype=float)
    return Patterns(
        distinct[pattern // levels],
        CumulativeLink(pattern % levels, weights, family.thresholds, family.link),
        of_row.astype(np.int64),
    )


def _distinct_rows(fixed: FloatArray) -> tuple[IntArray, FloatArray]:
    """Return the number of each row's pattern, (n,), and the patterns; a projection sorts faster than whole rows."""
    if not fixed.shape[1]:
        return np.zeros(fixed.shape[0], dtype=np.int64), np.zeros((min(fixed.shape[0], 1), 0))
    key = fixed @ np.sqrt(np.arange(2.0, fixed.shape[1] + 2.0))
    _, first, inverse = np.unique(key, return_index=True, return_inverse=True)
    distinct = fixed[first]
    if not np.array_equal(distinct[inverse], fixed):
        distinct, inverse = np.unique(fixed, axis=0, return_inverse=True)
    return inverse.astype(np.int64), distinct


def fit_regression(patterns: Patterns, start: FloatArray | None = None) -> Regression:
    """Maximise the (concave) likelihood by Newton's method with halving; it may run to infinity and says so."""
    x, family = patterns.fixed, patterns.family
    parameter = _start(patterns) if start is None or not _is_admissible(patterns, start) else start.copy()
    here = _evaluate(patterns, parameter)
    for _ in range(MAX_ITERATIONS):
        step = _newton_step(here, likelihood_curvature(x, family, here.terms))
        gain = float(step @ here.gradient)
        if not np.isfinite(gain):
            return _unfinished(here)
        there = _search(patterns, here, step)
        if there is None:
            return here if gain < CERTAIN * (1.0 + abs(here.log_likelihood)) else _unfinished(here)
        if np.abs(x @ there.parameter[: x.shape[1]]).max(initial=0.0) > FAR:
            return _unfinished(there)
        here = there
        if gain < 1e-18 * (1.0 + abs(here.log_likelihood)):
            return here
    return _unfinished(here)


def _unfinished(found: Regression) -> Regression:
    return Regression(found.parameter, found.log_likelihood, found.gradient, found.terms, finite=False)


def is_overlapping(patterns: Patterns, found: Regression) -> bool:
    """Return whether ``found`` proves that no direction separates the answers.

    At a maximum the positive slopes of the log-likelihood in each threshold distance balance to a gradient of
    zero; by Stiemke's lemma no direction can then raise one distance and lower none (the condition of Albert and
    Anderson 1984). In floating point a gradient g proves it up to |g| / (smallest slope), with columns in units of
    their largest entry. False proves nothing.
    """
    if not found.finite:
        return False
    family, top = patterns.family, patterns.family.thresholds.fixed.size
    slopes = np.concatenate([found.terms.upper[family.category < top], -found.terms.lower[family.category > 0]])
    scale = np.ones(found.gradient.size)
    scale[: patterns.fixed.shape[1]] = np.maximum(np.abs(patterns.fixed).max(axis=0, initial=0.0), 1e-300)
    return float(np.abs(found.gradient / scale).sum()) <= CERTAIN * float(slopes.min(initial=np.inf))


def likelihood_curvature(fixed: FloatArray, family: CumulativeLink, terms: Terms) -> FloatArray:
    """Return −∂²l/∂(β, free thresholds)², shape (p + t, p + t)."""
    basis = family.thresholds.basis
    above, below = family.incidence(above=True), family.incidence(above=False)
    score_tau = (above * terms.score_upper[:, None] + below * terms.score_lower[:, None]) @ basis
    cross, both = -fixed.T @ score_tau, above - below
    tau = above.T @ (terms.score_upper[:, None] * above) + below.T @ (terms.score_lower[:, None] * below)
    tau += both.T @ (terms.gap[:, None] * both)
    return np.block([[fixed.T @ (terms.weight[:, None] * fixed), cross], [cross.T, basis.T @ tau @ basis]])


def _evaluate(patterns: Patterns, parameter: FloatArray) -> Regression:
    x, family = patterns.fixed, patterns.family
    count = x.shape[1]
    terms = family.terms(x @ parameter[:count], parameter[count:])
    gradient = np.concatenate([x.T @ terms.score, family.gather(terms.upper, terms.lower)])
    return Regression(parameter, float(terms.log_likelihood.sum()), gradient, terms, finite=True)


def _is_admissible(patterns: Patterns, parameter: FloatArray) -> bool:
    return bool(np.isfinite(parameter).all()) and patterns.family.is_admissible(parameter[patterns.fixed.shape[1] :])


def _search(patterns: Patterns, here: Regression, step: FloatArray) -> Regression | None:
    length = 1.0
    while length > SHORTEST_STEP:
        parameter = here.parameter + length * step
        if _is_admissible(patterns, parameter):
            there = _evaluate(patterns, parameter)
            if there.log_likelihood >= here.log_likelihood - 1e-14 * (1.0 + abs(here.log_likelihood)):
                return there
        length *= 0.5
    return None


def _newton_step(found: Regression, curvature: FloatArray) -> FloatArray:
    if not found.gradient.size:
        return np.zeros(0)
    try:
        return np.asarray(linalg.cho_solve(linalg.cho_factor(curvature), found.gradient))
    except (linalg.LinAlgError, ValueError):  # flat along a direction, or no longer finite
        return np.full(found.gradient.size, np.nan)


def _start(patterns: Patterns) -> FloatArray:
    """Return β = 0 and the thresholds that the shares of the answers ask for."""
    family = patterns.family
    basis, fixed = family.thresholds.basis, family.thresholds.fixed
    counts = np.bincount(family.category, weights=family.weights, minlength=fixed.size + 1) + 0.5
    share = np.cumsum(counts)[:-1] / counts.sum()
    free = np.linalg.lstsq(basis, np.log(share / (1.0 - share)) - fixed)[0]
    if not family.is_admissible(free):
        free = np.linalg.lstsq(basis, np.linspace(-1.0, 1.0, fixed.size) - fixed)[0]
    return np.concatenate([np.zeros(patterns.fixed.shape[1]), free])
