"""Swapping the sides of whole chains of trials, where exchanging places alone cannot make sides even at each position.

Within each task, and within each pair of systems of a booklet, trials of opposite sides are linked two by two. All
sides of such a chain can be swapped: the sum of a task, or of a pair in a booklet, at most changes its sign. Chains
with open ends are joined, one that leans left to one that leans right, so that the sum of the pair stays as well.
"""

from __future__ import annotations

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from annotations.design.booklets import Showings
from annotations.design.euler import Bools, Ints, combine
from annotations.design.places import Laid


def swap_chains(laid: Laid, place: Ints) -> None:
    """Change the sides, in place, so that for each pair the sides come out more even at each common place."""
    showings, booklet, flipped, _ = laid
    common = int(np.bincount(booklet).min())
    chain = _chains(showings, booklet, flipped)
    sign = np.where(flipped, -1, 1)
    here = place < common
    for pair in range(int(showings.pair.max()) + 1):
        mine = np.flatnonzero(showings.pair == pair)
        codes = np.unique(chain[mine], return_inverse=True)[1]
        count = int(codes.max()) + 1
        inside = here[mine]
        cell = codes[inside] * common + place[mine][inside]
        table = np.bincount(cell, weights=sign[mine][inside], minlength=count * common)
        table = table.reshape(count, common).astype(np.int64)
        table[np.abs(np.bincount(codes, weights=sign[mine], minlength=count)) > 1] = 0
        swapped = _descend(table)
        flipped[mine] ^= swapped[codes]


def _descend(table: Ints) -> Bools:
    """Choose the rows to negate, the best first, as long as that lowers the sum of squares of the column sums."""
    swapped = np.zeros(table.shape[0], dtype=np.bool_)
    signed = table.copy()
    weight = (table * table).sum(axis=1)
    total = signed.sum(axis=0)
    for _ in range(table.shape[0]):
        change = weight - signed @ total
        best = int(change.argmin())
        if change[best] >= 0:
            break
        total -= 2 * signed[best]
        signed[best] *= -1
        swapped[best] ^= True
    return swapped


def _chains(showings: Showings, booklet: Ints, flipped: Bools) -> Ints:
    """Number the chains; a chain lies within one pair of systems."""
    size = booklet.size
    links = [_opposites(group, flipped) for group in (showings.task, combine(booklet, showings.pair))]
    one, other = np.concatenate(links, axis=1)
    graph = coo_array((np.ones(one.size, dtype=np.int8), (one, other)), shape=(size, size)).tocsr()
    count, chain = connected_components(graph, directed=False)
    chain = chain.astype(np.int64)
    leaning = np.bincount(chain, weights=np.where(flipped, -1, 1), minlength=count)
    pair = np.zeros(count, dtype=np.int64)
    pair[chain] = showings.pair
    open_chains = np.flatnonzero(leaning)
    first, second = _opposites(pair[open_chains], leaning[open_chains] < 0)
    joined = np.arange(count)
    joined[open_chains[second]] = open_chains[first]
    return joined[chain]


def _opposites(group: Ints, flipped: Bools) -> Ints:
    """Link, within each group, the n-th that is not flipped to the n-th that is: two rows of indices."""
    keys = []
    for side in (False, True):
        at = np.flatnonzero(flipped == side)
        order = at[np.argsort(group[at], kind="stable")]
        codes = group[order]
        starts = np.searchsorted(codes, codes)
        keys.append((order, codes * (group.size + 1) + np.arange(codes.size) - starts))
    _, one, other = np.intersect1d(keys[0][1], keys[1][1], assume_unique=True, return_indices=True)
    return np.stack([keys[0][0][one], keys[1][0][other]])
