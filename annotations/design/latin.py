"""Even orders: an equitable colouring of any table of holders and places, and the balanced Latin square.

Of a single stimulus the holder is a booklet and the colours are positions; of a group the holder is a trial and the
colours are slots. Every holder has each colour once, and every group of edges has each colour equally often within one.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from annotations.design.euler import Ints, combine, halve

_TRIES = 400


def colour_evenly(holder: Ints, chain: Sequence[Ints], colours: int, rng: np.random.Generator) -> Ints:
    """Colour edges so that each holder has every colour once and each group of the chain has all of them evenly.

    `chain` holds codes of groups, finest first, each refining the next; each holder has exactly `colours` edges. It
    begins at random, and two colours at a time are shared out anew where a group has one of them twice more often. That
    lowers the group's sum of squares and raises no other's, so it ends, with every group even within one.
    """
    place = _shuffled(holder, rng)
    if colours <= 1:
        return place
    while True:
        gain = _gain(chain, place, colours)
        if not gain.any():
            return place
        other = _couples(gain, rng)[place]
        at = np.flatnonzero(other >= 0)
        low, high = np.minimum(place[at], other[at]), np.maximum(place[at], other[at])
        left, right = [combine(low, holder[at])], [combine(low, group[at]) for group in chain]
        place[at] = np.where(halve(left, right, rng), high, low)


def _shuffled(holder: Ints, rng: np.random.Generator) -> Ints:
    shuffled = rng.permutation(holder.size)
    order = shuffled[np.argsort(holder[shuffled], kind="stable")]
    sizes = np.unique(holder, return_counts=True)[1]
    place = np.empty(holder.size, dtype=np.int64)
    place[order] = np.arange(holder.size) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    return place


def _gain(chain: Sequence[Ints], place: Ints, colours: int) -> Ints:
    """Count for each two colours by how much groups have one more often than the other, where that is two or more."""
    gain = np.zeros((colours, colours), dtype=np.int64)
    for group in chain:
        width = int(group.max()) + 1
        counts = np.bincount(group * colours + place, minlength=width * colours).reshape(width, colours)
        counts = counts[np.ptp(counts, axis=1) > 1]
        for colour in range(colours if counts.size else 0):
            excess = counts[:, colour][:, None] - counts
            gain[colour] += np.where(excess > 1, excess * excess, 0).sum(axis=0)
    return gain


def _couples(gain: Ints, rng: np.random.Generator) -> Ints:
    """Join colours two by two, the greatest gain first, ties at random; -1 for one that stays alone."""
    both = gain + gain.T
    partner = np.full(both.shape[0], -1, dtype=np.int64)
    first, second = np.nonzero(np.triu(both, 1))
    for at in np.lexsort((rng.random(first.size), -both[first, second])).tolist():
        one, other = int(first[at]), int(second[at])
        if partner[one] < 0 and partner[other] < 0:
            partner[one], partner[other] = other, one
    return partner


def base_row(prompts: int, conditions: int, length: int, rng: np.random.Generator) -> Ints | None:
    """Find the first row of a balanced Latin square over all prompts x conditions: two rows (prompt, condition).

    The other rows of the square are its shifts by every (prompt, condition). So each cell stands at each place once in
    the square; different prompts along the row mean that nobody sees a prompt twice; conditions as even as can be along
    the row mean the same for every rater; and different steps mean that no cell follows the same other one twice.
    None if no such row was found (there is none where steps are too few).
    """
    if length > prompts or length - 1 > prompts * conditions - 1:
        return None
    for _ in range(_TRIES):
        condition = rng.permutation((np.arange(length) + rng.integers(conditions)) % conditions)
        prompt = _distinct_steps(prompts, conditions, condition, rng)
        if prompt is not None:
            return np.stack([prompt, condition])
    return None


def _distinct_steps(prompts: int, conditions: int, condition: Ints, rng: np.random.Generator) -> Ints | None:
    """Choose a new prompt for each place, so that no step (difference of prompt, of condition) comes twice."""
    row = [int(rng.integers(prompts))]
    steps: set[tuple[int, int]] = set()
    for before, now in zip(condition[:-1].tolist(), condition[1:].tolist(), strict=True):
        turn = (now - before) % conditions
        free = [
            one
            for one in rng.permutation(prompts).tolist()
            if one not in row and ((one - row[-1]) % prompts, turn) not in steps
        ]
        if not free:
            return None
        steps.add(((free[0] - row[-1]) % prompts, turn))
        row.append(free[0])
    return np.array(row, dtype=np.int64)
