"""What a simulated rater thinks: answers to the rows of a trial, the time it takes, and when he has had enough.

Every draw follows from the seed, the rater's name, and what is shown, never from the order in which threads run.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np

from analysis.simulate import SimulatedPopulation, Trial

from .pages import Row, ShownTrial, by_dimension
from .phrases import words_between

WORDS_PER_SECOND = 4.0
SECONDS_PER_ROW = 1.6
SECONDS_PER_LETTER = 0.2
CHOICES = {("a", "b"), ("a", "tie", "b")}
CHOICE_SCALES = ((0.0, 1.0), (0.0, 0.5, 1.0))
VERDICTS = {("yes", "no"): [2.0, 1.0], ("no", "yes"): [1.0, 2.0]}
SHARE_AWAY = 0.03
PULLED = 100.0  # utility of a text that asks to be put first; less than nothing for one to be put last
PAIR = 2

Sent = dict[str, str | list[str]]


class CannotAnswer(Exception):
    """The page shows something that a simulated rater does not understand."""


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a text beforehand: its system and its name in exports; `asked` is set for attention checks.

    True marks a text that asks for the best answer, False one that asks for the worst, or was broken; None any text of
    a system.
    """

    system: str
    name: str
    asked: bool | None = None


class Habit(Protocol):
    """What a bad rater does instead of judging (see ``bad_minds.py``); `scale` holds every score, ascending."""

    @property
    def kind(self) -> str:
        """The name of the habit."""

    def answers(
        self, honest: Sequence[float], scale: Sequence[float], *, number: int, rng: np.random.Generator
    ) -> list[float]:
        """Return the scores of rows in place of the honest ones."""

    def seconds(self, honest: float, words: int, *, number: int, rng: np.random.Generator) -> float:
        """Return the active seconds in place of the honest ones."""


class Answer(NamedTuple):
    """One row answered with a score of a scale (ascending); `wire` holds what each score is over the wire."""

    name: str
    score: float
    scale: tuple[float, ...]
    wire: tuple[str, ...]

    @property
    def sent(self) -> str:
        """What goes over the wire."""
        return self.wire[self.scale.index(self.score)]


Library = Mapping[tuple[str, str], Known]  # (prompt, text) -> what it is


