"""Blocked Cholesky of I + ΛZ'WZΛ: small blocks are eliminated exactly, a dense Schur complement goes to LAPACK.

The idea is that of MixedModels.jl (Bates et al.). Only those entries of the inverse are formed that lie on the pattern.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import linalg, sparse

if TYPE_CHECKING:
    from analysis.numerics.structure import Block, FloatArray, IntArray, Structure


@dataclass(frozen=True)
class Layout:
    """Where each value of the pattern goes: the blocks' own squares (flat), their borders (flat) and the dense part."""

    blocks: tuple[Block, ...]
    square_start: IntArray
    border_start: IntArray
    inner: IntArray
    inner_at: tuple[IntArray, IntArray]
    border: IntArray
    border_at: IntArray
    dense: IntArray
    dense_at: tuple[IntArray, IntArray]
    eliminated: IntArray
    kept: IntArray
    square_indices: tuple[IntArray, IntArray]
    border_indices: tuple[IntArray, IntArray]


def build_layout(structure: Structure) -> Layout:
    """Compute, once per design, every index that a factorisation needs."""
    blocks = structure.blocks
    s = np.array([block.own.size for block in blocks], dtype=np.int64)
    m = np.array([block.near.size for block in blocks], dtype=np.int64)
    square_start = np.concatenate([[0], np.cumsum(s * s)]).astype(np.int64)
    border_start = np.concatenate([[0], np.cumsum(s * m)]).astype(np.int64)
    own = np.concatenate([block.own for block in blocks]) if blocks else np.zeros(0, dtype=np.int64)
    block_of, rank = np.zeros(own.size, dtype=np.int64), np.zeros(own.size, dtype=np.int64)
    block_of[own] = np.repeat(np.arange(s.size), s)
    rank[own] = np.arange(own.size) - np.repeat(np.cumsum(s) - s, s)
    row, column, gone, place = structure.row, structure.column, structure.eliminated, structure.place
    inner = np.flatnonzero(gone[row] & gone[column])
    i, j = place[row[inner]], place[column[inner]]
    corner = square_start[block_of[i]]
    inner_at = (corner + rank[i] * s[block_of[i]] + rank[j], corner + rank[j] * s[block_of[i]] + rank[i])
    border = np.flatnonzero(gone[row] ^ gone[column])
    first = np.where(gone[row[border]], row[border], column[border])
    second = np.where(gone[row[border]], column[border], row[border])
    border_at = _border_positions(
        structure, place[first], place[second], block_of=block_of, rank=rank, start=border_start
    )
    dense = np.flatnonzero(~gone[row] & ~gone[column])
    order = np.flatnonzero(gone)[own]
    return Layout(
        blocks=blocks,
        square_start=square_start,
        border_start=border_start,
        inner=inner,
        inner_at=inner_at,
        border=border,
        border_at=border_at,
        dense=dense,
        dense_at=(place[row[dense]], place[column[dense]]),
        eliminated=order,
        kept=np.flatnonzero(~gone),
        square_indices=_csr_indices([np.arange(a, a + n) for a, n in zip(np.cumsum(s) - s, s, strict=True)], s),
        border_indices=_csr_indices([block.near for block in blocks], s),
    )


def _border_positions(
    structure: Structure, own: IntArray, near: IntArray, *, block_of: IntArray, rank: IntArray, start: IntArray
) -> IntArray:
    """Return the flat position of each (own, near) entry in the borders, stored block after block, row by row."""
    kept = max(structure.kept, 1)
    sizes = np.array([block.near.size for block in structure.blocks], dtype=np.int64)
    if not own.size:
        return np.zeros(0, dtype=np.int64)
    keys = np.concatenate([index * kept + block.near for index, block in enumerate(structure.blocks)])
    offset = np.searchsorted(keys, block_of[own] * kept + near) - (np.cumsum(sizes) - sizes)[block_of[own]]
    return np.asarray(start[block_of[own]] + rank[own] * sizes[block_of[own]] + offset, dtype=np.int64)


def _csr_indices(columns: list[IntArray], repeats: IntArray) -> tuple[IntArray, IntArray]:
    """Return indices and indptr of a CSR matrix whose block k has ``repeats[k]`` rows, each with ``columns[k]``."""
    if not columns:
        return np.zeros(0, dtype=np.int64), np.zeros(1, dtype=np.int64)
    indices = np.concatenate([np.tile(column, int(count)) for column, count in zip(columns, repeats, strict=True)])
    lengths = np.repeat([column.size for column in columns], repeats)
    return indices.astype(np.int64), np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)


