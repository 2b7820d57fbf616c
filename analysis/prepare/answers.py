"""Answers as a model takes them: level numbers of choices and ordered answers, points, ranks."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from analysis.prepare.options import NothingToModelError, Options
from analysis.prepare.selection import TIE

if TYPE_CHECKING:
    import pandas as pd

    from analysis.numerics.structure import FloatArray, IntArray
    from analysis.results import Scale

TWO: Final = 2


@dataclass(frozen=True)
class Answers:
    """The answers of one dimension; see :class:`analysis.prepare.coding.DimensionData` for the fields."""

    family: Literal["gaussian", "binomial", "cumulative", "plackett_luce"]
    scale: Scale
    category: IntArray = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    labels: tuple[str, ...] = ()
    response: FloatArray | None = None
    thresholds: Literal["symmetric", "flexible", "equidistant"] = "symmetric"
    best_worst: bool = False
    notes: tuple[str, ...] = ()

    def take(self, rows: IntArray) -> Answers:
        """Keep the answers at these positions."""
        return replace(
            self,
            category=self.category[rows] if self.category.size else self.category,
            response=None if self.response is None else self.response[rows],
        )


def code_answers(frame: pd.DataFrame, options: Options) -> tuple[pd.DataFrame, Answers]:
    """Return the rows that have a place in the model (dropped ties do not) and their answers."""
    measure, name = str(frame["measure"].iloc[0]), str(frame["dimension"].iloc[0])
    if measure == "interval":
        return frame, Answers("gaussian", "points", response=frame["answer"].to_numpy(dtype=float))
    if measure == "ranking":
        return frame, _ranks(frame)
    if measure == "pairwise_choice" and options.ties == "drop":
        frame = frame[frame["answer"] != TIE].reset_index(drop=True)
        if frame.empty:
            raise NothingToModelError(f"dimension {name!r} has nothing but ties: model them instead of dropping them")
    scale: Scale = "log-odds" if options.link == "logit" else "probit"
    if measure == "ordinal":
        return frame, _levels(frame, scale, options)
    category, labels, notes = _signed_levels(frame, measure)
    binary = len(labels) == TWO
    return frame, Answers(
        family="binomial" if binary else "cumulative",
        scale=scale,
        category=category,
        labels=labels,
        thresholds=options.thresholds if measure == "pairwise_graded" and not binary else "symmetric",
        notes=notes,
    )


def standardise(frame: pd.DataFrame) -> FloatArray:
    """Return the answers as z scores of each rater; a rater who always answers alike gets zeros."""
    groups = frame.groupby("rater")["answer"]
    spread = groups.transform(lambda part: part.std(ddof=1))
    centred = frame["answer"] - groups.transform("mean")
    return np.where(spread > 0.0, centred / spread.where(spread > 0.0, 1.0), 0.0)


def take_apart(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the pairs that rankings imply, as forced choices; equal ranks become ties."""
    both = frame.merge(frame, on="judgement", suffixes=("", "_right"))
    left, right = both["slot"], both["slot_right"]
    first = (left < right) | ((left == right) & (both["output_a"] < both["output_a_right"]))
    both = both[first & (both["system_a"] != both["system_a_right"])]
    answer = (1.0 + np.sign(both["answer_right"] - both["answer"])) / 2.0
    pairs = both[frame.columns].assign(
        system_b=both["system_a_right"],
        output_b=both["output_a_right"],
        length_b=both["length_a_right"],
        measure="pairwise_choice",
        answer=answer,
        levels=3 if bool((answer == TIE).any()) else 2,
    )
    return pairs.reset_index(drop=True)


def _ranks(frame: pd.DataFrame) -> Answers:
    """Return ranks as Plackett and Luce's model takes them.

    Equal ranks at the lower end are outputs shown and not ranked (NaN): a ranking of the best few. Equal ranks
    between one best and one worst, in every ranking of the dimension, are a best–worst answer (1, NaN …, −1).
    """
    rank = frame["answer"]
    groups = rank.groupby(frame["judgement"])
    place, tied = groups.rank(method="min"), frame.duplicated(["judgement", "answer"], keep=False)
    first, last = place == 1.0, rank == groups.transform("max")
    if bool(tied.any()) and not bool(tied[first | last].any()) and bool((first | last | tied).all()):
        marks = np.where(first, 1.0, np.where(last, -1.0, np.nan))
        return Answers("plackett_luce", "log-worth", response=marks, best_worst=True)
    response = place.mask(tied & last).to_numpy(dtype=float)
    return Answers("plackett_luce", "log-worth", response=response)


def _levels(frame: pd.DataFrame, scale: Scale, options: Options) -> Answers:
    """Number the levels that somebody used, from the lowest up."""
    answer = frame["answer"].to_numpy().astype(np.int64)
    used = np.unique(answer)
    if used.size < TWO:  # a scale needs a second level; that nobody chose it is then said by the fit
        used = np.array([used[0] - 1, used[0]] if used[0] > 1 else [1, 2])
    category = np.searchsorted(used, answer)
    unused = sorted(set(range(1, int(frame["levels"].iloc[0]) + 1)) - set(used.tolist()))
    notes = (f"nobody used the answer level(s) {', '.join(map(str, unused))}; left out of the scale",) if unused else ()
    return Answers(
        family="binomial" if used.size == TWO else "cumulative",
        scale=scale,
        category=category.astype(np.int64),
        labels=tuple(str(level) for level in used),
        thresholds="equidistant" if options.thresholds == "equidistant" and used.size > TWO else "flexible",
        notes=notes,
    )


def _signed_levels(frame: pd.DataFrame, measure: str) -> tuple[IntArray, tuple[str, ...], tuple[str, ...]]:
    """Number the answer levels from "b most" up, leaving out pairs of mirror levels that nobody used."""
    if measure == "pairwise_choice":
        answer = (2.0 * frame["answer"].to_numpy() - 1.0).round().astype(np.int64)
        possible: set[int] = {0, 1} if int(frame["levels"].iloc[0]) > TWO else {1}
    else:
        answer = frame["answer"].to_numpy().astype(np.int64)
        levels = int(frame["levels"].iloc[0])
        possible = set(range(1, levels // 2 + 1)) | ({0} if levels % 2 else set())
    used = {int(size) for size in np.unique(np.abs(answer))}
    scale = sorted({sign * size for size in used | ({1} if used == {0} else set()) for sign in (-1, 1)})
    unused = sorted(possible - used)
    notes = (
        (f"nobody used the answer level(s) ±{', ±'.join(map(str, unused))}; left out of the scale",) if unused else ()
    )
    labels = tuple(f"{level:+d}" if level else "0" for level in scale)
    return np.searchsorted(scale, answer).astype(np.int64), labels, notes
