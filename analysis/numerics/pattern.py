"""The pattern of Z'WZ for a sparse Z: its entries, the map from weights to their values, and its blocks."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from scipy import sparse

from analysis.numerics.elimination import Block, Pairs, cheapest_elimination, find_blocks

if TYPE_CHECKING:
    from analysis.numerics.cholesky import Layout

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Pattern:
    """Z (n, q) with the lower pattern of Z'WZ and its split; everything is made when first asked for, and once.

    Attributes
    ----------
    z
        The memberships, in CSR.
    group_of
        The group of each column, shape (q,): groups are eliminated or kept as a whole.
    own
        Row and column of entries that belong to the pattern whatever Z says, the diagonal among them.
    """

    z: sparse.csr_array
    group_of: IntArray
    own: tuple[IntArray, IntArray]

    @property
    def size(self) -> int:
        """Return q, the number of columns."""
        return int(self.z.shape[1])

    @cached_property
    def z_transposed(self) -> sparse.csr_array:
        """Return Z' in CSR."""
        return self.z.T.tocsr()

    @cached_property
    def rows(self) -> tuple[IntArray, IntArray, FloatArray]:
        """Return the CSR arrays of Z (start of each row, columns, values) for compiled loops."""
        return self.z.indptr.astype(np.int64), self.z.indices.astype(np.int64), self.z.data.astype(np.float64)

    @cached_property
    def pairs(self) -> tuple[IntArray, npt.NDArray[np.int32], FloatArray]:
        """Return the CSR arrays of ``products_transposed`` for compiled loops."""
        from analysis.numerics.kernels import pairs_of_rows

        count = np.diff(self.z.indptr).astype(np.int64)
        start = np.concatenate([[0], np.cumsum(count * (count + 1) // 2)]).astype(np.int64)
        entry, value = np.empty(start[-1], dtype=np.int32), np.empty(start[-1])
        lower = self._lower
        pairs_of_rows(*self.rows, lower.indptr.astype(np.int64), lower.indices.astype(np.int64), start, entry, value)
        return start, entry, value

    @cached_property
    def products_transposed(self) -> sparse.csr_array:
        """Return the map (n, pattern) whose row r holds what the weight of row r adds to each entry of Z'WZ."""
        start, entry, value = self.pairs
        return sparse.csr_array((value, entry, start), shape=(self.z.shape[0], self._lower.nnz))

    @cached_property
    def products(self) -> sparse.csr_array:
        """Return the map (pattern, n): ``products @ w`` gives the values of Z' diag(w) Z on the pattern."""
        return self.products_transposed.T.tocsr()

    @cached_property
    def _lower(self) -> sparse.csr_array:
        ones = sparse.csr_array((np.ones(self.z.nnz), self.z.indices, self.z.indptr), shape=self.z.shape)
        fixed = sparse.coo_array((np.ones(self.own[0].size), self.own), shape=(self.size, self.size))
        lower = sparse.csr_array(sparse.tril(ones.T.tocsr() @ ones + fixed.tocsr()))
        lower.sort_indices()
        return lower

    @cached_property
    def row(self) -> IntArray:
        """Return the row of each entry, in ascending order; row ≥ column."""
        return np.repeat(np.arange(self.size, dtype=np.int64), np.diff(self._lower.indptr))

    @cached_property
    def column(self) -> IntArray:
        """Return the column of each entry, ascending within a row."""
        return self._lower.indices.astype(np.int64)

    @cached_property
    def diagonal(self) -> npt.NDArray[np.bool_]:
        """Return which entries lie on the diagonal."""
        return np.asarray(self.row == self.column)

    @cached_property
    def eliminated(self) -> npt.NDArray[np.bool_]:
        """Return which columns are eliminated block by block; the others form the dense part."""
        return cheapest_elimination(self.group_of, Pairs(self.row, self.column))

    @cached_property
    def place(self) -> IntArray:
        """Return the local number of each column within the eliminated or the kept part."""
        gone = self.eliminated
        return np.where(gone, np.cumsum(gone), np.cumsum(~gone)).astype(np.int64) - 1

    @cached_property
    def blocks(self) -> tuple[Block, ...]:
        """Return the blocks of the eliminated columns."""
        return find_blocks(self.eliminated, self.place, Pairs(self.row, self.column))

    @cached_property
    def kept(self) -> int:
        """Return the number of columns of the dense Schur complement."""
        return int((~self.eliminated).sum())

    @cached_property
    def layout(self) -> Layout:
        """Return every index that a factorisation needs."""
        from analysis.numerics.cholesky import build_layout

        return build_layout(self)
