"""A study of good and bad raters as pure histories, without pages and database: what the checks are measured on.

Good raters are people: they differ in pace (about 240 words a minute; one in ten skims a third of the text), noise, use
of the scale, ties and taste, lean to a side, let one answer colour the others, lapse in about one trial in eighty, slip
on a row, read an instruction mildly, go away from the screen, answer a repeat with fresh noise; some share a browser.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from annotations.registry import Answer, Expected, History, Peer, Seen, Twin

from .bad_minds import BAD, SAME_BROWSER, Habit, Kind, habit_of

Form = Literal["pairs", "sliders", "likert"]
Floats = npt.NDArray[np.float64]
DIMENSIONS = ("originality", "surprise", "creativity")
EFFECTS = (0.0, 0.5, 0.9)  # logits of the systems
SCALES: Mapping[Form, tuple[float, ...]] = {
    "pairs": (-2.0, -1.0, 0.0, 1.0, 2.0),
    "sliders": tuple(map(float, range(101))),
    "likert": (1.0, 2.0, 3.0, 4.0, 5.0),
}
CUTS = (-1.9, -0.5, 0.5, 1.9)
BROKEN = -3.5  # logits by which a degraded text is worse
FIRST_CHECK, FIRST_REPEAT, GAP = 3, 12, 5


@dataclass(frozen=True, slots=True)
class Layout:
    """A booklet: so many trials, of which some are checks and repeats; each task is judged by `raters_per_task`."""

    form: Form
    attention: int
    repeats: int
    trials: int = 20
    raters_per_task: int = 3

    @property
    def main(self) -> int:
        """Trials that are neither checks nor repeats."""
        return self.trials - self.attention - self.repeats


@dataclass(frozen=True, slots=True)
class Person:
    """A rater's traits; a bad one has a habit too and is honest where the habit lets him."""

    kind: Kind
    habit: Habit | None
    noise: float
    stretch: float
    taste: Floats
    side: float
    level: float
    lapse: float
    halo: float
    mild: bool
    words_per_minute: float
    share_read: float
    twin: bool

    @classmethod
    def draw(cls, kind: Kind, rng: np.random.Generator) -> Person:
        """Draw one person."""
        return cls(
            kind,
            habit_of(kind, rows=len(DIMENSIONS), rng=rng) if kind not in ("good", "copy") else None,
            noise=float(np.exp(0.25 * rng.normal())),
            stretch=float(np.exp(0.35 * rng.normal())),
            taste=0.3 * rng.normal(size=(len(EFFECTS), len(DIMENSIONS))),
            side=float(rng.normal(0.1, 0.3)),
            level=float(rng.normal(0, 0.6)),
            lapse=float(rng.beta(1, 79)),
            halo=0.95 if rng.random() < 0.1 else 0.4,  # noqa: PLR2004
            mild=bool(rng.random() < 0.02),  # noqa: PLR2004
            words_per_minute=float(240 * np.exp(0.3 * rng.normal())),
            share_read=0.67 if rng.random() < 0.1 else 1.0,  # noqa: PLR2004
            twin=bool(rng.random() < (SAME_BROWSER if kind == "copy" else 0.003)),
        )