@dataclass(frozen=True, slots=True)
class Mind:
    """One simulated person. `drop_out` is the chance to leave at a trial drawn evenly from the booklet."""

    name: str
    population: SimulatedPopulation
    library: Library
    drop_out: float = 0.0
    habit: Habit | None = None

    def answers(self, trial: ShownTrial, rows: Sequence[Row]) -> Sent:
        """Return the form fields for the rows of this trial."""
        known = self._recognise(trial)
        scored: list[Answer] = []
        sent: Sent = {}
        for key, lines in by_dimension(list(rows)).items():
            if lines[0].kind in ORDERED:
                sent |= ORDERED[lines[0].kind](self._utilities(trial, key, known), key)
                continue
            for line in lines:
                if line.words:
                    sent[line.name] = words_between(*line.words, rng=self._noise(trial, line.name))
                elif line.ticks:
                    sent[line.name] = self._ticked(trial, line)
                else:
                    scored.append(self._score(trial, line, known))
        return sent | self._habitual(trial, scored)

    def _noise(self, trial: ShownTrial, *names: str) -> np.random.Generator:
        return self.population.generator(self.name, *names, str(trial.number))

    def _recognise(self, trial: ShownTrial) -> tuple[Known, ...]:
        try:
            return tuple(self.library[trial.prompt, text] for text in trial.texts)
        except KeyError:
            message = f"trial {trial.number} shows something else than texts of this study"
            raise CannotAnswer(message) from None

    # ------------------------------------------------------------------------------------------------ kinds of rows

    def _score(self, trial: ShownTrial, row: Row, known: tuple[Known, ...]) -> Answer:
        if row.part:
            return self._rate(trial, row, known[int(row.part) - 1])
        if len(known) != PAIR:
            message = f"{row.key!r} is asked of {len(known)} texts at once"
            raise CannotAnswer(message)
        measure, scores = scale_of(row.name, row.values)
        answer = _ascending(row.name, scores, row.values)
        if any(one.asked is not None for one in known):
            left = known[0].asked if known[0].asked is not None else not known[1].asked
            return answer._replace(score=self._obey(trial, row, scores, first=bool(left)))
        seen = Trial(trial.prompt, known[0].name, known[0].system, known[1].name, known[1].system)
        noise = self._noise(trial, row.key, seen.output_a, seen.output_b)
        rater = self.population.rater(self.name)
        score = rater.answer(row.key, seen, measure=measure, levels=len(row.values), rng=noise)
        return answer._replace(score=score)

    def _obey(self, trial: ShownTrial, row: Row, scores: Sequence[float], *, first: bool) -> float:
        """Take the first of the scores, or the last, unless the mind lapses."""
        noise = self._noise(trial, "attention", row.name)
        if noise.random() < self.population.truth.lapse_rate:
            return scores[int(noise.integers(len(scores)))]
        return scores[0] if first else scores[-1]

    def _rate(self, trial: ShownTrial, row: Row, known: Known) -> Answer:
        """Answer a row about one output: a slider, a rating scale, yes or no."""
        answer, measure = _alone(row)
        if known.asked is not None:
            return answer._replace(score=self._obey(trial, row, answer.scale[::-1], first=known.asked))
        seen = Trial(trial.prompt, known.name, known.system)
        noise, rater = self._noise(trial, row.key, known.name), self.population.rater(self.name)
        levels = 0 if measure == "interval" else len(answer.scale)
        score = rater.answer(row.key, seen, measure=measure, levels=levels, rng=noise)
        if measure == "interval":
            place = round(min(max(score, 0.0), 100.0) / 100.0 * (len(answer.scale) - 1))
            return answer._replace(score=answer.scale[place])
        return answer._replace(score=score)

    def _utilities(self, trial: ShownTrial, key: str, known: tuple[Known, ...]) -> list[float]:
        """Return how much each text is liked just now, for questions that order them."""
        rater, found = self.population.rater(self.name), []
        for at, one in enumerate(known):
            noise = self._noise(trial, key, one.name)
            if one.asked is None or noise.random() < self.population.truth.lapse_rate:
                seen = Trial(trial.prompt, one.name, one.system)
                found.append(rater.answer(key, seen, measure="ranking", levels=len(known), rng=noise))
            else:
                found.append((PULLED if one.asked else -PULLED) - at)
        if self.habit is not None and self.habit.kind in ("random_clicker", "speeder"):
            return self._noise(trial, key, "habit").permutation(len(known)).tolist()
        if self.habit is not None and self.habit.kind == "straight_liner":
            return [-float(at) for at in range(len(known))]
        return found

    def _ticked(self, trial: ShownTrial, row: Row) -> list[str]:
        noise = self._noise(trial, row.name)
        count = max(row.at_least, int(noise.integers(1, len(row.ticks) + 1)))
        return [row.ticks[at] for at in sorted(noise.permutation(len(row.ticks))[:count].tolist())]

    def _habitual(self, trial: ShownTrial, scored: Sequence[Answer]) -> Sent:
        """Return what is sent; a bad rater's habit has the last word, over the rows of each scale together."""
        if self.habit is None:
            return {one.name: one.sent for one in scored}
        sent: Sent = {}
        for scale in dict.fromkeys(one.scale for one in scored):
            group = [one for one in scored if one.scale == scale]
            noise = self._noise(trial, "habit", *[one.name for one in group])
            middle = 0.5 if scale in CHOICE_SCALES else 0.0  # habits know left and right by the sign
            honest, centred = [one.score - middle for one in group], [score - middle for score in scale]
            given = self.habit.answers(honest, centred, number=trial.number, rng=noise)
            scores = [score + middle for score in given]
            sent |= {one.name: one._replace(score=score).sent for one, score in zip(group, scores, strict=True)}
        return sent

    # ------------------------------------------------------------------------------------------------ time and patience

    def leaves_at(self, total: int) -> int | None:
        """Return the number of the trial at which this rater closes the page, or None for one who stays."""
        draws = self.population.generator(self.name, "drop-out")
        return 1 + int(draws.integers(total)) if draws.random() < self.drop_out else None

    def pick(self, name: str, values: Sequence[str]) -> str:
        """Choose one answer to a question outside the trials, always the same."""
        return values[int(self.population.generator(self.name, "path", name).integers(len(values)))]

    def timing(self, trial: ShownTrial, *, rows: int, letters: int = 0) -> dict[str, int]:
        """Return the milliseconds that the page would have measured: reading at this person's pace, then deciding.

        `letters` are typed on top of that.
        """
        draws = self.population.generator(self.name, "time", str(trial.number), trial.prompt)
        words = sum(len(text.split()) for text in (trial.prompt, *trial.texts))
        pace = WORDS_PER_SECOND * math.exp(0.25 * self.population.draw("", "pace", self.name))
        reading = words / pace * math.exp(0.2 * draws.standard_normal())
        deciding = rows * SECONDS_PER_ROW * math.exp(0.4 * draws.standard_normal()) + letters * SECONDS_PER_LETTER
        away = 5 + 55 * draws.random() if draws.random() < SHARE_AWAY else 0.0
        active = reading + deciding
        if self.habit is not None:
            changed = self.habit.seconds(active, words, number=trial.number, rng=draws)
            reading, deciding = reading * changed / active, deciding * changed / active
        first = reading + away + deciding / max(rows, 1)
        seconds = {"t_first": first, "t_submit": reading + away + deciding, "t_hidden": away, "t_idle": 0.0}
        return {name: round(1000 * value) for name, value in seconds.items()}


