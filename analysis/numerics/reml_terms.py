"""The covariance of random terms: where each level's square lies in the pattern, and Λ'AΛ + I for any square root Λ.

A factor of c columns has the relative covariance G = T T' (c, c) per level, in units of the residual variance; T is
any square root, kept with orthogonal columns that fall in length, so that a direction without spread is the last one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from analysis.numerics.structure import FloatArray, IntArray, Structure

FLOOR = 1e-8
"""Smallest relative variance tried; a variance that stays there is zero."""
NARROW = 1e-11
"""The same along a direction of several correlated slopes, which must be narrow to show where the others turn."""


@dataclass(frozen=True)
class Term:
    """One factor: its columns of Z, the places of its levels' squares, and the size of its covariates.

    ``own`` has shape (levels, c, c); ``units`` (c,) are root mean squares of the columns, which make floors and
    starting values independent of the units of a covariate.
    """

    columns: slice
    levels: int
    width: int
    own: IntArray
    units: FloatArray


@dataclass(frozen=True)
class Terms:
    """All factors of a design; ``groups`` lists (first, second, places (g, c₁, c₂)) and is empty without slopes."""

    terms: tuple[Term, ...]
    groups: tuple[tuple[int, int, IntArray], ...]
    factor_of: IntArray
    row: IntArray
    column: IntArray
    diagonal: IntArray

    def precision(self, gram: FloatArray, roots: Sequence[FloatArray]) -> FloatArray:
        """Return I + Λ'AΛ on the pattern, A = Z'WZ given by its values ``gram``."""
        if not self.groups:
            scale = np.array([root[0, 0] for root in roots])[self.factor_of]
            values = gram * scale[self.row] * scale[self.column]
        else:
            values = np.zeros_like(gram)
            for first, second, places in self.groups:
                values[places] = np.einsum("ia,gij,jb->gab", roots[first], gram[places], roots[second], optimize=True)
        values[self.diagonal] += 1.0
        return np.asarray(values)

    def scale(self, roots: Sequence[FloatArray], values: FloatArray, *, transposed: bool = False) -> FloatArray:
        """Return Λ values, or Λ' values, for values of shape (q,) or (q, k)."""
        out = np.empty_like(values)
        for term, root in zip(self.terms, roots, strict=True):
            part = values[term.columns].reshape(term.levels, term.width, -1)
            out[term.columns] = ((root.T if transposed else root) @ part).reshape(values[term.columns].shape)
        return out

    def level_sums(self, left: FloatArray, right: FloatArray) -> list[FloatArray]:
        """Return Σ over levels of left right' for each factor, (c, c); ``left`` and ``right`` have shape (q, k)."""
        sums = []
        for term in self.terms:
            if term.width == 1:
                sums.append(np.array([[np.vdot(left[term.columns], right[term.columns])]]))
                continue
            one = left[term.columns].reshape(term.levels, term.width, -1)
            two = right[term.columns].reshape(term.levels, term.width, -1)
            sums.append(np.einsum("lak,lbk->ab", one, two, optimize=True))
        return sums


def lay_out_terms(structure: Structure) -> Terms:
    """Find every level's square in the pattern; once per design."""
    size = structure.size
    keys = structure.row * size + structure.column
    order = np.argsort(keys, kind="stable")
    terms, offset = [], 0
    for factor in structure.factors:
        width = len(factor.slopes)
        corner = offset + width * np.arange(factor.levels, dtype=np.int64)[:, None, None]
        a, b = np.meshgrid(np.arange(width), np.arange(width), indexing="ij")
        wanted = (corner + np.maximum(a, b)) * size + corner + np.minimum(a, b)
        own = order[np.searchsorted(keys, wanted, sorter=order)]
        columns = slice(offset, offset + factor.levels * width)
        terms.append(Term(columns, factor.levels, width, own, _units(factor.slopes)))
        offset = columns.stop
    diagonal = np.flatnonzero(structure.row == structure.column)
    plain = all(term.width == 1 for term in terms)
    groups = () if plain else tuple(_groups(structure, tuple(terms)))
    return Terms(tuple(terms), groups, structure.factor_of, structure.row, structure.column, diagonal)


def _units(slopes: tuple[FloatArray | None, ...]) -> FloatArray:
    sizes = [1.0 if slope is None else float(np.sqrt(np.mean(np.square(slope)))) for slope in slopes]
    return np.array([size if size > 0.0 else 1.0 for size in sizes])


def _groups(structure: Structure, terms: tuple[Term, ...]) -> list[tuple[int, int, IntArray]]:
    """Gather the pattern into rectangles, one per pair of levels that meet."""
    start = np.array([term.columns.start for term in terms], dtype=np.int64)
    width = np.array([term.width for term in terms], dtype=np.int64)
    found = []
    one, two = structure.factor_of[structure.row], structure.factor_of[structure.column]
    for first in range(len(terms)):
        for second in range(first + 1):
            entries = np.flatnonzero((one == first) & (two == second))
            if not entries.size:
                continue
            i, j = structure.row[entries] - start[first], structure.column[entries] - start[second]
            level = (i // width[first]) * terms[second].levels + j // width[second]
            unique, where = np.unique(level, return_inverse=True)
            places = np.zeros((unique.size, width[first], width[second]), dtype=np.int64)
            places[where, i % width[first], j % width[second]] = entries
            if first == second:
                square = i // width[first] == j // width[first]
                places[where[square], j[square] % width[first], i[square] % width[first]] = entries[square]
            found.append((first, second, places))
    return found


def lowest(width: int) -> float:
    """Return the smallest relative variance tried for a factor of so many columns."""
    return FLOOR if width == 1 else NARROW


def square_root(covariance: FloatArray, units: FloatArray, *, floor: float | None = None) -> FloatArray:
    """Return T with T T' = covariance, columns orthogonal in the given units and falling in length.

    Eigenvalues below ``floor`` (in those units; the lowest that is tried by default) are raised to it.
    """
    floor = lowest(units.size) if floor is None else floor
    if covariance.shape == (1, 1):
        return np.sqrt(np.maximum(covariance, floor / units**2))
    value, vector = np.linalg.eigh(covariance * np.outer(units, units))
    value, vector = np.maximum(value[::-1], floor), vector[:, ::-1]
    return np.asarray(vector * np.sqrt(value) / units[:, None])


def lengths(root: FloatArray, units: FloatArray) -> FloatArray:
    """Return the eigenvalues (variances along the columns of T), in the given units, shape (c,)."""
    return np.asarray(np.square(root * units[:, None]).sum(axis=0))
