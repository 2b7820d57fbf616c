"""From a fit to statements about two systems: estimate, small-sample interval, and a line of the significance table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from scipy import stats

from analysis.inference.degrees import kenward_roger, satterthwaite
from analysis.inference.naive import compare_directly
from analysis.inference.quantities import effect_size, superiority, win_rate
from analysis.results import SignificanceRow

if TYPE_CHECKING:
    from analysis.prepare import DimensionData
    from analysis.results import Fit, FloatArray

TOLERANCE = 1e-7
RULE = "min(raters, prompts) − 1"
NO_DEGREES = "no interval and no p value: one rater and one prompt, so nothing shows how the answer would vary"
NAN = float("nan")
Degrees = Literal["satterthwaite", "kenward-roger"]


@dataclass(frozen=True)
class Estimate:
    """A contrast on the scale of the linear predictor; NaN with a reason if the data hold no such number."""

    value: float
    se: float
    message: str = ""


@dataclass(frozen=True)
class Counts:
    """What a contrast rests on."""

    raters: int
    prompts: int
    outputs: int
    judgements: int


def count_within(data: DimensionData, task_family: str = "") -> Counts:
    """Count raters, prompts, outputs and rows of a dimension, or of one task family of it."""
    if not task_family:
        return Counts(data.raters, data.prompts, data.outputs, data.judgements)
    frame = data.frame[data.frame["task_family"] == task_family]
    sides = ("output_a", "output_b") if data.paired else ("output_a",)
    outputs = set().union(*(set(frame[side].unique()) for side in sides))
    return Counts(
        int(frame["rater"].nunique()), int(frame["prompt"].nunique()), len(outputs), int(frame["judgement"].nunique())
    )


def degrees_of_freedom(counts: Counts | DimensionData) -> float:
    """Return min(raters, prompts) − 1 over those that vary: the correction that held 5% and 95% in simulation."""
    found = [count for count in (counts.raters, counts.prompts) if count > 1]
    return float(min(found) - 1) if found else NAN


def estimate_contrast(fit: Fit, weights: FloatArray, *, present: bool) -> Estimate:
    """Return L'β with its standard error, or the reason why there is none."""
    if not present:
        return Estimate(NAN, NAN, "one of the systems was not judged on this dimension")
    if fit.infinite.size and np.abs(weights @ fit.infinite).max() > TOLERANCE:
        return Estimate(NAN, NAN, "infinite: the answers separate the systems completely; see the raw win rate")
    if fit.null.size and np.abs(weights @ fit.null).max() > TOLERANCE:
        return Estimate(
            NAN, NAN, "not estimable: no chain of comparisons connects the two systems, or a covariate goes with them"
        )
    if not fit.convergence.converged:
        return Estimate(NAN, NAN, fit.convergence.message)
    variance = float(weights @ fit.covariance_for_tests @ weights)
    if not variance > 0.0:
        return Estimate(NAN, NAN, "the standard error could not be computed")
    return Estimate(float(weights @ fit.estimate), float(np.sqrt(variance)))


def refer(
    fit: Fit, weights: FloatArray, found: Estimate, *, counts: Counts, degrees: Degrees = "satterthwaite"
) -> tuple[float, float, str]:
    """Return standard error, degrees of freedom and the rule behind them.

    The linear model has Satterthwaite's or Kenward and Roger's; the others, and a linear model without what these
    need, min(raters, prompts) − 1, which held the 5% level in simulation.
    """
    if fit.family == "gaussian" and fit.small_sample is not None and np.isfinite(found.se):
        if degrees == "kenward-roger" and fit.small_sample.kr_covariance is not None:
            se, df = kenward_roger(fit, weights)
            return se, df, "Kenward–Roger"
        df = satterthwaite(fit, weights)
        if np.isfinite(df) and df > 0.0:
            return found.se, df, "Satterthwaite"
    return found.se, degrees_of_freedom(counts), RULE


