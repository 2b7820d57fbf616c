"""Adaptive Gauss–Hermite quadrature for one scalar random effect: deviance and its exact gradient.

Each level's integral is centred at the mode û and scaled by s = h^(−1/2), h = −f''(û), f the log-density of its answers
and of u ~ N(0, 1). With nodes x_k the level adds log s + log Σ w_k exp(f(û + s x_k) + x_k²/2); one node is Laplace.
(Pinheiro & Bates 1995; glmer's and clmm's nAGQ.)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import logsumexp

from analysis.numerics.cumulative import CumulativeLink, FloatArray, IntArray, Terms
from analysis.numerics.laplace import Evaluation, LaplaceModel
from analysis.numerics.structure import Structure

MOST_POINTS = 100


class QuadratureModel(LaplaceModel):
    """A model with one random intercept (or slope), integrated by ``points`` nodes per level."""

    def __init__(self, fixed: FloatArray, structure: Structure, family: CumulativeLink, *, points: int) -> None:
        """Bind as Laplace does; raises ValueError where the integral does not fall apart into one per level."""
        check_points(points, tuple(factor.name for factor in structure.factors))
        if any(len(factor.codes) != 1 for factor in structure.factors):
            raise ValueError(
                f"adaptive quadrature needs rows that belong to one level each; in {structure.factors[0].name} a pair "
                "belongs to two, so the levels cannot be integrated one by one: use quadrature=1 (Laplace)"
            )
        super().__init__(fixed, structure, family)
        self.nodes, weights = np.polynomial.hermite_e.hermegauss(points)
        self.log_weights = np.log(weights) - 0.5 * np.log(2.0 * np.pi) + 0.5 * self.nodes**2

    def evaluate(self, parameter: FloatArray) -> Evaluation:
        """Return deviance and exact gradient at (γ, β, thresholds); the working information is Laplace's."""
        laplace = super().evaluate(parameter)
        if not self.structure.factors:
            return laplace
        deviance, gradient = _Integral(self, parameter, laplace).value_and_gradient()
        return Evaluation(
            deviance, gradient, laplace.information, laplace.mode, eta=laplace.eta, settled=laplace.settled
        )


def check_points(points: int, names: tuple[str, ...]) -> None:
    """Refuse a number of nodes or a set of random effects that the quadrature cannot serve."""
    if points != int(points) or not 1 <= points <= MOST_POINTS:
        raise ValueError(f"quadrature must be a whole number from 1 (Laplace) to {MOST_POINTS}, not {points}")
    if points > 1 and len(names) > 1:
        raise ValueError(
            f"adaptive quadrature needs exactly one random effect; with {', '.join(names)} together the integral does "
            "not fall apart into one per level: use quadrature=1 (Laplace)"
        )


@dataclass(frozen=True)
class _Levels:
    """Sums over the rows of each level; rows of no level share one more, where z is zero."""

    code: IntArray
    z: FloatArray
    count: int

    def sum(self, values: FloatArray) -> FloatArray:
        return np.asarray(np.bincount(self.code, weights=values, minlength=self.count), dtype=float)


class _Integral:
    """The integrals of all levels at one parameter, given the modes."""

    def __init__(self, model: QuadratureModel, parameter: FloatArray, laplace: Evaluation) -> None:
        theta, beta, self.free = model.split(parameter)
        self.model, self.theta = model, float(theta[0])
        factor = model.structure.factors[0]
        code = np.where(factor.codes[0] >= 0, factor.codes[0], factor.levels)
        self.levels = _Levels(code, np.asarray(model.structure.z.sum(axis=1), dtype=float).ravel(), factor.levels + 1)
        self.offset = model.fixed @ beta
        self.mode = np.append(laplace.mode, 0.0)
        self.centre = model.family.terms(laplace.eta, self.free)
        self.curvature = 1.0 + self.theta**2 * self.levels.sum(self.levels.z**2 * self.centre.weight)
        self.width = self.curvature**-0.5

    def value_and_gradient(self) -> tuple[float, FloatArray]:
        """Return −2 log L and its derivative in (γ, β, thresholds)."""
        points = [self._at(self.mode + self.width * node) for node in self.model.nodes]
        logs = np.array([height for height, _, _ in points]) + self.model.log_weights[:, None]
        total = logsumexp(logs, axis=0)
        share = np.exp(logs - total)
        value = float((np.log(self.width) + total).sum())
        return -2.0 * value, -2.0 * self._gradient(points, share)

    def _at(self, u: FloatArray) -> tuple[FloatArray, FloatArray, Terms]:
        """Return f(u) per level, Σ z score per level, and the rows' terms."""
        terms = self.model.family.terms(self.offset + self.theta * self.levels.z * u[self.levels.code], self.free)
        return (
            self.levels.sum(terms.log_likelihood) - 0.5 * u**2,
            self.levels.sum(self.levels.z * terms.score),
            terms,
        )

    def _gradient(self, points: list[tuple[FloatArray, FloatArray, Terms]], share: FloatArray) -> FloatArray:
        """Return ∂ log L: directly, and through the modes and the widths of the nodes."""
        levels, theta, centre, code, z = self.levels, self.theta, self.centre, self.levels.code, self.levels.z
        score, upper, lower = np.zeros(code.size), np.zeros(code.size), np.zeros(code.size)
        slope, slope_by_node, by_theta = np.zeros(levels.count), np.zeros(levels.count), 0.0
        for (_, pull, terms), weight, node in zip(points, share, self.model.nodes, strict=True):
            u = self.mode + self.width * node
            score += weight[code] * terms.score
            upper += weight[code] * terms.upper
            lower += weight[code] * terms.lower
            slope += weight * (theta * pull - u)
            slope_by_node += weight * (theta * pull - u) * node
            by_theta += float(weight @ (u * pull))
        # Along a parameter the mode moves by m/h (m = ∂f'/∂parameter) and h by its own change and by h_u m/h.
        through_width = (1.0 + self.width * slope_by_node) / (2.0 * self.curvature)
        third = levels.sum(z**3 * centre.weight_slope)
        through_mode = (slope - theta**3 * third * through_width) / self.curvature
        moved, widened = theta * z * through_mode[code], theta**2 * z**2 * through_width[code]
        common = score - moved * centre.weight - widened * centre.weight_slope
        upper += moved * centre.score_upper - widened * centre.weight_upper
        lower += moved * centre.score_lower - widened * centre.weight_lower
        second = levels.sum(z**2 * centre.weight)
        first = levels.sum(z * centre.score)
        by_theta += float(through_mode @ (first - theta * self.mode * second))
        by_theta -= float(through_width @ (2.0 * theta * second + theta**2 * self.mode * third))
        return np.concatenate(
            [
                [by_theta / (2.0 * theta) if theta > 0.0 else 0.0],
                self.model.fixed.T @ common,
                self.model.family.gather(upper, lower),
            ]
        )
