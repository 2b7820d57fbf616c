"""The information that each answer holds about its linear predictor, and the derivatives behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.special import expit, ndtr

if TYPE_CHECKING:
    from analysis.results import Fit, FloatArray

SMALLEST = 1e-12


def information(fit: Fit, eta: FloatArray) -> FloatArray:
    """Return the expected information of one answer about η at each linear predictor, shape (n,).

    1/σ² in the linear model; Σ_k (∂p_k/∂η)² / p_k over the answer levels in the others.
    """
    if fit.family == "gaussian":
        return np.full(eta.size, 1.0 / fit.residual_sd**2)
    p, slope = level_probabilities(fit.link, fit.thresholds, eta)
    return np.asarray((slope**2 / np.maximum(p, SMALLEST)).sum(axis=1))


def level_probabilities(link: str, thresholds: FloatArray, eta: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return P(level) and its derivative with respect to η, both (n, levels), of a cumulative link model."""
    cdf, density = distribution(link, thresholds[None, :] - eta[:, None])
    zero, one = np.zeros((eta.size, 1)), np.ones((eta.size, 1))
    return (
        np.diff(np.concatenate([zero, cdf, one], axis=1), axis=1),
        -np.diff(np.concatenate([zero, density, zero], axis=1), axis=1),
    )


def distribution(link: str, x: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return distribution function and density of the latent error."""
    if link == "probit":
        return ndtr(x), np.exp(-0.5 * x**2) / np.sqrt(2.0 * np.pi)
    cdf = expit(x)
    return cdf, cdf * (1.0 - cdf)
