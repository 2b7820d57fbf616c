"""H = I + ΛZ'WZΛ when its dense part is too large to factor: exact blocks, conjugate gradients for what joins them.

With the columns in two sides (partition.py), H = [A B; B' C] and A is block-diagonal. The Schur complement S = C −
B'A⁻¹B is never formed; D, its diagonal blocks, is exact and serves as preconditioner. Since a rater meets few of the
prompts, and a prompt few of the raters, S is near D: about five iterations give eight digits.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.linalg import eigh_tridiagonal

from analysis.numerics import iterative_kernels as kernels
from analysis.numerics.iterative_kernels import Entries
from analysis.numerics.partition import Partition, Side

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

TOLERANCE: Final = 1e-9
"""Where iterations end: the residual against the right-hand side, in the norm of the preconditioner."""
MAX_ITERATIONS: Final = 500
SOLVED: Final = 1e-28
"""A residual's square below this share of the first is rounding; the path ends there."""
FEW: Final = 64
"""Single entries of H⁻¹ are solved for where a group has no more columns than this."""


@dataclass(frozen=True)
class Solution:
    """Solutions of S x = b, shape (kept, k), and the path of the conjugate gradients to them.

    ``lengths`` and ``ratios`` have shape (iterations, k), ``start`` = b'D⁻¹b has shape (k,).
    """

    x: FloatArray
    start: FloatArray
    lengths: FloatArray
    ratios: FloatArray

    def log_quadratic(self) -> FloatArray:
        """Return b'L⁻ᵀ log(L⁻¹SL⁻ᵀ) L⁻¹b per column, D = LL', by Gauss quadrature (Golub & Meurant 1994)."""
        return np.array([self._quadrature(column) for column in range(self.start.size)])

    def _quadrature(self, column: int) -> float:
        lengths, ratios = self.lengths[:, column], self.ratios[:, column]
        used = 1 + int((np.cumprod(ratios[:-1]) > SOLVED).sum())
        if not lengths.size or self.start[column] == 0.0:
            return 0.0
        lengths, ratios = lengths[:used], ratios[: used - 1]
        main = 1.0 / lengths
        main[1:] += ratios / lengths[:-1]
        value, vector = eigh_tridiagonal(main, np.sqrt(ratios) / lengths[:-1])
        return float(self.start[column] * (vector[0] ** 2 @ np.log(value)))


