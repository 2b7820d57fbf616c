"""Which showing of which task goes into which booklet: an equitable edge colouring, booklets being the colours.

Edges are showings (task, copy), joining their prompt with their pair of systems. Dealing them out sorted by pair gives
every booklet each pair floor or ceiling times, and lengths within one, whatever happens later: two booklets are only
ever re-split together, which keeps those counts. What remains is that a prompt may fall twice into one booklet. Then
some booklet lacks that prompt (a prompt has at most as many showings as there are booklets), and re-splitting the two
evenly removes the conflict without making another, since no group's sum of squares can grow. So it ends, exactly.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from annotations.design.euler import Bools, Ints, combine, halve


class Showings(NamedTuple):
    """One entry per showing of a task: codes of its task, prompt and pair of systems."""

    task: Ints
    prompt: Ints
    pair: Ints


def booklet_count(showings: int, trials_per_rater: int) -> int:
    """Give the smallest number of booklets that holds all showings."""
    return -(-showings // trials_per_rater)


def assign_booklets(showings: Showings, booklets: int, rng: np.random.Generator) -> Ints:
    """Give each showing a booklet from 0; no prompt has more showings than there are booklets."""
    size = showings.task.size
    shuffled = rng.permutation(size)
    order = shuffled[np.argsort(showings.pair[shuffled], kind="stable")]
    booklet = np.empty(size, dtype=np.int64)
    booklet[order] = np.arange(size) % booklets
    while True:
        first, second = _conflicts(showings.prompt, booklet, booklets, rng)
        if first.size == 0:
            return rng.permutation(booklets)[booklet]
        first, second = disjoint(first, second, booklets, rng)
        resplit(showings, booklet, np.stack([first, second]), rng)


def _conflicts(prompt: Ints, booklet: Ints, booklets: int, rng: np.random.Generator) -> tuple[Ints, Ints]:
    """For each prompt that is twice in a booklet, give this booklet and a random one that lacks the prompt."""
    keys, counts = np.unique(prompt * booklets + booklet, return_counts=True)
    twice = keys[counts > 1]
    if twice.size == 0:
        return twice, twice
    owner, holder = np.divmod(keys, booklets)
    starts = np.searchsorted(owner, np.arange(int(owner[-1]) + 2))
    rank = np.arange(keys.size) - starts[owner]
    culprit, first = np.divmod(twice, booklets)
    lacking = booklets - np.diff(starts)[culprit]
    nth = np.floor(rng.random(culprit.size) * lacking).astype(np.int64)
    # The booklets that hold a prompt, less their rank, count those below that lack it: so the nth lacking one is found.
    ladder = owner * (booklets + 1) + holder - rank
    passed = np.searchsorted(ladder, culprit * (booklets + 1) + nth, side="right") - starts[culprit]
    return first, nth + passed


def disjoint(first: Ints, second: Ints, count: int, rng: np.random.Generator) -> tuple[Ints, Ints]:
    """Keep pairs that have no member in common: those whose random rank is the lowest at both of their members."""
    rank = rng.permutation(first.size)
    kept: Bools = np.zeros(first.size, dtype=np.bool_)
    free = np.ones(first.size, dtype=np.bool_)
    for _ in range(4):
        lowest = np.full(count, first.size, dtype=np.int64)
        np.minimum.at(lowest, first[free], rank[free])
        np.minimum.at(lowest, second[free], rank[free])
        won = free & (lowest[first] == rank) & (lowest[second] == rank)
        kept |= won
        taken = np.zeros(count, dtype=np.bool_)
        taken[first[won]] = taken[second[won]] = True
        free &= ~(taken[first] | taken[second])
        if not free.any():
            break
    return first[kept], second[kept]


def resplit(
    showings: Showings, booklet: Ints, couples: Ints, rng: np.random.Generator, *, nested: bool = False
) -> None:
    """Share the showings of each couple of booklets evenly between the two, in place; `nested`: tasks, too."""
    couple_of = np.full(int(booklet.max()) + 1, -1, dtype=np.int64)
    couple_of[couples[0]] = couple_of[couples[1]] = np.arange(couples.shape[1])
    touched = np.flatnonzero(couple_of[booklet] >= 0)
    couple = couple_of[booklet[touched]]
    left = [combine(couple, showings.prompt[touched])]
    if nested:
        left.insert(0, combine(couple, showings.task[touched]))
    right = [combine(couple, showings.pair[touched]), couple]
    colour = halve(left, right, rng)
    booklet[touched] = couples[colour.astype(np.int64), couple]
