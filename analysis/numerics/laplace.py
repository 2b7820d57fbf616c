"""The Laplace approximation of a mixed model's likelihood: mode, deviance, exact gradient, working information.

Notation: η = Xβ + ZΛu with u ~ N(0, I) and Λ = diag(θ_k); D = −2 l(û) + û'û + log|I + ΛZ'WZΛ|, W = −∂²l/∂η² at
the mode û. Parameters come as γ = θ² (variances), β (fixed effects) and the free thresholds.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis.numerics.cholesky import Factorised, Layout, build_layout
from analysis.numerics.cumulative import CumulativeLogit, Terms
from analysis.numerics.structure import Structure

FloatArray = npt.NDArray[np.float64]
STALE_FROM = 500
"""From this size of the dense part on, inner steps use the last factor as a preconditioner, not a new one."""
MODE_STEPS = 100
SHORTEST_STEP = 1e-6
MODE_TOLERANCE = 1e-15


@dataclass(frozen=True)
class Evaluation:
    """The Laplace deviance at one parameter; ``information`` is the expected half-curvature used by the optimiser."""

    deviance: float
    gradient: FloatArray
    information: FloatArray
    mode: FloatArray
    eta: FloatArray
    settled: bool


class LaplaceModel:
    """One model on one set of answers; it keeps the last mode as a warm start (values change by rounding only)."""

    def __init__(
        self, fixed: FloatArray, structure: Structure, family: CumulativeLogit, *, layout: Layout | None = None
    ) -> None:
        """Bind fixed effects (n, p), random structure and likelihood."""
        self.fixed = fixed
        self.structure = structure
        self.family = family
        self.layout = layout or build_layout(structure)
        self.mode = np.zeros(structure.size)
        self.evaluations = 0
        self._stale: Factorised | None = None

    @property
    def variances(self) -> int:
        """Return the number of variance components."""
        return len(self.structure.factors)

    def split(self, parameter: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return standard deviations θ, fixed effects β and free thresholds."""
        k, p = self.variances, self.fixed.shape[1]
        return np.sqrt(parameter[:k]), parameter[k : k + p], parameter[k + p :]

    def evaluate(self, parameter: FloatArray) -> Evaluation:
        """Return deviance, exact gradient and working information at (γ, β, thresholds)."""
        theta, beta, free = self.split(parameter)
        self.evaluations += 1
        scale = theta[self.structure.factor_of]
        mode, eta, settled = self._find_mode(scale, self.fixed @ beta, free)
        terms = self.family.terms(eta, free)
        factor = self._factorise(scale, terms.weight)
        deviance = -2.0 * float(terms.log_likelihood.sum()) + float(mode @ mode) + factor.log_determinant
        derivative = _Derivative(self, scale, terms, factor)
        gradient = derivative.gradient(mode)
        information = derivative.information()
        return Evaluation(deviance, gradient, information, mode, eta, settled)

    def _factorise(self, scale: FloatArray, weight: FloatArray) -> Factorised:
        self._stale = Factorised(self.layout, self._matrix(scale, weight))
        return self._stale

    def _matrix(self, scale: FloatArray, weight: FloatArray) -> FloatArray:
        structure = self.structure
        values = (structure.products @ weight) * scale[structure.row] * scale[structure.column]
        values[structure.row == structure.column] += 1.0
        return np.asarray(values)

    def _find_mode(
        self, scale: FloatArray, offset: FloatArray, free: FloatArray
    ) -> tuple[FloatArray, FloatArray, bool]:
        """Newton's method with halving on the concave penalised log-likelihood, from the last mode."""
        structure, family = self.structure, self.family
        u = self.mode
        eta = offset + structure.z @ (scale * u)
        value, score, weight = family.core(eta, free)
        objective, settled = value - 0.5 * float(u @ u), False
        for _ in range(MODE_STEPS):
            slope = scale * (structure.z_transposed @ score) - u
            step = self._inner_step(slope, scale, weight)
            gain, length = float(slope @ step), 1.0
            while True:
                trial = u + length * step
                eta = offset + structure.z @ (scale * trial)
                value, score, weight = family.core(eta, free)
                new = value - 0.5 * float(trial @ trial)
                if new >= objective - 1e-12 * (1.0 + abs(objective)) or length < SHORTEST_STEP:
                    break
                length *= 0.5
            u, objective = trial, new
            if gain < MODE_TOLERANCE * (1.0 + abs(objective)) and length == 1.0:
                settled = True
                break
        self.mode = u
        return u, eta, settled

    def _inner_step(self, slope: FloatArray, scale: FloatArray, weight: FloatArray) -> FloatArray:
        """Solve (I + ΛZ'WZΛ) x = slope, by conjugate gradients behind the last factor when a new one would be dear."""
        if self.structure.kept < STALE_FROM or self._stale is None:
            return self._factorise(scale, weight).solve(slope)
        structure, factor = self.structure, self._stale
        x, residual = np.zeros_like(slope), slope.copy()
        z = factor.solve(residual)
        direction, rho = z, float(residual @ z)
        target = 1e-8 * rho
        for _ in range(60):
            image = direction + scale * (structure.z_transposed @ (weight * (structure.z @ (scale * direction))))
            length = rho / max(float(direction @ image), 1e-300)
            x, residual = x + length * direction, residual - length * image
            z = factor.solve(residual)
            previous, rho = rho, float(residual @ z)
            if rho <= max(target, 1e-300):
                break
            direction = z + (rho / previous) * direction
        return x


