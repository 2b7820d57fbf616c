"""Exact second derivatives of the linear mixed model and what small-sample inference needs of them.

Local coordinates are Ω (all factors) and s = log σ²; in these ∂V/∂s = V, so that everything about the residual follows
from the rest. ``tr(PV_iPV_j)`` needs all of H⁻¹ and is formed only while q is moderate.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import linalg

if TYPE_CHECKING:
    import numpy.typing as npt

    from analysis.numerics.reml import LinearModel, Point, Slope
    from analysis.numerics.structure import FloatArray

    BoolArray = npt.NDArray[np.bool_]

DENSE_LIMIT = 600
"""Up to so many random-effect columns all of H⁻¹ is cheaper than differences of the gradient."""
DIFFERENCE = 1e-4


def expected_traces(model: LinearModel, point: Point) -> FloatArray:
    """Return tr(PV_iPV_j) over the coordinates Ω, shape (k, k); with V⁻¹ for P under ML."""
    size = point.spherical.size
    whole = np.eye(size) - point.factor.solve(np.eye(size))
    if model.reml:
        whole -= point.solved @ point.inner @ point.solved.T
    count = len(model.coordinates)
    traces = np.zeros((count, count))
    tables: dict[tuple[int, int], FloatArray] = {}
    for i, one in enumerate(model.coordinates):
        for j, two in enumerate(model.coordinates[: i + 1]):
            key = (one.term, two.term)
            if key not in tables:
                tables[key] = _table(model, whole, *key)
            traces[i, j] = traces[j, i] = _entry(tables[key], (one.first, one.second), (two.first, two.second))
    return traces


def _table(model: LinearModel, whole: FloatArray, first: int, second: int) -> FloatArray:
    """Return Σ over level pairs of N[b, a'] N[a, b'], shape (c₁, c₂, c₁, c₂)."""
    one, two = model.terms.terms[first], model.terms.terms[second]
    part = whole[one.columns, two.columns].reshape(one.levels, one.width, two.levels, two.width)
    flat = part.transpose(1, 3, 0, 2).reshape(one.width * two.width, -1)
    return np.asarray(flat @ flat.T).reshape(one.width, two.width, one.width, two.width)


def _entry(table: FloatArray, one: tuple[int, int], two: tuple[int, int]) -> float:
    """Return tr(E_i N E_j N') with E symmetric: the sum over both orders of each index pair."""
    firsts = {one, one[::-1]}
    seconds = {two, two[::-1]}
    return float(sum(table[b, c, a, d] for a, b in firsts for c, d in seconds))


def exact_curvature(model: LinearModel, point: Point, slope: Slope) -> FloatArray:
    """Return the Hessian of the profiled deviance in Ω, exactly while q is moderate, else by central differences."""
    if point.spherical.size <= DENSE_LIMIT:
        hessian = 2.0 * slope.joint - expected_traces(model, point)
        return np.asarray(hessian - np.outer(slope.along, slope.along) / model.freedom)
    if model.terms.groups:
        return curvature_by_differences(model, point)
    return _curvature_of_intercepts(model, point, slope)


def curvature_by_differences(model: LinearModel, point: Point) -> FloatArray:
    """Return the Hessian of the profiled deviance in Ω by central differences of the exact gradient."""
    count = len(model.coordinates)
    hessian = np.zeros((count, count))
    for i, c in enumerate(model.coordinates):
        if not np.any(point.roots[c.term][:, c.first]) or not np.any(point.roots[c.term][:, c.second]):
            continue
        sides = []
        for sign in (1.0, -1.0):
            change = np.eye(model.terms.terms[c.term].width)
            change[c.first, c.second] += sign * DIFFERENCE
            change[c.second, c.first] = change[c.first, c.second]
            half = np.linalg.cholesky(change)
            roots = [root @ half if k == c.term else root for k, root in enumerate(point.roots)]
            pull = list(model.slope(model.at(roots)).pull)
            back = linalg.inv(half)
            pull[c.term] = back.T @ pull[c.term] @ back
            sides.append(model.gradient(pull))
        hessian[i] = (sides[0] - sides[1]) / (2.0 * DIFFERENCE)
    return (hessian + hessian.T) / 2.0


def _curvature_of_intercepts(model: LinearModel, point: Point, slope: Slope) -> FloatArray:
    """Return the same for factors of one column by forward differences.

    The change of the average information stands in for that of the Hessian, so that the error is of second order
    but for their difference; half the evaluations.
    """
    count = len(model.coordinates)
    hessian = np.zeros((count, count))
    for i in range(count):
        if not point.roots[i].any():
            continue
        roots = [root * np.sqrt(1.0 + DIFFERENCE * (k == i)) for k, root in enumerate(point.roots)]
        there = model.slope(model.at(roots))
        back = np.where(np.arange(count) == i, 1.0 / (1.0 + DIFFERENCE), 1.0)
        bend = back[i] * back * there.information[i] - slope.information[i]
        hessian[i] = (there.gradient * back - slope.gradient) / DIFFERENCE - bend / 2.0
    return (hessian + hessian.T) / 2.0


def full_curvature(model: LinearModel, slope: Slope, profiled: FloatArray) -> FloatArray:
    """Return the Hessian of the deviance in (Ω, s) from the one with σ² profiled out."""
    border = slope.along[:, None]
    return np.block([[profiled + border @ border.T / model.freedom, border], [border.T, np.array([[model.freedom]])]])


def local_covariance(model: LinearModel, slope: Slope, profiled: FloatArray, *, free: BoolArray) -> FloatArray:
    """Return the asymptotic covariance of (Ω, s), zero where not ``free``; LinAlgError if the deviance is no bowl."""
    kept = np.append(free, True)
    part = full_curvature(model, slope, profiled)[np.ix_(kept, kept)]
    inverse = 2.0 * linalg.cho_solve(linalg.cho_factor(part), np.eye(part.shape[0]))
    covariance = np.zeros((kept.size, kept.size))
    covariance[np.ix_(kept, kept)] = (inverse + inverse.T) / 2.0
    return covariance


def covariance_jacobian(model: LinearModel, point: Point) -> FloatArray:
    """Return ∂φ/∂(Ω, s), (k + 1, k + 1), of φ = (lower triangle of each σ²G by rows, σ²)."""
    count = len(model.coordinates)
    jacobian = np.zeros((count + 1, count + 1))
    for i, c in enumerate(model.coordinates):
        root = point.roots[c.term]
        turn = np.zeros((root.shape[0],) * 2)
        turn[c.first, c.second] = turn[c.second, c.first] = 1.0
        change, level = point.scale * root @ turn @ root.T, point.scale * root @ root.T
        for j, to in enumerate(model.coordinates):
            if to.term == c.term:
                jacobian[j, i] = change[to.first, to.second]
        jacobian[i, count] = level[c.first, c.second]
    jacobian[count, count] = point.scale
    return jacobian


def fixed_derivatives(model: LinearModel, point: Point) -> FloatArray:
    """Return X'V⁻¹V_iV⁻¹X times σ² over (Ω, s), for the orthonormal X, shape (k + 1, p, p)."""
    inside = np.einsum("qi,kqj->kij", point.solved, turned_solved(model, point), optimize=True)
    return np.concatenate([inside, np.linalg.inv(point.inner)[None]])


def turned_solved(model: LinearModel, point: Point) -> FloatArray:
    """Return E_i S for every coordinate, shape (k, q, p)."""
    columns = [model.turned(column) for column in point.solved.T]
    return np.stack(columns, axis=2).transpose(1, 0, 2)
