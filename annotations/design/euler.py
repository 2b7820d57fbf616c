"""Halving a set of edges so that every group of two families of groups is halved: Euler's walk, on all edges at once.

An edge is one showing of a task. Each side of it has a chain of nested groups (finest first), for example task, then
pair of systems. Within every group the edges are linked two by two; what is left over is linked in the next wider
group. An edge then has one link per side, the links form cycles of even length, and colouring each cycle alternately
splits every group of both chains into halves that differ by at most one. (De Werra 1971, "Balanced schedules"; cycles
by connected components, so that 10^6 edges take about a second.)
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


def combine(first: npt.NDArray[np.integer], second: npt.NDArray[np.integer]) -> Ints:
    """Number the combinations of two codes (from 0, not dense)."""
    width = int(second.max(initial=0)) + 1
    return first.astype(np.int64) * width + second


def halve(left: Sequence[Ints], right: Sequence[Ints], rng: np.random.Generator) -> Bools:
    """Give one of two colours to each edge so that every group of both chains is split within one, and all edges too.

    `left` and `right` hold arrays of group codes of one length, finest first; each must refine the next.
    """
    size = left[0].size
    if size == 0:
        return np.zeros(0, dtype=np.bool_)
    one, other = _links(left, rng), _links(right, rng)
    return _alternate(one, other, rng)[:size]


def _links(chain: Sequence[Ints], rng: np.random.Generator) -> Ints:
    """Pair the edges within the finest group possible, at random; an odd last edge is paired with a spare one."""
    size = chain[0].size
    even = size + size % 2
    partner = np.full(even, -1, dtype=np.int64)
    open_edges = rng.permutation(size)
    for codes in chain:
        order = open_edges[np.argsort(codes[open_edges], kind="stable")]
        sorted_codes = codes[order]
        starts = np.flatnonzero(np.r_[True, sorted_codes[1:] != sorted_codes[:-1]])
        rank = np.arange(order.size) - np.repeat(starts, np.diff(np.r_[starts, order.size]))
        second = np.flatnonzero(rank % 2)
        partner[order[second]] = order[second - 1]
        partner[order[second - 1]] = order[second]
        open_edges = order[partner[order] < 0]
        if open_edges.size == 0:
            break
    if size < even:
        open_edges = np.r_[open_edges, size]
    partner[open_edges[0::2]] = open_edges[1::2]
    partner[open_edges[1::2]] = open_edges[0::2]
    return partner


def _alternate(one: Ints, other: Ints, rng: np.random.Generator) -> Bools:
    """Colour the cycles of two perfect matchings alternately, each cycle beginning at random.

    Two steps along a cycle keep the colour, so each colour class of a cycle is one cycle of the permutation other[one].
    """
    size = one.size
    step = csr_array((np.ones(size, dtype=np.int8), other[one], np.arange(size + 1)), shape=(size, size))
    _, orbit = connected_components(step, directed=True, connection="strong")
    orbit = orbit.astype(np.int64)
    facing = orbit[one]
    coin = rng.integers(0, 2, size=size).astype(np.bool_)
    return (orbit < facing) ^ coin[np.minimum(orbit, facing)]
