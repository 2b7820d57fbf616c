"""The Laplace approximation of a mixed model's likelihood: mode, deviance, exact gradient, working information.

Notation: η = Xβ + ZΛu with u ~ N(0, I) and Λ = diag(θ_k); D = −2 l(û) + û'û + log|I + ΛZ'WZΛ|, W = −∂²l/∂η² at
the mode û. Parameters come as γ = θ² (variances), β (fixed effects) and the free thresholds.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np
import numpy.typing as npt

from analysis.numerics import kernels
from analysis.numerics.cholesky import Factorised, Layout, build_layout
from analysis.numerics.conditional import conditional_variances, entries_on_pattern
from analysis.numerics.cumulative import CumulativeLink
from analysis.numerics.curvature import Nearby, fixed_curvature
from analysis.numerics.derivative import Derivative, Factor, State
from analysis.numerics.moments import first_guess
from analysis.numerics.reduction import Reduction
from analysis.numerics.structure import Structure

__all__ = ["Evaluation", "Factor", "LaplaceModel", "LazyEvaluation"]

FloatArray = npt.NDArray[np.float64]
STALE = 0.3
"""An older factor serves as preconditioner while no standard deviation has moved by more than this share."""
MODE_STEPS = 100
SHORTEST_STEP = 1e-6
MODE_TOLERANCE = 1e-20
"""Newton's method for the mode ends with a step that gains less, relative to the objective."""
FORCING = 1e-4
"""Conjugate gradients stop at this share of the first residual's square; Newton's method takes care of the rest."""
INNER_STEPS = 60
CHEAP_CURVATURE = 500
"""From this size of the dense part on, the Hessian in β and thresholds comes without factorisations."""


@dataclass(frozen=True)
class Evaluation:
    """The Laplace deviance at one parameter; ``information`` is the expected half-curvature used by the optimiser.

    ``mode`` has shape (q,), the random effects in units of their standard deviations.
    """

    deviance: float
    gradient: FloatArray
    information: FloatArray
    mode: FloatArray
    eta: FloatArray
    settled: bool

    def fixed_curvature(self) -> FloatArray | None:
        """Return the Hessian in (β, thresholds), None if differences of the gradient are as cheap."""
        return None


class LazyEvaluation(Evaluation):
    """An evaluation whose derivatives are computed when they are asked for: a rejected step never needs them."""

    derivative: Derivative

    def __init__(self, deviance: float, derivative: Derivative, *, eta: FloatArray, settled: bool) -> None:
        for name, value in (("deviance", deviance), ("eta", eta), ("settled", settled), ("derivative", derivative)):
            object.__setattr__(self, name, value)

    @cached_property
    def gradient(self) -> FloatArray:
        return self.derivative.gradient()

    @cached_property
    def information(self) -> FloatArray:
        return self.derivative.information()

    @cached_property
    def mode(self) -> FloatArray:
        return self.derivative.original_mode()

    def fixed_curvature(self) -> FloatArray | None:
        model = self.derivative.model
        if model.core.kept < CHEAP_CURVATURE or not isinstance(self.derivative.factor, Factorised):
            return None
        return fixed_curvature(self.derivative)


