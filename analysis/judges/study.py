"""The verb: every judge on every dimension, with intervals, subsets and differences."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from analysis.results.judges import JudgeComparison

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class JudgeOptions:
    """What is compared and how.

    Attributes
    ----------
    clusters
        What is drawn anew in the bootstrap: ``prompts`` (the raters are those who answered), or ``raters and prompts``
        (both, independently; the human scores are computed anew each time).
    majority_ties
        Pairs without a majority: ``drop`` leaves them out, ``half`` counts them ½ whatever the judge says.
    judge_ties
        Equal scores of a judge: ``half``, ``wrong``, or ``drop``.
    split
        Of the entropies: at the ``median``, or into ``tertiles``.
    fence
        Tukey's k: how many interquartile ranges beyond the quartiles the fences of "similar quality" stand.
    ratings
        Human score of an output that was rated by itself: the ``mean`` of the answers, or of their ``z`` scores per
        rater.
    resamples, seed, confidence
        Of the bootstrap.
    """

    clusters: Literal["prompts", "raters and prompts"] = "prompts"
    majority_ties: Literal["drop", "half"] = "drop"
    judge_ties: Literal["half", "wrong", "drop"] = "half"
    split: Literal["median", "tertiles"] = "median"
    fence: float = 1.5
    ratings: Literal["mean", "z"] = "mean"
    resamples: int = 2000
    seed: int = 0
    confidence: float = 0.95


def compare_judges(
    judgements: pd.DataFrame,
    scores: pd.DataFrame,
    *,
    options: JudgeOptions | None = None,
    late: bool = True,
    dimensions: tuple[str, ...] | None = None,
    source: str = "scores",
    ignore_unjudged: bool = False,
    progress: Callable[[int, int, str], None] | None = None,
) -> JudgeComparison:
    """Compare every judge of a table of scores with the human judgements.

    Parameters
    ----------
    judgements
        The long table of ``analysis.schema``, whole: only main trials that are not excluded count.
    scores
        Columns judge, output (or prompt, system, sample), value; faults are told under the name ``source``.
    """
    raise NotImplementedError
