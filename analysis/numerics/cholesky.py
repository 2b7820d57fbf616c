"""Blocked Cholesky of I + ΛZ'WZΛ: small blocks are eliminated exactly, a dense Schur complement goes to LAPACK.

The idea is that of MixedModels.jl (Bates et al.). Only those entries of the inverse are formed that lie on the pattern.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import linalg

from analysis.numerics import block_kernels as kernels
from analysis.numerics.elimination import Block

if TYPE_CHECKING:
    from analysis.numerics.pattern import FloatArray, IntArray, Pattern

FULL = 30.0
"""How much faster BLAS multiplies than compiled loops gather and scatter."""


@dataclass(frozen=True)
class Layout:
    """Where each value of the pattern goes: the blocks' own squares, their borders and the dense part, all flat.

    ``own``, ``touch``, ``near``, ``corner`` and ``edge`` describe the blocks, see ``analysis.numerics.block_kernels``;
    ``order`` lists the eliminated columns block by block, ``kept`` the others. ``inner``, ``border`` and ``dense`` are
    numbers of entries of the pattern, ``…_at`` their places. If ``full``, borders hold all kept columns.
    """

    full: bool
    own: IntArray
    touch: IntArray
    near: IntArray
    corner: IntArray
    edge: IntArray
    order: IntArray
    kept: IntArray
    inner: IntArray
    inner_at: IntArray
    border: IntArray
    border_at: IntArray
    dense: IntArray
    dense_at: IntArray

    @property
    def blocks(self) -> tuple[IntArray, IntArray, IntArray, IntArray, IntArray]:
        """Return the arrays that describe the blocks, in the order of the kernels' arguments."""
        return self.own, self.touch, self.near, self.corner, self.edge


def build_layout(pattern: Pattern) -> Layout:
    """Compute, once per design, every index that a factorisation needs; ``pattern.layout`` keeps it."""
    blocks, gone, place = pattern.blocks, pattern.eliminated, pattern.place
    full = _is_full(pattern)
    if full:
        blocks = tuple(Block(block.own, np.arange(pattern.kept, dtype=np.int64)) for block in blocks)
    s = np.array([block.own.size for block in blocks], dtype=np.int64)
    m = np.array([block.near.size for block in blocks], dtype=np.int64)
    own, touch, corner, edge = (_starts(sizes) for sizes in (s, m, s * s, s * m))
    members = _joined([block.own for block in blocks])
    near = _joined([block.near for block in blocks])
    block_of, rank = np.empty(members.size, dtype=np.int64), np.empty(members.size, dtype=np.int64)
    block_of[members] = np.repeat(np.arange(s.size), s)
    rank[members] = np.arange(members.size) - np.repeat(own[:-1], s)
    row, column, size = pattern.row, pattern.column, max(pattern.kept, 1)
    inner = np.flatnonzero(gone[row] & gone[column])
    i, j = place[row[inner]], place[column[inner]]
    high, low = np.maximum(rank[i], rank[j]), np.minimum(rank[i], rank[j])
    border = np.flatnonzero(gone[row] ^ gone[column])
    turned = gone[row[border]]
    a = place[np.where(turned, row[border], column[border])]
    b = place[np.where(turned, column[border], row[border])]
    offset = np.searchsorted(np.repeat(np.arange(m.size), m) * size + near, block_of[a] * size + b)
    dense = np.flatnonzero(~gone[row] & ~gone[column])
    return Layout(
        full=full,
        own=own,
        touch=touch,
        near=near,
        corner=corner,
        edge=edge,
        order=np.flatnonzero(gone)[members],
        kept=np.flatnonzero(~gone),
        inner=inner,
        inner_at=np.asarray(corner[block_of[i]] + high * s[block_of[i]] + low, dtype=np.int64),
        border=border,
        border_at=edge[block_of[a]] + rank[a] * m[block_of[a]] + offset - touch[block_of[a]],
        dense=dense,
        # row ≥ column, and places ascend with columns: the lower triangle in Fortran order
        dense_at=place[column[dense]] * size + place[row[dense]],
    )


def _is_full(pattern: Pattern) -> bool:
    """Return whether one large product over all kept columns is cheaper than many small ones over those touched."""
    touched = float(sum(block.near.size**2 for block in pattern.blocks))
    return float(pattern.eliminated.sum()) * pattern.kept**2 < FULL * touched


def _starts(sizes: IntArray) -> IntArray:
    return np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)


def _joined(parts: list[IntArray]) -> IntArray:
    return np.concatenate([np.zeros(0, dtype=np.int64), *parts])


