"""Compiled loops of the blocked Cholesky factorisation; arrays are passed flat.

Blocks are numbered 0 … B−1. Block k owns ``own[k + 1] − own[k]`` = s eliminated columns and touches m kept ones,
``near[touch[k]:touch[k + 1]]`` in ascending order. ``squares`` holds its s × s matrices A from ``corner[k]`` on, row by
row, ``borders`` its s × m matrices C from ``edge[k]`` on. The Schur complement and its factor are LAPACK's lower
triangles in Fortran order, which are upper triangles in the C order that the loops see.
"""

# ruff: noqa: PLR0917 - compiled loops take arrays by position

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from analysis.numerics.compiled import compiled

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
SMALL = 12
"""Up to this number of rows loops beat a call of BLAS."""


@compiled("float64(float64[:, ::1], float64[:, ::1])")
def factor_small(square: FloatArray, half: FloatArray) -> float:
    """Put L of square = LL' into the lower triangle of ``half``; return log|square|, NaN if not positive definite."""
    total = 0.0
    for i in range(square.shape[0]):
        for j in range(i + 1):
            value = square[i, j]
            for k in range(j):
                value -= half[i, k] * half[j, k]
            if i > j:
                half[i, j] = value / half[j, j]
        if not value > 0.0:
            return math.nan
        total += math.log(value)
        half[i, i] = math.sqrt(value)
    return total


@compiled("void(float64[:, ::1], float64[:, ::1])")
def invert_small(square: FloatArray, half: FloatArray) -> None:
    """Replace L in ``half`` by L⁻¹, with zeros above the diagonal, and fill ``square`` with (LL')⁻¹."""
    size = square.shape[0]
    for i in range(size):
        pivot = 1.0 / half[i, i]
        square[i, :i] = half[i, :i]
        half[i, :] = 0.0
        half[i, i] = pivot
        for k in range(i):
            factor = -pivot * square[i, k]
            for j in range(k + 1):
                half[i, j] += factor * half[k, j]
    square[:, :] = 0.0
    for k in range(size):
        for i in range(k + 1):
            for j in range(k + 1):
                square[i, j] += half[k, i] * half[k, j]


@compiled("void(float64[:, ::1], float64[:, ::1], float64[:, ::1])")
def reduce_border(half: FloatArray, border: FloatArray, reduced: FloatArray) -> None:
    """Fill ``reduced`` with L⁻¹C and replace ``border`` C by A⁻¹C = L⁻ᵀ(L⁻¹C)."""
    s, m = border.shape
    if s > SMALL:
        np.dot(half, border, reduced)
        np.dot(half.T, reduced, border)
        return
    reduced[:, :] = 0.0
    for i in range(s):
        for k in range(i + 1):
            factor = half[i, k]
            for j in range(m):
                reduced[i, j] += factor * border[k, j]
    border[:, :] = 0.0
    for k in range(s):
        for i in range(k + 1):
            factor = half[k, i]
            for j in range(m):
                border[i, j] += factor * reduced[k, j]


@compiled("void(float64[:, ::1], int64[::1], float64[::1], float64[:, ::1])")
def subtract_square(reduced: FloatArray, here: IntArray, space: FloatArray, schur: FloatArray) -> None:
    """Subtract R'R, R = ``reduced`` (s, m), from the columns ``here`` of ``schur``; ``space`` has m² elements."""
    s, m = reduced.shape
    if s > SMALL:
        product = space[: m * m].reshape(m, m)
        np.dot(reduced.T, reduced, product)
        for j in range(m):
            for i in range(j, m):
                schur[here[j], here[i]] -= product[j, i]
        return
    for j in range(m):
        space[j:m] = 0.0
        for k in range(s):
            factor = reduced[k, j]
            for i in range(j, m):
                space[i] += factor * reduced[k, i]
        for i in range(j, m):
            schur[here[j], here[i]] -= space[i]


@compiled(
    "float64(int64[::1], int64[::1], int64[::1], int64[::1], int64[::1], float64[::1], float64[::1], float64[::1],"
    " float64[:, ::1])"
)
def eliminate(
    own: IntArray,
    touch: IntArray,
    near: IntArray,
    corner: IntArray,
    edge: IntArray,
    squares: FloatArray,
    borders: FloatArray,
    together: FloatArray,
    schur: FloatArray,
) -> float:
    """Replace squares A by A⁻¹ and borders C by A⁻¹C, subtract C'A⁻¹C from ``schur``; return log|A| or NaN.

    If ``together`` is as large as ``borders`` it receives L⁻¹C and nothing is subtracted.
    """
    total, largest, widest = 0.0, np.diff(own).max(), np.diff(touch).max()
    kept = together.size == borders.size
    halves, reductions = np.empty(largest * largest), np.empty(0 if kept else largest * widest)
    space = np.empty(widest * widest if largest > SMALL and not kept else widest)
    for k in range(own.size - 1):
        s, m = own[k + 1] - own[k], touch[k + 1] - touch[k]
        square, half = squares[corner[k] : corner[k + 1]].reshape(s, s), halves[: s * s].reshape(s, s)
        logarithm = factor_small(square, half)
        if math.isnan(logarithm):
            return math.nan
        total += logarithm
        invert_small(square, half)
        border = borders[edge[k] : edge[k + 1]].reshape(s, m)
        if kept:
            reduce_border(half, border, together[edge[k] : edge[k + 1]].reshape(s, m))
        else:
            reduced = reductions[: s * m].reshape(s, m)
            reduce_border(half, border, reduced)
            subtract_square(reduced, near[touch[k] : touch[k + 1]], space, schur)
    return total


