"""Average-information Newton for the linear mixed model, on covariances that may become singular.

A step lives in the local coordinates Ω of G = T(I + Ω)T' and is taken as T(I + Δ), Δ lower triangular with
Ω = Δ + Δ' off the diagonal and (1 + Δ_aa)² = 1 + Ω_aa on it. So G stays a covariance, a variance moves linearly and
may be put to its floor in one step, and a direction without spread (a correlation of ±1) is free to turn.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from analysis.numerics.reml_terms import lengths, lowest, square_root

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt

    from analysis.numerics.reml import LinearModel, Point, Slope
    from analysis.numerics.reml_terms import Term, Terms
    from analysis.numerics.structure import FloatArray

    BoolArray = npt.NDArray[np.bool_]

SINGULAR = 1e-6
"""A relative variance below this whose deviance still falls towards zero counts as zero."""
EXPLODED = 1e10
"""A relative variance above this means that the random effects explain every answer."""
EXPLAINED: Final = "no residual spread is left"
ALIGNED = 0.99
"""Cosine between a column of T and the steepest direction from which they count as the same."""
MAX_ITERATIONS = 100
SLOW = 8
"""After so many iterations the exact Hessian takes over, where that is cheap."""
MAX_HALVINGS = 20
DAMPING = (1e-4, 1e-2, 1.0)
"""Tried in turn when halving fails: an average information that is nearly singular points far away."""
GROWTH = 9.0
REACHED = 1e-6
"""End of the first stage: the predicted gain in deviance of one more step."""
POLISHED = 1e-12
POLISHING = 8
MOVED, CHEAP = 1e-5, 600
"""Polishing by more than this (in standard errors) takes the Hessian again where that is cheap (random effects)."""


@dataclass(frozen=True)
class Optimum:
    """Where the optimiser stopped.

    ``frozen`` marks, per factor, the columns of T that are zero (held at the lowest value if others of the factor
    are not); ``free`` (k,) the coordinates that are not held by them; ``curvature`` (k, k) is the deviance's Hessian
    in the coordinates; ``distance`` the last step in standard errors.
    """

    point: Point
    slope: Slope
    frozen: tuple[BoolArray, ...]
    free: BoolArray
    curvature: FloatArray
    iterations: int
    decrement: float
    distance: float
    reason: str


def minimise(
    model: LinearModel, start: Sequence[FloatArray], *, curvature: Callable[[Point, Slope], FloatArray] | None
) -> Optimum:
    """Minimise the deviance from the square roots ``start``; ``curvature`` gives the exact Hessian for the last steps.

    Without it the average information serves to the end.
    """
    here = model.at(start)
    slope = model.slope(here)
    goal = REACHED if curvature is not None else POLISHED
    iteration, decrement, reason = 0, np.inf, "iteration limit"
    for iteration in range(1, MAX_ITERATIONS + 1):
        here, slope = _aligned(model, here, slope)
        frozen = _frozen(model.terms, here, slope)
        exact = iteration > SLOW and curvature is not None and model.structure.size <= CHEAP
        information = curvature(here, slope) if exact and curvature is not None else slope.information
        step, decrement, _ = _newton(model, here, slope, information=information, frozen=frozen)
        if decrement < goal:
            reason = "converged"
            break
        found = _search(model, here, step)
        for damping in DAMPING if found is None else ():
            step, _, _ = _newton(model, here, slope, information=information, frozen=frozen, damping=damping)
            found = found or _search(model, here, step)
        if found is None:
            reason = "converged" if decrement < REACHED else "line search failed"
            break
        here, slope = found, model.slope(found)
        if max(float(lengths(r, t.units).max()) for r, t in zip(here.roots, model.terms.terms, strict=True)) > EXPLODED:
            reason = EXPLAINED
            break
    return _finish(model, here, slope, curvature=curvature, progress=(iteration, reason))


def _finish(
    model: LinearModel,
    here: Point,
    slope: Slope,
    *,
    curvature: Callable[[Point, Slope], FloatArray] | None,
    progress: tuple[int, str],
) -> Optimum:
    """Put what vanished to exactly zero and, given the exact Hessian, step until nothing is to be gained."""
    iteration, reason = progress
    frozen = _frozen(model.terms, here, slope)
    if any(part.any() for part in frozen):
        here = model.at([_held(*parts) for parts in zip(here.roots, frozen, model.terms.terms, strict=True)])
        slope = model.slope(here)
    exact = slope.information if curvature is None else curvature(here, slope)
    step, decrement, distance = _newton(model, here, slope, information=exact, frozen=frozen)
    again = distance > MOVED and model.structure.size <= CHEAP
    for _ in range(POLISHING if curvature is not None and reason == "converged" else 0):
        if decrement < POLISHED:
            break
        there = _try(model, here, _moved(model, here, step, rotate=False))
        if there is None or there.deviance > here.deviance + 1e-12 * abs(here.deviance):
            break
        here, slope, iteration = there, model.slope(there), iteration + 1
        step, decrement, distance = _newton(model, here, slope, information=exact, frozen=frozen)
    if again and curvature is not None:
        exact = curvature(here, slope)
    free = _free(model, here, frozen)
    exact = exact + _turning(model, slope, frozen)
    return Optimum(here, slope, frozen, free, exact, iteration, decrement, distance, reason)


def _held(root: FloatArray, frozen: BoolArray, term: Term) -> FloatArray:
    """Put the frozen columns of T to zero if all are frozen, else to the lowest length."""
    if frozen.all():
        return np.zeros_like(root)
    size = np.sqrt(lengths(root, term.units))
    return np.where(frozen, root * (np.sqrt(lowest(term.width)) / np.where(frozen, size, 1.0)), root)


def _aligned(model: LinearModel, here: Point, slope: Slope) -> tuple[Point, Slope]:
    """Turn columns of T without length towards a direction in which spread would lower the deviance, if there is one.

    Among directions of no length any basis is as good; whether the deviance falls shows in the eigenvalues of K only.
    """
    roots = []
    for root, term, pull in zip(here.roots, model.terms.terms, slope.pull, strict=True):
        size = lengths(root, term.units)
        low = np.flatnonzero((size <= SINGULAR) & (size > 0.0))
        half = np.sqrt(size[low])
        steepness, vector = np.linalg.eigh(pull[np.ix_(low, low)] / np.outer(half, half))
        new = root.copy()
        if low.size > 1 and steepness[0] < 0.0 and np.abs(vector[:, 0]).max() < ALIGNED:
            target = np.where(steepness < 0.0, SINGULAR, lowest(term.width))
            new[:, low] = (root[:, low] / half) @ vector * np.sqrt(target)
        roots.append(new)
    there = _try(model, here, roots)
    if there is None or there.deviance > here.deviance + 1e-12 * abs(here.deviance):
        return here, slope
    return there, model.slope(there)


def _frozen(terms: Terms, here: Point, slope: Slope) -> tuple[BoolArray, ...]:
    """Return which columns of each T are at the floor with a deviance that rises with their spread."""
    return tuple(
        (size == 0.0) | ((size <= SINGULAR) & (np.diag(pull) >= 0.0))
        for size, pull in (
            (lengths(root, term.units), pull)
            for root, term, pull in zip(here.roots, terms.terms, slope.pull, strict=True)
        )
    )


def _free(model: LinearModel, here: Point, frozen: tuple[BoolArray, ...]) -> BoolArray:
    """Return the coordinates that may move: all but the variances of frozen columns and what touches a zero column."""
    sizes = [lengths(root, term.units) for root, term in zip(here.roots, model.terms.terms, strict=True)]
    free = []
    for c in model.coordinates:
        held = frozen[c.term][c.first] and frozen[c.term][c.second]
        gone = min(sizes[c.term][c.first], sizes[c.term][c.second]) == 0.0
        free.append(not (held or gone))
    return np.array(free, dtype=bool)


def _newton(
    model: LinearModel,
    here: Point,
    slope: Slope,
    *,
    information: FloatArray,
    frozen: tuple[BoolArray, ...],
    damping: float = 1e-8,
) -> tuple[FloatArray, float, float]:
    """Return the step, half its predicted gain and its largest entry in standard errors.

    Scaled to a unit diagonal, eigenvalues of the curvature below ``damping`` of the largest are raised to it.
    """
    free, step = _free(model, here, frozen), np.zeros(slope.gradient.size)
    if not free.any():
        return step, 0.0, 0.0
    part = (information + _turning(model, slope, frozen))[np.ix_(free, free)]
    size = np.sqrt(np.maximum(np.abs(np.diag(part)), 1e-300))
    value, vector = np.linalg.eigh(part / np.outer(size, size))
    value = np.maximum(np.abs(value), damping * max(1.0, float(np.abs(value).max())))
    rotated = vector.T @ (slope.gradient[free] / size)
    step[free] = -(vector @ (rotated / value)) / size
    error = np.sqrt(2.0 * np.square(vector / size[:, None]) @ (1.0 / value))
    return step, 0.5 * float((rotated**2 / value).sum()), float(np.max(np.abs(step[free]) / error))


def _turning(model: LinearModel, slope: Slope, frozen: tuple[BoolArray, ...]) -> FloatArray:
    """Return what turning a frozen column costs in second order: tr(KΔΔ') with K of the frozen columns."""
    extra = np.zeros((len(model.coordinates),) * 2)
    for i, one in enumerate(model.coordinates):
        for j, two in enumerate(model.coordinates):
            same = one.term == two.term and one.second == two.second
            held = frozen[one.term][one.first] and frozen[two.term][two.first]
            if same and held and one.first != one.second and two.first != two.second:
                extra[i, j] = 2.0 * slope.pull[one.term][one.first, two.first]
    return extra


def _search(model: LinearModel, here: Point, step: FloatArray) -> Point | None:
    """Halve the step until the deviance does not rise."""
    length = 1.0
    for _ in range(MAX_HALVINGS):
        there = _try(model, here, _moved(model, here, length * step, rotate=True))
        if there is not None and there.deviance <= here.deviance + 1e-12 * abs(here.deviance):
            return there
        length *= 0.5
    return None


def _try(model: LinearModel, here: Point, roots: list[FloatArray]) -> Point | None:
    if all(np.array_equal(old, new) for old, new in zip(here.roots, roots, strict=True)):
        return None
    try:
        there = model.at(roots)
    except np.linalg.LinAlgError:
        return None
    return there if np.isfinite(there.deviance) else None


def _moved(model: LinearModel, here: Point, step: FloatArray, *, rotate: bool) -> list[FloatArray]:
    """Return T(I + Δ) for every factor, its columns made orthogonal again unless ``rotate`` is False."""
    changes = [np.eye(term.width) for term in model.terms.terms]
    for c, value in zip(model.coordinates, step, strict=True):
        if c.first != c.second:
            changes[c.term][c.first, c.second] = value
            continue
        size = float(np.square(here.roots[c.term][:, c.first] * model.terms.terms[c.term].units).sum())
        floor = lowest(model.terms.terms[c.term].width)
        ceiling = max(GROWTH, 1e-2 / size) if size > 0.0 else 1.0
        changes[c.term][c.first, c.first] = np.sqrt(
            np.clip(1.0 + value, floor / size if size > floor else 1.0, ceiling)
        )
    moved = []
    for root, change, term in zip(here.roots, changes, model.terms.terms, strict=True):
        new = root @ change
        moved.append(square_root(new @ new.T, term.units) if rotate else new)
    return moved
