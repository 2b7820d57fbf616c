"""Comparing with others on the same tasks: everybody's answers on an own scale, and who else could have stood here."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from annotations.registry import Peer, Seen

Floats = npt.NDArray[np.float64]
Scores = tuple[float, ...]
TINY = 1e-9


def on_own_scale(shown: Sequence[Seen]) -> dict[str, Peer]:
    """Return a rater's answers by task, each dimension divided by its spread; about single outputs also centred."""
    rows = {
        seen.task: {answer.dimension: seen.in_task_order(answer) for answer in seen.answers if answer.scores}
        for seen in shown
    }
    scales: dict[str, tuple[float, float]] = {}
    for dimension in sorted({name for row in rows.values() for name in row}):
        values = [row[dimension] for row in rows.values() if dimension in row]
        scales[dimension] = _scale(values, shown)
    return {
        task: {name: tuple((score - scales[name][0]) / scales[name][1] for score in row[name]) for name in row}
        for task, row in rows.items()
    }


def _scale(values: Sequence[Scores], shown: Sequence[Seen]) -> tuple[float, float]:
    """Return centre and spread: of a pair as a whole the centre is "no difference"."""
    flat = [score for scores in values for score in scores]
    as_a_whole = all(len(scores) == 1 for scores in values) and len(shown[0].order) > 1
    centre = 0.0 if as_a_whole else sum(flat) / len(flat)
    spread = math.sqrt(sum((score - centre) ** 2 for score in flat) / len(flat))
    return centre, spread or 1.0


def vectors(people: Sequence[Peer]) -> Floats:
    """Return a row for each person with the answers side by side; NaN where one is missing."""
    names = sorted({(name, len(person[name])) for person in people for name in person})
    blank = {name: (math.nan,) * length for name, length in names}
    rows = [[score for name, _ in names for score in person.get(name, blank[name])] for person in people]
    return np.array(rows, dtype=np.float64)


def low_among(tops: Sequence[Floats], bottoms: Sequence[Floats], draws: int) -> float:
    """Return the permutation p of the first person's ratio of sums being so low.

    `tops` and `bottoms` hold one number for each person at each task. Under "any of those who judged a task could have
    been this one", somebody is drawn at each task; a small overlap has few permutations, so that it accuses nobody.
    """
    rng = np.random.default_rng(draws)
    top, bottom = np.zeros(draws), np.full(draws, TINY)
    for above, below in zip(tops, bottoms, strict=True):
        drawn = rng.integers(above.size, size=draws)
        top += above[drawn]
        bottom += below[drawn]
    mine = sum(float(row[0]) for row in tops) / (TINY + sum(float(row[0]) for row in bottoms))
    return (1 + int((top / bottom <= mine + TINY).sum())) / (1 + draws)