class Factorised:
    """The factor of one symmetric positive definite matrix given by its values on the lower pattern."""

    def __init__(self, layout: Layout, values: FloatArray) -> None:
        """Eliminate the blocks, factor the Schur complement; raises LinAlgError if it is not positive definite."""
        self.layout = layout
        squares = np.zeros(int(layout.square_start[-1]))
        squares[layout.inner_at[0]] = values[layout.inner]
        squares[layout.inner_at[1]] = values[layout.inner]
        border = np.zeros(int(layout.border_start[-1]))
        border[layout.border_at] = values[layout.border]
        schur = np.zeros((layout.kept.size, layout.kept.size), order="F")
        schur[layout.dense_at] = values[layout.dense]
        self.log_determinant = self._invert_squares(squares)
        self._scaled = self._eliminate(border, schur)
        if layout.kept.size:
            self._schur = linalg.cholesky(schur, lower=True, overwrite_a=True, check_finite=False)
            self.log_determinant += 2.0 * float(np.log(np.diag(self._schur)).sum())
        self._square_matrix = _csr(self._inverse, layout.square_indices, layout.eliminated.size)
        self._border_matrix = _csr(self._scaled, layout.border_indices, layout.kept.size)
        self._border_transposed = self._border_matrix.T

    def _invert_squares(self, squares: FloatArray) -> float:
        """Invert the blocks' own squares, all blocks of one size at a time, and return their log-determinant."""
        layout, total = self.layout, 0.0
        self._inverse = np.empty_like(squares)
        sizes = np.array([block.own.size for block in layout.blocks], dtype=np.int64)
        for size in np.unique(sizes):
            which = layout.square_start[:-1][sizes == size]
            flat = which[:, None] + np.arange(size * size)
            stack = squares[flat].reshape(-1, size, size)
            if size == 1:
                total += float(np.log(stack).sum())
                self._inverse[flat] = 1.0 / squares[flat]
            else:
                half = np.linalg.cholesky(stack)
                total += 2.0 * float(np.log(np.diagonal(half, axis1=1, axis2=2)).sum())
                self._inverse[flat] = np.linalg.inv(stack).reshape(-1, size * size)
        return total

    def _eliminate(self, border: FloatArray, schur: FloatArray) -> FloatArray:
        """Subtract every block's share from the Schur complement; return A⁻¹C, stored like the borders."""
        layout = self.layout
        scaled = np.empty_like(border)
        for index, block in enumerate(layout.blocks):
            s, m = block.own.size, block.near.size
            here = slice(layout.border_start[index], layout.border_start[index + 1])
            inverse = self._inverse[layout.square_start[index] : layout.square_start[index + 1]].reshape(s, s)
            edge = border[here].reshape(s, m)
            product = inverse @ edge
            scaled[here] = product.ravel()
            schur[block.near[:, None], block.near] -= edge.T @ product
        return scaled

    def solve(self, right: FloatArray) -> FloatArray:
        """Solve for one right-hand side (q,) or several (q, k)."""
        layout = self.layout
        own = right[layout.eliminated]
        result = np.empty_like(right)
        kept = right[layout.kept] - self._border_transposed @ own
        if layout.kept.size:
            kept = linalg.cho_solve((self._schur, True), kept, check_finite=False)
        result[layout.kept] = kept
        result[layout.eliminated] = self._square_matrix @ own - self._border_matrix @ kept
        return result

    def inverse_on_pattern(self, count: int) -> FloatArray:
        """Return the entries of the inverse on the lower pattern, shape (count,)."""
        layout = self.layout
        values = np.empty(count)
        whole = self._dense_inverse()
        values[layout.dense] = whole[layout.dense_at]
        squares, borders = np.empty_like(self._inverse), np.empty_like(self._scaled)
        for index, block in enumerate(layout.blocks):
            s, m = block.own.size, block.near.size
            here = slice(layout.border_start[index], layout.border_start[index + 1])
            there = slice(layout.square_start[index], layout.square_start[index + 1])
            scaled = self._scaled[here].reshape(s, m)
            edge = -scaled @ whole[block.near[:, None], block.near]
            borders[here] = edge.ravel()
            squares[there] = self._inverse[there] - (edge @ scaled.T).ravel()
        values[layout.inner] = squares[layout.inner_at[0]]
        values[layout.border] = borders[layout.border_at]
        return values

    def _dense_inverse(self) -> FloatArray:
        size = self.layout.kept.size
        if not size:
            return np.zeros((0, 0))
        lower, info = linalg.lapack.dpotri(self._schur, lower=1)
        if info:
            message = f"LAPACK dpotri gave {info}"
            raise np.linalg.LinAlgError(message)
        upper = np.triu_indices(size, 1)
        lower[upper] = lower.T[upper]
        return np.asarray(lower)


def _csr(data: FloatArray, indices: tuple[IntArray, IntArray], columns: int) -> sparse.csr_array:
    return sparse.csr_array((data, indices[0], indices[1]), shape=(indices[1].size - 1, columns))
