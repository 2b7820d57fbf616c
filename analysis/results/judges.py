"""Automatic judges against people: correlations, accuracy against the majority, judges compared with each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

NAN: Final = float("nan")
ALL: Final = "all"
AGREE: Final = "raters agree"
BETWEEN: Final = "raters half agree"
DISAGREE: Final = "raters disagree"
SIMILAR: Final = "similar quality"
SUBSETS: Final = (ALL, AGREE, BETWEEN, DISAGREE, SIMILAR)


@dataclass(frozen=True, slots=True)
class JudgeRow:
    """One judge on one dimension, over all items or a subset of them; what does not exist is NaN.

    Items are outputs where each was rated by itself, pairs of outputs where they were compared (or ranked).

    Attributes
    ----------
    subset
        One of :data:`SUBSETS`.
    scope
        What ``spearman`` and ``kendall`` are over: "all outputs", or "within prompts" where comparisons tell an
        output's worth among those of its prompt only.
    cut
        Where the subset ends: entropy in bits, or the upper fence of the differences; NaN for all.
    outputs, prompts, raters, unscored
        Outputs with a human score and one of the judge, their prompts and raters; outputs the judge gave no score.
    spearman, kendall
        Between the judge's and the human score of an output (τ is τ-b), with intervals.
    within_spearman, within_kendall
        The same within prompts: ranks centred by prompt, pairs of outputs of one prompt only.
    p, p_holm
        Of "Spearman's ρ is 0"; Holm over judges × dimensions, subset "all" only.
    human_rho, same_rho
        Outputs rated by themselves, subset "all": Spearman's ρ of one rater's answers with the mean of the others,
        averaged over raters, and the judge's with those same means; no interval where raters are drawn too.
    pairs, majority_ties, judge_ties
        Pairs that have a majority; pairs that have none; pairs to which the judge gives equal scores.
    accuracy, accuracy_p, accuracy_holm
        Share of pairs in which the judge prefers what the majority prefers; tested against ½.
    human
        How often one rater prefers what the majority of the others prefers: what a judge as good as one person reaches.
    same
        The judge's accuracy against those very majorities of the others, which makes it comparable with ``human``.
    gap
        ``same`` minus ``human``.
    """

    judge: str
    dimension: str
    measure: str
    subset: str = ALL
    scope: str = ""
    cut: float = NAN
    outputs: int = 0
    prompts: int = 0
    raters: int = 0
    unscored: int = 0
    spearman: float = NAN
    spearman_low: float = NAN
    spearman_high: float = NAN
    kendall: float = NAN
    kendall_low: float = NAN
    kendall_high: float = NAN
    within_spearman: float = NAN
    within_spearman_low: float = NAN
    within_spearman_high: float = NAN
    within_kendall: float = NAN
    within_kendall_low: float = NAN
    within_kendall_high: float = NAN
    p: float = NAN
    p_holm: float = NAN
    human_rho: float = NAN
    human_rho_low: float = NAN
    human_rho_high: float = NAN
    same_rho: float = NAN
    pairs: int = 0
    majority_ties: int = 0
    judge_ties: int = 0
    accuracy: float = NAN
    accuracy_low: float = NAN
    accuracy_high: float = NAN
    accuracy_p: float = NAN
    accuracy_holm: float = NAN
    human: float = NAN
    human_low: float = NAN
    human_high: float = NAN
    same: float = NAN
    gap: float = NAN
    gap_low: float = NAN
    gap_high: float = NAN
    message: str = ""


@dataclass(frozen=True, slots=True)
class JudgeDifference:
    """Two judges on the outputs that both scored, or one judge on two subsets: first minus second, resampled together.

    ``what`` is ``judges`` or ``agreement`` (the items on which raters agree minus those on which they disagree).
    """

    dimension: str
    first: str
    second: str
    what: str
    outputs: int
    pairs: int
    spearman: float = NAN
    spearman_low: float = NAN
    spearman_high: float = NAN
    spearman_p: float = NAN
    spearman_holm: float = NAN
    accuracy: float = NAN
    accuracy_low: float = NAN
    accuracy_high: float = NAN
    accuracy_p: float = NAN
    accuracy_holm: float = NAN


@dataclass(frozen=True, slots=True)
class JudgeComparison:
    """All judges on all dimensions: ``rows`` by dimension, judge and subset, ``differences``, and how it was done.

    ``human`` says per dimension what the human score of an output is, ``left_out`` why a dimension has no rows.
    """

    rows: tuple[JudgeRow, ...]
    differences: tuple[JudgeDifference, ...]
    judges: tuple[str, ...]
    human: Mapping[str, str]
    confidence: float
    options: Mapping[str, Any]
    scores_hash: str = ""
    left_out: Mapping[str, str] = field(default_factory=dict)

    def row(self, judge: str, dimension: str, subset: str = ALL) -> JudgeRow:
        """Return one row; KeyError if there is none."""
        for one in self.rows:
            if (one.judge, one.dimension, one.subset) == (judge, dimension, subset):
                return one
        raise KeyError((judge, dimension, subset))
