"""Places of trials within booklets: halving, and re-splitting two places at a time until every count is even."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from annotations.design.booklets import Showings
from annotations.design.euler import Bools, Ints, combine, halve


class Laid(NamedTuple):
    """Showings with their booklets and sides, but without places as yet.

    Where booklets are very short, tasks are not spread over places: with sides balanced per task and per booklet as
    well, that would tie the sides to the places.
    """

    showings: Showings
    booklet: Ints
    flipped: Bools
    spread_tasks: bool


class Places:
    """The colouring of some showings, of which every booklet has the same number; `edges` are their indices."""

    def __init__(self, laid: Laid, edges: Ints, rng: np.random.Generator) -> None:
        self.edges, self.rng = edges, rng
        self.pair = laid.showings.pair[edges]
        self.task = laid.showings.task[edges] if laid.spread_tasks else np.arange(edges.size)
        self.sided = self.pair * 2 + laid.flipped[edges]
        self.task_sided = self.task * 2 + laid.flipped[edges]
        self.booklet = laid.booklet[edges]
        self.lot = np.zeros(edges.size, dtype=np.int64)

    def take_one(self, length: int) -> Ints:
        """Give the showings of one place out of `length`: a fair share of each pair, one from each booklet."""
        place = self._equalise(length)
        taken: Ints = self.edges[place == int(self.rng.integers(length))]
        return taken

    def spread(self, length: int) -> Ints:
        """Give a place from 0 to each, in lots that halve while the length is even."""
        lots = 1
        while length // lots > 1 and (length // lots) % 2 == 0:
            self.lot = 2 * self.lot + self._split(self.lot)
            lots *= 2
        within = self._equalise(length // lots)
        within += self.lot * (length // lots)
        return within

    def _split(self, couple: Ints, among: Ints | None = None) -> Bools:
        """Halve the showings of each couple (a lot, or two places): booklets exactly, tasks and pairs within one.

        Showings of a task with the same sides are linked before others, and pairs with the same sides before others:
        both lie within the pair, so its balance stays exact, and the sides come out nearly even at every place.
        """
        at = np.arange(self.edges.size) if among is None else among
        holder = combine(couple, self.booklet[at])
        right = [combine(couple, group[at]) for group in (self.task_sided, self.task, self.sided, self.pair)]
        return halve([holder], right, self.rng)

    def _equalise(self, length: int) -> Ints:
        """Colour each lot with `length` places: begin at random, then re-split places until every count is even."""
        place = self._shuffle()
        if length <= 1:
            return place
        for round_number in range(10_000):
            gain = self._gain(place, length)
            if round_number >= max(2, length.bit_length()) and not gain.any():
                break
            if not gain.any():
                gain = gain + 1
            self._exchange(place, _couples(gain, self.rng))
        return place

    def _shuffle(self) -> Ints:
        holder = combine(self.lot, self.booklet)
        shuffled = self.rng.permutation(holder.size)
        order = shuffled[np.argsort(holder[shuffled], kind="stable")]
        sizes = np.unique(holder, return_counts=True)[1]
        place = np.empty(holder.size, dtype=np.int64)
        place[order] = np.arange(holder.size) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        return place

    def _gain(self, place: Ints, length: int) -> Ints:
        """Count for each two places what re-splitting would repair, 0 where all is even: (lots, length, length)."""
        lots = int(self.lot.max(initial=0)) + 1
        gain = np.zeros((lots, length, length), dtype=np.int64)
        pairs = int(self.pair.max()) + 1
        cell = (self.lot * pairs + self.pair) * length + place
        counts = np.bincount(cell, minlength=lots * pairs * length).reshape(lots, pairs, length)
        for pair in range(pairs):
            excess = counts[:, pair, :, None] - counts[:, pair, None, :]
            gain += np.where(excess > 1, excess * excess, 0)
        self._add_tasks(gain, place, length)
        return gain

    def _add_tasks(self, gain: Ints, place: Ints, length: int) -> None:
        """Add the tasks that are too often at one place; each gains from any place where it is rarer by two."""
        group = combine(self.lot, self.task)
        keys, counts = np.unique(group * length + place, return_counts=True)
        owner = keys // length
        total = np.zeros(int(owner[-1]) + 1, dtype=np.int64)
        np.add.at(total, owner, counts)
        heavy = np.flatnonzero(counts > -(-total[owner] // length))
        width = int(self.task.max()) + 1
        for at in heavy[: 4 * length * gain.shape[0]]:
            row = gain[int(owner[at]) // width, int(keys[at]) % length]
            start, stop = np.searchsorted(owner, [owner[at], owner[at] + 1])
            lower = np.ones(length, dtype=np.int64)
            near = np.arange(start, stop)[counts[start:stop] > counts[at] - 2]
            lower[keys[near] % length] = 0
            row += lower

    def _exchange(self, place: Ints, couples: Ints) -> None:
        """Re-split the places that `couples` joins, in place; couples[lot, place] is the other place, or -1."""
        other = couples[self.lot, place]
        at = np.flatnonzero(other >= 0)
        low, high = np.minimum(place[at], other[at]), np.maximum(place[at], other[at])
        couple = combine(self.lot[at], low)
        place[at] = np.where(self._split(couple, at), high, low)


def _couples(gain: Ints, rng: np.random.Generator) -> Ints:
    """Join places two by two in each lot, the greatest gain first, ties at random."""
    lots, length, _ = gain.shape
    both = gain + gain.transpose(0, 2, 1)
    partner = np.full((lots, length), -1, dtype=np.int64)
    for lot in range(lots):
        first, second = np.nonzero(np.triu(both[lot], 1))
        order = np.lexsort((rng.random(first.size), -both[lot][first, second]))
        for one, other in zip(first[order].tolist(), second[order].tolist(), strict=True):
            if partner[lot, one] < 0 and partner[lot, other] < 0:
                partner[lot, one], partner[lot, other] = other, one
    return partner
