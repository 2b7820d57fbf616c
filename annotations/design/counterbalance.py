"""Sides and positions of the main trials, so that neither tells anything about the systems.

Sides are one halving: tasks (within pairs) on one hand, pairs within booklets on the other. Positions are an equitable
colouring: every booklet has each position once, every pair of systems is equally often at each, and the showings of a
task stand at different ones, spread over both halves. It is built by halving the booklet while its length is even (an
odd one first gives up a middle position), then by re-splitting two positions at a time
where a count is off by two or more.
"""

from __future__ import annotations

import numpy as np

from annotations.design.booklets import Showings
from annotations.design.components import swap_chains
from annotations.design.euler import Bools, Ints, combine, halve
from annotations.design.places import Laid, Places
from annotations.design.polish import TOLERATED, even_sides

SHORTEST_SPREAD = 4
_TRIES = 8
_SMALL = 20_000
_ROUNDS = 3


def assign_sides(showings: Showings, booklet: Ints, rng: np.random.Generator) -> Bools:
    """Say which showings have their sides swapped: within one per task, pair, booklet and pair in booklet."""
    left = [showings.task, showings.pair]
    right = [combine(booklet, showings.pair), booklet]
    return halve(left, right, rng)


def assign_positions(
    showings: Showings, booklet: Ints, flipped: Bools, *, rng: np.random.Generator
) -> tuple[Ints, Bools]:
    """Give each showing its place among the main trials of its booklet, from 0, and its final side.

    All but the evenness of sides at each place is exact. For that, places are exchanged, then sides of chains of trials
    are swapped, and a small study is laid out several times.
    """
    tries = _TRIES if booklet.size <= _SMALL else 1
    spread_tasks = int(np.bincount(booklet).min()) >= SHORTEST_SPREAD
    outcomes: list[tuple[int, Ints, Bools]] = []
    for _ in range(tries):
        trial = Laid(showings, booklet, flipped.copy(), spread_tasks)
        place = _positions(trial, rng)
        outcomes.append((_even_out(trial, place), place, trial.flipped))
        if outcomes[-1][0] <= TOLERATED:
            break
    _, place, final = min(outcomes, key=lambda outcome: outcome[0])
    return place, final


def _even_out(laid: Laid, place: Ints) -> int:
    """Make sides even at each place, changing both in place; say how uneven the worst place remains."""
    lean = even_sides(laid, place)
    for _ in range(_ROUNDS):
        if lean <= TOLERATED:
            break
        swap_chains(laid, place)
        lean = even_sides(laid, place)
    return lean


def _positions(laid: Laid, rng: np.random.Generator) -> Ints:
    """Lay out all places once."""
    lengths = np.bincount(laid.booklet)
    common, longest = int(lengths.min()), int(lengths.max())
    place = np.full(laid.booklet.size, -1, dtype=np.int64)
    if longest > common:
        # Only the longer booklets have a last place: it is taken from them first, as a fair share of what they hold.
        long = np.flatnonzero(lengths[laid.booklet] == longest)
        place[Places(laid, long, rng).take_one(longest)] = longest - 1
    rest = np.flatnonzero(place < 0)
    odd = common % 2
    if odd:
        place[Places(laid, rest, rng).take_one(common)] = common // 2
        rest = np.flatnonzero(place < 0)
    if rest.size:
        found = Places(laid, rest, rng).spread(common - odd)
        place[rest] = found + odd * (found >= common // 2)
    return place
