"""What was observed, and the test that takes every answer for independent of every other: shown, never believed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

if TYPE_CHECKING:
    from analysis.prepare import DimensionData
    from analysis.results import FloatArray

NAN = float("nan")
TIE = 0.5


@dataclass(frozen=True)
class Direct:
    """Two systems as observed.

    Attributes
    ----------
    count
        Direct comparisons of the two, or of single stimuli the answers to either.
    rate
        Share won by the first, ties half; of single stimuli over all pairs of one answer to each (Mann–Whitney).
    naive_p, test
        The naive test and its name.
    first, second
        Mean answer to each (single stimuli).
    pairs
        How many pairs ``rate`` counts.
    """

    count: int
    rate: float
    naive_p: float
    test: str = "binomial test"
    first: float = NAN
    second: float = NAN
    pairs: int = 0


def compare_directly(data: DimensionData, first: str, second: str, *, task_family: str = "") -> Direct:
    """Count what two systems did against each other and run the naive test."""
    frame = data.frame
    inside = np.ones(len(frame), dtype=bool) if not task_family else (frame["task_family"] == task_family).to_numpy()
    left = frame["system_a"].to_numpy()
    answer = frame["answer"].to_numpy() if data.family != "gaussian" or data.response is None else data.response
    if data.family == "plackett_luce":
        return _of_rankings(data, first, second, inside=inside)
    if not data.paired:
        return _of_means(answer[inside & (left == first)], answer[inside & (left == second)])
    right = frame["system_b"].to_numpy()
    one, two = inside & (left == first) & (right == second), inside & (left == second) & (right == first)
    signed = answer - TIE if data.measure == "pairwise_choice" or frame["measure"].iloc[0] == "ranking" else answer
    differences = np.concatenate([signed[one], -signed[two]])
    return _of_differences(differences) if data.family == "gaussian" else _of_signs(np.sign(differences))


def _of_signs(signs: FloatArray) -> Direct:
    """Binomial test of wins against losses; ties count for the rate only."""
    wins, losses = int((signs > 0).sum()), int((signs < 0).sum())
    if not signs.size:
        return Direct(0, NAN, NAN)
    p = float(stats.binomtest(wins, wins + losses).pvalue) if wins + losses else 1.0
    return Direct(signs.size, float((signs.mean() + 1.0) / 2.0), p, pairs=signs.size)


def _of_differences(values: FloatArray) -> Direct:
    """One-sample t test of graded differences."""
    rate = float((np.sign(values).mean() + 1.0) / 2.0) if values.size else NAN
    varies = values.size > 1 and float(np.ptp(values)) > 0.0
    p = float(stats.ttest_1samp(values, 0.0).pvalue) if varies else NAN
    return Direct(values.size, rate, p, test="one-sample t test", pairs=values.size)


def _of_means(one: FloatArray, two: FloatArray) -> Direct:
    """Two-sample t test (equal variances) of all answers, and the Mann–Whitney share."""
    test = "two-sample t test"
    if not one.size or not two.size:
        return Direct(one.size + two.size, NAN, NAN, test)
    ranks = stats.rankdata(np.concatenate([one, two]))
    rate = float((ranks[: one.size].sum() - one.size * (one.size + 1) / 2.0) / (one.size * two.size))
    varies = min(one.size, two.size) > 1 and float(np.ptp(one) + np.ptp(two)) > 0.0
    p = float(stats.ttest_ind(one, two).pvalue) if varies else NAN
    return Direct(
        one.size + two.size, rate, p, test, first=float(one.mean()), second=float(two.mean()), pairs=one.size * two.size
    )


def _of_rankings(data: DimensionData, first: str, second: str, *, inside: np.ndarray) -> Direct:
    """Binomial test of the pairs that the rankings imply."""
    frame = data.frame.loc[inside, ["judgement", "system_a", "answer"]]
    one, two = (frame[frame["system_a"] == name] for name in (first, second))
    both = one.merge(two, on="judgement", suffixes=("", "_other"))
    return _of_signs(np.sign(both["answer_other"].to_numpy() - both["answer"].to_numpy()))
