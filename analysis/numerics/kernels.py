"""Compiled loops over the rows of Z and the pattern of Z'WZ; sparse matrices come as the arrays of CSR."""

# ruff: noqa: PLR0917 - compiled loops take arrays by position

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from analysis.numerics.compiled import compiled

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
ShortArray = npt.NDArray[np.int32]


@compiled("void(int64[::1], int32[::1], float64[::1], float64[::1], float64[::1])")
def add_products(start: IntArray, entry: ShortArray, value: FloatArray, weight: FloatArray, out: FloatArray) -> None:
    """Fill ``out`` with Z'WZ on the pattern; row r adds weight[r] · value to each of its entries."""
    out[:] = 0.0
    for row in range(weight.size):
        w = weight[row]
        for at in range(start[row], start[row + 1]):
            out[entry[at]] += w * value[at]


@compiled("void(int64[::1], int32[::1], float64[::1], float64[::1], float64[::1])")
def leverage(start: IntArray, entry: ShortArray, value: FloatArray, inverse: FloatArray, out: FloatArray) -> None:
    """Fill ``out`` with each row's sum of value · inverse over its entries of the pattern."""
    for row in range(out.size):
        total = 0.0
        for at in range(start[row], start[row + 1]):
            total += value[at] * inverse[entry[at]]
        out[row] = total


@compiled("void(float64[::1], int64[::1], int64[::1], float64[::1], float64[::1])")
def share_of_columns(
    values: FloatArray, row: IntArray, column: IntArray, inverse: FloatArray, share: FloatArray
) -> None:
    """Add up values · inverse of a symmetric pattern by column: the diagonal of the product of the two matrices."""
    share[:] = 0.0
    for at in range(values.size):
        i, j = row[at], column[at]
        product = values[at] * inverse[at]
        share[i] += product
        if i != j:
            share[j] += product


@compiled("void(int64[::1], int64[::1], float64[::1], float64[::1], float64[::1], float64[::1], float64[::1])")
def apply(
    start: IntArray,
    index: IntArray,
    value: FloatArray,
    weight: FloatArray,
    scale: FloatArray,
    x: FloatArray,
    out: FloatArray,
) -> None:
    """Fill ``out`` with (I + ΛZ'WZΛ) x in one pass over the rows of Z."""
    out[:] = 0.0
    for row in range(weight.size):
        total = 0.0
        for at in range(start[row], start[row + 1]):
            total += value[at] * scale[index[at]] * x[index[at]]
        total *= weight[row]
        for at in range(start[row], start[row + 1]):
            out[index[at]] += value[at] * total
    for j in range(x.size):
        out[j] = x[j] + scale[j] * out[j]


@compiled("void(int64[::1], int64[::1], float64[::1], int64[::1], int64[::1], int64[::1], int32[::1], float64[::1])")
def pairs_of_rows(
    start: IntArray,
    index: IntArray,
    value: FloatArray,
    lower_start: IntArray,
    lower_column: IntArray,
    out_start: IntArray,
    entry: ShortArray,
    product: FloatArray,
) -> None:
    """For each row of Z and each pair of its columns, find the entry of the lower pattern and the product of values."""
    for row in range(start.size - 1):
        at = out_start[row]
        for first in range(start[row], start[row + 1]):
            for second in range(start[row], first + 1):
                i, j = max(index[first], index[second]), min(index[first], index[second])
                low, high = lower_start[i], lower_start[i + 1] - 1
                while low < high:
                    middle = (low + high) // 2
                    if lower_column[middle] < j:
                        low = middle + 1
                    else:
                        high = middle
                entry[at] = low
                product[at] = value[first] * value[second]
                at += 1
