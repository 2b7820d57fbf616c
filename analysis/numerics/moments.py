"""Where a search begins: variances by the method of moments from the model without random effects."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analysis.numerics.cumulative import LATENT_SD
from analysis.numerics.kernels import add_products

if TYPE_CHECKING:
    from analysis.numerics.cumulative import CumulativeLink, FloatArray
    from analysis.numerics.reduction import Reduction

SMALLEST, LARGEST = 0.01, 1.0
"""Bounds of the guess, as shares of the latent variance: the optimiser finds its way from either side."""


def first_guess(
    core: Reduction, family: CumulativeLink, fixed: FloatArray, *, regression: FloatArray, known: FloatArray
) -> FloatArray:
    """Return a starting parameter (γ, β, thresholds) from the estimate without random effects.

    Averaging over random effects of total variance v has shrunk β and the thresholds by about √(1 + v/latent variance)
    (Zeger, Liang & Albert 1988), and the moments of the variances likewise, which is undone.

    Parameters
    ----------
    fixed
        Fixed effects, (n, p).
    regression
        (β, free thresholds), (p + t,).
    known
        Variances that need no guess, (k,), NaN for the others.
    """
    p, latent = fixed.shape[1], LATENT_SD[family.link] ** 2
    unknown = np.isnan(known)
    variances = known.copy()
    if unknown.any():
        _, score, weight = family.core(fixed @ regression[:p], regression[p:])
        variances[unknown] = _moments(core, score, weight)[unknown]
    variances = np.clip(variances, SMALLEST * latent, LARGEST * latent)
    total = float((core.z.power(2) @ (core.loading @ variances)).mean()) if variances.size else 0.0
    growth = 1.0 + total / latent
    variances[unknown] *= growth
    return np.concatenate([variances, regression * np.sqrt(growth)])


def _moments(core: Reduction, score: FloatArray, weight: FloatArray) -> FloatArray:
    """Return γ that matches the factors' sums of squares (MINQUE(0), Rao 1972): E (Z's)(Z's)' ≈ G + GΓG, G = Z'WZ."""
    gram = np.empty(core.row.size)
    add_products(*core.pairs, weight, gram)
    square = np.where(core.diagonal, 0.5, 1.0) * gram**2
    half = core.loading[core.row].T @ (square[:, None] * core.loading[core.column])
    excess = core.loading.T @ (np.asarray(core.z_transposed @ score) ** 2 - gram[core.diagonal])
    return np.asarray(np.linalg.lstsq(half + half.T, excess)[0])
