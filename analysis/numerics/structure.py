"""The sparse side of a mixed model: random effects with signed memberships become Z and the pattern of Z'WZ.

All of it depends on the design alone, so it is made once and shared by every evaluation of every dimension.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy import sparse

from analysis.numerics.pattern import Pattern
from analysis.numerics.reduction import Reduction, reduce_columns

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class SignedFactor:
    """A random effect to which a row belongs once or, in a pair, twice with opposite signs.

    Attributes
    ----------
    name
        What a table calls it, for example ``"rater:system"``.
    codes
        One array of level numbers, shape (n,), per membership; −1 for "no membership in this row".
    signs
        The sign of each membership, +1 or −1.
    levels
        Number of levels.
    labels
        Names of the levels, empty if nobody needs them.
    slopes
        Covariates of random slopes, one array (n,) per column of the term, None for the intercept. Several columns
        in one factor are correlated, as in ``(1 + x | g)``; ``(x || g)`` is two factors of one column each.
    slope_names
        What a table calls the columns.
    """

    name: str
    codes: tuple[IntArray, ...]
    signs: tuple[float, ...]
    levels: int
    labels: tuple[str, ...] = ()
    slopes: tuple[FloatArray | None, ...] = (None,)
    slope_names: tuple[str, ...] = ("(Intercept)",)


@dataclass(frozen=True)
class Structure(Pattern):
    """Memberships Z (n, q) of the random effects, in the order of ``factors``; see :class:`Pattern` for the rest.

    ``factor_of`` has shape (q,). A structure may be shared by threads and pickled for processes.
    """

    factors: tuple[SignedFactor, ...]
    factor_of: IntArray

    @cached_property
    def reduced(self) -> Reduction:
        """Return fewer columns that span the same likelihood (independent scalar effects only)."""
        return reduce_columns(self)


def build_structure(factors: tuple[SignedFactor, ...], n_rows: int) -> Structure:
    """Lay out the random effects of a design; any number of factors, crossed or nested, in any order."""
    z = _memberships(factors, n_rows)
    widths = [factor.levels * len(factor.slopes) for factor in factors]
    factor_of = np.repeat(np.arange(len(factors)), widths).astype(np.int64)
    return Structure(z=z, group_of=factor_of, own=_own_blocks(factors), factors=factors, factor_of=factor_of)


def _memberships(factors: tuple[SignedFactor, ...], n_rows: int) -> sparse.csr_array:
    """Return Z; level l and slope j of a factor of c slopes stand at its offset + l c + j."""
    rows, columns, values, offset = [], [], [], 0
    for factor in factors:
        width = len(factor.slopes)
        for codes, sign in zip(factor.codes, factor.signs, strict=True):
            member = np.flatnonzero(codes >= 0)
            for place, slope in enumerate(factor.slopes):
                rows.append(member)
                columns.append(codes[member] * width + (offset + place))
                values.append(np.full(member.size, sign) if slope is None else sign * slope[member])
        offset += factor.levels * width
    if not rows:
        return sparse.csr_array((n_rows, 0))
    entries = (np.concatenate(values), (np.concatenate(rows), np.concatenate(columns)))
    z = sparse.csr_array(sparse.coo_array(entries, shape=(n_rows, offset)))
    z.sum_duplicates()
    if all(len(factor.slopes) == 1 for factor in factors):
        # Correlated slopes mix the columns of a level, so that there a slope of 0 still belongs to the pattern.
        z.eliminate_zeros()
    return z


def _own_blocks(factors: tuple[SignedFactor, ...]) -> tuple[IntArray, IntArray]:
    """Return row and column of the lower triangle within each level, which H = I + Λ'Z'WZΛ always fills."""
    rows, columns, offset = [np.zeros(0, dtype=np.int64)], [np.zeros(0, dtype=np.int64)], 0
    for factor in factors:
        width = len(factor.slopes)
        corner = offset + width * np.arange(factor.levels, dtype=np.int64)[:, None]
        first, second = np.tril_indices(width)
        rows.append((corner + first).ravel())
        columns.append((corner + second).ravel())
        offset += factor.levels * width
    return np.concatenate(rows), np.concatenate(columns)