@compiled("void(float64[:, ::1], float64[::1])")
def solve_lower(half: FloatArray, x: FloatArray) -> None:
    """Solve LL'x = b in place; ``half`` holds L'."""
    size = x.size
    for j in range(size):
        x[j] /= half[j, j]
        factor = x[j]
        for i in range(j + 1, size):
            x[i] -= factor * half[j, i]
    for j in range(size - 1, -1, -1):
        total = 0.0
        for i in range(j + 1, size):
            total += half[j, i] * x[i]
        x[j] = (x[j] - total) / half[j, j]


@compiled("void(int64[::1], int64[::1], int64[::1], int64[::1], float64[::1], float64[::1], float64[::1])")
def forward(
    own: IntArray,
    touch: IntArray,
    near: IntArray,
    edge: IntArray,
    borders: FloatArray,
    x: FloatArray,
    kept: FloatArray,
) -> None:
    """Subtract (A⁻¹C)'x from ``kept``."""
    for k in range(own.size - 1):
        m = touch[k + 1] - touch[k]
        for i in range(own[k + 1] - own[k]):
            factor, line = x[own[k] + i], edge[k] + i * m
            for j in range(m):
                kept[near[touch[k] + j]] -= factor * borders[line + j]


@compiled("void(int64[::1], int64[::1], int64[::1], int64[::1], float64[::1], float64[::1], float64[::1])")
def backward(
    own: IntArray,
    touch: IntArray,
    near: IntArray,
    edge: IntArray,
    borders: FloatArray,
    kept: FloatArray,
    x: FloatArray,
) -> None:
    """Subtract (A⁻¹C) kept from ``x``."""
    for k in range(own.size - 1):
        m = touch[k + 1] - touch[k]
        for i in range(own[k + 1] - own[k]):
            total, line = 0.0, edge[k] + i * m
            for j in range(m):
                total += borders[line + j] * kept[near[touch[k] + j]]
            x[own[k] + i] -= total


@compiled("void(int64[::1], int64[::1], float64[::1], float64[::1], float64[::1])")
def multiply_squares(own: IntArray, corner: IntArray, squares: FloatArray, x: FloatArray, out: FloatArray) -> None:
    """Fill ``out`` with A⁻¹x."""
    for k in range(own.size - 1):
        s = own[k + 1] - own[k]
        for i in range(s):
            total, line = 0.0, corner[k] + i * s
            for j in range(s):
                total += squares[line + j] * x[own[k] + j]
            out[own[k] + i] = total


@compiled("void(float64[:, ::1], int64[::1], float64[:, ::1], float64[::1], float64[:, ::1])")
def border_of_inverse(
    scaled: FloatArray, here: IntArray, whole: FloatArray, space: FloatArray, out: FloatArray
) -> None:
    """Fill ``out`` (s, m) with −(A⁻¹C) V, V the square of ``whole`` (upper triangle) over the columns ``here``."""
    s, m = scaled.shape
    if s > SMALL:
        part = space[: m * m].reshape(m, m)
        for j in range(m):
            for i in range(j, m):
                part[j, i] = part[i, j] = -whole[here[j], here[i]]
        np.dot(scaled, part, out)
        return
    out[:, :] = 0.0
    for j in range(m):
        for i in range(j, m):
            space[i] = whole[here[j], here[i]]
        space[j] *= 0.5
        for k in range(s):
            factor, total = scaled[k, j], 0.0
            for i in range(j, m):
                out[k, i] -= factor * space[i]
                total += scaled[k, i] * space[i]
            out[k, j] -= total


@compiled("void(int64[::1], int64[::1], int64[::1], int64[::1], float64[::1], float64[:, ::1], float64[::1])")
def borders_of_inverse(
    own: IntArray,
    touch: IntArray,
    near: IntArray,
    edge: IntArray,
    borders: FloatArray,
    whole: FloatArray,
    outer: FloatArray,
) -> None:
    """Fill ``outer`` with the borders of the inverse, which is ``whole`` on the kept columns."""
    widest, largest = np.diff(touch).max(), np.diff(own).max()
    space = np.empty(widest * widest if largest > SMALL else widest)
    for k in range(own.size - 1):
        s, m = own[k + 1] - own[k], touch[k + 1] - touch[k]
        scaled, out = borders[edge[k] : edge[k + 1]].reshape(s, m), outer[edge[k] : edge[k + 1]].reshape(s, m)
        border_of_inverse(scaled, near[touch[k] : touch[k + 1]], whole, space, out)


@compiled("void(int64[::1], int64[::1], int64[::1], float64[::1], float64[::1], float64[::1], float64[::1])")
def squares_of_inverse(
    own: IntArray,
    corner: IntArray,
    edge: IntArray,
    squares: FloatArray,
    borders: FloatArray,
    outer: FloatArray,
    inner: FloatArray,
) -> None:
    """Fill ``inner`` with the squares of the inverse, A⁻¹ − (border of the inverse)(A⁻¹C)'."""
    for k in range(own.size - 1):
        s = own[k + 1] - own[k]
        m = (edge[k + 1] - edge[k]) // s
        scaled, out = borders[edge[k] : edge[k + 1]].reshape(s, m), outer[edge[k] : edge[k + 1]].reshape(s, m)
        square = inner[corner[k] : corner[k + 1]].reshape(s, s)
        if s > SMALL:
            np.dot(out, scaled.T, square)
        else:
            for i in range(s):
                for j in range(s):
                    total = 0.0
                    for r in range(m):
                        total += out[i, r] * scaled[j, r]
                    square[i, j] = total
        for at in range(corner[k], corner[k + 1]):
            inner[at] = squares[at] - inner[at]
