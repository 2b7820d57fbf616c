"""The columns of a large design in two sides of small blocks, for factorisations that must never become dense.

*Own* blocks (connected pieces of some factors, such as all outputs of one prompt) will be eliminated exactly; the other
factors are *kept*, in blocks as well (such as all systems of one rater). Made once per design.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from analysis.numerics.iterative_kernels import Cells

if TYPE_CHECKING:
    from analysis.numerics.pattern import Pattern

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

BLOCK_LIMIT: Final = 512
"""Largest block that is factored exactly."""


@dataclass(frozen=True)
class Side:
    """Half of the columns in blocks, and the rows' memberships in it, as the compiled loops take them.

    Attributes
    ----------
    columns
        Columns of Z in the side's own order, shape (m,), block after block.
    block_of
        The block of each of them, shape (m,).
    first, square
        Where each block's columns begin, and its square in a flat array of all squares; both (blocks + 1,).
    pointer, column, value
        The rows' entries in CSR form, in the partition's order of rows.
    """

    columns: IntArray
    block_of: IntArray
    first: IntArray
    square: IntArray
    pointer: IntArray
    column: IntArray
    value: FloatArray

    @property
    def sizes(self) -> IntArray:
        """Return the number of columns of each block."""
        return np.diff(self.first)

    def diagonal(self) -> IntArray:
        """Return where the diagonal of each block lies in the flat array, shape (m,)."""
        sizes = self.sizes
        rank = np.arange(self.columns.size) - np.repeat(self.first[:-1], sizes)
        return np.asarray(np.repeat(self.square[:-1], sizes) + rank * (np.repeat(sizes, sizes) + 1))

    def stacks(self) -> tuple[tuple[int, IntArray], ...]:
        """Return, for each size, the flat places of all blocks of that size, shape (blocks, size²)."""
        sizes = self.sizes
        return tuple(
            (int(size), self.square[:-1][sizes == size][:, None] + np.arange(size * size)) for size in np.unique(sizes)
        )


@dataclass(frozen=True)
class Partition:
    """The two sides of a design.

    ``order`` (n,) lists the rows by own block, ``rows`` (own blocks + 2,) where each block's rows begin (rows without
    an own block come last).
    """

    pattern: Pattern
    order: IntArray
    rows: IntArray
    own: Side
    kept: Side
    cells: Cells


def build_partition(pattern: Pattern) -> Partition:
    """Split the columns: groups whose small blocks eliminate most columns are own, the others are kept.

    ``pattern`` is a structure or its reduction; what is built from it takes a diagonal Λ (no correlated slopes).
    """
    own_label, kept_label = _labels(pattern)
    row_block = _row_blocks(pattern.z, own_label)
    order = np.argsort(row_block, kind="stable").astype(np.int64)
    z = sparse.csr_array(pattern.z[order])
    own, kept = _side(z, own_label), _side(z, kept_label)
    return Partition(
        pattern=pattern,
        order=order,
        rows=np.searchsorted(row_block[order], np.arange(own.first.size + 1)).astype(np.int64),
        own=own,
        kept=kept,
        cells=_cells(row_block[order], kept),
    )


def _labels(pattern: Pattern) -> tuple[IntArray, IntArray]:
    """Return the own and the kept block of each column, −1 for columns of the other side."""
    chosen, own = _largest_group(pattern, np.unique(pattern.group_of).tolist())
    kept, shift = np.full(pattern.size, -1, dtype=np.int64), 0
    remaining = [group for group in np.unique(pattern.group_of).tolist() if group not in chosen]
    while remaining:
        chosen, label = _largest_group(pattern, remaining)
        if not chosen:  # no small blocks: single columns will do, if less well, as a preconditioner
            inside = np.isin(pattern.group_of, remaining)
            chosen, label = tuple(remaining), np.where(inside, np.cumsum(inside) - 1, -1)
        kept = np.where(label >= 0, label + shift, kept)
        shift += int(label.max(initial=-1)) + 1
        remaining = [group for group in remaining if group not in chosen]
    return own, kept


def _largest_group(pattern: Pattern, remaining: list[int]) -> tuple[tuple[int, ...], IntArray]:
    """Return those groups that cover most columns in small blocks (none if there are no such), and the blocks."""
    best: tuple[int, tuple[int, ...], IntArray] = (0, (), np.full(pattern.size, -1, dtype=np.int64))
    for size in range(1, len(remaining) + 1):
        for chosen in combinations(remaining, size):
            inside = np.isin(pattern.group_of, chosen)
            columns = int(inside.sum())
            if columns <= best[0]:
                continue
            label = _pieces(pattern.z, inside)
            if np.bincount(label[inside]).max() <= BLOCK_LIMIT:
                best = (columns, chosen, label)
    return best[1], best[2]


def _pieces(z: sparse.csr_array, inside: npt.NDArray[np.bool_]) -> IntArray:
    """Return the connected piece of each column that is ``inside``, −1 for the others."""
    n, q = z.shape
    entry = inside[z.indices]
    row = np.repeat(np.arange(n), np.diff(z.indptr))[entry]
    graph = sparse.coo_array((np.ones(row.size), (row, z.indices[entry] + n)), shape=(n + q, n + q))
    found = connected_components(graph, directed=False)[1][n:]
    label = np.full(q, -1, dtype=np.int64)
    label[inside] = np.unique(found[inside], return_inverse=True)[1]
    return label


def _row_blocks(z: sparse.csr_array, label: IntArray) -> IntArray:
    """Return the block of each row, shape (n,); the number of blocks for rows that have none."""
    block = np.full(z.shape[0], int(label.max(initial=-1)) + 1, dtype=np.int64)
    row = np.repeat(np.arange(z.shape[0]), np.diff(z.indptr))
    inside = label[z.indices] >= 0
    block[row[inside]] = label[z.indices[inside]]
    return block


def _side(z: sparse.csr_array, label: IntArray) -> Side:
    blocks = int(label.max(initial=-1)) + 1
    columns = np.argsort(np.where(label >= 0, label, blocks), kind="stable")[: int((label >= 0).sum())]
    sizes = np.bincount(label[columns], minlength=blocks)
    part = sparse.csr_array(z[:, columns])
    part.sort_indices()
    return Side(
        columns=columns.astype(np.int64),
        block_of=label[columns],
        first=np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
        square=np.concatenate([[0], np.cumsum(sizes**2)]).astype(np.int64),
        pointer=part.indptr.astype(np.int64),
        column=part.indices.astype(np.int64),
        value=part.data.astype(np.float64),
    )


def _cells(own_block: IntArray, kept: Side) -> Cells:
    row = np.repeat(np.arange(own_block.size), np.diff(kept.pointer))
    blocks = max(kept.first.size - 1, 1)
    pairs = np.unique((own_block[row] * blocks + kept.block_of[kept.column]) * own_block.size + row)
    key, order = pairs // own_block.size, pairs % own_block.size
    unique, start = np.unique(key, return_index=True)
    start = np.append(start, order.size).astype(np.int64)
    pair_start = np.concatenate([[0], np.cumsum(np.diff(start) ** 2)]).astype(np.int64)
    return Cells(order.astype(np.int64), start, unique // blocks, unique % blocks, pair_start)
