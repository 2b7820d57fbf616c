"""What readers understand: win rates, probability of superiority, standardised differences, variance shares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy import stats
from scipy.special import expit, ndtr

from analysis.design import SIDE
from analysis.results import VarianceShare

if TYPE_CHECKING:
    from collections.abc import Callable

    from analysis.results import Fit, FloatArray, VarianceComponent

LATENT_SD: Final = {"logit": float(np.pi / np.sqrt(3.0)), "probit": 1.0}
"""Standard deviation of the error behind a choice or an ordered answer."""
DENOMINATOR: Final = {
    "logit": "latent logistic SD, π/√3",
    "probit": "latent normal SD, 1",
    "identity": "total SD of one answer",
}
NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(61)
PROPORTIONS: Final = WEIGHTS / WEIGHTS.sum()
SHARED: Final = frozenset({"rater", "prompt", "booklet"})
"""Random effects that two answers of one rater to one prompt have in common, so that they cancel in a difference."""


@dataclass(frozen=True)
class Spread:
    """Variances of one answer (of a pair: of one comparison) on the scale of the linear predictor."""

    shared: float
    own: float
    residual: float

    @property
    def total(self) -> float:
        """Return the variance of one answer of a new rater to a new output for a new prompt."""
        return self.shared + self.own + self.residual


@dataclass(frozen=True)
class EffectSize:
    """Cohen's d with its denominator named; both candidates are given."""

    value: FloatArray
    denominator: str
    sd: float
    by_residual: float
    by_total: float


def spread_of(fit: Fit, *, paired: bool) -> Spread:
    """Add up the spreads: ``shared`` by two answers of one rater to one prompt (single stimuli only), and the rest."""
    shared = sum(_variance(one) for one in fit.variances if not paired and one.factor in SHARED)
    own = sum(_variance(one) for one in fit.variances) - shared
    residual = fit.residual_sd if fit.family == "gaussian" else LATENT_SD[fit.link]
    return Spread(shared, own, residual**2)


def effect_size(fit: Fit, points: FloatArray, *, paired: bool) -> EffectSize:
    """Divide a contrast and its bounds by a standard deviation.

    The default is the latent SD (logit, probit), which a study with other raters shares, or in the linear model the
    total SD of one answer, as Westfall, Kenny & Judd (2014) and Brysbaert & Stevens (2018) advise for crossed designs.
    """
    spread = spread_of(fit, paired=paired)
    residual, total = float(np.sqrt(spread.residual)), float(np.sqrt(spread.total))
    sd = total if fit.family == "gaussian" else residual
    by_residual, by_total = (float(points[0] / one) if one > 0.0 else float("nan") for one in (residual, total))
    return EffectSize(points / sd if sd > 0.0 else points * np.nan, DENOMINATOR[fit.link], sd, by_residual, by_total)


def win_rate(fit: Fit, contrast: FloatArray, *, side: float | None = None) -> FloatArray:
    """Return the population-averaged share of wins of the first system at each contrast (ties count half).

    Averaged over new raters, prompts and outputs (Gauss–Hermite over the sum of all random effects) and over both
    sides; ``side`` is the mean preference for the left text, by default the intercept of the model.
    """
    if side is None:
        side = float(fit.estimate[fit.names.index(SIDE)]) if SIDE in fit.names else 0.0
    noise = np.sqrt(spread_of(fit, paired=True).own) * NODES
    values = np.atleast_1d(contrast)[:, None]
    left = _credit(fit, side + values + noise) @ PROPORTIONS
    right = 1.0 - _credit(fit, side - values + noise) @ PROPORTIONS
    return np.asarray((left + right) / 2.0)


def superiority(fit: Fit, contrast: FloatArray, *, level: float = 0.0) -> FloatArray:
    """Return P(a rater's answer to the first is above his answer to the second, same prompt; ties half).

    Single stimuli; averaged over raters, prompts and outputs. In the linear model Φ(δ / √(2 (own + residual)))
    (McGraw & Wong 1992), what rater and prompt share cancels. Of ordered answers the categories of both answers are
    compared, which needs ``level``, the mean linear predictor of the two systems.
    """
    values = np.atleast_1d(contrast)
    spread = spread_of(fit, paired=False)
    if fit.family == "gaussian":
        return np.asarray(ndtr(values / np.sqrt(2.0 * (spread.own + spread.residual))))
    common = level + np.sqrt(spread.shared) * NODES
    result = np.empty(values.size)
    for index, value in enumerate(values):
        first, second = (_levels(fit, common + sign * value / 2.0, np.sqrt(spread.own)) for sign in (1.0, -1.0))
        below = np.cumsum(second, axis=1) - 0.5 * second
        result[index] = PROPORTIONS @ (first * below).sum(axis=1)
    return result