class IterativeFactor:
    """One matrix H: exact diagonal blocks, products with the rest, solutions by conjugate gradients.

    Attributes
    ----------
    own, kept
        The rows' memberships times standard deviations, per side.
    own_inverse, kept_inverse
        A⁻¹ and D⁻¹, flat.
    own_products
        a_i'A⁻¹a_j for the pairs of rows of each cell.
    log_determinant
        log|A| + log|D|; log|H| is this plus log|I + E|, see probes.py.
    """

    def __init__(self, partition: Partition, scale: FloatArray, weight: FloatArray) -> None:
        """Assemble and invert the blocks; ``scale`` (q,) is the diagonal of Λ, ``weight`` (n,) that of W.

        Raises LinAlgError if a block is not positive definite.
        """
        self.partition, cells = partition, partition.cells
        self.weight = np.ascontiguousarray(weight[partition.order])
        self.own, self.kept = _entries(partition.own, scale), _entries(partition.kept, scale)
        self.own_inverse, own_log, _ = _invert(partition.own, self._gram(partition.own, self.own))
        self.own_products = np.empty(int(cells.pair_start[-1]))
        kernels.cell_products(cells, cells.own, self.own, self.own_inverse, self.own_products)
        self.diagonal = self._gram(partition.kept, self.kept)
        kernels.add_cells(self.weight, cells, cells.kept, -self.own_products, self.kept, self.diagonal)
        self.kept_inverse, kept_log, self._half = _invert(partition.kept, self.diagonal)
        self.log_determinant = own_log + kept_log

    def _gram(self, side: Side, entries: Entries) -> FloatArray:
        squares = np.zeros(int(side.square[-1]))
        squares[side.diagonal()] = 1.0
        kernels.add_gram(self.weight, entries, squares)
        return squares

    def schur(self, x: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return S x and A⁻¹B x for x (kept, k)."""
        out, carried = np.empty_like(x), np.empty((self.partition.own.columns.size, x.shape[1]))
        kernels.schur_multiply(self.partition.rows, self.weight, self.own_inverse, self.own, self.kept, x, out, carried)
        return out, carried

    def carry(self, x: FloatArray) -> FloatArray:
        """Return A⁻¹B x for x (kept, k)."""
        carried = np.empty((self.partition.own.columns.size, x.shape[1]))
        kernels.carry(self.partition.rows, self.weight, self.own_inverse, self.own, self.kept, x, carried)
        return carried

    def kept_blocks(self, matrix: FloatArray, x: FloatArray) -> FloatArray:
        """Return M x for a block-diagonal M of the kept side and x (kept, k)."""
        return _block_multiply(self.partition.kept, matrix, x)

    @cached_property
    def root(self) -> FloatArray:
        """L⁻ᵀ, D = LL', flat; D⁻¹ = L⁻ᵀL⁻¹."""
        out = np.empty_like(self._half)
        for size, at in self.partition.kept.stacks():
            inverse = np.linalg.inv(self._half[at].reshape(-1, size, size))
            out[at] = inverse.transpose(0, 2, 1).reshape(-1, size * size)
        return out

    @cached_property
    def root_transposed(self) -> FloatArray:
        """L⁻¹, flat."""
        out = np.empty_like(self._half)
        for size, at in self.partition.kept.stacks():
            out[at] = self.root[at].reshape(-1, size, size).transpose(0, 2, 1).reshape(-1, size * size)
        return out

    def excess(self, x: FloatArray) -> FloatArray:
        """Return E x = L⁻¹SL⁻ᵀx − x for x (kept, k); E has no diagonal blocks."""
        image, _ = self.schur(self.kept_blocks(self.root, x))
        return self.kept_blocks(self.root_transposed, image) - x

    def solve_kept(self, right: FloatArray, tolerance: float = TOLERANCE) -> Solution:
        """Solve S x = right, shape (kept, k), by conjugate gradients with D as preconditioner."""
        x, residual = np.zeros_like(right), right.copy()
        shifted = self.kept_blocks(self.kept_inverse, residual)
        direction, norm = shifted.copy(), _dots(residual, shifted)
        start, lengths, ratios = norm, [], []
        for _ in range(MAX_ITERATIONS):
            if np.all(norm <= tolerance**2 * start):
                break
            image, _ = self.schur(direction)
            length = norm / np.maximum(_dots(direction, image), np.finfo(float).tiny)
            x += length * direction
            residual -= length * image
            shifted = self.kept_blocks(self.kept_inverse, residual)
            previous, norm = norm, _dots(residual, shifted)
            ratio = norm / np.maximum(previous, np.finfo(float).tiny)
            direction *= ratio
            direction += shifted
            lengths.append(length)
            ratios.append(ratio)
        empty = np.zeros((0, start.size))
        return Solution(x, start, np.array(lengths) if lengths else empty, np.array(ratios) if ratios else empty)

    def solve(self, right: FloatArray, tolerance: float = TOLERANCE) -> FloatArray:
        """Solve H x = right for one right-hand side (q,) or several (q, k)."""
        own, kept = self.partition.own.columns, self.partition.kept.columns
        flat = np.ascontiguousarray(right.reshape(right.shape[0], -1))
        inner = _block_multiply(self.partition.own, self.own_inverse, flat[own])
        pushed, back = np.zeros((self.weight.size, flat.shape[1])), np.zeros((kept.size, flat.shape[1]))
        kernels.add_rows(self.own, inner, pushed)
        pushed *= self.weight[:, None]
        kernels.add_columns(self.kept, pushed, back)
        outer = self.solve_kept(flat[kept] - back, tolerance).x
        result = np.empty_like(flat)
        result[kept], result[own] = outer, inner - self.carry(outer)
        return result.reshape(right.shape)

    @cached_property
    def kept_products(self) -> FloatArray:
        """c_i'D⁻¹c_j for the pairs of rows of each cell."""
        cells = self.partition.cells
        out = np.empty(int(cells.pair_start[-1]))
        kernels.cell_products(cells, cells.kept, self.kept, self.kept_inverse, out)
        return out

    @cached_property
    def own_corrected(self) -> FloatArray:
        """A⁻¹ + A⁻¹BD⁻¹B'A⁻¹, its diagonal blocks, flat: the blocks of H⁻¹ if S were D."""
        side, cells = self.partition.own, self.partition.cells
        gram, out = np.zeros_like(self.own_inverse), self.own_inverse.copy()
        kernels.add_cells(self.weight, cells, cells.own, self.kept_products, self.own, gram)
        for size, at in side.stacks():
            inverse = self.own_inverse[at].reshape(-1, size, size)
            out[at] += (inverse @ gram[at].reshape(-1, size, size) @ inverse).reshape(-1, size * size)
        return out

    def leverage(self) -> FloatArray:
        """Return the diagonal of ZΛH⁻¹ΛZ' if S were D, shape (n,), in the partition's order."""
        out = np.zeros(self.weight.size)
        kernels.row_quadratic(self.partition.rows, self.own, self.own_corrected, out)
        kernels.add_cell_leverage(self.weight, self.partition.cells, self.own_products, self.kept_products, out)
        return out

    def inverse_diagonal(self) -> FloatArray:
        """Return the diagonal of H⁻¹ if S were D, shape (q,); off by about ‖E‖² relative."""
        own, kept = self.partition.own, self.partition.kept
        out = np.empty(self.partition.pattern.size)
        out[own.columns] = self.own_corrected[own.diagonal()]
        out[kept.columns] = self.kept_inverse[kept.diagonal()]
        return out

    def inverse_entries(self, row: IntArray, column: IntArray) -> FloatArray:
        """Return entries of H⁻¹: within a block those if S were D, 0 elsewhere; exact for groups of few columns."""
        partition, out = self.partition, np.zeros(row.size)
        for side, squares in ((partition.own, self.own_corrected), (partition.kept, self.kept_inverse)):
            place = np.full(partition.pattern.size, -1)
            place[side.columns] = np.arange(side.columns.size)
            i, j = place[row], place[column]
            here = np.flatnonzero((i >= 0) & (j >= 0))
            here = here[side.block_of[i[here]] == side.block_of[j[here]]]
            block, i, j = side.block_of[i[here]], i[here], j[here]
            out[here] = squares[
                side.square[block] + (i - side.first[block]) * side.sizes[block] + j - side.first[block]
            ]
        group_of = partition.pattern.group_of
        for group in np.flatnonzero(np.bincount(group_of) <= FEW):
            columns = np.flatnonzero(group_of == group)
            unit = np.zeros((partition.pattern.size, columns.size))
            unit[columns, np.arange(columns.size)] = 1.0
            solved = self.solve(unit)
            here = np.flatnonzero(group_of[column] == group)
            out[here] = solved[row[here], np.searchsorted(columns, column[here])]
        return out


def _entries(side: Side, scale: FloatArray) -> Entries:
    value = side.value * scale[side.columns][side.column]
    return Entries(side.pointer, side.column, value, side.block_of, side.first, side.square)


def _invert(side: Side, squares: FloatArray) -> tuple[FloatArray, float, FloatArray]:
    """Return the inverses of the blocks, flat, the sum of their log-determinants and their lower Cholesky factors."""
    inverse, half, total = np.empty_like(squares), np.empty_like(squares), 0.0
    for size, at in side.stacks():
        stack = squares[at].reshape(-1, size, size)
        lower = np.linalg.cholesky(stack)
        total += 2.0 * float(np.log(np.diagonal(lower, axis1=1, axis2=2)).sum())
        half[at] = lower.reshape(-1, size * size)
        inverse[at] = np.linalg.inv(stack).reshape(-1, size * size)
    return inverse, total, half


def _block_multiply(side: Side, matrix: FloatArray, x: FloatArray) -> FloatArray:
    out = np.empty_like(x)
    kernels.block_multiply(side.first, side.square, matrix, x, out)
    return out


def _dots(a: FloatArray, b: FloatArray) -> FloatArray:
    return np.asarray(np.einsum("ij,ij->j", a, b))