def contrast_row(
    data: DimensionData,
    fit: Fit,
    pair: tuple[str, str],
    *,
    confidence: float,
    task_family: str = "",
    degrees: Degrees = "satterthwaite",
    df: float | None = None,
) -> SignificanceRow:
    """Return the line of one contrast; corrections for many comparisons and robust columns are still missing.

    Parameters
    ----------
    pair
        (first, second); the estimate is first minus second.
    task_family
        Within this family only; by default pooled.
    df
        Degrees of freedom instead of the rule's.
    """
    counts = count_within(data, task_family)
    weights = data.contrast(*pair, task_family=task_family)
    found = estimate_contrast(fit, weights, present=set(pair) <= set(data.systems))
    se, rule_df, method = refer(fit, weights, found, counts=counts, degrees=degrees)
    df, method = (rule_df, method) if df is None else (df, "given")
    points = _points(found.value, se, df=df, confidence=confidence)
    known = bool(np.isfinite(points).all())
    statistic = found.value / se if known else NAN
    return SignificanceRow(
        dimension=data.dimension,
        first=pair[0],
        second=pair[1],
        measure=data.measure,
        task_family=task_family,
        scale=data.scale,
        estimate=found.value,
        se=se,
        se_plain=_plain(fit, weights) if known else NAN,
        df=df,
        df_method=method,
        low=float(points[1]),
        high=float(points[2]),
        statistic=statistic,
        p=float(2.0 * stats.t.sf(abs(statistic), df)) if known else NAN,
        p_holm=NAN,
        n_raters=counts.raters,
        n_prompts=counts.prompts,
        n_outputs=counts.outputs,
        n_judgements=counts.judgements,
        converged=known,
        message=found.message or (NO_DEGREES if np.isnan(df) else fit.convergence.message),
        model=f"{fit.model}: {fit.formula}",
        **_sizes(data, fit, points, level=level_of(data, fit, pair, task_family=task_family)),
        **_observed(data, pair, task_family=task_family),
    )


def probability(data: DimensionData, fit: Fit, points: FloatArray, *, level: float) -> FloatArray:
    """Return the probability of superiority at each contrast: the win rate of pairs, NaN where there is no estimate."""
    if not np.isfinite(points).all():
        return np.full(points.shape, np.nan)
    if data.paired or data.family == "plackett_luce":
        return win_rate(fit, points, side=data.side_offset(fit.estimate))
    return superiority(fit, points, level=level)


def contrast_points(
    data: DimensionData, fit: Fit, pair: tuple[str, str], *, confidence: float, degrees: Degrees = "satterthwaite"
) -> FloatArray:
    """Return estimate, lower and upper bound of one pooled contrast."""
    weights = data.contrast(*pair)
    found = estimate_contrast(fit, weights, present=set(pair) <= set(data.systems))
    se, df, _ = refer(fit, weights, found, counts=count_within(data), degrees=degrees)
    return _points(found.value, se, df=df, confidence=confidence)


def _points(value: float, se: float, *, df: float, confidence: float) -> FloatArray:
    half = float(stats.t.ppf(0.5 + confidence / 2.0, df)) * se
    return np.array([value, value - half, value + half])


def level_of(data: DimensionData, fit: Fit, pair: tuple[str, str], *, task_family: str = "") -> float:
    """Return the mean linear predictor of the two systems."""
    if not set(pair) <= set(data.systems) or not np.isfinite(fit.estimate).all():
        return NAN
    where = slice(None) if not task_family else [data.families.index(task_family)]
    rows = [data.cells[data.systems.index(name)][where].mean(axis=0) for name in pair]
    return float((rows[0] + rows[1]) @ fit.estimate / 2.0)


def _sizes(data: DimensionData, fit: Fit, points: FloatArray, *, level: float) -> dict[str, Any]:
    """Return odds ratio, win rate, probability of superiority and Cohen's d, with bounds."""
    logit = data.scale == "log-odds" or data.family == "plackett_luce"
    odds = np.exp(points) if logit else np.full(3, np.nan)
    rates = probability(data, fit, points, level=level)
    wins = rates if data.paired or data.family == "plackett_luce" else np.full(3, np.nan)
    size = effect_size(fit, points, paired=data.paired)
    return {
        **_three("odds_ratio", odds),
        **_three("win_rate", wins),
        **_three("superiority", rates),
        **_three("effect_size", size.value),
        "effect_denominator": size.denominator,
        "effect_sd": size.sd,
        "effect_size_residual": size.by_residual,
        "effect_size_total": size.by_total,
    }


def _three(name: str, values: FloatArray) -> dict[str, float]:
    return dict(zip((name, f"{name}_low", f"{name}_high"), map(float, values), strict=True))


def _observed(data: DimensionData, pair: tuple[str, str], *, task_family: str) -> dict[str, Any]:
    direct = compare_directly(data, *pair, task_family=task_family)
    return {
        "raw_win_rate": direct.rate,
        "naive_p": direct.naive_p,
        "naive_test": direct.test,
        "n_direct": direct.count,
        "raw_first": direct.first,
        "raw_second": direct.second,
    }


def _plain(fit: Fit, weights: FloatArray) -> float:
    """Return the standard error from the covariance of the fit as it is."""
    return float(np.sqrt(weights @ fit.covariance @ weights))