class Factorised:
    """The factor of one symmetric positive definite matrix given by its values on the lower pattern."""

    def __init__(self, layout: Layout, values: FloatArray) -> None:
        """Eliminate the blocks, factor the Schur complement; raises LinAlgError if it is not positive definite."""
        self.layout = layout
        self._inverse: FloatArray | None = None
        self.squares = np.zeros(int(layout.corner[-1]))
        self.squares[layout.inner_at] = values[layout.inner]
        self.borders = np.zeros(int(layout.edge[-1]))
        self.borders[layout.border_at] = values[layout.border]
        size = layout.kept.size
        self.schur = np.zeros((size, size), order="F")
        self.schur.reshape(-1, order="F")[layout.dense_at] = values[layout.dense]
        self.log_determinant = 0.0
        if layout.order.size:
            together = np.empty(self.borders.size if layout.full else 0)
            self.log_determinant = kernels.eliminate(*layout.blocks, self.squares, self.borders, together, self.schur.T)
            if layout.full and size:
                rows = together.reshape(-1, size).T
                self.schur = linalg.blas.dsyrk(-1.0, rows, beta=1.0, c=self.schur, lower=1, overwrite_c=1)
        if not np.isfinite(self.log_determinant):
            message = "a block is not positive definite"
            raise np.linalg.LinAlgError(message)
        if size:
            self.schur, info = linalg.lapack.dpotrf(self.schur, lower=1, clean=0, overwrite_a=1)
            if info:
                message = f"the Schur complement is not positive definite (dpotrf gave {info})"
                raise np.linalg.LinAlgError(message)
            self.log_determinant += 2.0 * float(np.log(np.diag(self.schur)).sum())

    def solve(self, right: FloatArray) -> FloatArray:
        """Solve for one right-hand side (q,) or several (q, k)."""
        layout = self.layout
        one = right.ndim == 1
        columns = np.atleast_2d(right.T)
        own, kept = np.ascontiguousarray(columns[:, layout.order]), np.ascontiguousarray(columns[:, layout.kept])
        self._forward(own, kept)
        if one:
            kernels.solve_lower(self.schur.T, kept[0])
        elif kept.size:
            kept = np.ascontiguousarray(linalg.lapack.dpotrs(self.schur, kept.T, lower=1)[0].T)
        result = np.empty(columns.shape)
        result[:, layout.kept], result[:, layout.order] = kept, self._backward(own, kept)
        return result[0] if one else result.T

    def _forward(self, own: FloatArray, kept: FloatArray) -> None:
        """Subtract (A⁻¹C)'own from ``kept``; both hold one right-hand side per row."""
        layout = self.layout
        if layout.full:
            kept -= own @ self.borders.reshape(own.shape[1], kept.shape[1])
            return
        for x, y in zip(own, kept, strict=True):
            kernels.forward(layout.own, layout.touch, layout.near, layout.edge, self.borders, x, y)

    def _backward(self, own: FloatArray, kept: FloatArray) -> FloatArray:
        """Return A⁻¹own − (A⁻¹C) kept."""
        layout, out = self.layout, np.empty_like(own)
        for x, z in zip(own, out, strict=True):
            kernels.multiply_squares(layout.own, layout.corner, self.squares, x, z)
        if layout.full:
            return np.asarray(out - kept @ self.borders.reshape(own.shape[1], kept.shape[1]).T)
        for y, z in zip(kept, out, strict=True):
            kernels.backward(layout.own, layout.touch, layout.near, layout.edge, self.borders, y, z)
        return out

    def inverse_on_pattern(self, count: int) -> FloatArray:
        """Return the entries of the inverse on the lower pattern, shape (count,); they are kept, do not change them."""
        if self._inverse is None:
            self._inverse = self._entries(count)
        return self._inverse

    def _entries(self, count: int) -> FloatArray:
        layout = self.layout
        values = np.empty(count)
        whole = self._dense_inverse()
        values[layout.dense] = whole.reshape(-1, order="F")[layout.dense_at]
        squares, borders = np.empty_like(self.squares), np.empty_like(self.borders)
        if layout.full and whole.size:
            rows = self.borders.reshape(-1, whole.shape[0]).T
            borders = linalg.blas.dsymm(-1.0, whole, rows, lower=1).T.ravel()
        elif layout.order.size:
            kernels.borders_of_inverse(
                layout.own, layout.touch, layout.near, layout.edge, self.borders, whole.T, borders
            )
        if layout.order.size:
            own, corner, edge = layout.own, layout.corner, layout.edge
            kernels.squares_of_inverse(own, corner, edge, self.squares, self.borders, borders, squares)
        values[layout.inner] = squares[layout.inner_at]
        values[layout.border] = borders[layout.border_at]
        return values

    def _dense_inverse(self) -> FloatArray:
        """Return the lower triangle of the inverse on the kept columns, in Fortran order."""
        if not self.layout.kept.size:
            return np.zeros((0, 0), order="F")
        inverse, info = linalg.lapack.dpotri(self.schur, lower=1)
        if info:
            message = f"LAPACK dpotri gave {info}"
            raise np.linalg.LinAlgError(message)
        return np.asarray(inverse)
