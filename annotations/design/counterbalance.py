"""Sides and positions of the main trials, so that neither tells anything about the systems.

Sides are one halving: tasks (within pairs) on one hand, pairs within booklets on the other. Positions are an equitable
colouring: every booklet has each position once, every pair of systems is equally often at each, and the showings of a
task stand at different ones, spread over both halves. It is built by halving the booklet while its length is even (an odd
one first gives up a middle position), then by re-splitting two positions at a time where a count is off by two or more.
"""

from __future__ import annotations

import numpy as np

from annotations.design.booklets import Showings
from annotations.design.euler import Bools, Ints, combine, halve
from annotations.design.places import Places
from annotations.design.polish import even_sides



def assign_sides(showings: Showings, booklet: Ints, rng: np.random.Generator) -> Bools:
    """Say for each showing whether the sides are swapped: balanced within one per task, pair, booklet and pair in booklet."""
    left = [showings.task, showings.pair]
    right = [combine(booklet, showings.pair), booklet]
    return halve(left, right, rng)


def assign_positions(showings: Showings, booklet: Ints, flipped: Bools, rng: np.random.Generator) -> Ints:
    """Give each showing its place among the main trials of its booklet, from 0."""
    lengths = np.bincount(booklet)
    common, longest = int(lengths.min()), int(lengths.max())
    place = np.full(booklet.size, -1, dtype=np.int64)
    if longest > common:
        # Only the longer booklets have a last place: it is taken from them first, as a fair share of what they hold.
        long = np.flatnonzero(lengths[booklet] == longest)
        last = Places(showings, booklet, flipped, long, rng).take_one(longest)
        place[last] = longest - 1
    rest = np.flatnonzero(place < 0)
    middle = common // 2 if common % 2 and common > 1 else None
    if middle is not None:
        taken = Places(showings, booklet, flipped, rest, rng).take_one(common)
        place[taken] = middle
        rest = np.flatnonzero(place < 0)
    found = Places(showings, booklet, flipped, rest, rng).spread(common - (middle is not None))
    if middle is not None:
        found += found >= middle
    place[rest] = found
    even_sides(showings, booklet, flipped, place)

    return place
