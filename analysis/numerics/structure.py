"""The sparse side of a mixed model: signed memberships, the pattern of Z'WZ, and which factors to eliminate first.

All of it depends on the design alone, so it is made once and shared by every evaluation of every dimension.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.sparse.csgraph import connected_components

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BLOCK_OVERHEAD = 2.0e5
"""Cost of one more small block in floating-point operations; steers small problems to one dense factorisation."""


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
class Block:
    """One connected piece of the eliminated factors: its own columns and the kept ones it touches (local numbers)."""

    own: IntArray
    near: IntArray


@dataclass(frozen=True)
class Structure:
    """Memberships Z (n, q), the lower pattern of Z'WZ, and the split into eliminated blocks and a kept dense part.

    ``products`` has shape (pattern, n): ``products @ w`` gives the values of Z' diag(w) Z at (``row``, ``column``).
    ``place`` is the local number of each of the q columns within the eliminated (``eliminated`` True) or kept part.
    """

    factors: tuple[SignedFactor, ...]
    z: sparse.csr_array
    z_transposed: sparse.csr_array
    factor_of: IntArray
    row: IntArray
    column: IntArray
    products: sparse.csr_array
    products_transposed: sparse.csr_array
    eliminated: npt.NDArray[np.bool_]
    place: IntArray
    blocks: tuple[Block, ...]

    @property
    def size(self) -> int:
        """Return q, the number of random-effect columns."""
        return self.factor_of.size

    @property
    def kept(self) -> int:
        """Return the number of columns of the dense Schur complement."""
        return int((~self.eliminated).sum())


def build_structure(factors: tuple[SignedFactor, ...], n_rows: int) -> Structure:
    """Lay out the random effects of a design; any number of factors, crossed or nested, in any order."""
    z = _memberships(factors, n_rows)
    widths = [factor.levels * len(factor.slopes) for factor in factors]
    factor_of = np.repeat(np.arange(len(factors)), widths).astype(np.int64)
    row, column, products = _pattern(z, _own_blocks(factors))
    chosen = _cheapest_elimination(factor_of, len(factors), row=row, column=column)
    eliminated = np.isin(factor_of, chosen)
    place = np.where(eliminated, np.cumsum(eliminated), np.cumsum(~eliminated)) - 1
    blocks = _blocks(eliminated, place, row=row, column=column)
    return Structure(
        factors=factors,
        z=z,
        z_transposed=z.T.tocsr(),
        factor_of=factor_of,
        row=row,
        column=column,
        products=products,
        products_transposed=products.T.tocsr(),
        eliminated=eliminated,
        place=place.astype(np.int64),
        blocks=blocks,
    )


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


def _pattern(z: sparse.csr_array, own: tuple[IntArray, IntArray]) -> tuple[IntArray, IntArray, sparse.csr_array]:
    """Return the lower pattern of Z'Z, the blocks of each level included, and the map from weights to its values."""
    n, q = z.shape
    count = np.diff(z.indptr)
    size = own[0].size
    keys, observations, values = [own[0] * q + own[1]], [np.zeros(size, dtype=np.int64)], [np.zeros(size)]
    for first in range(int(count.max(initial=0))):
        for second in range(first + 1):
            rows = np.flatnonzero(count > first)
            one, two = z.indptr[rows] + first, z.indptr[rows] + second
            a, b = z.indices[one].astype(np.int64), z.indices[two].astype(np.int64)
            keys.append(np.maximum(a, b) * q + np.minimum(a, b))
            observations.append(rows.astype(np.int64))
            values.append(z.data[one] * z.data[two])
    unique, where = np.unique(np.concatenate(keys), return_inverse=True)
    entries = (np.concatenate(values), (where, np.concatenate(observations)))
    products = sparse.csr_array(sparse.coo_array(entries, shape=(unique.size, n)))
    return unique // max(q, 1), unique % max(q, 1), products


def _cheapest_elimination(factor_of: IntArray, count: int, *, row: IntArray, column: IntArray) -> tuple[int, ...]:
    """Try every set of factors that could be eliminated blockwise and return the cheapest (possibly none)."""
    best: tuple[int, ...] = ()
    cost = float(factor_of.size) ** 3
    for size in range(1, count + 1):
        for chosen in combinations(range(count), size):
            price = _price(np.isin(factor_of, chosen), row=row, column=column)
            if price < cost:
                best, cost = chosen, price
    return best


def _price(eliminated: npt.NDArray[np.bool_], *, row: IntArray, column: IntArray) -> float:
    """Return the floating-point operations of one factorisation and inverse if these columns go first."""
    inner = eliminated[row] & eliminated[column]
    label, kept = _components(eliminated, row[inner], column[inner]), int((~eliminated).sum())
    across = eliminated[row] ^ eliminated[column]
    own = np.where(eliminated[row[across]], row[across], column[across])
    other = np.where(eliminated[row[across]], column[across], row[across])
    pairs = np.unique(label[own].astype(np.int64) * eliminated.size + other)
    count = int(label.max(initial=-1)) + 1
    s = np.bincount(label[eliminated], minlength=count).astype(float)
    m = np.bincount(pairs // eliminated.size, minlength=count).astype(float)
    return float(kept) ** 3 + float((3 * s**3 + 4 * s**2 * m + 4 * s * m**2 + BLOCK_OVERHEAD).sum())


def _components(eliminated: npt.NDArray[np.bool_], row: IntArray, column: IntArray) -> IntArray:
    """Return the piece each eliminated column belongs to, −1 for kept ones."""
    graph = sparse.coo_array((np.ones(row.size), (row, column)), shape=(eliminated.size, eliminated.size))
    label = connected_components(graph, directed=False)[1]
    piece = np.full(eliminated.size, -1, dtype=np.int64)
    piece[eliminated] = np.unique(label[eliminated], return_inverse=True)[1]
    return piece


def _blocks(
    eliminated: npt.NDArray[np.bool_], place: npt.NDArray[np.intp], *, row: IntArray, column: IntArray
) -> tuple[Block, ...]:
    inner = eliminated[row] & eliminated[column]
    label = _components(eliminated, row[inner], column[inner])
    across = eliminated[row] ^ eliminated[column]
    own = np.where(eliminated[row[across]], row[across], column[across])
    other = np.where(eliminated[row[across]], column[across], row[across])
    kept = max(int((~eliminated).sum()), 1)
    pairs = np.unique(label[own] * kept + place[other])
    count = int(label.max(initial=-1)) + 1
    near = np.split(pairs % kept, np.cumsum(np.bincount(pairs // kept, minlength=count))[:-1]) if count else []
    order = np.argsort(label[eliminated], kind="stable")
    members = np.split(order, np.cumsum(np.bincount(label[eliminated], minlength=count))[:-1]) if count else []
    return tuple(Block(a.astype(np.int64), b.astype(np.int64)) for a, b in zip(members, near, strict=True))
