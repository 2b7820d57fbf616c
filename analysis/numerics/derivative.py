"""Derivatives of the Laplace deviance at one parameter, given the mode and the factor there."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from analysis.numerics.cumulative import Terms
    from analysis.numerics.laplace import LaplaceModel

FloatArray = npt.NDArray[np.float64]


class Factor(Protocol):
    """What an evaluation needs of H = I + ΛZ'WZΛ: its log-determinant and solutions, (r,) or (r, k)."""

    @property
    def log_determinant(self) -> float:
        """Return log|H|."""
        ...

    def solve(self, right: FloatArray) -> FloatArray:
        """Return H⁻¹ right."""
        ...


@dataclass(frozen=True)
class State:
    """Where a search for the mode may start: a parameter, its mode, and how the mode moves with the parameter.

    ``pull`` is Z'∂l/∂η (r,), ``slopes`` −∂u/∂(γ, β, thresholds) but for the direct effect of θ, (r, parameters).
    """

    parameter: FloatArray
    scale: FloatArray
    mode: FloatArray
    pull: FloatArray
    slopes: FloatArray

    def predict(self, parameter: FloatArray, scale: FloatArray) -> FloatArray:
        """Return the mode at another parameter, to first order."""
        moved = self.slopes @ (parameter - self.parameter)
        return np.asarray(self.mode + (scale - self.scale) * self.pull - moved)


class Derivative:
    """The derivatives at one parameter, each computed when it is asked for."""

    def __init__(
        self,
        model: LaplaceModel,
        parameter: FloatArray,
        scale: FloatArray,
        *,
        terms: Terms,
        factor: Factor,
        gram: FloatArray,
        mode: FloatArray,
    ) -> None:
        self.model, self.parameter, self.scale, self.terms = model, parameter, scale, terms
        self.factor, self.gram, self.mode = factor, gram, mode
        self.core = model.core

    @cached_property
    def score_of_columns(self) -> FloatArray:
        return np.asarray(self.core.z_transposed @ self.terms.score)

    @cached_property
    def diagonals(self) -> tuple[FloatArray, FloatArray]:
        return self.model.leverage_and_share(self.factor, self.gram, self.scale)

    def original_mode(self) -> FloatArray:
        return self.core.expand(self.mode, self.model.split(self.parameter)[0])

    def gradient(self) -> FloatArray:
        """Return ∂D/∂(γ, β, thresholds), total: through the mode and the determinant as well."""
        return self.gradient_of(*self.diagonals)

    def gradient_of(self, leverage: FloatArray, share: FloatArray) -> FloatArray:
        """Return the gradient for given diagonals of ZΛH⁻¹ΛZ' and H⁻¹ΛZ'WZΛ."""
        model, core, scale, terms = self.model, self.core, self.scale, self.terms
        slope = leverage * terms.weight_slope
        pull = self.factor.solve(scale * (core.z_transposed @ slope))
        shift = core.z @ (scale * pull)
        common = -2.0 * terms.score + slope - terms.weight * shift
        fixed = model.fixed.T @ common
        upper = -2.0 * terms.upper + leverage * terms.weight_upper + shift * terms.score_upper
        lower = -2.0 * terms.lower + leverage * terms.weight_lower + shift * terms.score_lower
        variances = self._variances(common, pull, share=share)
        return np.concatenate([variances, fixed, model.family.gather(upper, lower)])

    def _variances(self, common: FloatArray, pull: FloatArray, *, share: FloatArray) -> FloatArray:
        core, scale = self.core, self.scale
        column = self.mode * (core.z_transposed @ common) + pull * self.score_of_columns
        with np.errstate(divide="ignore", invalid="ignore"):
            by_variance = (column + 2.0 * share / scale) / (2.0 * scale)
        return np.asarray(core.loading.T @ np.where(scale > 0.0, by_variance, 0.0))

    def information(self) -> FloatArray:
        """Return the expected information of D: average information for γ, working information for the rest."""
        model, terms, core = self.model, self.terms, self.core
        count = model.variances
        directions = core.z @ (core.loading * self.score_of_columns[:, None])
        mixed, curvature = self._likelihood_curvature()
        left = np.column_stack([terms.weight[:, None] * directions, -mixed])
        projected = self.scale[:, None] * np.asarray(core.z_transposed @ left)
        solved = self.factor.solve(projected)
        model.remember(State(self.parameter, self.scale, self.mode, self.score_of_columns, solved))
        inner = projected.T @ solved
        variance = directions.T @ (terms.weight[:, None] * directions) - inner[:count, :count]
        rest = curvature - inner[count:, count:]
        cross = -mixed.T @ directions - inner[count:, :count]
        result = np.zeros((count + rest.shape[0],) * 2)
        result[:count, :count] = variance - cross.T @ np.linalg.solve(rest, cross)
        result[count:, count:] = 2.0 * rest
        return result

    def weight_changes(self) -> FloatArray:
        """Return the change of each row's weight with β and thresholds, through the mode as well, (n, p + t)."""
        model, terms, core = self.model, self.terms, self.core
        mixed = self._likelihood_curvature()[0]
        solved = self.factor.solve(self.scale[:, None] * np.asarray(core.z_transposed @ -mixed))
        eta = -(core.z @ (self.scale[:, None] * solved))
        eta[:, : model.fixed.shape[1]] += model.fixed
        above, below = model.family.incidence(above=True), model.family.incidence(above=False)
        change = terms.weight_slope[:, None] * eta
        basis = model.family.thresholds.basis
        direct = (above * terms.weight_upper[:, None] + below * terms.weight_lower[:, None]) @ basis
        change[:, model.fixed.shape[1] :] += direct
        return np.asarray(change)

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