class LaplaceModel:
    """One model on one set of answers; it keeps the last mode as a warm start (values change by rounding only)."""

    def __init__(
        self, fixed: FloatArray, structure: Structure, family: CumulativeLink, *, layout: Layout | None = None
    ) -> None:
        """Bind fixed effects (n, p), random structure and likelihood; ``layout`` is that of ``structure``."""
        self.fixed = fixed
        self.structure = structure
        self.core: Reduction = structure.reduced
        self.family = family
        self._layout = layout
        self.mode = np.zeros(self.core.size)
        self.evaluations = 0
        self._stale: tuple[FloatArray, Factorised] | None = None
        self._state: State | None = None

    @property
    def variances(self) -> int:
        """Return the number of variance components."""
        return len(self.structure.factors)

    @property
    def layout(self) -> Layout:
        """Return the layout of the original, unreduced structure."""
        return self._layout or build_layout(self.structure)

    def split(self, parameter: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return standard deviations θ, fixed effects β and free thresholds."""
        k, p = self.variances, self.fixed.shape[1]
        return np.sqrt(parameter[:k]), parameter[k : k + p], parameter[k + p :]

    def is_admissible(self, parameter: FloatArray) -> bool:
        """Return whether the thresholds are in order."""
        return self.family.is_admissible(self.split(parameter)[2])

    def evaluate(self, parameter: FloatArray) -> Evaluation:
        """Return deviance, exact gradient and working information at (γ, β, thresholds)."""
        theta, beta, free = self.split(parameter)
        self.evaluations += 1
        scale = self.core.scale(theta)
        mode, eta, settled = self._find_mode(parameter, scale, self.fixed @ beta)
        terms = self.family.terms(eta, free)
        factor, gram = self.factorise(scale, terms.weight)
        deviance = -2.0 * float(terms.log_likelihood.sum()) + float(mode @ mode) + factor.log_determinant
        derivative = Derivative(self, parameter.copy(), scale, terms=terms, factor=factor, gram=gram, mode=mode)
        return LazyEvaluation(deviance, derivative, eta=eta, settled=settled)

    def neighbour(self, base: Derivative, parameter: FloatArray) -> Derivative:
        """Return the derivatives at a parameter with the same variances as ``base`` and close to it."""
        _, beta, free = self.split(parameter)
        mode, eta, _ = self._find_mode(parameter, base.scale, self.fixed @ beta)
        terms = self.family.terms(eta, free)
        factor = Nearby(base.factor, base, weight=terms.weight)
        return Derivative(self, parameter, base.scale, terms=terms, factor=factor, gram=base.gram, mode=mode)

    def conditional_variances(self, parameter: FloatArray, at: Evaluation) -> FloatArray:
        """Return the variances of the original random effects given the answers, shape (q,)."""
        theta, _, free = self.split(parameter)
        factor = at.derivative.factor if isinstance(at, LazyEvaluation) else None
        if not isinstance(factor, Factorised):
            factor, _ = self._factorise(self.core.scale(theta), self.family.core(at.eta, free)[2])
        return conditional_variances(self.core, theta, partial(entries_on_pattern, self.core, factor))

    def first_guess(self, regression: FloatArray, known: FloatArray | None = None) -> FloatArray:
        """Return where to start the search, from (β, thresholds) of the model without random effects.

        ``known`` are variances of an earlier fit, (k,), NaN for those to be guessed.
        """
        known = np.full(self.variances, np.nan) if known is None else known
        return first_guess(self.core, self.family, self.fixed, regression=regression, known=known)

    def remember(self, state: State) -> None:
        """Start the next searches for the mode from here."""
        self._state = state

    def factorise(self, scale: FloatArray, weight: FloatArray) -> tuple[Factor, FloatArray]:
        """Return the factor of H and the values of Z'WZ on the pattern."""
        return self._factorise(scale, weight)

    def leverage_and_share(self, factor: Factor, gram: FloatArray, scale: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the diagonals of ZΛH⁻¹ΛZ', shape (n,), and of H⁻¹ΛZ'WZΛ, shape (r,)."""
        assert isinstance(factor, Factorised)  # noqa: S101 - what factorise returns
        core = self.core
        inverse = factor.inverse_on_pattern(core.row.size) * scale[core.row] * scale[core.column]
        share, leverage = np.empty(core.size), np.empty(self.fixed.shape[0])
        kernels.share_of_columns(gram, core.row, core.column, inverse, share)
        inverse[~core.diagonal] *= 2.0
        kernels.leverage(*core.pairs, inverse, leverage)
        return leverage, share

    def _factorise(self, scale: FloatArray, weight: FloatArray) -> tuple[Factorised, FloatArray]:
        core = self.core
        gram = np.empty(core.row.size)
        kernels.add_products(*core.pairs, np.ascontiguousarray(weight), gram)
        values = gram * scale[core.row] * scale[core.column]
        values[core.diagonal] += 1.0
        factor = Factorised(core.layout, values)
        self._stale = (scale, factor)
        return factor, gram

    def _find_mode(
        self, parameter: FloatArray, scale: FloatArray, offset: FloatArray
    ) -> tuple[FloatArray, FloatArray, bool]:
        """Newton's method with halving on the concave penalised log-likelihood, from the predicted mode."""
        core, family, free = self.core, self.family, self.split(parameter)[2]
        u = self.mode if self._state is None else self._state.predict(parameter, scale)
        eta = offset + core.z @ (scale * u)
        value, score, weight = family.core(eta, free)
        objective, settled = value - 0.5 * float(u @ u), False
        for _ in range(MODE_STEPS):
            slope = scale * (core.z_transposed @ score) - u
            step = self._inner_step(slope, scale, weight)
            gain, length = float(slope @ step), 1.0
            while True:
                trial = u + length * step
                eta = offset + core.z @ (scale * trial)
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
        """Solve (I + ΛZ'WZΛ) x = slope by conjugate gradients behind the last factor, or a new one if that is old."""
        if self._stale is None or np.abs(scale - self._stale[0]).max(initial=0.0) > STALE * scale.max(initial=0.0):
            return self._factorise(scale, weight)[0].solve(slope)
        core, factor = self.core, self._stale[1]
        x, residual, image = np.zeros_like(slope), slope.copy(), np.empty_like(slope)
        z = factor.solve(residual)
        direction, rho = z, float(residual @ z)
        target = FORCING * rho
        for _ in range(INNER_STEPS):
            kernels.apply(*core.rows, weight, scale, direction, image)
            length = rho / max(float(direction @ image), 1e-300)
            x, residual = x + length * direction, residual - length * image
            z = factor.solve(residual)
            previous, rho = rho, float(residual @ z)
            if rho <= max(target, 1e-300):
                break
            direction = z + (rho / previous) * direction
        return x
