"""Which random effects to eliminate first, and the blocks into which they then fall apart."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.sparse.csgraph import connected_components

if TYPE_CHECKING:
    BoolArray = npt.NDArray[np.bool_]

IntArray = npt.NDArray[np.int64]

BLOCK_OVERHEAD = 2.0e4
"""Cost of one more block, in floating-point operations of LAPACK on a large matrix, as the next two."""
LOOP = 8.0
"""Cost of an operation in a compiled loop over a small block."""
MATRIX = 5.0
"""The same in a larger block, which BLAS multiplies."""
LARGE_BLOCK = 12
SCATTER = 30.0
"""Cost of moving one entry between a block and the dense part."""
WIDEST_SEARCH = 6
"""Up to this number of groups all their subsets are tried; above, single groups and their complements."""


@dataclass(frozen=True)
class Block:
    """One connected piece of the eliminated factors: its own columns and the kept ones it touches (local numbers)."""

    own: IntArray
    near: IntArray


@dataclass(frozen=True)
class Pairs:
    """The lower pattern of a symmetric matrix: entry e stands at (``row[e]``, ``column[e]``), row ≥ column."""

    row: IntArray
    column: IntArray


def cheapest_elimination(group_of: IntArray, pairs: Pairs) -> BoolArray:
    """Return which columns to eliminate blockwise: the cheapest set of groups, possibly none.

    ``group_of`` has shape (q,) and counts from 0. The price is that of one factorisation and one inverse.
    """
    count = int(group_of.max(initial=-1)) + 1
    best, cost = np.zeros(group_of.size, dtype=bool), float(group_of.size) ** 3
    for chosen in _candidates(count):
        eliminated = np.isin(group_of, chosen)
        price = _price(eliminated, pairs, limit=cost)
        if price < cost:
            best, cost = eliminated, price
    return best


def _candidates(count: int) -> list[tuple[int, ...]]:
    sizes = range(1, count + 1) if count <= WIDEST_SEARCH else (1, count - 1, count)
    return [chosen for size in sizes for chosen in combinations(range(count), size)]


def _price(eliminated: BoolArray, pairs: Pairs, *, limit: float) -> float:
    """Return the price of eliminating these columns first; infinite as soon as it passes ``limit``."""
    dense = float((~eliminated).sum()) ** 3
    if dense >= limit:
        return float("inf")
    label = _components(eliminated, pairs)
    s = np.bincount(label[eliminated]).astype(float)
    price = dense + LOOP * 3.0 * float((s**3).sum())
    if price >= limit:
        return float("inf")
    m = np.diff(_touched(eliminated, label, pairs).indptr).astype(float)
    inner = np.where(s > LARGE_BLOCK, MATRIX, LOOP) * s * m * (s + m)
    return price + float((inner + SCATTER * m**2 + BLOCK_OVERHEAD).sum())


def _touched(eliminated: BoolArray, label: IntArray, pairs: Pairs) -> sparse.csr_array:
    """Return which kept columns each block touches, as the pattern of a (blocks, q) matrix."""
    across = eliminated[pairs.row] ^ eliminated[pairs.column]
    row, column = pairs.row[across], pairs.column[across]
    own, other = np.where(eliminated[row], row, column), np.where(eliminated[row], column, row)
    shape = (int(label.max(initial=-1)) + 1, eliminated.size)
    found = sparse.csr_array(sparse.coo_array((np.ones(row.size), (label[own], other)), shape=shape))
    found.sort_indices()
    return found


def _components(eliminated: BoolArray, pairs: Pairs) -> IntArray:
    """Return the piece each eliminated column belongs to, −1 for kept ones."""
    inner = eliminated[pairs.row] & eliminated[pairs.column]
    entries = (np.ones(int(inner.sum())), (pairs.row[inner], pairs.column[inner]))
    graph = sparse.coo_array(entries, shape=(eliminated.size, eliminated.size))
    label = connected_components(graph, directed=False)[1]
    used = np.zeros(eliminated.size, dtype=bool)
    used[label[eliminated]] = True
    return np.where(eliminated, (np.cumsum(used) - 1)[label], -1)


def find_blocks(eliminated: BoolArray, place: IntArray, pairs: Pairs) -> tuple[Block, ...]:
    """Return the blocks; ``place`` is the local number of each column within the eliminated or the kept part."""
    label = _components(eliminated, pairs)
    count = int(label.max(initial=-1)) + 1
    if not count:
        return ()
    touched = _touched(eliminated, label, pairs)
    near = np.split(place[touched.indices], touched.indptr[1:-1])
    order = np.argsort(label[eliminated], kind="stable")
    members = np.split(order, np.cumsum(np.bincount(label[eliminated], minlength=count))[:-1])
    return tuple(Block(a.astype(np.int64), b.astype(np.int64)) for a, b in zip(members, near, strict=True))
