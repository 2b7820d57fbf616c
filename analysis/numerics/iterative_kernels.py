"""Compiled loops behind iterative.py: blocks assembled from rows, and products with the operator, k vectors at once.

All of a partition's rows stand in its own order (own block after own block). Matrices of vectors are (columns, k) or
(n, k), so that the inner loops run along memory.
"""
# ruff: noqa: PLR0917 - compiled loops take arrays by position

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from analysis.numerics.compiled import compiled

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


class Entries(NamedTuple):
    """The rows' memberships in one side: CSR arrays (values times standard deviations), and where its blocks lie.

    ``first`` (blocks + 1,) tells where the columns of a block begin, ``square`` (blocks + 1,) where its s × s square
    begins in a flat array, ``block_of`` (columns,) the block of a column.
    """

    pointer: IntArray
    column: IntArray
    value: FloatArray
    block_of: IntArray
    first: IntArray
    square: IntArray


class Cells(NamedTuple):
    """Rows that share an own and a kept block: ``order[start[c]:start[c + 1]]`` for cell c.

    A row is in as many cells as it touches kept blocks. ``own`` and ``kept`` (cells,) are the blocks (``own`` is one
    past the last for rows that have none); ``pair_start`` (cells + 1,) tells where the pairs of rows of a cell begin.
    """

    order: IntArray
    start: IntArray
    own: IntArray
    kept: IntArray
    pair_start: IntArray


@compiled()
def add_gram(weight: FloatArray, side: Entries, out: FloatArray) -> None:
    """Add Σ w_i x_i x_i' to the blocks' squares; products across blocks are left out."""
    for i in range(weight.size):
        for e in range(side.pointer[i], side.pointer[i + 1]):
            column = side.column[e]
            block = side.block_of[column]
            base = side.first[block]
            corner = side.square[block] + (column - base) * (side.first[block + 1] - base) - base
            scaled = weight[i] * side.value[e]
            for f in range(side.pointer[i], side.pointer[i + 1]):
                if side.block_of[side.column[f]] == block:
                    out[corner + side.column[f]] += scaled * side.value[f]


@compiled()
def quadratic(i: int, j: int, block: int, side: Entries, matrix: FloatArray) -> float:
    """Return x_i' M x_j within one block of a block-diagonal M."""
    base = side.first[block]
    size, total = side.first[block + 1] - base, 0.0
    for e in range(side.pointer[i], side.pointer[i + 1]):
        if side.block_of[side.column[e]] == block:
            corner = side.square[block] + (side.column[e] - base) * size - base
            for f in range(side.pointer[j], side.pointer[j + 1]):
                if side.block_of[side.column[f]] == block:
                    total += side.value[e] * side.value[f] * matrix[corner + side.column[f]]
    return total


@compiled()
def row_quadratic(rows: IntArray, side: Entries, matrix: FloatArray, out: FloatArray) -> None:
    """Add x_i' M x_i to out (n,), M block-diagonal over the own blocks."""
    for block in range(side.first.size - 1):
        for i in range(rows[block], rows[block + 1]):
            out[i] += quadratic(i, i, block, side, matrix)


@compiled()
def cell_products(cells: Cells, block: IntArray, side: Entries, matrix: FloatArray, out: FloatArray) -> None:
    """Fill x_i' M x_j for all pairs of rows of each cell, one cell's square after the other; ``block`` is theirs."""
    for cell in range(block.size):
        begin, count, at = cells.start[cell], cells.start[cell + 1] - cells.start[cell], cells.pair_start[cell]
        for one in range(count):
            for two in range(count):
                inside = block[cell] < side.first.size - 1
                i, j = cells.order[begin + one], cells.order[begin + two]
                out[at] = quadratic(i, j, block[cell], side, matrix) if inside else 0.0
                at += 1


