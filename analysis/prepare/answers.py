"""Answers as a model takes them: level numbers of choices and ordered answers, points, ranks."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, Literal
from zlib import crc32

import numpy as np

from analysis.prepare.options import NothingToModelError, Options
from analysis.prepare.selection import TIE

if TYPE_CHECKING:
    import pandas as pd

    from analysis.numerics.structure import FloatArray, IntArray
    from analysis.results import Scale

TWO: Final = 2
TIED: Final = (
    "some outputs share a rank: each of them counts as chosen from what was left before any of them (Breslow), which "
    "pulls strengths towards zero if ties are many"
)
NOTHING_ORDERED: Final = "every ranking ties all that it tells apart: analysed as pairs, each of them a tie"


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
        return _points(frame, options)
    if measure == "ranking":
        return _rankings(frame, options)
    if measure == "pairwise_choice" and options.ties == "drop":
        frame = frame[frame["answer"] != TIE].reset_index(drop=True)
        if frame.empty:
            raise NothingToModelError(f"dimension {name!r} has nothing but ties: model them instead of dropping them")
    scale: Scale = "log-odds" if options.link == "logit" else "probit"
    if measure in ("ordinal", "nominal"):
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


def _points(frame: pd.DataFrame, options: Options) -> tuple[pd.DataFrame, Answers]:
    """Return points; to be standardised (scale "rater SD") where that was asked for and can be done."""
    notes: tuple[str, ...] = ()
    if options.standardise:
        alone = frame.groupby("rater")["answer"].transform("size") < TWO
        if not can_standardise(frame):
            notes = ("not standardised per rater, as was asked: most raters gave one answer only",)
        elif alone.any():
            frame = frame[~alone].reset_index(drop=True)
            notes = (f"{int(alone.sum())} raters with one answer have no standardised one: left out",)
    scale: Scale = "rater SD" if options.standardise and can_standardise(frame) else "points"
    return frame, Answers("gaussian", scale, response=frame["answer"].to_numpy(dtype=float), notes=notes)


def _rankings(frame: pd.DataFrame, options: Options) -> tuple[pd.DataFrame, Answers]:
    """Return ranks, or the pairs that they imply where that was asked for or all ranks are tied."""
    ranks = None if options.rankings == "pairs" else _ranks(frame)
    if ranks is not None:
        return frame, ranks
    pairs = take_apart(frame)
    if pairs.empty:
        raise NothingToModelError(f"dimension {frame['dimension'].iloc[0]!r} has no ranking of two different systems")
    pairs, answers = code_answers(pairs, options)
    return pairs, answers if options.rankings == "pairs" else replace(answers, notes=(NOTHING_ORDERED, *answers.notes))


def standardise(frame: pd.DataFrame) -> FloatArray:
    """Return the answers as z scores of each rater; a rater who always answers alike gets zeros."""
    groups = frame.groupby("rater")["answer"]
    spread = groups.transform(lambda part: part.std(ddof=1))
    centred = frame["answer"] - groups.transform("mean")
    return np.where(spread > 0.0, centred / spread.where(spread > 0.0, 1.0), 0.0)


def can_standardise(frame: pd.DataFrame) -> bool:
    """Return whether at least half of the raters gave two answers, without which there is no spread."""
    counts = frame.groupby("rater").size()
    return bool((counts >= TWO).mean() >= 0.5)  # noqa: PLR2004


def take_apart(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the pairs that rankings imply, as forced choices; equal ranks become ties.

    The smaller slot stands left. Where slots are unknown a checksum of the names decides: were it their order, one
    system would stand left throughout, and its advantage could not be told from that of the side.
    """
    both = frame.merge(frame, on="judgement", suffixes=("", "_right"))
    left, right = both["slot"], both["slot_right"]
    before = both["output_a"] < both["output_a_right"]
    low, high = (
        both["output_a"].where(before, both["output_a_right"]),
        both["output_a_right"].where(before, both["output_a"]),
    )
    odd = [crc32("\x1f".join(names).encode()) % TWO for names in zip(both["judgement"], low, high, strict=True)]
    first = (left < right) | ((left == right) & (before == np.array(odd, dtype=bool)))
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


def _ranks(frame: pd.DataFrame) -> Answers | None:
    """Return ranks as Plackett and Luce's model takes them, None where nothing is ranked above anything.

    Equal ranks between one best and one worst, in every ranking of the dimension, are a best–worst answer (1, NaN …,
    −1). Equal ranks at the lower end tell no choice: a ranking of the best few. Others are ties.
    """
    rank = frame["answer"]
    groups = rank.groupby(frame["judgement"])
    place, tied = groups.rank(method="min"), frame.duplicated(["judgement", "answer"], keep=False)
    first, last = place == 1.0, rank == groups.transform("max")
    middle = frame[~(first | last)].groupby("judgement")["answer"]
    if bool(tied.any()) and not bool(tied[first | last].any()) and bool((middle.min() == middle.max()).all()):
        marks = np.where(first, 1.0, np.where(last, -1.0, np.nan))
        return Answers("plackett_luce", "log-worth", response=marks, best_worst=True)
    response = place.mask(tied & last)
    if bool(response.isna().all()):
        return None
    notes = (TIED,) if bool((tied & ~last).any()) else ()
    return Answers("plackett_luce", "log-worth", response=response.to_numpy(dtype=float), notes=notes)


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
