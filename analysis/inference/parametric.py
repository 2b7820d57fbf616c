"""Answers drawn from a fitted model: new random effects, then new answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import stats
from scipy.special import expit

if TYPE_CHECKING:
    from analysis.models.specification import Specification
    from analysis.numerics.structure import SignedFactor
    from analysis.results import Fit, FloatArray


def simulate(specification: Specification, fit: Fit, rng: np.random.Generator) -> FloatArray:
    """Draw answers from a fitted model: new random effects, then new answers.

    Returns what ``Specification.with_answers`` takes: numbers, 0/1, categories, or successes out of the trials.
    """
    eta = specification.fixed @ fit.estimate
    for factor in specification.factors:
        eta = eta + _random_part(factor, fit, rng)
    if specification.family == "gaussian":
        weights = np.ones(eta.size) if specification.weights is None else specification.weights
        noise = rng.standard_normal(eta.size) * fit.residual_sd
        return np.asarray(eta + noise / np.sqrt(np.where(weights > 0.0, weights, 1.0)))
    if specification.trials is not None:
        share = _tail(eta[: specification.trials.size], specification.link)
        return rng.binomial(specification.trials.astype(np.int64), share).astype(np.float64)
    noise = rng.logistic(size=eta.size) if specification.link == "logit" else rng.standard_normal(eta.size)
    if specification.family == "binomial":
        return (eta + noise > 0.0).astype(np.float64)
    return np.searchsorted(fit.thresholds, eta + noise).astype(np.float64)


def _tail(eta: FloatArray, link: str) -> FloatArray:
    return np.asarray(expit(eta) if link == "logit" else stats.norm.cdf(eta))


def _random_part(factor: SignedFactor, fit: Fit, rng: np.random.Generator) -> FloatArray:
    """Draw the effects of one factor and add them up per row with their signs and slopes."""
    sd = {(part.factor, part.term): part.sd for part in fit.variances}
    names = [(factor.name, name) for name in factor.slope_names]
    spread = np.array([sd.get(name, 0.0) for name in names])
    correlation = np.eye(spread.size)
    for link in fit.correlations:
        if link.factor == factor.name and {link.first, link.second} <= set(factor.slope_names):
            i, j = factor.slope_names.index(link.first), factor.slope_names.index(link.second)
            correlation[i, j] = correlation[j, i] = np.nan_to_num(link.value)
    value, vector = np.linalg.eigh(correlation)
    root = vector * np.sqrt(np.maximum(value, 0.0))
    effects = (rng.standard_normal((factor.levels, spread.size)) @ root.T) * spread
    total = np.zeros(factor.codes[0].size)
    for codes, sign in zip(factor.codes, factor.signs, strict=True):
        for k, slope in enumerate(factor.slopes):
            part = np.where(codes >= 0, effects[np.maximum(codes, 0), k], 0.0)
            total += sign * (part if slope is None else part * slope)
    return total
