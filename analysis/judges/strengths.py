"""The worth of each output among those of its prompt, by Bradley–Terry with a prior or by least squares."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.special import expit

if TYPE_CHECKING:
    from analysis.results import FloatArray, IntArray

PRIOR_SD: Final = 2.0
"""Logits. The prior keeps an output that won every comparison finite, and pulls those with few towards the others."""
STEPS: Final = 100
CLOSE: Final = 1e-11
LONGEST_STEP: Final = 2.0
DIGITS: Final = 9
"""Worths are rounded to so many digits, so that what is equal by symmetry is equal."""
FAINT: Final = 1e-6
"""Ridge of the least squares, in comparisons; it only decides what comparisons leave open."""


def worths(
    pairs: tuple[IntArray, IntArray], prompt: IntArray, *, total: FloatArray, count: FloatArray, logistic: bool
) -> FloatArray:
    """Return the worth of each output, shape (n, B), mean 0 within each prompt (ties of comparisons apart).

    Parameters
    ----------
    pairs
        Numbers of the first and the second output of each pair, each of shape (k,).
    prompt
        Prompt of each output, shape (n,).
    total, count
        Sum of the outcomes for the first output and number of comparisons, shape (k, B): one column per set of
        weights of the raters. An outcome is 1, ½ or 0 and between (logistic), or a difference in points.
    logistic
        Bradley–Terry with a normal prior of SD ``PRIOR_SD``, at its mode; else least squares of the differences.

    Notes
    -----
    Worths are NaN for outputs without any comparison of positive weight in that column.
    """
    found = np.full((len(prompt), total.shape[1]), np.nan)
    home = prompt[pairs[0]]
    for number in np.unique(home):
        at = np.flatnonzero(home == number)
        here = np.unique(np.concatenate([pairs[0][at], pairs[1][at]]))
        design = np.zeros((len(at), len(here)))
        rows = np.arange(len(at))
        design[rows, np.searchsorted(here, pairs[0][at])] = 1.0
        design[rows, np.searchsorted(here, pairs[1][at])] = -1.0
        solve = _logistic if logistic else _linear
        worth = solve(design, total[at], count[at])
        seen = (np.abs(design.T) @ count[at]) > 0
        found[here] = np.where(seen, np.round(worth, DIGITS), np.nan)
    return found


def _linear(design: FloatArray, total: FloatArray, count: FloatArray) -> FloatArray:
    """Return (m, B) by least squares with a faint ridge."""
    size = design.shape[1]
    normal = np.einsum("ki,kb,kj->bij", design, count, design) + FAINT * np.eye(size)
    return np.asarray(np.linalg.solve(normal, (design.T @ total).T[..., None])[..., 0].T)


def _logistic(design: FloatArray, total: FloatArray, count: FloatArray) -> FloatArray:
    """Return (m, B), the mode by Newton's method; the objective is strictly concave."""
    size, ridge = design.shape[1], PRIOR_SD**-2
    worth = np.zeros((size, total.shape[1]))
    for _ in range(STEPS):
        chance = expit(design @ worth)
        slope = design.T @ (total - count * chance) - ridge * worth
        curve = np.einsum("ki,kb,kj->bij", design, count * chance * (1.0 - chance), design) + ridge * np.eye(size)
        step = np.linalg.solve(curve, slope.T[..., None])[..., 0].T
        longest = np.abs(step).max(axis=0)
        worth += step * np.minimum(1.0, LONGEST_STEP / np.maximum(longest, CLOSE))
        if longest.max() < CLOSE:
            break
    return worth
