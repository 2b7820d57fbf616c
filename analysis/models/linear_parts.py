"""The parts of a linear mixed model's record: spreads, correlations, predicted effects, convergence in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analysis.numerics.reml_information import covariance_jacobian
from analysis.numerics.reml_small_sample import small_sample
from analysis.results import Convergence, Correlation, RandomEffects, SmallSample, VarianceComponent

if TYPE_CHECKING:
    from analysis.numerics.reml import LinearModel
    from analysis.numerics.reml_optimise import Optimum
    from analysis.numerics.structure import FloatArray

DISTANCE_LIMIT = 1e-2
"""Largest last step, in standard errors, of a fit that may be called converged."""


def spreads(
    model: LinearModel, optimum: Optimum, local: FloatArray
) -> tuple[tuple[VarianceComponent, ...], tuple[Correlation, ...]]:
    """Return standard deviations with standard errors (delta method; 0 at the boundary), and correlations."""
    point = optimum.point
    jacobian = covariance_jacobian(model, point)
    variance_se = np.sqrt(np.maximum(np.einsum("ij,jk,ik->i", jacobian, local, jacobian), 0.0))
    place = {(c.term, c.first, c.second): i for i, c in enumerate(model.coordinates)}
    components, correlations = [], []
    for index, (factor, whole) in enumerate(zip(model.structure.factors, point.roots, strict=True)):
        root = np.where(optimum.frozen[index], 0.0, whole)
        covariance = point.scale * root @ root.T
        sd = np.sqrt(np.diag(covariance))
        for j, name in enumerate(factor.slope_names):
            error = 0.5 * variance_se[place[index, j, j]] / sd[j] if sd[j] > 0.0 else 0.0
            components.append(
                VarianceComponent(
                    factor.name, factor.levels, float(sd[j]), float(error), signed=len(factor.signs) > 1, term=name
                )
            )
            for i in range(j):
                product = sd[i] * sd[j]
                value = float(np.clip(covariance[i, j] / product, -1.0, 1.0)) if product > 0.0 else float("nan")
                correlations.append(Correlation(factor.name, factor.slope_names[i], name, value))
    return tuple(components), tuple(correlations)


def predicted_effects(model: LinearModel, optimum: Optimum, effects: FloatArray) -> tuple[RandomEffects, ...]:
    """Return conditional modes and standard deviations, σ² times the diagonal of Λ H⁻¹ Λ'."""
    point, found = optimum.point, []
    for factor, term, root in zip(model.structure.factors, model.terms.terms, point.roots, strict=True):
        squares = optimum.slope.inverse[term.own]
        sd = np.sqrt(point.scale * np.einsum("ia,lab,ib->li", root, squares, root, optimize=True))
        modes = effects[term.columns].reshape(term.levels, term.width)
        labels = factor.labels or tuple(str(level) for level in range(factor.levels))
        found += [
            RandomEffects(factor.name, labels, modes[:, j].copy(), sd[:, j].copy(), name)
            for j, name in enumerate(factor.slope_names)
        ]
    return tuple(found)


def degrees_pieces(
    model: LinearModel, optimum: Optimum, local: FloatArray, *, columns: np.ndarray, kenward_roger: bool
) -> SmallSample:
    """Return what degrees of freedom need, with zeros for fixed effects that were dropped."""
    found = small_sample(model, optimum, local, kenward_roger=kenward_roger)
    adjusted = None if found.kr_covariance is None else _spread_out(found.kr_covariance, columns)
    terms = None if found.kr_terms is None else _spread_out(found.kr_terms, columns)
    return SmallSample(
        found.variance_covariance, _spread_out(found.gradient, columns), adjusted, terms, found.kr_weights
    )


def _spread_out(matrix: FloatArray, columns: np.ndarray) -> FloatArray:
    """Put (…, r, r) over the kept columns into zeros (…, p, p)."""
    whole = np.zeros((*matrix.shape[:-2], columns.size, columns.size))
    kept = np.flatnonzero(columns)
    whole[..., kept[:, None], kept] = matrix
    return whole


def judge(model: LinearModel, optimum: Optimum, *, sound: bool) -> Convergence:
    """Put the state of the fit in words, gravest first."""
    names = [factor.name for factor in model.structure.factors]
    gone = tuple(name for name, part in zip(names, optimum.frozen, strict=True) if part.all())
    bent = tuple(name for name, part in zip(names, optimum.frozen, strict=True) if part.any() and not part.all())
    code, messages = "ok", []
    if gone:
        messages.append(f"no spread found for {', '.join(gone)} (estimated as zero, left out)")
    if bent:
        messages.append(
            f"the random slopes of {', '.join(bent)} are perfectly correlated or without spread in one direction: "
            "fewer slopes would do"
        )
    if gone or bent:
        code = "singular"
    if not (sound and optimum.reason == "converged" and optimum.distance < DISTANCE_LIMIT):
        code = "not_converged"
        detail = optimum.reason if optimum.reason != "converged" else "the likelihood is flat or not a bowl"
        messages.append(f"not converged ({detail}): do not report; more data or fewer random effects are needed")
    return Convergence(
        converged=code != "not_converged",
        code=code,
        distance=optimum.distance,
        evaluations=model.evaluations,
        iterations=optimum.iterations,
        singular=(*gone, *bent),
        message="; ".join(["converged", *messages] if code != "not_converged" else messages),
    )
