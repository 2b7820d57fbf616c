"""The Hessian of the Laplace deviance in fixed effects and thresholds, without a factorisation per parameter.

With H = I + ΛZ'WZΛ and leverages h = diag(ZΛH⁻¹ΛZ'), the gradient of log|H| along φ_i is Σ_r h_r dw_r/dφ_i. At fixed
h its differences only need the mode of a neighbouring point, which the factor at hand solves for. What remains,
tr(H⁻¹ ∂_iH H⁻¹ ∂_jH), is about a thousandth of the whole; a few fixed probes (Hutchinson 1990) give it within some
per cent, which leaves about 1e-5 of error, relative, in standard errors.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analysis.numerics import kernels

if TYPE_CHECKING:
    from analysis.numerics.derivative import Derivative, Factor, FloatArray

PROBES = 16
STEP = 3e-6
"""Step of the differences, in standard errors."""


class Nearby:
    """H at a point near that of a factor: solutions by one refinement, exact to the square of the distance."""

    def __init__(self, base: Factor, derivative: Derivative, *, weight: FloatArray) -> None:
        """Take the factor at ``derivative``'s point as that of H with other weights, (n,)."""
        self.base, self.core, self.scale, self.weight = base, derivative.core, derivative.scale, weight

    @property
    def log_determinant(self) -> float:
        """Not known here."""
        raise NotImplementedError

    def solve(self, right: FloatArray) -> FloatArray:
        """Return H⁻¹ right for one right-hand side, (r,)."""
        found, image = self.base.solve(right), np.empty_like(right)
        kernels.apply(*self.core.rows, self.weight, self.scale, found, image)
        return np.asarray(found + self.base.solve(right - image))


def fixed_curvature(derivative: Derivative) -> FloatArray:
    """Return the Hessian of the deviance in (β, thresholds) at the point of ``derivative``, (p + t, p + t)."""
    count = derivative.model.variances
    information = derivative.information()
    diagonals = derivative.diagonals
    here = derivative.gradient()[count:]
    size = here.size
    hessian = np.zeros((size, size))
    steps = STEP * np.sqrt(2.0 / np.diag(information)[count:])
    for j in range(size):
        moved = derivative.parameter.copy()
        moved[count + j] += steps[j]
        there = derivative.model.neighbour(derivative, moved).gradient_of(*diagonals)[count:]
        hessian[j] = (there - here) / (moved[count + j] - derivative.parameter[count + j])
    hessian = (hessian + hessian.T) / 2.0
    return np.asarray(hessian - _second_trace(derivative))


def _second_trace(derivative: Derivative) -> FloatArray:
    """Return tr(H⁻¹ ∂_iH H⁻¹ ∂_jH) over (β, thresholds), estimated with fixed probes."""
    core, scale, factor = derivative.core, derivative.scale, derivative.factor
    change = derivative.weight_changes()
    size = change.shape[1]
    probes = np.random.default_rng(1).choice([-1.0, 1.0], (core.size, PROBES))
    solved = factor.solve(probes)

    def times(vectors: FloatArray) -> FloatArray:
        """Return every ∂_jH v, shape (parameters, r, probes)."""
        rows = core.z @ (scale[:, None] * vectors)
        parts = [scale[:, None] * (core.z_transposed @ (change[:, [j]] * rows)) for j in range(size)]
        return np.stack(parts) if parts else np.zeros((0, *vectors.shape))

    left, right = times(probes), times(solved)
    right = factor.solve(np.moveaxis(right, 0, 1).reshape(core.size, -1)).reshape(core.size, size, PROBES)
    trace = np.einsum("irp,rjp->ij", left, right) / PROBES
    return np.asarray((trace + trace.T) / 2.0)