def scale_of(row: str, values: Sequence[str]) -> tuple[str, list[float]]:
    """Tell from the values on the page how a pair is compared; returns the measure and the score of each in turn."""
    levels = len(values)
    if tuple(values) in CHOICES:
        return "pairwise_choice", [1.0 - at / (levels - 1) for at in range(levels)]
    if list(values) == [str(at) for at in range(1, levels + 1)] and levels > 1:
        half = levels // 2
        scores = [float(level) for level in range(half, -half - 1, -1) if level or levels % 2]
        return "pairwise_graded", scores
    message = f"a simulated rater does not know how to answer {row.removeprefix('answer-')!r} ({', '.join(values)})"
    raise CannotAnswer(message)


def _ascending(name: str, scores: Sequence[float], values: Sequence[str]) -> Answer:
    pairs = sorted(zip(scores, values, strict=True))
    return Answer(name, pairs[0][0], tuple(score for score, _ in pairs), tuple(value for _, value in pairs))


def _alone(row: Row) -> tuple[Answer, str]:
    """Tell from the page how one text is rated: every answer with its score, and the measure."""
    if row.span:
        low, high, step = row.span
        points = [low + at * step for at in range(round((high - low) / step) + 1)]
        return _ascending(row.name, points, [f"{point:g}" for point in points]), "interval"
    if row.values in VERDICTS:
        return _ascending(row.name, VERDICTS[row.values], row.values), "nominal"
    if list(row.values) == [str(at) for at in range(1, len(row.values) + 1)] and row.values:
        return _ascending(row.name, [float(value) for value in row.values], row.values), "ordinal"
    message = f"a simulated rater does not know how to answer {row.key!r} ({', '.join(row.values)})"
    raise CannotAnswer(message)


def _ranked(utilities: Sequence[float], key: str) -> Sent:
    order = sorted(range(len(utilities)), key=lambda at: -utilities[at])
    return {f"answer-{key}.{at + 1}": str(rank) for rank, at in enumerate(order, start=1)}


def _extremes(utilities: Sequence[float], key: str) -> Sent:
    order = sorted(range(len(utilities)), key=lambda at: -utilities[at])
    return {f"answer-{key}.best": str(order[0] + 1), f"answer-{key}.worst": str(order[-1] + 1)}


ORDERED = {"ranking": _ranked, "best_worst": _extremes}