@compiled()
def add_cells(
    weight: FloatArray, cells: Cells, block: IntArray, products: FloatArray, side: Entries, out: FloatArray
) -> None:
    """Add Σ w_i w_j g_ij x_i x_j' over the pairs of rows of each cell to the cell's block; g are ``products``."""
    for cell in range(block.size):
        begin, count, here = cells.start[cell], cells.start[cell + 1] - cells.start[cell], block[cell]
        if here >= side.first.size - 1:
            continue
        base = side.first[here]
        size = side.first[here + 1] - base
        for one in range(count):
            i, at = cells.order[begin + one], cells.pair_start[cell] + one * count
            for e in range(side.pointer[i], side.pointer[i + 1]):
                if side.block_of[side.column[e]] != here:
                    continue
                corner = side.square[here] + (side.column[e] - base) * size - base
                for two in range(count):
                    j = cells.order[begin + two]
                    scaled = weight[i] * weight[j] * products[at + two] * side.value[e]
                    for f in range(side.pointer[j], side.pointer[j + 1]):
                        if side.block_of[side.column[f]] == here:
                            out[corner + side.column[f]] += scaled * side.value[f]


@compiled()
def _longest(first: IntArray) -> int:
    """Return the size of the largest block."""
    longest = 0
    for block in range(first.size - 1):
        longest = max(longest, first[block + 1] - first[block])
    return longest


@compiled()
def _row(i: int, side: Entries, x: FloatArray, out: FloatArray) -> None:
    """Set out (k,) = x_i' x for x (columns, k)."""
    for s in range(x.shape[1]):
        out[s] = 0.0
    for e in range(side.pointer[i], side.pointer[i + 1]):
        for s in range(x.shape[1]):
            out[s] += side.value[e] * x[side.column[e], s]


@compiled()
def _push(i: int, weight: float, side: Entries, base: int, seen: FloatArray, out: FloatArray) -> None:
    """Add weight x_i seen to out, whose first row is column ``base``."""
    for e in range(side.pointer[i], side.pointer[i + 1]):
        scaled, column = weight * side.value[e], side.column[e] - base
        for s in range(seen.size):
            out[column, s] += scaled * seen[s]


@compiled()
def _dense_product(start: int, size: int, matrix: FloatArray, x: FloatArray, out: FloatArray) -> None:
    """Set out = M x for the block of M that begins at ``start`` of the flat matrix; x and out (≥ size, k)."""
    width = x.shape[1]
    for u in range(size):
        for s in range(width):
            out[u, s] = 0.0
        for v in range(size):
            entry = matrix[start + u * size + v]
            if entry != 0.0:
                for s in range(width):
                    out[u, s] += entry * x[v, s]


@compiled()
def block_multiply(first: IntArray, square: IntArray, matrix: FloatArray, x: FloatArray, out: FloatArray) -> None:
    """Multiply x (columns, k) by the block-diagonal matrix."""
    for block in range(first.size - 1):
        begin, end = first[block], first[block + 1]
        _dense_product(square[block], end - begin, matrix, x[begin:end], out[begin:end])


@compiled()
def schur_multiply(
    rows: IntArray,
    weight: FloatArray,
    inverse: FloatArray,
    own: Entries,
    kept: Entries,
    x: FloatArray,
    out: FloatArray,
    carried: FloatArray,
) -> None:
    """Set out = (C − B'A⁻¹B) x for x (kept columns, k), ``inverse`` being A⁻¹; ``carried`` gets A⁻¹Bx."""
    width, blocks = x.shape[1], own.first.size - 1
    seen, pushed = np.empty((_longest(rows), width)), np.empty((_longest(own.first), width))
    out[:] = x
    for block in range(rows.size - 1):
        begin = rows[block]
        base = own.first[block] if block < blocks else 0
        size = own.first[block + 1] - base if block < blocks else 0
        pushed[:size] = 0.0
        for i in range(begin, rows[block + 1]):
            _row(i, kept, x, seen[i - begin])
            _push(i, weight[i], own, base, seen[i - begin], pushed)
        if size:
            _dense_product(own.square[block], size, inverse, pushed, carried[base : base + size])
        for i in range(begin, rows[block + 1]):
            for e in range(own.pointer[i], own.pointer[i + 1]):
                for s in range(width):
                    seen[i - begin, s] -= own.value[e] * carried[own.column[e], s]
            _push(i, weight[i], kept, 0, seen[i - begin], out)


