"""Residuals that are standard normal for every family when the model is right; predicted effects against the normal.

References: Dunn & Smyth 1996, "Randomized quantile residuals", J. Comp. Graph. Statist. 5, 236–244; Lange & Ryan 1989,
"Assessing normality in random effects models", Ann. Statist. 17, 624–642 (effects standardised by their own spread).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.special import expit, ndtr, ndtri

from analysis.results.checks import EffectCheck, ResidualCheck

if TYPE_CHECKING:
    from analysis.results import Fit, FloatArray, IntArray, RandomEffects

FAMILIES = ("gaussian", "binomial", "cumulative")
EDGE = 1e-12
"""Probabilities are kept so far from 0 and 1 that their normal quantiles stay finite (7 standard deviations)."""


def distribution(link: str, value: FloatArray) -> FloatArray:
    """Return F at a value: logistic or normal."""
    return np.asarray(ndtr(value) if link == "probit" else expit(value))


def quantile_residuals(fit: Fit, answer: FloatArray | IntArray, *, seed: int) -> FloatArray:
    """Return Φ⁻¹(u), u uniform between the model's P(Y < y) and P(Y ≤ y) at the predicted effects; shape (rows,).

    Parameters
    ----------
    answer
        Response of a linear model, else the category counted from 0, shape (rows,).
    seed
        Of the uniform numbers; the order of the rows decides which row gets which.
    """
    eta = predictor_of(fit, rows=answer.size)
    if fit.family == "gaussian":
        return np.asarray((answer - eta) / fit.residual_sd)
    upper = np.concatenate([fit.thresholds, [np.inf]])[answer.astype(np.int64)] - eta
    lower = np.concatenate([[-np.inf], fit.thresholds])[answer.astype(np.int64)] - eta
    below, at = distribution(fit.link, lower), distribution(fit.link, upper)
    uniform = np.random.default_rng(seed).random(answer.size)
    return np.asarray(ndtri(np.clip(below + uniform * (at - below), EDGE, 1.0 - EDGE)))


def predictor_of(fit: Fit, *, rows: int) -> FloatArray:
    """Return the linear predictor at the predicted effects, or say in words why there is none for these rows."""
    if fit.family not in FAMILIES:
        raise ValueError(f"residuals and the influence of single prompts are not computed for this model ({fit.model})")
    if fit.linear_predictor is None or fit.linear_predictor.size != rows:
        raise ValueError("the model was fitted to a part of the rows only: no residuals and no influence")
    return fit.linear_predictor


def check_residuals(fit: Fit, answer: FloatArray | IntArray, *, seed: int) -> ResidualCheck:
    """Return the residuals with what summarises them; raises ValueError where the fit predicts nothing."""
    residual = quantile_residuals(fit, answer, seed=seed)
    size = np.abs(residual)
    return ResidualCheck(
        fitted=predictor_of(fit, rows=answer.size),
        residual=residual,
        sd=float(residual.std()),
        beyond_2=float((size > 2.0).mean()),  # noqa: PLR2004
        beyond_3=float((size > 3.0).mean()),  # noqa: PLR2004
    )


def check_effects(fit: Fit) -> tuple[EffectCheck, ...]:
    """Return each factor's predicted effects against normal quantiles; factors without spread are left out."""
    spreads = {(part.factor, part.term): part.sd for part in fit.variances}
    return tuple(
        _effect(effects, spreads[effects.factor, effects.term])
        for effects in fit.random_effects
        if spreads.get((effects.factor, effects.term), 0.0) > 0.0 and effects.mode.size > 1
    )


def _effect(effects: RandomEffects, sd: float) -> EffectCheck:
    """Divide each mode by √(σ² − its conditional variance), the spread that a shrunken effect has under the model."""
    spread = np.sqrt(np.maximum(sd**2 - effects.sd**2, 1e-3 * sd**2))
    value = effects.mode / spread
    order = np.argsort(value, kind="stable")
    count = value.size
    expected = ndtri((np.arange(1, count + 1) - 0.375) / (count + 0.25))  # Blom's plotting positions
    at = int(np.argmax(np.abs(value)))
    farthest = effects.labels[at] if effects.labels else f"level {at + 1}"
    return EffectCheck(effects.factor, effects.term, np.asarray(expected), np.asarray(value[order]), farthest)