class _Derivative:
    """Derivatives of the deviance at one parameter, given the mode and the factor there."""

    def __init__(self, model: LaplaceModel, scale: FloatArray, terms: Terms, factor: Factorised) -> None:
        self.model, self.scale, self.terms, self.factor = model, scale, terms, factor
        self.score_of_columns = np.asarray(model.structure.z_transposed @ terms.score)

    def gradient(self, mode: FloatArray) -> FloatArray:
        """Return ∂D/∂(γ, β, thresholds), total: through the mode and the determinant as well."""
        model, scale, terms = self.model, self.scale, self.terms
        structure, family = model.structure, model.family
        inverse = self.factor.inverse_on_pattern(structure.row.size)
        twice = np.where(structure.row == structure.column, 1.0, 2.0)
        weighted = inverse * twice * scale[structure.row] * scale[structure.column]
        leverage = structure.products_transposed @ weighted
        slope = leverage * terms.weight_slope
        pull = self.factor.solve(scale * (structure.z_transposed @ slope))
        shift = structure.z @ (scale * pull)
        common = -2.0 * terms.score + slope - terms.weight * shift
        fixed = model.fixed.T @ common
        upper = -2.0 * terms.upper + leverage * terms.weight_upper + shift * terms.score_upper
        lower = -2.0 * terms.lower + leverage * terms.weight_lower + shift * terms.score_lower
        return np.concatenate(
            [self._variances(mode, common, pull, inverse=inverse), fixed, family.gather(upper, lower)]
        )

    def _variances(self, mode: FloatArray, common: FloatArray, pull: FloatArray, *, inverse: FloatArray) -> FloatArray:
        structure, scale = self.model.structure, self.scale
        gram = structure.products @ self.terms.weight
        per_entry = inverse * gram * scale[structure.row] * scale[structure.column]
        diagonal = structure.row == structure.column
        share = np.bincount(structure.row, weights=per_entry, minlength=structure.size)
        share += np.bincount(structure.column, weights=np.where(diagonal, 0.0, per_entry), minlength=structure.size)
        column = mode * (structure.z_transposed @ common) + pull * self.score_of_columns
        count = self.model.variances
        theta = np.zeros(count)
        theta[structure.factor_of] = scale
        by_theta = np.bincount(structure.factor_of, weights=column, minlength=count)
        trace = np.bincount(structure.factor_of, weights=share, minlength=count)
        with np.errstate(divide="ignore", invalid="ignore"):
            slope = (by_theta + 2.0 * trace / theta) / (2.0 * theta)
        return np.where(theta > 0, slope, 0.0)

    def information(self) -> FloatArray:
        """Return the expected information of D: average information for γ, working information for the rest."""
        model, terms, structure = self.model, self.terms, self.model.structure
        count = model.variances
        directions = np.zeros((model.fixed.shape[0], count))
        for k in range(count):
            directions[:, k] = structure.z @ np.where(structure.factor_of == k, self.score_of_columns, 0.0)
        mixed, curvature = self._likelihood_curvature()
        left = np.column_stack([terms.weight[:, None] * directions, -mixed])
        projected = self.scale[:, None] * np.asarray(structure.z_transposed @ left)
        inner = projected.T @ self.factor.solve(projected)
        variance = directions.T @ (terms.weight[:, None] * directions) - inner[:count, :count]
        rest = curvature - inner[count:, count:]
        cross = -mixed.T @ directions - inner[count:, :count]
        result = np.zeros((count + rest.shape[0],) * 2)
        result[:count, :count] = variance - cross.T @ np.linalg.solve(rest, cross)
        result[count:, count:] = 2.0 * rest
        return result

    def _likelihood_curvature(self) -> tuple[FloatArray, FloatArray]:
        """Return ∂²l/∂η∂(β, thresholds), shape (n, p + t), and −∂²l/∂(β, thresholds)² at fixed random effects."""
        model, terms, family = self.model, self.terms, self.model.family
        x = model.fixed
        above, below = family.incidence(above=True), family.incidence(above=False)
        basis = family.thresholds.basis
        score_tau = (above * terms.score_upper[:, None] + below * terms.score_lower[:, None]) @ basis
        mixed = np.column_stack([-terms.weight[:, None] * x, score_tau])
        cross = -x.T @ score_tau
        both = above - below
        tau = above.T @ (terms.score_upper[:, None] * above) + below.T @ (terms.score_lower[:, None] * below)
        tau += both.T @ (terms.gap[:, None] * both)
        corner = basis.T @ tau @ basis
        return mixed, np.block([[x.T @ (terms.weight[:, None] * x), cross], [cross.T, corner]])
