"""From a fit to statements about two systems: estimate, small-sample interval, win rate, effect size, naive test."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats
from scipy.special import expit

from analysis.prepare import SIDE
from analysis.results import SignificanceRow

if TYPE_CHECKING:
    from analysis.prepare import DimensionData
    from analysis.results import Fit, FloatArray

LATENT_SCALE = np.sqrt(3.0) / np.pi
"""A logit divided by the standard deviation of the logistic distribution, π/√3."""
NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(61)
TOLERANCE = 1e-7


@dataclass(frozen=True)
class Estimate:
    """A contrast on the logit scale; NaN with a reason if the data hold no such number."""

    value: float
    se: float
    message: str = ""


@dataclass(frozen=True)
class Direct:
    """The direct comparisons of two systems: how many, and the wins of the first (a tie is half)."""

    count: int
    rate: float
    naive_p: float


def degrees_of_freedom(data: DimensionData) -> float:
    """Return min(raters, prompts) − 1 over those that vary: the correction that held 5% and 95% in simulation."""
    counts = [count for count in (data.raters, data.prompts) if count > 1]
    return float(min(counts) - 1) if counts else float("nan")


def estimate_contrast(fit: Fit, weights: FloatArray, *, present: bool) -> Estimate:
    """Return L'β with its standard error, or the reason why there is none."""
    nan = float("nan")
    if not present:
        return Estimate(nan, nan, "one of the systems was not judged on this dimension")
    if fit.infinite.size and np.abs(weights @ fit.infinite).max() > TOLERANCE:
        return Estimate(nan, nan, "infinite: the answers separate the systems completely; see the raw win rate")
    if fit.null.size and np.abs(weights @ fit.null).max() > TOLERANCE:
        return Estimate(nan, nan, "not estimable: no chain of comparisons connects the two systems")
    if not fit.convergence.converged:
        return Estimate(nan, nan, fit.convergence.message)
    variance = float(weights @ fit.covariance @ weights)
    if not variance > 0.0:
        return Estimate(nan, nan, "the standard error could not be computed")
    return Estimate(float(weights @ fit.estimate), float(np.sqrt(variance)))


def win_rate(fit: Fit, contrast: FloatArray) -> FloatArray:
    """Return the population-averaged share of wins of the first system at each contrast (ties count half).

    Averaged over new raters, prompts and outputs (Gauss–Hermite over the sum of all random effects) and over
    both sides.
    """
    variance = sum(component.difference_sd**2 for component in fit.variances)
    side = float(fit.estimate[fit.names.index(SIDE)]) if SIDE in fit.names else 0.0
    noise = np.sqrt(variance) * NODES
    weights = WEIGHTS / WEIGHTS.sum()
    values = np.atleast_1d(contrast)[:, None]
    left = _credit(fit.thresholds, side + values + noise) @ weights
    right = 1.0 - _credit(fit.thresholds, side - values + noise) @ weights
    return np.asarray((left + right) / 2.0)


def _credit(thresholds: FloatArray, eta: FloatArray) -> FloatArray:
    """Return P(a wins) + P(tie) / 2 at a linear predictor."""
    count = thresholds.size
    if count % 2:
        return np.asarray(expit(eta - thresholds[count // 2]))
    return np.asarray((expit(eta - thresholds[count // 2 - 1]) + expit(eta - thresholds[count // 2])) / 2.0)


def compare_directly(data: DimensionData, first: str, second: str) -> Direct:
    """Count the direct comparisons, and run the binomial test that takes every answer for independent."""
    frame = data.frame
    sign = frame["answer"] - 0.5 if data.measure == "pairwise_choice" else frame["answer"]
    one = (frame["system_a"] == first) & (frame["system_b"] == second)
    two = (frame["system_a"] == second) & (frame["system_b"] == first)
    signs = np.concatenate([np.sign(sign[one].to_numpy()), -np.sign(sign[two].to_numpy())])
    wins, losses = int((signs > 0).sum()), int((signs < 0).sum())
    if not signs.size:
        return Direct(0, float("nan"), float("nan"))
    p = float(stats.binomtest(wins, wins + losses).pvalue) if wins + losses else 1.0
    return Direct(signs.size, float((signs.mean() + 1.0) / 2.0), p)


def contrast_row(
    data: DimensionData, fit: Fit, pair: tuple[str, str], *, confidence: float, df: float | None = None
) -> SignificanceRow:
    """Return the line of one contrast, its Holm-corrected p still missing."""
    first, second = pair
    present = first in data.systems and second in data.systems
    found = estimate_contrast(fit, data.contrast(first, second), present=present)
    df = degrees_of_freedom(data) if df is None else df
    half = float(stats.t.ppf(0.5 + confidence / 2.0, df)) * found.se
    points = np.array([found.value, found.value - half, found.value + half])
    known = bool(np.isfinite(points).all())
    statistic = found.value / found.se if known else float("nan")
    rates = win_rate(fit, points) if known else np.full(3, np.nan)
    odds, sizes = np.exp(points), points * LATENT_SCALE
    direct = compare_directly(data, first, second)
    return SignificanceRow(
        dimension=data.dimension,
        first=first,
        second=second,
        measure=data.measure,
        estimate=found.value,
        se=found.se,
        df=df,
        low=float(points[1]),
        high=float(points[2]),
        statistic=statistic,
        p=float(2.0 * stats.t.sf(abs(statistic), df)) if known else float("nan"),
        p_holm=float("nan"),
        odds_ratio=float(odds[0]),
        odds_ratio_low=float(odds[1]),
        odds_ratio_high=float(odds[2]),
        win_rate=float(rates[0]),
        win_rate_low=float(rates[1]),
        win_rate_high=float(rates[2]),
        raw_win_rate=direct.rate,
        effect_size=float(sizes[0]),
        effect_size_low=float(sizes[1]),
        effect_size_high=float(sizes[2]),
        naive_p=direct.naive_p,
        n_raters=data.raters,
        n_prompts=data.prompts,
        n_outputs=data.outputs,
        n_direct=direct.count,
        n_judgements=len(data.frame),
        converged=known,
        message=found.message or fit.convergence.message,
        model=f"{fit.model}: {fit.formula}",
    )
