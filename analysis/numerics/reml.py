"""The linear mixed model's profiled deviance (REML or ML), its exact gradient and its average information.

y = Xβ + Zb + ε, b ~ N(0, σ² ΛΛ'), ε ~ N(0, σ² W⁻¹). With H = I + Λ'Z'WZΛ and V₀ = W⁻¹ + ZΛΛ'Z'

    D = log|H| − log|W| + log|X'V₀⁻¹X| + (n − p)(1 + log 2π r²/(n − p)),   r² = y'P₀y

(Bates et al. 2015, eq. 41; without the third term and with n for n − p: ML, eq. 34). Derivatives are taken in the
local coordinates Ω of G = T(I + Ω)T', in which Λ'Z'P₀ZΛ = I − H⁻¹ − S M⁻¹ S' with S = H⁻¹Λ'Z'WX, M = X'V₀⁻¹X:
no product with Z is needed (Gilmour, Thompson and Cullis 1995 for the average information).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import linalg

from analysis.numerics.cholesky import Factorised, build_layout
from analysis.numerics.reml_terms import lay_out_terms

if TYPE_CHECKING:
    from collections.abc import Sequence

    from analysis.numerics.cholesky import Layout
    from analysis.numerics.reml_terms import Terms
    from analysis.numerics.structure import FloatArray, Structure


@dataclass(frozen=True)
class Coordinate:
    """One local coordinate: factor ``term``, entry (``first`` ≥ ``second``) of Ω."""

    term: int
    first: int
    second: int


@dataclass(frozen=True)
class Point:
    """The model at one relative covariance.

    ``factor`` holds H; ``solved`` (q, p) is S, ``spherical`` (q,) is u with b = Λu, ``inner`` (p, p) is M⁻¹ and
    ``beta`` (p,) the coefficients, both for the orthonormal X; ``scale`` is σ².
    """

    roots: tuple[FloatArray, ...]
    factor: Any
    solved: FloatArray
    spherical: FloatArray
    inner: FloatArray
    beta: FloatArray
    scale: float
    deviance: float


@dataclass(frozen=True)
class Slope:
    """Gradient of the deviance and average information at a point.

    ``pull`` holds the symmetric K of each factor, dD = tr(K dΩ); ``information`` is the curvature in the
    coordinates, σ² profiled out; ``along`` (k,) and ``joint`` (k, k) are y'PV_iPy and y'PV_iPV_jPy before that;
    ``inverse`` are the values of H⁻¹ on the pattern.
    """

    pull: tuple[FloatArray, ...]
    gradient: FloatArray
    information: FloatArray
    along: FloatArray
    joint: FloatArray
    inverse: FloatArray


class LinearModel:
    """One response on one design; cross-products are taken once, an evaluation never touches the rows again."""

    def __init__(
        self, response: FloatArray, fixed: FloatArray, structure: Structure, *, weights: FloatArray, reml: bool
    ) -> None:
        """Bind response (n,), fixed effects of full column rank (n, p), random structure, weights (n,); 0 is no row."""
        root = np.sqrt(weights)[:, None]
        self.basis, self.triangle = linalg.qr(root * fixed, mode="economic", check_finite=False)
        scaled = root[:, 0] * response
        self.least_squares = self.basis.T @ scaled
        rest = scaled - self.basis @ self.least_squares
        rest -= self.basis @ (self.basis.T @ rest)
        self.structure = structure
        self.terms: Terms = lay_out_terms(structure)
        self._layout: Layout | None = None
        self.gram = structure.products @ weights
        self.cross = np.asarray(structure.z_transposed @ (root * np.column_stack([self.basis, rest])))
        self.total = float(rest @ rest)
        self.spread = float(np.square(scaled).sum())
        self.rows, self.width = int(np.count_nonzero(weights)), fixed.shape[1]
        self.reml = reml
        self.freedom = self.rows - (self.width if reml else 0)
        self.constant = -float(np.log(weights[weights > 0.0]).sum())
        if reml:
            self.constant += 2.0 * float(np.log(np.abs(np.diag(self.triangle))).sum())
        self.coordinates = tuple(
            Coordinate(index, a, b)
            for index, term in enumerate(self.terms.terms)
            for a in range(term.width)
            for b in range(a + 1)
        )
        self.evaluations = 0

    def factorise(self, roots: Sequence[FloatArray]) -> Any:
        """Return H's factor: its log-determinant and a solver."""
        if self._layout is None:
            self._layout = build_layout(self.structure)
        return Factorised(self._layout, self.terms.precision(self.gram, roots))

    def at(self, roots: Sequence[FloatArray]) -> Point:
        """Return the model at square roots T of the relative covariances; LinAlgError where it has no number."""
        self.evaluations += 1
        factor = self.factorise(roots)
        right = self.terms.scale(roots, self.cross, transposed=True)
        solved = factor.solve(right)
        p = self.width
        inside = np.eye(p) - right[:, :p].T @ solved[:, :p]
        half = np.linalg.cholesky((inside + inside.T) / 2.0)
        inner = linalg.cho_solve((half, True), np.eye(p))
        product = -right[:, :p].T @ solved[:, p]
        beta = inner @ product
        rest = self.total - float(right[:, p] @ solved[:, p]) - float(product @ beta)
        if not rest > 0.0:
            message = "no residual is left"
            raise np.linalg.LinAlgError(message)
        deviance = factor.log_determinant + self.constant
        deviance += self.freedom * (1.0 + np.log(2.0 * np.pi * rest / self.freedom))
        if self.reml:
            deviance += 2.0 * float(np.log(np.diag(half)).sum())
        spherical = solved[:, p] - solved[:, :p] @ beta
        return Point(tuple(roots), factor, solved[:, :p], spherical, inner, beta, rest / self.freedom, float(deviance))

    def slope(self, point: Point) -> Slope:
        """Return exact gradient and average information."""
        inverse = point.factor.inverse_on_pattern(self.gram.size)
        return self.slope_given(point, inverse, [inverse[term.own].sum(axis=0) for term in self.terms.terms])

    def slope_given(self, point: Point, inverse: FloatArray, traces: Sequence[FloatArray]) -> Slope:
        """Return gradient and average information with the level sums of H⁻¹ given, each (c, c)."""
        u = point.spherical[:, None]
        shares = self.terms.level_sums(u, u)
        seen = self.terms.level_sums(point.solved @ point.inner, point.solved) if self.reml else None
        pull = []
        for index, term in enumerate(self.terms.terms):
            value = term.levels * np.eye(term.width) - traces[index] - shares[index] / point.scale
            pull.append(value if seen is None else value - seen[index])
        gradient = self.gradient(pull)
        moved = self.turned(point.spherical)
        image = moved - point.factor.solve(moved) - point.solved @ (point.inner @ (point.solved.T @ moved))
        joint = moved.T @ image / point.scale
        along = moved.T @ point.spherical / point.scale
        joint = (joint + joint.T) / 2.0
        information = joint - np.outer(along, along) / self.freedom
        return Slope(tuple(pull), gradient, information, along, joint, inverse)

    def gradient(self, pull: Sequence[FloatArray]) -> FloatArray:
        """Return tr(K E_i) for every coordinate, shape (k,)."""
        doubled = [value * (2.0 - np.eye(value.shape[0])) for value in pull]
        return np.array([doubled[c.term][c.first, c.second] for c in self.coordinates])

    def turned(self, spherical: FloatArray) -> FloatArray:
        """Return E_i u for every coordinate, shape (q, k)."""
        out = np.zeros((spherical.size, len(self.coordinates)))
        for index, c in enumerate(self.coordinates):
            term = self.terms.terms[c.term]
            part = spherical[term.columns].reshape(term.levels, term.width)
            target = out[term.columns, index].reshape(term.levels, term.width)
            target[:, c.first] += part[:, c.second]
            if c.first != c.second:
                target[:, c.second] += part[:, c.first]
            out[term.columns, index] = target.ravel()
        return out

    def estimate(self, point: Point) -> tuple[FloatArray, FloatArray]:
        """Return β (p,) and its covariance σ²(X'V₀⁻¹X)⁻¹ (p, p) in the columns that were given."""
        beta = linalg.solve_triangular(self.triangle, self.least_squares + point.beta)
        half = linalg.solve_triangular(self.triangle, np.eye(self.width))
        covariance = point.scale * half @ point.inner @ half.T
        return beta, (covariance + covariance.T) / 2.0
