"""Matching on length: which outputs to keep so that within each prompt the systems' texts are about as long. Pure."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

SMALL = 0.1  # standardised mean difference that counts as none (Austin, 2009)
LEAST_WITHIN = 5  # per cent


@dataclass(frozen=True, slots=True)
class Measured:
    """One output with its number of words."""

    output: int
    system: str
    prompt: str
    words: int


@dataclass(frozen=True, slots=True)
class Match:
    """What is kept and what is lost; `difference` is the largest standardised difference between two systems."""

    within: int
    kept: tuple[int, ...]
    dropped: tuple[int, ...]
    lost_prompts: tuple[str, ...]
    before: float
    after: float
    words_before: Mapping[str, float] = field(default_factory=dict)
    words_after: Mapping[str, float] = field(default_factory=dict)
    kept_by_system: Mapping[str, int] = field(default_factory=dict)

    @property
    def is_balanced(self) -> bool:
        """Whether no two systems differ by more than SMALL."""
        return self.after < SMALL


def match(outputs: Sequence[Measured], *, within: int) -> Match:
    """Keep, of each prompt, as many sets of one text per system as there are whose longest is at most `within` per cent
    longer than the shortest; every system keeps equally many texts of a prompt.

    Where the mean lengths still differ (all sets may lean to one side), the sets that lean most are dropped one by one
    until the standardised difference of log lengths is below SMALL. A prompt without a set is lost.
    """  # noqa: D205 - one sentence
    cells: dict[str, dict[str, list[Measured]]] = defaultdict(lambda: defaultdict(list))
    systems = sorted({one.system for one in outputs})
    for one in outputs:
        cells[one.prompt][one.system].append(one)
    sets = [chosen for cell in cells.values() for chosen in _sets(cell, systems, within)]
    sets = _balanced(sets, systems)
    kept = {one.output for chosen in sets for one in chosen}
    left = [one for one in outputs if one.output in kept]
    prompts = {one.prompt for one in left}
    return Match(
        within=within,
        kept=tuple(sorted(kept)),
        dropped=tuple(sorted(one.output for one in outputs if one.output not in kept)),
        lost_prompts=tuple(prompt for prompt in cells if prompt not in prompts),
        before=imbalance(outputs),
        after=imbalance(left),
        words_before=_means(outputs),
        words_after=_means(left),
        kept_by_system={name: sum(one.system == name for one in left) for name in systems},
    )


def _sets(cell: Mapping[str, Sequence[Measured]], systems: Sequence[str], within: int) -> list[tuple[Measured, ...]]:
    """Return as many sets as possible: with all lists sorted, the shortest head that is too short for the rest goes."""
    queues = [sorted(cell.get(name, ()), key=lambda one: (one.words, one.output)) for name in systems]
    at = [0] * len(queues)
    found = []
    while all(place < len(queue) for place, queue in zip(at, queues, strict=True)):
        heads = [queue[place] for place, queue in zip(at, queues, strict=True)]
        lengths = [max(head.words, 1) for head in heads]
        if max(lengths) <= min(lengths) * (1 + within / 100):
            found.append(tuple(heads))
            at = [place + 1 for place in at]
        else:
            at[lengths.index(min(lengths))] += 1
    return found


def _balanced(sets: list[tuple[Measured, ...]], systems: Sequence[str]) -> list[tuple[Measured, ...]]:
    """Drop the sets that lean most to the side to which all lean, until they lean no more."""
    kept = list(sets)
    while len(kept) > 1:
        flat = [one for chosen in kept for one in chosen]
        first, second, size = _widest(flat, systems)
        if size < SMALL:
            break
        longer, shorter = systems.index(first), systems.index(second)
        leans = [_log(chosen[longer]) - _log(chosen[shorter]) for chosen in kept]
        if max(leans) <= 0:
            break
        kept.pop(leans.index(max(leans)))
    return kept


def imbalance(outputs: Iterable[Measured]) -> float:
    """Return the largest standardised difference of mean log length between two systems."""
    found = list(outputs)
    return _widest(found, sorted({one.system for one in found}))[2]


def _widest(outputs: Sequence[Measured], systems: Sequence[str]) -> tuple[str, str, float]:
    values: dict[str, list[float]] = defaultdict(list)
    for one in outputs:
        values[one.system].append(_log(one))
    if len(values) < 2:  # noqa: PLR2004 - nothing to compare
        return "", "", 0.0
    means = {name: sum(found) / len(found) for name, found in values.items()}
    longer = max(systems, key=lambda name: means.get(name, -math.inf))
    shorter = min(systems, key=lambda name: means.get(name, math.inf))
    gap = means[longer] - means[shorter]
    spread = math.sqrt((_variance(values[longer]) + _variance(values[shorter])) / 2)
    if gap <= 0:
        return longer, shorter, 0.0
    return longer, shorter, gap / spread if spread else math.inf


def _log(one: Measured) -> float:
    return math.log(max(one.words, 1))


def _variance(values: Sequence[float]) -> float:
    mean = sum(values) / len(values)
    return sum((value - mean) ** 2 for value in values) / max(len(values) - 1, 1)


def _means(outputs: Sequence[Measured]) -> dict[str, float]:
    counts: dict[str, list[int]] = defaultdict(list)
    for one in outputs:
        counts[one.system].append(one.words)
    return {name: sum(found) / len(found) for name, found in sorted(counts.items())}