@dataclass(frozen=True, slots=True)
class World:
    """The texts: merit by output and dimension, system and words by output; `tasks` holds the outputs of each."""

    layout: Layout
    merit: Floats
    system: npt.NDArray[np.int64]
    words: npt.NDArray[np.int64]
    tasks: list[tuple[int, ...]]

    @classmethod
    def draw(cls, layout: Layout, raters: int, rng: np.random.Generator) -> World:
        """Draw the texts that so many raters need."""
        systems, wanted = len(EFFECTS), -(-raters * layout.main // layout.raters_per_task)
        prompts = -(-wanted // systems)  # three pairs, or three texts alone, for each prompt
        shape = (prompts, systems, len(DIMENSIONS))
        common, own = rng.normal(size=(prompts, systems, 1)), rng.normal(size=shape)
        merit = 0.58 * (np.sqrt(0.5) * common + np.sqrt(0.5) * own) + np.array(EFFECTS)[None, :, None]
        words = np.maximum(8, np.exp(rng.normal(np.log(45 if layout.form == "pairs" else 65), 0.4, shape[:2])))
        pairs = [(0, 1), (0, 2), (1, 2)] if layout.form == "pairs" else [(0,), (1,), (2,)]
        tasks = [tuple(p * systems + s for s in pair) for p in range(prompts) for pair in pairs]
        return cls(
            layout,
            merit.reshape(-1, len(DIMENSIONS)),
            np.tile(np.arange(systems), prompts),
            words.astype(np.int64).ravel(),
            tasks[:wanted],
        )


@dataclass(frozen=True, slots=True)
class Crowd:
    """The raters of one simulated study."""

    people: tuple[Person, ...]
    histories: tuple[History, ...] = field(repr=False)


def crowd_of(layout: Layout, *, raters: int, seed: int, bad: float = 0.2, kinds: Sequence[Kind] = BAD) -> Crowd:
    """Let so many raters judge, the share `bad` of them in equal parts of these kinds; peers are filled in."""
    rng = np.random.default_rng(seed)
    applicable = [kind for kind in kinds if layout.form == "pairs" or kind != "side_preferrer"]
    count = round(bad * raters)
    chosen: list[Kind] = [applicable[at % len(applicable)] for at in range(count)]
    chosen += ["good"] * (raters - count)
    people = tuple(Person.draw(chosen[at], rng) for at in rng.permutation(raters))
    world = World.draw(layout, raters, rng)
    deck = np.concatenate([rng.permutation(len(world.tasks)) for _ in range(layout.raters_per_task)])
    hands = [list(dict.fromkeys(deck[at * layout.main : (at + 1) * layout.main].tolist())) for at in range(raters)]
    alone = [_judge(world, person, hand, rng) for person, hand in zip(people, hands, strict=True)]
    return Crowd(people, with_peers(alone))


def with_peers(histories: Sequence[History]) -> tuple[History, ...]:
    """Give each history the others' answers to its main tasks."""
    from annotations.plugins.quality.peers import on_own_scale

    scaled = [on_own_scale([*history.of_kind("main")]) for history in histories]
    by_task: dict[str, list[tuple[int, Peer]]] = {}
    for at, own in enumerate(scaled):
        for task, answers in own.items():
            by_task.setdefault(task, []).append((at, answers))
    return tuple(
        History(
            history.judgements,
            history.planned,
            history.twins,
            {task: tuple(answers for other, answers in by_task[task] if other != at) for task in scaled[at]},
        )
        for at, history in enumerate(histories)
    )


def _judge(world: World, person: Person, hand: Sequence[int], rng: np.random.Generator) -> History:
    """Go through one booklet; checks and repeats are spread, a repeat shows a trial of before with sides swapped."""
    layout, seen = world.layout, list[Seen]()
    checks = {FIRST_CHECK + at * 7 for at in range(layout.attention)}
    repeats = {FIRST_REPEAT + at * 6 for at in range(layout.repeats)}
    mains = iter(hand)
    for number in range(1, layout.trials + 1):
        if number in checks:
            seen.append(_check(world, person, number, rng))
        elif number in repeats:
            earlier = [one for one in seen if one.kind == "main" and one.number <= number - GAP]
            first = earlier[int(rng.integers(len(earlier)))]
            seen.append(_main(world, person, int(first.task), number=number, rng=rng, again=first))
        elif (task := next(mains, None)) is not None:
            seen.append(_main(world, person, task, number=number, rng=rng))
    return History(tuple(seen), layout.trials, (Twin("browser", layout.trials),) if person.twin else ())


def _main(
    world: World, person: Person, task: int, *, number: int, rng: np.random.Generator, again: Seen | None = None
) -> Seen:
    outputs = world.tasks[task]
    order = again.order[::-1] if again is not None else _order(len(outputs), rng)
    shown = [outputs[place - 1] for place in order]
    worth = world.merit[shown] + person.taste[world.system[shown]]
    lean = worth[0] - worth[1] + person.side if len(shown) > 1 else worth[0] - 0.47 + person.level
    honest = _scores(world.layout.form, person, lean, rng)
    words = tuple(int(world.words[one]) for one in shown)
    seen = _seen(
        world, person, honest, number=number, words=words, rng=rng, kind="repeat" if again else "main", order=order,
        task=str(task), prompt=str(outputs[0] // len(EFFECTS)), texts=tuple(map(str, shown)),
    )  # fmt: skip
    return replace(seen, original=again.number) if again else seen


def _order(outputs: int, rng: np.random.Generator) -> tuple[int, ...]:
    return (1, 2)[:: int(rng.choice([1, -1]))] if outputs > 1 else (1,)


def _check(world: World, person: Person, number: int, rng: np.random.Generator) -> Seen:
    """Show an instruction, or every other time a degraded text (last of a pair, lowest alone)."""
    form, pair, left = world.layout.form, world.layout.form == "pairs", bool(rng.random() < 0.5)  # noqa: PLR2004
    degraded = number != FIRST_CHECK
    scale = SCALES[form]
    if degraded:
        expected = Expected("last", 1 if left else 2, most=True) if pair else Expected("lowest", 1, 0.5, most=True)
        worse = np.full(len(DIMENSIONS), BROKEN)
        honest = _scores(form, person, (worse if left or not pair else -worse) + person.level * (not pair), rng)
    else:
        expected = Expected("favoured", 1 if left else 2) if pair else Expected("highest", 1, 0.1)
        end = scale[-1] if left or not pair else scale[0]
        step = (scale[-1] - scale[0]) / 4 if person.mild else 0.0
        honest = [end - step if end == scale[-1] else end + step] * len(DIMENSIONS)
        honest = _slip(honest, scale, person, rng)
    words = tuple(int(word) for word in rng.choice(world.words, size=2 if pair else 1))
    order = ((1, 2) if left else (2, 1)) if pair else (1,)
    return _seen(
        world, person, honest, number=number, words=words, rng=rng, kind="attention", order=order,
        task=f"check-{number}", prompt=f"check-{number}", texts=tuple(map(str, order)), expected=expected,
    )  # fmt: skip


def _slip(honest: list[float], scale: Sequence[float], person: Person, rng: np.random.Generator) -> list[float]:
    """Lapse over the whole trial, misread it once in 250 times, or miss a row once in 300."""
    if rng.random() < person.lapse + 0.004:
        return [float(score) for score in rng.choice(scale, size=len(honest))]
    return [float(rng.choice(scale)) if rng.random() < 1 / 300 else score for score in honest]


def _scores(form: Form, person: Person, lean: Floats, rng: np.random.Generator) -> list[float]:
    scale = SCALES[form]
    if rng.random() < person.lapse:
        return [float(score) for score in rng.choice(scale, size=len(lean))]
    common, own = rng.logistic(), rng.logistic(size=len(lean))
    latent = lean + person.noise * (np.sqrt(person.halo) * common + np.sqrt(1 - person.halo) * own)
    if form == "pairs":
        return [float(scale[at]) for at in np.searchsorted(np.array(CUTS) * person.stretch, latent)]
    if form == "likert":
        cuts = np.array([-2.4, -0.9, 0.6, 2.1]) * person.stretch
        return [float(scale[at]) for at in np.searchsorted(cuts, latent)]
    return [float(min(max(round(50 + 11 * one / person.stretch), 0), 100)) for one in latent]


def _seen(
    world: World,
    person: Person,
    honest: list[float],
    *,
    number: int,
    words: tuple[int, ...],
    rng: np.random.Generator,
    kind: Literal["main", "attention", "repeat"],
    order: tuple[int, ...],
    task: str,
    prompt: str,
    texts: tuple[str, ...],
    expected: Expected | None = None,
) -> Seen:
    scale, form = SCALES[world.layout.form], world.layout.form
    reading = sum(words) * person.share_read * 60 / person.words_per_minute * float(np.exp(0.25 * rng.normal()))
    seconds = reading + len(honest) * 1.5 * float(np.exp(0.4 * rng.normal()))
    away = float(rng.uniform(5, 300)) if rng.random() < 0.03 else 0.0  # noqa: PLR2004
    given = honest
    if person.habit is not None:
        given = person.habit.answers(honest, scale, number=number, rng=rng)
        seconds = person.habit.seconds(seconds, sum(words), number=number, rng=rng)
    measure: Literal["pairwise_graded", "interval", "ordinal"] = (
        "pairwise_graded" if form == "pairs" else "interval" if form == "sliders" else "ordinal"
    )
    answers = tuple(
        Answer(
            name, measure, (score,), _favoured(score) if form == "pairs" else None, len(scale), (scale[0], scale[-1])
        )
        for name, score in zip(DIMENSIONS, given, strict=True)
    )
    return Seen(
        number, number, kind, task, prompt, order, answers, words, texts, round(seconds, 2),
        hidden_seconds=away, expected=expected,
    )  # fmt: skip


def _favoured(score: float) -> int | None:
    return None if score == 0 else (1 if score > 0 else 2)
