"""The deviance of a fitted model with one parameter held at a value, all others free: what a profile is made of."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy import optimize

from analysis.models.estimable import restrict
from analysis.models.ordinal import THRESHOLDS
from analysis.numerics.cumulative import CumulativeLink, fixed_at_zero
from analysis.numerics.laplace import Evaluation, LaplaceModel
from analysis.numerics.optimise import Guarded, minimise
from analysis.numerics.quadrature import QuadratureModel
from analysis.numerics.reml import LinearModel
from analysis.numerics.structure import build_structure

if TYPE_CHECKING:
    from analysis.models.specification import Specification
    from analysis.results import Fit, FloatArray

START: Final = 1e-3
"""Smallest spread from which a constrained fit starts: from exactly zero it could not leave."""
LARGE: Final = 1e12
"""Stands for an inadmissible deviance where an optimiser wants a number."""


class LaplaceProfile:
    """Constrained fits of a binomial or cumulative model (Laplace or quadrature)."""

    def __init__(self, specification: Specification, fit: Fit) -> None:
        """Build the deviance once; each constrained fit starts from the last."""
        weights = np.ones(specification.rows) if specification.weights is None else specification.weights
        rows = weights > 0.0
        names = {(v.factor, v.term) for v in fit.variances}
        factors = tuple(f for f in specification.factors if (f.name, f.slope_names[0]) in names)
        binomial = specification.family == "binomial"
        thresholds = fixed_at_zero() if binomial else THRESHOLDS[specification.thresholds](fit.thresholds.size + 1)
        self.columns = np.diag(fit.covariance) > 0.0
        category = specification.response[rows].astype(np.int64)
        family = CumulativeLink(category, weights[rows], thresholds, specification.link)
        x = np.ascontiguousarray(specification.fixed[np.ix_(rows, self.columns)])
        structure = build_structure(tuple(restrict(factor, rows) for factor in factors), int(rows.sum()))
        if specification.quadrature > 1:
            self.model: LaplaceModel = QuadratureModel(x, structure, family, points=specification.quadrature)
        else:
            self.model = LaplaceModel(x, structure, family)
        basis = thresholds.basis
        free = np.linalg.lstsq(basis, fit.thresholds - thresholds.fixed)[0] if basis.shape[1] else np.zeros(0)
        spread = np.array([v.sd**2 for v in fit.variances])
        self._optimum = np.concatenate([spread, fit.estimate[self.columns], free])
        self._variances = spread.size
        self.least = -2.0 * fit.log_likelihood
        self._whole = fit.convergence.code not in {"separation", "not_fitted"}
        self.restart()

    def restart(self) -> None:
        """Start the next constrained fit from the maximum."""
        self._last = self._optimum.copy()
        self._last[: self._variances] = np.maximum(self._last[: self._variances], START)

    def obstacle(self, kind: str, index: int) -> str:
        """Return why a parameter has no profile, empty if it has one."""
        if not self._whole:
            return "the answers separate: the likelihood has no maximum to profile from"
        if kind == "fixed" and not self.columns[index]:
            return "not estimable"
        return ""

    def deviance(self, kind: str, index: int, value: float) -> float:
        """Return the least deviance with the parameter at ``value``."""
        held = index if kind == "sd" else self._variances + int(self.columns[:index].sum())
        number = value**2 if kind == "sd" else value
        free = np.arange(self._optimum.size) != held
        evaluate = _Held(self.model, free, number)
        found = minimise(evaluate, self._last[free], variances=self._variances - (kind == "sd"))
        self._last[free] = found.parameter
        self._last[: self._variances] = np.maximum(self._last[: self._variances], START)
        return float(found.evaluation.deviance)


class _Held:
    """The deviance as a function of all parameters but one."""

    def __init__(self, model: LaplaceModel, free: np.ndarray, value: float) -> None:
        self.evaluate, self.free, self.value = Guarded(model), free, value

    def __call__(self, part: FloatArray) -> Evaluation | None:
        parameter = np.full(self.free.size, self.value)
        parameter[self.free] = part
        found = self.evaluate(parameter)
        if found is None:
            return None
        inside = np.ix_(self.free, self.free)
        return Evaluation(
            found.deviance,
            found.gradient[self.free],
            found.information[inside],
            found.mode,
            eta=found.eta,
            settled=found.settled,
        )


class LinearProfile:
    """Constrained fits of a linear model by maximum likelihood."""

    def __init__(self, specification: Specification, fit: Fit) -> None:
        """Take the fit by maximum likelihood; each constrained fit starts from the last."""
        if specification.reml:
            raise ValueError("a linear model is profiled by maximum likelihood: reml=False")
        self.fit = fit
        self.least = -2.0 * fit.log_likelihood
        self.columns = np.diag(fit.covariance) > 0.0
        terms = {(v.factor, v.term) for v in fit.variances}
        self.factors = tuple(f for f in specification.factors if (f.name, f.slope_names[0]) in terms)
        weights = np.ones(specification.rows) if specification.weights is None else specification.weights
        structure = specification.structure
        if structure is None or len(structure.factors) != len(self.factors):
            structure = build_structure(self.factors, specification.rows)
        fixed = np.ascontiguousarray(specification.fixed[:, self.columns])
        names = tuple(name for name, kept in zip(specification.names, self.columns, strict=True) if kept)
        # without the aliased columns, which would step in for the one that is held
        self.specification = replace(specification, fixed=fixed, names=names)
        self._model = LinearModel(specification.response, fixed, structure, weights=weights, reml=False)
        self._widths = [len(factor.slopes) for factor in self.factors]
        self._places = [(f, j) for f, width in enumerate(self._widths) for j in range(width)]
        self.restart()

    def restart(self) -> None:
        """Start the next constrained fit from the maximum."""
        self._last_fit = self.fit
        self._last_roots = self._pack()

    def obstacle(self, kind: str, index: int) -> str:
        """Return why a parameter has no profile, empty if it has one."""
        return "not estimable" if kind == "fixed" and not self.columns[index] else ""

    def deviance(self, kind: str, index: int, value: float) -> float:
        """Return the least deviance with the parameter at ``value``."""
        if kind == "fixed":
            held = self.specification.without_column(int(self.columns[:index].sum()), value=value)
            self._last_fit = held.fit(start=self._last_fit, small_sample=False)
            return -2.0 * self._last_fit.log_likelihood
        if value <= 0.0:
            return self._without(index) if kind == "sd" else np.inf
        if not self._last_roots.size:
            return self._objective(self._last_roots, kind, index, value)
        found = optimize.minimize(self._objective, self._last_roots, args=(kind, index, value), method="BFGS")
        self._last_roots = found.x
        return float(found.fun)

    def _objective(self, packed: FloatArray, kind: str, index: int, value: float) -> float:
        """Return the deviance at relative square roots T and the residual variance σ² that the held value implies.

        D(T, σ²) = D(T) + n (r − log r − 1) with r = s²(T) / σ², s² the residual variance that is best at T.
        """
        roots = self._unpack(packed)
        factor, row = self._places[index] if kind == "sd" else (0, 0)
        share = float(np.linalg.norm(roots[factor][row])) if kind == "sd" else 1.0
        if share <= 0.0:
            return LARGE
        try:
            point = self._model.at(roots)
        except np.linalg.LinAlgError:
            return LARGE
        ratio = point.scale * share**2 / value**2
        return float(point.deviance + self._model.freedom * (ratio - np.log(ratio) - 1.0))

    def _without(self, index: int) -> float:
        """Return the deviance without one random term."""
        factor, slope = self._places[index]
        width, kept = self._widths[factor], list(self.factors)
        others = [j for j in range(width) if j != slope]
        if others:
            kept[factor] = replace(
                kept[factor],
                slopes=tuple(kept[factor].slopes[j] for j in others),
                slope_names=tuple(kept[factor].slope_names[j] for j in others),
            )
        else:
            del kept[factor]
        smaller = replace(self.specification, factors=tuple(kept), structure=None)
        return -2.0 * smaller.fit(small_sample=False).log_likelihood

    def _pack(self) -> FloatArray:
        """Return the lower triangles of the relative square roots at the maximum."""
        sd = [part.sd / self.fit.residual_sd for part in self.fit.variances]
        linked = {(c.factor, c.first, c.second): c.value for c in self.fit.correlations}
        packed, offset = [], 0
        for factor, width in zip(self.factors, self._widths, strict=True):
            spread = np.maximum(sd[offset : offset + width], START)
            matrix = np.diag(spread**2)
            for i in range(width):
                for j in range(i):
                    value = linked.get((factor.name, factor.slope_names[j], factor.slope_names[i]), 0.0)
                    matrix[i, j] = matrix[j, i] = np.nan_to_num(value) * spread[i] * spread[j] * (1.0 - START)
            packed.append(np.linalg.cholesky(matrix)[np.tril_indices(width)])
            offset += width
        return np.concatenate(packed) if packed else np.zeros(0)

    def _unpack(self, packed: FloatArray) -> list[FloatArray]:
        roots, offset = [], 0
        for width in self._widths:
            size = width * (width + 1) // 2
            root = np.zeros((width, width))
            root[np.tril_indices(width)] = packed[offset : offset + size]
            roots.append(root)
            offset += size
        return roots
