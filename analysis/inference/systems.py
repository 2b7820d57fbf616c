"""Each system for itself and all against all: means or strengths, quasi standard errors, the matrix of win rates."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import stats

from analysis.inference.contrasts import (
    Degrees,
    contrast_points,
    count_within,
    degrees_of_freedom,
    estimate_contrast,
    level_of,
    probability,
    refer,
)
from analysis.inference.naive import compare_directly
from analysis.inference.quasi import Effects, quasi_errors
from analysis.inference.ranks import rank_intervals
from analysis.results import SystemEstimate, WinMatrix

if TYPE_CHECKING:
    from analysis.prepare import DimensionData
    from analysis.results import Fit, FloatArray

LEAST = 3
"""Quasi standard errors exist from three systems on."""


def win_matrix(data: DimensionData, fit: Fit, *, confidence: float, degrees: Degrees = "satterthwaite") -> WinMatrix:
    """Return the probability of superiority of every system over every other, with what was observed."""
    size = len(data.systems)
    estimate, low, high, raw = (np.full((size, size), np.nan) for _ in range(4))
    counts = np.zeros((size, size), dtype=np.int64)
    for i, j in combinations(range(size), 2):
        pair = (data.systems[i], data.systems[j])
        points = contrast_points(data, fit, pair, confidence=confidence, degrees=degrees)
        rates = probability(data, fit, points, level=level_of(data, fit, pair))
        estimate[i, j], low[i, j], high[i, j] = rates
        estimate[j, i], low[j, i], high[j, i] = 1.0 - rates[0], 1.0 - rates[2], 1.0 - rates[1]
        direct = compare_directly(data, *pair)
        raw[i, j], raw[j, i] = direct.rate, 1.0 - direct.rate
        counts[i, j] = counts[j, i] = direct.pairs
    return WinMatrix(data.systems, estimate, low, high, raw, counts)


def system_estimates(
    data: DimensionData, fit: Fit, *, confidence: float, degrees: Degrees = "satterthwaite"
) -> tuple[SystemEstimate, ...]:
    """Return each system's marginal mean (single stimuli with points) or its strength against the mean of all.

    The families of a formula count alike. Where a strength does not exist (no chain of comparisons, separation) it is
    NaN; the contrasts say why.
    """
    means = data.cells.mean(axis=1)
    absolute = data.family == "gaussian" and not data.paired
    weights = means if absolute else means - means.mean(axis=0)
    counts = count_within(data)
    comparable = _comparable(data, fit, weights, confidence=confidence)
    found = []
    for system, row in zip(data.systems, weights, strict=True):
        estimate = estimate_contrast(fit, row, present=True)
        se, df, _ = refer(fit, row, estimate, counts=counts, degrees=degrees)
        half = float(stats.t.ppf(0.5 + confidence / 2.0, df)) * se
        raw, count = _observed(data, system)
        found.append(
            SystemEstimate(
                system=system,
                estimate=estimate.value,
                se=se,
                df=df,
                low=estimate.value - half,
                high=estimate.value + half,
                raw=raw,
                count=count,
                **comparable.get(system, {}),
            )
        )
    return tuple(found)


def _comparable(data: DimensionData, fit: Fit, weights: FloatArray, *, confidence: float) -> dict[str, dict[str, Any]]:
    """Return quasi standard errors and rank intervals, if every system has an estimate and there are three or more."""
    size = len(data.systems)
    sound = all(estimate_contrast(fit, row, present=True).message == "" for row in weights)
    if size < LEAST or not sound:
        return {}
    effects = Effects(data.systems, weights @ fit.estimate, weights @ fit.covariance_for_tests @ weights.T)
    quasi = quasi_errors(effects)
    ranks = {one.label: one for one in rank_intervals(effects, confidence=confidence, df=degrees_of_freedom(data))}
    return {
        system: {"quasi_se": float(se), "rank_low": ranks[system].low, "rank_high": ranks[system].high}
        for system, se in zip(data.systems, quasi.se, strict=True)
    }


def _observed(data: DimensionData, system: str) -> tuple[float, int]:
    """Return the mean answer, or of pairs and rankings the share won (ties half), and how many answers these are."""
    if data.paired:
        won = _credits(data)
        left, right = ((data.frame[f"system_{side}"] == system).to_numpy() for side in "ab")
        count = int(left.sum() + right.sum())
        return float((won[left].sum() + (1.0 - won[right]).sum()) / count), count
    here = (data.frame["system_a"] == system).to_numpy()
    if data.family == "plackett_luce":
        return _share_beaten(data, here), int(here.sum())
    answer = data.response if data.response is not None else data.frame["answer"].to_numpy()
    return float(np.mean(answer[here])), int(here.sum())


def _credits(data: DimensionData) -> FloatArray:
    """Return 1 for a win of a, 0 for a loss, ½ for a tie."""
    answer = data.frame["answer"].to_numpy()
    if str(data.frame["measure"].iloc[0]) == "pairwise_choice":
        return np.asarray(answer)
    return np.asarray((np.sign(answer) + 1.0) / 2.0)


def _share_beaten(data: DimensionData, here: np.ndarray) -> float:
    """Return the share of rivals within each ranking that a system left behind, equal ranks half."""
    ranks = data.frame.groupby("judgement")["answer"]
    size, place = ranks.transform("size"), ranks.rank(method="average")
    share = (size - place) / (size - 1.0)
    return float(share[here & (size > 1).to_numpy()].mean())
