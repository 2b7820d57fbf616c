"""The inverse of a matrix that falls into small blocks (one per rater) once a border (the prompts) is taken away."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from scipy import linalg, sparse
from scipy.sparse.csgraph import connected_components

if TYPE_CHECKING:
    import numpy.typing as npt

    from analysis.results import FloatArray

LARGEST_BORDER: Final = 2500
LARGEST_BLOCK: Final = 400


class Bordered:
    """A symmetric positive definite matrix [[A, B], [B', C]], A block diagonal with small blocks, C of modest size.

    ``possible`` is False, and nothing else may be asked, if neither side can play A.
    """

    def __init__(self, matrix: sparse.csc_array, first: npt.NDArray[np.bool_]) -> None:
        """Take the whole matrix and which columns form one side; the larger side with small blocks is eliminated."""
        sides = sorted((first, ~first), key=lambda side: -int(side.sum()))
        self.possible = False
        for eliminated in sides:
            inside, border = np.flatnonzero(eliminated), np.flatnonzero(~eliminated)
            if border.size > LARGEST_BORDER:
                continue
            inverse = _invert_blocks(matrix[inside][:, inside])
            if inverse is None:
                continue
            self.possible, self._inside, self._border, self._inverse = True, inside, border, inverse
            self._edge = (inverse @ matrix[inside][:, border]).tocsc()
            corner = matrix[border][:, border] - matrix[border][:, inside] @ self._edge
            dense = corner.toarray()
            self._corner = linalg.inv(dense, check_finite=False) if border.size else dense
            return

    def solve(self, right: FloatArray) -> FloatArray:
        """Return the inverse times ``right``, (q, k) dense."""
        own = self._inverse @ right[self._inside]
        kept = self._corner @ (right[self._border] - self._edge.T @ right[self._inside])
        result = np.empty_like(right)
        result[self._border] = kept
        result[self._inside] = own - self._edge @ kept
        return result

    def quadratic(self, k: sparse.csc_array) -> FloatArray:
        """Return k'H⁻¹k for every column of a sparse (q, m)."""
        inside, border = k[self._inside], k[self._border]
        own = np.asarray(inside.multiply(self._inverse @ inside).sum(axis=0)).ravel()
        rest = (border - self._edge.T @ inside).tocsc()
        return np.asarray(own + np.asarray(rest.multiply(self._corner @ rest).sum(axis=0)).ravel())


def _invert_blocks(matrix: sparse.csc_array) -> sparse.csr_array | None:
    """Return the inverse of a block diagonal matrix, None if a block is too large."""
    count, label = connected_components(matrix, directed=False)
    sizes = np.bincount(label, minlength=count)
    if sizes.max(initial=0) > LARGEST_BLOCK:
        return None
    order = np.argsort(label, kind="stable")
    start = np.concatenate([[0], np.cumsum(sizes)])[:-1]
    place = np.empty(label.size, dtype=np.int64)
    place[order] = np.arange(label.size) - np.repeat(start, sizes)
    entries = matrix.tocoo()
    values, rows, columns = [np.empty(0)], [np.empty(0, dtype=np.int64)], [np.empty(0, dtype=np.int64)]
    for size in np.unique(sizes):
        blocks = np.flatnonzero(sizes == size)
        number = np.full(count, -1, dtype=np.int64)
        number[blocks] = np.arange(blocks.size)
        here = number[label[entries.row]] >= 0
        stack = np.zeros((blocks.size, size, size))
        stack[number[label[entries.row[here]]], place[entries.row[here]], place[entries.col[here]]] = entries.data[here]
        members = order[start[blocks][:, None] + np.arange(size)]
        values.append(np.linalg.inv(stack).ravel())
        rows.append(np.repeat(members, size, axis=1).ravel())
        columns.append(np.tile(members, (1, size)).ravel())
    shape = matrix.shape
    return sparse.csr_array((np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))), shape=shape)