@compiled()
def carry(
    rows: IntArray,
    weight: FloatArray,
    inverse: FloatArray,
    own: Entries,
    kept: Entries,
    x: FloatArray,
    carried: FloatArray,
) -> None:
    """Set carried = A⁻¹B x for x (kept columns, k)."""
    seen, pushed = np.empty(x.shape[1]), np.empty((_longest(own.first), x.shape[1]))
    for block in range(own.first.size - 1):
        base = own.first[block]
        size = own.first[block + 1] - base
        pushed[:size] = 0.0
        for i in range(rows[block], rows[block + 1]):
            _row(i, kept, x, seen)
            _push(i, weight[i], own, base, seen, pushed)
        _dense_product(own.square[block], size, inverse, pushed, carried[base : base + size])


@compiled()
def add_rows(side: Entries, x: FloatArray, out: FloatArray) -> None:
    """Add X x to out, shapes (columns, k) and (n, k)."""
    for i in range(out.shape[0]):
        for e in range(side.pointer[i], side.pointer[i + 1]):
            for s in range(x.shape[1]):
                out[i, s] += side.value[e] * x[side.column[e], s]


@compiled()
def add_columns(side: Entries, x: FloatArray, out: FloatArray) -> None:
    """Add X'x to out, shapes (n, k) and (columns, k)."""
    for i in range(x.shape[0]):
        for e in range(side.pointer[i], side.pointer[i + 1]):
            for s in range(x.shape[1]):
                out[side.column[e], s] += side.value[e] * x[i, s]


@compiled()
def add_cell_leverage(
    weight: FloatArray, cells: Cells, own_products: FloatArray, kept_products: FloatArray, out: FloatArray
) -> None:
    """Add c_i'D⁻¹c_i − 2 Σ_j w_j (a_i'A⁻¹a_j)(c_j'D⁻¹c_i) over the cells of row i to out (n,)."""
    for cell in range(cells.own.size):
        begin, count = cells.start[cell], cells.start[cell + 1] - cells.start[cell]
        for one in range(count):
            at, total = cells.pair_start[cell] + one * count, 0.0
            for two in range(count):
                total += weight[cells.order[begin + two]] * own_products[at + two] * kept_products[at + two]
            out[cells.order[begin + one]] += kept_products[at + one] - 2.0 * total


@compiled()
def _row_within(i: int, block: int, side: Entries, x: FloatArray, out: FloatArray) -> None:
    """Set out (k,) = x_i' x with the entries of one block."""
    for s in range(x.shape[1]):
        out[s] = 0.0
    for e in range(side.pointer[i], side.pointer[i + 1]):
        if side.block_of[side.column[e]] == block:
            for s in range(x.shape[1]):
                out[s] += side.value[e] * x[side.column[e], s]


@compiled()
def add_cell_control(
    weight: FloatArray,
    cells: Cells,
    own_products: FloatArray,
    kept: Entries,
    x: FloatArray,
    y: FloatArray,
    out: FloatArray,
) -> None:
    """Add Σ (o_i'x)(o_i'y) over the cells of row i to out (n, k), o_i = c_i − B'A⁻¹a_i within the cell's kept block."""
    width, longest = x.shape[1], _longest(cells.start)
    left, right = np.empty((longest, width)), np.empty((longest, width))
    for cell in range(cells.own.size):
        begin, count = cells.start[cell], cells.start[cell + 1] - cells.start[cell]
        for one in range(count):
            i = cells.order[begin + one]
            _row_within(i, cells.kept[cell], kept, x, left[one])
            _row_within(i, cells.kept[cell], kept, y, right[one])
        for one in range(count):
            at = cells.pair_start[cell] + one * count
            for s in range(width):
                a, b = left[one, s], right[one, s]
                for two in range(count):
                    scaled = weight[cells.order[begin + two]] * own_products[at + two]
                    a -= scaled * left[two, s]
                    b -= scaled * right[two, s]
                out[cells.order[begin + one], s] += a * b
