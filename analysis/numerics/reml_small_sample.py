"""What Satterthwaite's and Kenward and Roger's degrees of freedom need, from a fitted linear mixed model.

Satterthwaite as in lmerTest (Kuznetsova et al. 2017; Giesbrecht and Burns 1985): the covariance of φ from the exact
Hessian. Kenward and Roger (1997) as in pbkrtest (Halekoh and Højsgaard 2014): expected information.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import linalg

from analysis.numerics.reml_information import (
    covariance_jacobian,
    expected_traces,
    fixed_derivatives,
    turned_solved,
)
from analysis.numerics.reml_terms import square_root
from analysis.results import SmallSample

if TYPE_CHECKING:
    from analysis.numerics.reml import LinearModel
    from analysis.numerics.reml_optimise import Optimum
    from analysis.numerics.structure import FloatArray

KENWARD_ROGER_LIMIT = 1500
"""Largest number of random-effect columns for Kenward and Roger, who need all of H⁻¹."""


def small_sample(model: LinearModel, optimum: Optimum, covariance: FloatArray, *, kenward_roger: bool) -> SmallSample:
    """Return the pieces in φ; ``covariance`` is that of the local coordinates (Ω, s).

    Kenward and Roger's are there for REML with at most KENWARD_ROGER_LIMIT random-effect columns; they include
    variances at zero, as in pbkrtest, at the smallest value tried.
    """
    point = optimum.point
    jacobian, kept = covariance_jacobian(model, point), np.append(optimum.free, True)
    for term in range(len(model.terms.terms)):
        places = [i for i, c in enumerate(model.coordinates) if c.term == term]
        if not optimum.free[places].all():
            # A covariance that has lost a direction is no smooth function of φ: its free coordinates stand in.
            jacobian[places] = 0.0
            jacobian[places, places] = point.scale
    part = jacobian[np.ix_(kept, kept)]
    half = linalg.solve_triangular(model.triangle, point.inner)
    local = np.einsum("ia,kab,jb->kij", half, fixed_derivatives(model, point)[kept], half) * point.scale
    gradient = np.einsum("kc,kij->cij", _inverted(part), local)
    spread = part @ covariance[np.ix_(kept, kept)] @ part.T
    if not (kenward_roger and model.reml and point.spherical.size <= KENWARD_ROGER_LIMIT):
        return SmallSample(spread, gradient)
    return SmallSample(spread, gradient, *kenward_roger_terms(model, optimum))


def kenward_roger_terms(model: LinearModel, optimum: Optimum) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the adjusted covariance (p, p), P_i (k, p, p) and W (k, k) of all of φ."""
    point = optimum.point
    if any(part.any() for part in optimum.frozen):
        terms = model.terms.terms
        point = model.at([square_root(r @ r.T, t.units) for r, t in zip(point.roots, terms, strict=True)])
    count, p = len(model.coordinates), model.width
    inside = fixed_derivatives(model, point)
    traces = np.zeros((count + 1, count + 1))
    slope = model.slope(point)
    traces[:count, :count] = expected_traces(model, point)
    # tr(PV_iP V) = tr(PV_i), which is the gradient without the part of the data.
    traces[:count, count] = slope.gradient + slope.along
    traces[count, :count] = traces[:count, count]
    traces[count, count] = model.freedom
    moved = turned_solved(model, point)
    image = moved - np.array([point.factor.solve(part) for part in moved]).reshape(moved.shape)
    crossed = np.zeros((count + 1, count + 1, p, p))
    crossed[:count, :count] = np.einsum("kqa,lqb->klab", moved, image, optimize=True)
    crossed[count, :], crossed[:, count] = inside, inside
    weights = 2.0 * _inverse(traces)
    middle = np.einsum("kl,klab->ab", weights, crossed)
    middle -= np.einsum("kl,kab,bc,lcd->ad", weights, inside, point.inner, inside, optimize=True)
    adjusted = point.scale * (point.inner + 2.0 * point.inner @ middle @ point.inner)
    half = linalg.solve_triangular(model.triangle, np.eye(p))
    jacobian = covariance_jacobian(model, point)
    outside = np.einsum("ai,kab,bj->kij", model.triangle, inside, model.triangle) / point.scale
    derivative = -np.einsum("kc,kij->cij", _inverted(jacobian), outside)
    covariance = half @ adjusted @ half.T
    return (covariance + covariance.T) / 2.0, derivative, jacobian @ weights @ jacobian.T


def _inverted(matrix: FloatArray) -> FloatArray:
    """Invert ∂φ/∂(Ω, s), whose rows and columns have the units of φ and the sizes of the columns of T."""
    row = np.abs(matrix).max(axis=1)
    column = np.abs(matrix / row[:, None]).max(axis=0)
    return np.asarray(np.linalg.inv(matrix / np.outer(row, column)) / np.outer(column, row))


def _inverse(matrix: FloatArray) -> FloatArray:
    """Invert a symmetric positive matrix whose rows may differ by many orders of magnitude."""
    size = np.sqrt(np.diag(matrix))
    return np.asarray(linalg.pinvh(matrix / np.outer(size, size)) / np.outer(size, size))
