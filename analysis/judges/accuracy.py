"""How often a judge, or one rater, prefers the output of a pair that the majority of people prefers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
from scipy import sparse

if TYPE_CHECKING:
    from analysis.judges.human import Human, Votes
    from analysis.results import FloatArray, IntArray

    Mask = np.ndarray[tuple[int], np.dtype[np.bool_]]

CELLS: Final = 4_000_000


@dataclass(frozen=True, slots=True)
class TieRules:
    """What ties count: see :class:`analysis.judges.JudgeOptions`."""

    majority: Literal["drop", "half"] = "drop"
    judge: Literal["half", "wrong", "drop"] = "half"


@dataclass(frozen=True, slots=True)
class Accuracy:
    """Shares of pairs, each of shape (B,), in the sample (first) and in the resamples.

    ``judge`` against the majority of all raters; ``human``: one rater against the majority of the others, averaged over
    raters whose others have one, every rater of a pair with the same weight; ``same``: the judge against those
    majorities of the others.
    """

    judge: FloatArray
    human: FloatArray
    same: FloatArray
    pairs: int
    majority_ties: int
    judge_ties: int


def accuracy_of(
    human: Human,
    judge: FloatArray,
    *,
    keep: Mask,
    weights: tuple[FloatArray, FloatArray],
    votes: Votes,
    ties: TieRules,
) -> Accuracy:
    """Compare a judge's order of pairs with people's.

    Parameters
    ----------
    judge
        Its scores, shape (n,), NaN where it gave none.
    keep
        Pairs that count, shape (k,).
    weights
        Of the raters, shape (R, 1) or (R, B), and of the prompts, shape (P, B).
    """
    first, second = human.pairs
    difference = judge[first] - judge[second]
    keep = keep & ~np.isnan(difference)
    sign = np.sign(np.where(keep, difference, 0.0))
    of_raters, of_prompts = weights
    scores = human.scores(of_raters)
    margin = np.where(keep[:, None], human.margins(scores, of_raters), np.nan)
    hit = _hits(sign[:, None], margin, ties)
    home = human.prompt[first]
    one, both, seen = _against_others(human, sign, keep=keep, scores=scores, weights=of_raters, votes=votes, ties=ties)
    tied = margin[:, 0] == 0
    return Accuracy(
        judge=_mean(hit, home, of_prompts),
        human=_mean(one, home, of_prompts, counted=seen),
        same=_mean(both, home, of_prompts, counted=seen),
        pairs=int((~np.isnan(margin[:, 0]) & ~tied).sum()),
        majority_ties=int(tied.sum()),
        judge_ties=int((keep & (sign == 0) & ~np.isnan(margin[:, 0])).sum()),
    )


def _hits(sign: FloatArray, margin: FloatArray, ties: TieRules) -> FloatArray:
    """Return 1, ½ or 0 for each pair, NaN for what does not count; ``sign`` is the order given, 0 = tie."""
    hit = np.where(np.sign(margin) == sign, 1.0, 0.0)
    hit = np.where(sign == 0, 0.5 if ties.judge == "half" else 0.0, hit)
    hit = np.where(margin == 0, 0.5 if ties.majority == "half" else np.nan, hit)
    dropped = (sign == 0) & (ties.judge == "drop")
    return np.where(dropped | np.isnan(margin), np.nan, hit)


def _against_others(
    human: Human,
    sign: FloatArray,
    *,
    keep: Mask,
    scores: FloatArray,
    weights: FloatArray,
    votes: Votes,
    ties: TieRules,
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return how far one rater and the judge are right about the others, and how far there is a majority, (k, B) each.

    As shares of all raters of a pair: the rater is right about the others, the judge is right about them, the others
    have a majority. A pair weighs by the last. Were every pair to weigh alike, a pair on which two of three agree
    would be judged by the dissenter alone, for the others of the other two have no majority.
    """
    pairs, columns = len(keep), weights.shape[1]
    one, both, seen, all_ = (np.zeros((pairs, columns)) for _ in range(4))
    step = max(1, CELLS // max(columns, 1))
    for start in range(0, len(votes.pair), step):
        part = slice(start, start + step)
        pair = votes.pair[part]
        margin = np.where(keep[pair][:, None], human.others(votes, part, scores, weights), np.nan)
        mine = _hits(votes.sign[part][:, None], margin, ties)
        judge = _hits(sign[pair][:, None], margin, ties)
        known = ~np.isnan(mine) & ~np.isnan(judge)
        weight = np.where(known, weights[votes.rater[part]], 0.0)
        gather = sparse.csr_matrix((np.ones(len(pair)), (pair, np.arange(len(pair)))), shape=(pairs, len(pair)))
        one += gather @ (weight * np.where(known, mine, 0.0))
        both += gather @ (weight * np.where(known, judge, 0.0))
        seen += gather @ weight
        all_ += np.asarray(gather @ weights[votes.rater[part]])
    below = np.maximum(all_, 1.0)  # weights are whole numbers
    return one / below, both / below, seen / below


def _mean(values: FloatArray, home: IntArray, weights: FloatArray, *, counted: FloatArray | None = None) -> FloatArray:
    """Return the mean over pairs (sums of which ``counted`` went in), each prompt as often as it was drawn, (B,)."""
    gather = sparse.csr_matrix((np.ones(len(home)), (home, np.arange(len(home)))), shape=(len(weights), len(home)))
    total: FloatArray = np.asarray(gather @ np.nan_to_num(values))
    share = (~np.isnan(values)).astype(float) if counted is None else counted
    count: FloatArray = np.asarray(gather @ share)
    top, below = (total * weights).sum(axis=0), (count * weights).sum(axis=0)
    return np.where(below > 0, top / np.where(below > 0, below, 1.0), np.nan)
