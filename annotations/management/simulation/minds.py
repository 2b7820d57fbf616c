"""What a simulated rater thinks: answers to the rows of a trial, the time it takes, and when he has had enough.

Every draw follows from the seed, the rater's name, and what is shown, never from the order in which threads run.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from analysis.simulate import SimulatedPopulation, Trial

from .pages import ShownTrial

PREFIX = "answer-"
WORDS_PER_SECOND = 4.0
SECONDS_PER_ROW = 1.6
CHOICES = {("a", "b"), ("a", "tie", "b")}
SHARE_AWAY = 0.03


class CannotAnswer(Exception):
    """The page shows something that a simulated rater does not understand."""


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a text beforehand: its system and its name in exports; `asked` is set for attention checks.

    True marks the text that asks to be chosen, False the other one, None any text of a system.
    """

    system: str
    name: str
    asked: bool | None = None


Library = Mapping[tuple[str, str], Known]  # (prompt, text) -> what it is


@dataclass(frozen=True, slots=True)
class Mind:
    """One simulated person. `drop_out` is the chance to leave at a trial drawn evenly from the booklet."""

    name: str
    population: SimulatedPopulation
    library: Library
    drop_out: float = 0.0

    def answers(self, trial: ShownTrial, rows: Mapping[str, Sequence[str]]) -> dict[str, str]:
        """Return the form fields for the rows of this trial; `rows` holds the values on the page, left to right."""
        left, right = self._recognise(trial)
        if left.asked is not None:
            return {row: self._obey(trial, row, values, asked=left.asked) for row, values in rows.items()}
        seen = Trial(trial.prompt, left.name, left.system, right.name, right.system)
        return {row: self._judge(trial, row, values, seen=seen) for row, values in rows.items()}

    def _recognise(self, trial: ShownTrial) -> tuple[Known, Known]:
        try:
            left, right = (self.library[trial.prompt, text] for text in trial.texts)
        except (KeyError, ValueError):
            message = f"trial {trial.number} does not show two texts of this study"
            raise CannotAnswer(message) from None
        return left, right

    def _judge(self, trial: ShownTrial, row: str, values: Sequence[str], *, seen: Trial) -> str:
        dimension = row.removeprefix(PREFIX)
        measure, scores = scale_of(row, values)
        noise = self.population.generator(self.name, dimension, seen.output_a, seen.output_b, str(trial.number))
        rater = self.population.rater(self.name)
        answer = rater.answer(dimension, seen, measure=measure, levels=len(values), rng=noise)
        return values[scores.index(answer)]

    def _obey(self, trial: ShownTrial, row: str, values: Sequence[str], *, asked: bool) -> str:
        """Choose the text that asks for it as clearly as possible, unless the mind lapses."""
        noise = self.population.generator(self.name, "attention", row, str(trial.number))
        if noise.random() < self.population.truth.lapse_rate:
            return values[int(noise.integers(len(values)))]
        return values[0] if asked else values[-1]

    def leaves_at(self, total: int) -> int | None:
        """Return the number of the trial at which this rater closes the page, or None for one who stays."""
        draws = self.population.generator(self.name, "drop-out")
        return 1 + int(draws.integers(total)) if draws.random() < self.drop_out else None

    def timing(self, trial: ShownTrial, *, rows: int) -> dict[str, int]:
        """Return the milliseconds that the page would have measured: reading at this person's pace, then deciding."""
        draws = self.population.generator(self.name, "time", str(trial.number), trial.prompt)
        words = sum(len(text.split()) for text in (trial.prompt, *trial.texts))
        pace = WORDS_PER_SECOND * math.exp(0.25 * self.population.draw("", "pace", self.name))
        reading = words / pace * math.exp(0.2 * draws.standard_normal())
        deciding = rows * SECONDS_PER_ROW * math.exp(0.4 * draws.standard_normal())
        away = 5 + 55 * draws.random() if draws.random() < SHARE_AWAY else 0.0
        first = reading + away + deciding / max(rows, 1)
        seconds = {"t_first": first, "t_submit": reading + away + deciding, "t_hidden": away, "t_idle": 0.0}
        return {name: round(1000 * value) for name, value in seconds.items()}


def scale_of(row: str, values: Sequence[str]) -> tuple[str, list[float]]:
    """Tell from the values on the page how a row is asked; returns the measure and the score of each value in turn."""
    levels = len(values)
    if tuple(values) in CHOICES:
        return "pairwise_choice", [1.0 - at / (levels - 1) for at in range(levels)]
    if list(values) == [str(at) for at in range(1, levels + 1)] and levels > 1:
        half = levels // 2
        scores = [float(level) for level in range(half, -half - 1, -1) if level or levels % 2]
        return "pairwise_graded", scores
    message = f"a simulated rater does not know how to answer {row.removeprefix(PREFIX)!r} ({', '.join(values)})"
    raise CannotAnswer(message)
