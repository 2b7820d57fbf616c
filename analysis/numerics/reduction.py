"""Fewer random-effect columns with exactly the same likelihood.

Two facts save columns. Effects that enter every row as differences within small groups (rater × system in a pair) never
move along the sum of a group: orthonormal contrasts, one fewer per group, are independent with the same variance. And
effects nested in others (output in prompt × system) may be added to them: the s sums of a group are, along orthonormal
directions, √s times their mean, of variance γ_o + s γ_ps, and contrasts of variance γ_o, all independent. So b̃ = G b
with GΓG' diagonal for every Γ, and Z = Z̃ G.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from analysis.numerics.pattern import FloatArray, IntArray, Pattern

if TYPE_CHECKING:
    from analysis.numerics.structure import SignedFactor, Structure

LARGEST_GROUP = 8
"""Contrasts of larger groups would save little and fill Z."""
LARGEST_NEST = 3
"""Nested effects are added to the outer ones up to this number per outer level."""


@dataclass(frozen=True)
class Reduction(Pattern):
    """Columns of Z̃ (n, r), r ≤ q, with Z = Z̃ G.

    Attributes
    ----------
    basis
        G, shape (r, q).
    loading
        The variance of column c is ``loading[c] @ γ``, shape (r, k) for k factors.
    factor_of
        The factor of each of the q original columns.
    """

    basis: sparse.csr_array
    loading: FloatArray
    factor_of: IntArray

    @cached_property
    def basis_transposed(self) -> sparse.csr_array:
        """Return G' in CSR."""
        return self.basis.T.tocsr()

    def scale(self, theta: FloatArray) -> FloatArray:
        """Return the standard deviation of each column, shape (r,), for those of the factors, ``theta``."""
        return np.asarray(np.sqrt(self.loading @ theta**2))

    def expand(self, mode: FloatArray, theta: FloatArray) -> FloatArray:
        """Return the modes of the original effects in units of their standard deviation, shape (q,)."""
        scale = self.scale(theta)
        inner = np.divide(mode, scale, out=np.zeros_like(mode), where=scale > 0.0)
        return np.asarray(theta[self.factor_of] * (self.basis_transposed @ inner))


@dataclass(frozen=True)
class _Unit:
    """Columns of one kind: their Z̃, their rows of G and of the loading, and whether all loadings are alike."""

    z: sparse.csr_array
    basis: sparse.csr_array
    loading: FloatArray
    group: int


def reduce_columns(structure: Structure) -> Reduction:
    """Return the reduction of a structure; with correlated slopes nothing is reduced."""
    size, count = structure.size, len(structure.factors)
    if any(len(factor.slopes) > 1 for factor in structure.factors):
        return Reduction(
            structure.z,
            structure.group_of,
            structure.own,
            basis=sparse.csr_array(sparse.eye_array(size)),
            loading=np.eye(count)[structure.factor_of],
            factor_of=structure.factor_of,
        )
    units = [_without_sums(unit) for unit in _nested_units(structure)]
    z = sparse.csr_array(sparse.hstack([structure.z[:, :0], *(unit.z for unit in units)]))
    used = np.flatnonzero(np.bincount(z.indices, weights=z.data != 0.0, minlength=z.shape[1]) > 0)
    z = sparse.csr_array(z[:, used])
    z.sort_indices()
    group = np.repeat([unit.group for unit in units], [unit.z.shape[1] for unit in units]).astype(np.int64)
    diagonal = np.arange(used.size, dtype=np.int64)
    basis = sparse.csr_array(sparse.vstack([sparse.csr_array((0, size)), *(unit.basis for unit in units)]))
    loading = np.concatenate([np.zeros((0, count)), *(unit.loading for unit in units)])
    return Reduction(
        z,
        group[used],
        (diagonal, diagonal),
        basis=sparse.csr_array(basis[used]),
        loading=loading[used],
        factor_of=structure.factor_of,
    )


def _nested_units(structure: Structure) -> list[_Unit]:
    """Return one unit per factor, two for a factor that was added to the one it is nested in."""
    factors, units, gone = structure.factors, [], set[int]()
    offsets = np.concatenate([[0], np.cumsum([factor.levels for factor in factors])]).astype(np.int64)
    for inner, factor in enumerate(factors):
        outer = next(
            (k for k in range(len(factors)) if k not in gone | {inner} and _may_merge(factor, factors[k])), None
        )
        if inner in gone or outer is None:
            continue
        gone |= {inner, outer}
        units += _merge(structure, inner, outer, offsets=offsets)
    for k, factor in enumerate(factors):
        if k not in gone:
            at = np.arange(offsets[k], offsets[k + 1])
            loading = np.zeros((factor.levels, len(factors)))
            loading[:, k] = 1.0
            units.append(_Unit(_columns(structure.z, at), _rows(at, structure.size), loading, k))
    return units


