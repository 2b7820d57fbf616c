"""The linear mixed model when the dense part is too large to factor: conjugate gradients and a few fixed random probes.

Estimates and standard errors need solutions, which are exact to rounding, and the traces of H⁻¹, whose Monte-Carlo
error is far below a standard error; log|H| carries a small one that the fit reports (probes.py).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from analysis.numerics.iterative import IterativeFactor
from analysis.numerics.partition import build_partition
from analysis.numerics.probes import Probes, Traces, draw_probes
from analysis.numerics.reml import LinearModel, Point, Slope

if TYPE_CHECKING:
    from collections.abc import Sequence

    from analysis.numerics.structure import FloatArray, Structure

KEPT_LIMIT: Final = 3000
"""From this size of the dense part on a factorisation costs more than it is worth."""
TOLERANCE: Final = 1e-10
FINAL_PROBES: Final = 32
"""Probes of the log-determinant that is reported."""


class ProbedFactor:
    """H at one point: solutions by conjugate gradients, log-determinant and traces by probes when first asked for."""

    def __init__(self, factor: IterativeFactor, probes: Probes) -> None:
        """Bind a factor and the probes of the whole fit; nothing is solved yet but the log-determinant's probes."""
        self.factor = factor
        self.traces = Traces(factor, probes)
        self.log_determinant = self.traces.log_determinant

    def solve(self, right: FloatArray) -> FloatArray:
        """Solve for one right-hand side (q,) or several (q, k)."""
        return self.factor.solve(right, TOLERANCE)

    def inverse_diagonal(self) -> FloatArray:
        """Return the diagonal of H⁻¹, shape (q,)."""
        base, parts = self.traces.inverse_diagonal()
        return np.asarray(base + parts @ self.traces.probes.share)


class LargeLinearModel(LinearModel):
    """The same deviance, gradient and average information for factors of one column each, any number of levels."""

    def __init__(
        self, response: FloatArray, fixed: FloatArray, structure: Structure, *, weights: FloatArray, reml: bool
    ) -> None:
        """Bind the model as :class:`LinearModel` does, and split the columns into two sides of small blocks."""
        super().__init__(response, fixed, structure, weights=weights, reml=reml)
        self.weights = weights
        self.partition = build_partition(structure)
        self.probes: Probes | None = None

    def factorise(self, roots: Sequence[FloatArray]) -> ProbedFactor:
        """Return H's solver; the probes are drawn at the first point and stay, so that all is smooth."""
        factor = self._iterative(roots)
        if self.probes is None:
            self.probes = draw_probes(factor)
        return ProbedFactor(factor, self.probes)

    def slope(self, point: Point) -> Slope:
        """Return the gradient, exact but for the probes, and the average information."""
        diagonal = point.factor.inverse_diagonal()
        place = self.terms.diagonal
        inverse = np.zeros(self.gram.size)
        inverse[place] = diagonal[self.terms.column[place]]
        sums = [np.array([[diagonal[term.columns].sum()]]) for term in self.terms.terms]
        return self.slope_given(point, inverse, sums)

    def settled(self, point: Point) -> tuple[float, float]:
        """Return the deviance with a log-determinant from more probes, and its Monte-Carlo standard error."""
        factor = self._iterative(point.roots)
        better = Traces(factor, draw_probes(factor, count=FINAL_PROBES))
        return point.deviance + better.log_determinant - point.factor.log_determinant, better.log_determinant_error

    def _iterative(self, roots: Sequence[FloatArray]) -> IterativeFactor:
        scale = np.array([root[0, 0] for root in roots])[self.terms.factor_of]
        return IterativeFactor(self.partition, scale, self.weights)


def is_large(structure: Structure) -> bool:
    """Return whether a design is for the large model: a wide dense part and no correlated slopes."""
    return structure.kept > KEPT_LIMIT and all(len(factor.slopes) == 1 for factor in structure.factors)
