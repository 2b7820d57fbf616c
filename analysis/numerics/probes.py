"""log|H|, traces and leverages of H⁻¹ when H is too large to factor: exact block values and a few fixed random probes.

With S = L(I + E)L' on the kept side (LL' = D, the diagonal blocks of S), E has no diagonal blocks, so log|H| = log|A| +
log|D| + tr(log(I + E) − E): what is of first order in E is exact, and the probes estimate only the rest. Directions
along which E is large, such as the means for which two sides compete, are found once and taken exactly (Hutch++:
Meyer, Musco, Musco & Woodruff 2021). The probes stay the same from one evaluation to the next, so that all is smooth in
the parameters.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from analysis.numerics import iterative_kernels as kernels

if TYPE_CHECKING:
    from analysis.numerics.iterative import IterativeFactor

FloatArray = npt.NDArray[np.float64]

FEWEST: Final = 8
WIDEST: Final = 24
CACHE: Final = 2**18
"""Numbers that a fast cache holds; so many vectors of all kept columns are carried at once, exact ones included."""
SEED: Final = 20
SEARCHED: Final = 10
"""Vectors of the subspace iteration that looks for directions along which E is large."""
SEARCH_STEPS: Final = 4
OUTLYING: Final = 1.5
"""Directions whose eigenvalue of E is this many times the smallest one found are taken exactly."""
TOLERANCE: Final = 1e-7


@dataclass(frozen=True)
class Probes:
    """Vectors ω (kept, v + m) with Σ share ω ω' = I in expectation: v exact directions, then m random ones."""

    vectors: FloatArray
    exact: int

    @property
    def count(self) -> int:
        """Return m, the number of random probes."""
        return int(self.vectors.shape[1]) - self.exact

    @property
    def share(self) -> FloatArray:
        """Return the weight of each vector, shape (v + m,)."""
        return np.concatenate([np.ones(self.exact), np.full(self.count, 1.0 / max(self.count, 1))])


def draw_probes(factor: IterativeFactor, *, count: int | None = None, seed: int = SEED) -> Probes:
    """Find the outlying directions of E at this factor and draw random signs across the rest; seeded.

    ``count`` random probes, by default as many as are cheap, 8 to 24.
    """
    random = np.random.default_rng(seed)
    size = factor.partition.kept.columns.size
    basis = _outliers(factor, random.standard_normal((size, min(SEARCHED, size))))
    if count is None:
        count = max(FEWEST, min(WIDEST, CACHE // max(size, 1)) - basis.shape[1])
    signs = random.choice(np.array([-1.0, 1.0]), size=(count, size)).T
    signs = signs - basis @ (basis.T @ signs)
    return Probes(np.ascontiguousarray(np.column_stack([basis, signs])), basis.shape[1])


def _outliers(factor: IterativeFactor, block: FloatArray) -> FloatArray:
    """Return orthonormal directions (kept, v) of the large eigenvalues of E, by subspace iteration."""
    image = block
    for _ in range(SEARCH_STEPS):
        block = np.linalg.qr(image)[0]
        image = factor.excess(block)
    value, vector = np.linalg.eigh(block.T @ image)
    return np.asarray(block @ vector[:, np.abs(value) > OUTLYING * np.abs(value).min(initial=np.inf)])


class Traces:
    """What the deviance and its gradient need of H⁻¹ at one factor.

    Attributes
    ----------
    log_determinant
        log|H|.
    log_determinant_error
        Its Monte-Carlo standard error.
    """

    def __init__(self, factor: IterativeFactor, probes: Probes, tolerance: float = TOLERANCE) -> None:
        """Solve for the probes."""
        self.factor, self.probes = factor, probes
        self._whole = factor.kept_blocks(factor.root, probes.vectors)
        image, self._carried = factor.schur(self._whole)
        solution = factor.solve_kept(factor.kept_blocks(factor.diagonal, self._whole), tolerance)
        self._rest = solution.x - self._whole
        self._first_order = factor.kept_blocks(factor.kept_inverse, image) - self._whole
        self._rest_carried = factor.carry(self._rest)
        first = np.einsum("ij,ij->j", self._whole, image) - np.einsum("ij,ij->j", probes.vectors, probes.vectors)
        parts = solution.log_quadratic() - first
        self.log_determinant = factor.log_determinant + float(probes.share @ parts)
        self.log_determinant_error = float(_error(parts[probes.exact :]))

    def leverages(self) -> tuple[FloatArray, FloatArray]:
        """Return the diagonal of ZΛH⁻¹ΛZ' that is exact, (n,), and what each probe adds to it, (n, v + m)."""
        factor, order = self.factor, self.factor.partition.order
        left, right = self._rows(self._whole, self._carried), self._rows(self._rest, self._rest_carried)
        left *= right
        kernels.add_cell_control(
            factor.weight,
            factor.partition.cells,
            factor.own_products,
            factor.kept,
            self._whole,
            self._first_order,
            left,
        )
        base, parts = np.empty(order.size), right
        base[order], parts[order] = factor.leverage(), left
        return base, parts

    def _rows(self, kept: FloatArray, carried: FloatArray) -> FloatArray:
        out = np.zeros((self.factor.weight.size, kept.shape[1]))
        kernels.add_rows(self.factor.kept, kept, out)
        kernels.add_rows(self.factor.own, -carried, out)
        return out

    def inverse_diagonal(self) -> tuple[FloatArray, FloatArray]:
        """Return the diagonal of H⁻¹ that is exact, (q,), and what each probe adds to it, (q, v + m).

        Sums over many columns are far better known than single entries.
        """
        own, kept = self.factor.partition.own.columns, self.factor.partition.kept.columns
        parts = np.empty((self.factor.partition.pattern.size, self.probes.vectors.shape[1]))
        parts[kept] = self._whole * (self._rest + self._first_order)
        parts[own] = self._carried * self._rest_carried
        return self.factor.inverse_diagonal(), parts


def _error(parts: FloatArray) -> FloatArray:
    """Return the standard error of the mean of the probes' values (last axis), 0 with fewer than two."""
    count = parts.shape[-1]
    return np.asarray(parts.std(axis=-1, ddof=1) / np.sqrt(count) if count > 1 else np.zeros(parts.shape[:-1]))