def _parents(inner: SignedFactor, outer: SignedFactor) -> IntArray | None:
    """Return the outer level of each inner one (−1 if unused), or None if ``inner`` is not nested with equal signs."""
    if inner.signs != outer.signs or inner.slopes[0] is not None or outer.slopes[0] is not None:
        return None
    parent = np.full(inner.levels, -1, dtype=np.int64)
    for mine, theirs in zip(inner.codes, outer.codes, strict=True):
        if ((mine >= 0) != (theirs >= 0)).any():
            return None
        parent[mine[mine >= 0]] = theirs[mine >= 0]
    same = all((parent[a[a >= 0]] == b[a >= 0]).all() for a, b in zip(inner.codes, outer.codes, strict=True))
    return parent if same else None


def _may_merge(inner: SignedFactor, outer: SignedFactor) -> bool:
    if inner.levels < outer.levels:
        return False
    parent = _parents(inner, outer)
    return parent is not None and int(np.bincount(parent[parent >= 0]).max(initial=0)) <= LARGEST_NEST


def _merge(structure: Structure, inner: int, outer: int, *, offsets: IntArray) -> list[_Unit]:
    factors, size = structure.factors, structure.size
    parent = _parents(factors[inner], factors[outer])
    assert parent is not None  # noqa: S101 - _may_merge has found it
    used = np.flatnonzero(parent >= 0)
    groups, label = np.unique(parent[used], return_inverse=True)
    s = np.bincount(label).astype(float)
    mean = sparse.csr_array((1.0 / np.sqrt(s[label]), (np.arange(used.size), label)), shape=(used.size, s.size))
    within = _contrasts(label)
    z = _columns(structure.z, offsets[inner] + used)
    own = _rows(offsets[inner] + used, size)
    entries = (np.sqrt(s), (np.arange(s.size), offsets[outer] + groups))
    common = sparse.csr_array(mean.T @ own + sparse.csr_array(entries, shape=(s.size, size)))
    loading, rest = np.zeros((s.size, len(factors))), np.zeros((within.shape[1], len(factors)))
    loading[:, inner], loading[:, outer], rest[:, inner] = 1.0, s, 1.0
    return [
        _Unit(sparse.csr_array(z @ mean), common, loading, outer),
        _Unit(sparse.csr_array(z @ within), sparse.csr_array(within.T @ own), rest, outer),
    ]


def _without_sums(unit: _Unit) -> _Unit:
    """Replace columns that only enter as differences within small groups by contrasts."""
    count = unit.z.shape[1]
    if not unit.z.nnz or np.abs(unit.z.sum(axis=1)).max() > 1e-12 or np.ptp(unit.loading, axis=0).any():  # noqa: PLR2004
        return unit
    graph = sparse.csr_array((np.ones(unit.z.nnz), unit.z.indices, unit.z.indptr), shape=unit.z.shape)
    label = connected_components(graph.T.tocsr() @ graph, directed=False)[1]
    if np.bincount(label).max() > LARGEST_GROUP:
        return unit
    contrast = _contrasts(label.astype(np.int64))
    z = sparse.csr_array(unit.z @ contrast)
    z.data[np.abs(z.data) < 1e-14] = 0.0  # noqa: PLR2004 - differences of equal numbers
    z.eliminate_zeros()
    loading = unit.loading[: min(1, count)].repeat(contrast.shape[1], axis=0)
    return _Unit(z, sparse.csr_array(contrast.T @ unit.basis), loading, unit.group)


def _contrasts(label: IntArray) -> sparse.csr_array:
    """Return Helmert's orthonormal contrasts within groups, shape (elements, elements − groups).

    Column k of a group compares its first k elements with the next one.
    """
    order = np.argsort(label, kind="stable")
    s = np.bincount(label)
    rank = np.empty(label.size, dtype=np.int64)
    rank[order] = np.arange(label.size) - np.repeat(np.cumsum(s) - s, s)
    base = np.cumsum(s - 1) - (s - 1)
    rows, columns, values = [], [], []
    for k in range(1, int(s.max(initial=1))):
        at = np.flatnonzero((s[label] > k) & (rank <= k))
        rows.append(at)
        columns.append(base[label[at]] + k - 1)
        values.append(np.where(rank[at] < k, 1.0, -float(k)) / np.sqrt(k * (k + 1.0)))
    shape = (label.size, int(label.size - s.size))
    if not rows:
        return sparse.csr_array(shape)
    return sparse.csr_array((np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))), shape=shape)


def _columns(z: sparse.csr_array, at: IntArray) -> sparse.csr_array:
    return sparse.csr_array(z.tocsc()[:, at])


def _rows(at: IntArray, size: int) -> sparse.csr_array:
    return sparse.csr_array((np.ones(at.size), (np.arange(at.size), at)), shape=(at.size, size))
