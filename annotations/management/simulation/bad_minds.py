"""Raters who do not rate: how they answer and how long they take; the same through the pages and as pure histories.

Nobody is a caricature: random clickers and straight-liners take an honest rater's time every other time,
straight-liners err now and then, speeders begin honestly and still take in a third of what they see, side-preferrers
think again in up to a tenth of the trials, and one copy in twenty comes from another browser.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

Kind = Literal["good", "random_clicker", "straight_liner", "speeder", "side_preferrer", "copy"]
BAD: tuple[Kind, ...] = ("random_clicker", "straight_liner", "speeder", "side_preferrer", "copy")
FAST_SECONDS = (1.2, 5.0)
SPEED_WORDS = (900.0, 2500.0)  # a minute
SAME_BROWSER = 0.95
TAKES_IN = 1 / 3


@dataclass(frozen=True, slots=True)
class Habit:
    """One bad rater's own way; drawn once by `habit_of`."""

    kind: Kind
    hasty: bool = False
    strays: float = 0.0
    place: float = 0.5
    by_row: tuple[float, ...] = ()
    left: bool = True
    honest_until: int = 0
    words_per_minute: float = 1500.0

    def answers(
        self, honest: Sequence[float], scale: Sequence[float], *, number: int, rng: np.random.Generator
    ) -> list[float]:
        """Return the scores of the rows of a trial; `honest` is what a reader would answer, `scale` every score."""
        rows = len(honest)
        if self.kind == "random_clicker":
            return [float(scale[int(rng.integers(len(scale)))]) for _ in range(rows)]
        if self.kind == "straight_liner" and rng.random() >= self.strays:
            return [self._usual(row, scale, rng) for row in range(rows)]
        if self.kind == "side_preferrer" and rng.random() >= self.strays:
            side = [score for score in scale if score and (score > 0) == self.left]
            return [float(side[int(rng.integers(len(side)))]) for _ in range(rows)]
        if self.kind == "speeder" and number > self.honest_until and rng.random() >= TAKES_IN:
            return [float(scale[int(rng.integers(len(scale)))]) for _ in range(rows)]
        return [float(score) for score in honest]

    def _usual(self, row: int, scale: Sequence[float], rng: np.random.Generator) -> float:
        place = self.by_row[row % len(self.by_row)] if self.by_row else self.place
        at = place * (len(scale) - 1)
        if len(scale) > 11:  # noqa: PLR2004 - a hand on a slider is not steady
            at += rng.normal(0, 0.015 * len(scale))
        return float(scale[min(max(round(at), 0), len(scale) - 1)])

    def seconds(self, honest: float, words: int, *, number: int, rng: np.random.Generator) -> float:
        """Return the active seconds on a trial whose texts have so many words."""
        if self.kind == "speeder" and number > self.honest_until:
            return float(max(0.8, words * 60 / self.words_per_minute * np.exp(0.3 * rng.normal())))
        return float(rng.uniform(*FAST_SECONDS)) if self.hasty else honest


def habit_of(kind: Kind, *, rows: int, rng: np.random.Generator) -> Habit:
    """Draw one rater of a kind."""
    hasty = kind in ("random_clicker", "straight_liner") and rng.random() < 0.5  # noqa: PLR2004
    pattern = tuple(float(place) for place in rng.choice([0.0, 0.25, 0.5, 0.75, 1.0], size=rows))
    return Habit(
        kind,
        hasty=hasty,
        strays=float(rng.uniform(0, 0.1)),
        place=float(rng.choice([0.0, 0.25, 0.5, 0.75, 1.0])),
        by_row=pattern if rng.random() < 0.3 else (),  # noqa: PLR2004 - some give a pattern, not one answer
        left=bool(rng.random() < 0.5),  # noqa: PLR2004
        honest_until=int(rng.integers(0, 5)),
        words_per_minute=float(np.exp(rng.uniform(*np.log(SPEED_WORDS)))),
    )