def variance_shares(fit: Fit, *, confidence: float) -> tuple[VarianceShare, ...]:
    """Return where the variance of one answer (of a pair: of one comparison) comes from, residual last.

    Intervals by the delta method on the logit of each share. The linear model knows the covariance of its estimated
    variances; elsewhere only their standard errors are known and they are taken for independent.
    """
    names = [one.factor for one in fit.variances] + ["residual"]
    latent = fit.family != "gaussian"
    error = LATENT_SD[fit.link] ** 2 if latent else fit.residual_sd**2
    parts = np.array([*(_variance(one) for one in fit.variances), error])
    total = parts.sum()
    if not total > 0.0:
        return ()
    shares = parts / total
    slopes = (np.eye(parts.size) - shares[:, None]) / total
    variance = np.einsum("ij,jk,ik->i", slopes, _covariance(fit, parts), slopes)
    known = (parts > 0.0) & np.isfinite(variance) & (parts.size > 1)
    se = np.where(known, np.sqrt(np.where(known, variance, 0.0)), np.nan)
    z = float(stats.norm.ppf(0.5 + confidence / 2.0))
    inner = np.clip(shares, 1e-12, 1.0 - 1e-12)
    middle, half = np.log(inner / (1.0 - inner)), z * se / (inner * (1.0 - inner))
    return tuple(
        VarianceShare(name, float(part), float(share), float(error), float(low), float(high))
        for name, part, share, error, low, high in zip(
            names, parts, shares, se, expit(middle - half), expit(middle + half), strict=True
        )
    )


def _covariance(fit: Fit, parts: FloatArray) -> FloatArray:
    """Return the covariance of the estimated variances of one answer; NaN where nothing is known."""
    factor = np.array([2.0 if one.signed else 1.0 for one in fit.variances] + [1.0])
    positive = parts > 0.0
    if fit.small_sample is not None and fit.small_sample.variance_covariance.shape[0] == positive.sum():
        whole = np.zeros((parts.size, parts.size))
        whole[np.ix_(positive, positive)] = fit.small_sample.variance_covariance
        return np.asarray(whole * np.outer(factor, factor))
    sd = np.array([one.sd for one in fit.variances] + [0.0 if fit.family != "gaussian" else fit.residual_sd])
    se = np.array([one.se for one in fit.variances] + [0.0 if fit.family != "gaussian" else fit.residual_se])
    return np.diag(np.where(positive, np.square(factor * 2.0 * sd * np.where(positive, se, 0.0)), 0.0))


def _variance(component: VarianceComponent) -> float:
    return component.difference_sd**2


def _distribution(link: str) -> Callable[[FloatArray], FloatArray]:
    return expit if link == "logit" else ndtr


def _credit(fit: Fit, eta: FloatArray) -> FloatArray:
    """Return P(a wins) + P(tie) / 2 at a linear predictor."""
    if fit.family == "gaussian":
        return np.asarray(ndtr(eta / fit.residual_sd))
    if fit.family == "plackett_luce":
        return np.asarray(expit(eta))
    cdf, thresholds, count = _distribution(fit.link), fit.thresholds, fit.thresholds.size
    if count % 2:
        return np.asarray(cdf(eta - thresholds[count // 2]))
    return np.asarray((cdf(eta - thresholds[count // 2 - 1]) + cdf(eta - thresholds[count // 2])) / 2.0)


def _levels(fit: Fit, eta: FloatArray, sd: float) -> FloatArray:
    """Return the probability of each answer level (eta, levels), averaged over normal noise of this spread."""
    points = eta[:, None, None] + sd * NODES[None, :, None]
    above = _distribution(fit.link)(points - fit.thresholds[None, None, :])
    ends = np.ones((*above.shape[:2], 1)), np.zeros((*above.shape[:2], 1))
    steps = np.concatenate([ends[0], above, ends[1]], axis=2)
    return np.asarray(PROPORTIONS @ (steps[:, :, :-1] - steps[:, :, 1:]))
