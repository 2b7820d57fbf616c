"""Newton's method for the Laplace deviance: working information, corrected by secants, variances kept non-negative."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Callable

    from analysis.numerics.laplace import Evaluation

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

FLOOR = 1e-8
"""Smallest variance tried (a standard deviation of 1e-4); a variance that stays there is zero."""
SINGULAR = 1e-6
"""A variance below this (a standard deviation of 0.001) whose deviance still falls towards zero counts as zero."""
DECREMENT = 1e-9
"""End of the first stage: the predicted gain in deviance of one more Newton step."""
POLISHED = 1e-16
"""End of the second stage, which has the exact Hessian: 1e-8 standard errors."""
DIFFERENCE = 3e-6
"""Step of the differences that give the Hessian, in standard errors."""
MAX_STEP = 2.0
MAX_ITERATIONS = 80
MAX_HALVINGS = 25
FLAT = 1e-10
MEMORY = 8
"""Steps whose secants correct the working information."""


@dataclass(frozen=True)
class Optimum:
    """Where the optimiser stopped: parameter (γ, β, thresholds), the evaluation there, and how it got there."""

    parameter: FloatArray
    evaluation: Evaluation
    free: BoolArray
    iterations: int
    decrement: float
    reason: str

    @property
    def converged(self) -> bool:
        """Return whether the predicted gain of a further step is negligible."""
        return self.reason == "converged"


class Model(Protocol):
    """A deviance to be minimised, which keeps the last mode of its random effects as a warm start."""

    mode: FloatArray

    def is_admissible(self, parameter: FloatArray) -> bool:
        """Return whether the likelihood exists at a parameter."""

    def evaluate(self, parameter: FloatArray) -> Evaluation:
        """Return the deviance and its derivatives; raises LinAlgError if numbers break down."""


class Guarded:
    """Evaluation that answers None, and forgets the mode, where a parameter is inadmissible or numbers overflow."""

    def __init__(self, model: Model) -> None:
        """Guard the evaluations of one model."""
        self.model = model

    def __call__(self, parameter: FloatArray) -> Evaluation | None:
        """Return the evaluation at a parameter, None if there is none."""
        if not self.model.is_admissible(parameter):
            return None
        before = self.model.mode
        try:
            found = self.model.evaluate(parameter)
        except np.linalg.LinAlgError:
            self.model.mode = before
            return None
        if not (np.isfinite(found.deviance) and found.settled):
            self.model.mode = before
            return None
        return found


def minimise(evaluate: Callable[[FloatArray], Evaluation | None], start: FloatArray, *, variances: int) -> Optimum:
    """Minimise the deviance; ``evaluate`` returns None for an inadmissible parameter.

    The first ``variances`` entries are bounded below by FLOOR. A step goes along the projected Newton
    direction and is halved until the deviance falls.
    """
    x, here = start.copy(), evaluate(start)
    if here is None:
        message = "the starting value is not admissible"
        raise ValueError(message)
    curvature, decrement, reason, iteration = here.information, np.inf, "iteration limit", 0
    pairs: list[tuple[FloatArray, FloatArray]] = []
    for iteration in range(1, MAX_ITERATIONS + 1):  # noqa: B007 - reported
        free = _free(x, here.gradient, variances)
        step, decrement = _newton(here.gradient, curvature, free)
        if decrement < DECREMENT:
            reason = "converged"
            break
        found = _search(evaluate, x, here, step, variances=variances)
        if found is None and curvature is not here.information:
            curvature, pairs = here.information, []
            continue
        if found is None:
            reason = "line search failed"
            break
        new, there = found
        pairs = [*pairs, (new - x, there.gradient - here.gradient)][-MEMORY:]
        curvature = _secant(there.information, pairs)
        x, here = new, there
    return Optimum(x, here, _free(x, here.gradient, variances), iteration, decrement, reason)


def curvature_by_differences(
    evaluate: Callable[[FloatArray], Evaluation | None], optimum: Optimum, *, variances: int
) -> FloatArray:
    """Return the Hessian of the deviance in (θ, β, thresholds) by forward differences of the exact gradient.

    Rows and columns of parameters that are not free (variances at zero) are zero. The scale is that of
    standard deviations, as in lme4. Gradients are good to about 1e-13 of their terms, so that a step of a few
    millionths of a standard error leaves about 1e-6 of error, relative, in standard errors.
    """
    x = optimum.parameter.copy()
    x[:variances] = np.sqrt(x[:variances])
    steps = _steps(x, optimum.evaluation.information, variances=variances)
    here = _by_sd(optimum.evaluation.gradient, x, variances=variances)
    block = optimum.evaluation.fixed_curvature()
    hessian = np.zeros((x.size, x.size))
    for j in np.flatnonzero(optimum.free if block is None else optimum.free[:variances]):
        moved = x.copy()
        moved[j] += steps[j]
        there = _gradient_by_sd(evaluate, moved, variances=variances)
        hessian[j] = (there - here) / (moved[j] - x[j])
    if block is not None:
        hessian[variances:, :variances] = hessian[:variances, variances:].T
        hessian[variances:, variances:] = block
    keep = np.outer(optimum.free, optimum.free)
    return np.where(keep, (hessian + hessian.T) / 2.0, 0.0)


def _steps(x: FloatArray, information: FloatArray, *, variances: int) -> FloatArray:
    """Return the step of each difference: DIFFERENCE standard errors, or less where a θ is small."""
    diagonal = np.diag(information).copy()
    diagonal[:variances] *= 4.0 * x[:variances] ** 2
    with np.errstate(divide="ignore", invalid="ignore"):
        step = np.sqrt(2.0 / diagonal)
    step = np.where(np.isfinite(step), step, np.maximum(1.0, np.abs(x)))
    step[:variances] = np.minimum(step[:variances], x[:variances])
    return DIFFERENCE * step


def _by_sd(gradient: FloatArray, x: FloatArray, *, variances: int) -> FloatArray:
    """Return the gradient in θ from that in θ²."""
    gradient = gradient.copy()
    gradient[:variances] *= 2.0 * x[:variances]
    return gradient


def polish(
    evaluate: Callable[[FloatArray], Evaluation | None], optimum: Optimum, *, variances: int
) -> tuple[Optimum, FloatArray]:
    """Finish with Newton steps on the exact Hessian in (θ, β, thresholds); return the optimum and that Hessian.

    The first stage ends with an error of about 1e-4 standard errors, or at its iteration limit on a flat
    ridge; a few steps
    with the exact curvature then reach rounding. The Hessian is taken again if the estimate moved by more than
    a trifle.
    """
    optimum = _settle_zeros(evaluate, optimum, variances=variances)
    hessian = curvature_by_differences(evaluate, optimum, variances=variances)
    for _ in range(4):
        optimum, moved = _chord(evaluate, optimum, hessian, variances=variances)
        if moved < 1e-6:  # noqa: PLR2004 - predicted gain, in deviance
            break
        hessian = curvature_by_differences(evaluate, optimum, variances=variances)
    return optimum, hessian


def _settle_zeros(evaluate: Callable[[FloatArray], Evaluation | None], optimum: Optimum, *, variances: int) -> Optimum:
    """Put variances that ended at the floor to exactly zero."""
    low = ~optimum.free[:variances]
    if not low.any():
        return optimum
    x = optimum.parameter.copy()
    x[:variances][low] = 0.0
    there = evaluate(x)
    return optimum if there is None else replace(optimum, parameter=x, evaluation=there)


def _chord(
    evaluate: Callable[[FloatArray], Evaluation | None], optimum: Optimum, hessian: FloatArray, *, variances: int
) -> tuple[Optimum, float]:
    """Step with one Hessian until the predicted gain is nil; return the optimum and the first predicted gain."""
    first, x, here, free = 0.0, optimum.parameter, optimum.evaluation, optimum.free
    reason, decrement, count = optimum.reason, optimum.decrement, 0
    if not np.isfinite(hessian).all():
        return optimum, 0.0
    for count in range(1, 9):  # noqa: B007 - reported
        gradient = here.gradient.copy()
        gradient[:variances] *= 2.0 * np.sqrt(x[:variances])
        step, decrement = _newton(gradient, hessian, free)
        first = first or decrement
        if decrement < POLISHED:
            reason = "converged"
            break
        new = x + step
        new[:variances] = np.where(free[:variances], (np.sqrt(x[:variances]) + step[:variances]) ** 2, x[:variances])
        there = evaluate(new)
        if there is None or there.deviance > here.deviance + 1e-10 * abs(here.deviance):
            reason = "converged" if decrement < DECREMENT else reason
            break
        x, here = new, there
    return Optimum(x, here, free, optimum.iterations + count, decrement, reason), first


def _gradient_by_sd(
    evaluate: Callable[[FloatArray], Evaluation | None], by_sd: FloatArray, *, variances: int
) -> FloatArray:
    parameter = by_sd.copy()
    parameter[:variances] **= 2
    found = evaluate(parameter)
    if found is None:
        return np.full(by_sd.size, np.nan)
    return _by_sd(found.gradient, by_sd, variances=variances)


def _free(x: FloatArray, gradient: FloatArray, variances: int) -> BoolArray:
    free = np.ones(x.size, dtype=bool)
    low = x[:variances]
    free[:variances] = ~((low == 0.0) | ((low <= SINGULAR) & (gradient[:variances] >= 0.0)))
    return free


def _newton(gradient: FloatArray, curvature: FloatArray, free: BoolArray) -> tuple[FloatArray, float]:
    """Return the step on the free parameters and half its predicted gain; non-positive curvature is turned positive."""
    step = np.zeros(gradient.size)
    if not free.any():
        return step, 0.0
    part = curvature[np.ix_(free, free)]
    scale = np.sqrt(np.maximum(np.abs(np.diag(part)), 1e-12))
    value, vector = np.linalg.eigh(part / np.outer(scale, scale))
    value = np.maximum(np.abs(value), 1e-8 * max(1.0, float(np.abs(value).max())))
    rotated = vector.T @ (gradient[free] / scale)
    step[free] = -(vector @ (rotated / value)) / scale
    return step, 0.5 * float((rotated**2 / value).sum())


def _search(
    evaluate: Callable[[FloatArray], Evaluation | None],
    x: FloatArray,
    here: Evaluation,
    step: FloatArray,
    *,
    variances: int,
) -> tuple[FloatArray, Evaluation] | None:
    largest = float(np.abs(step[variances:]).max(initial=0.0))
    length = min(1.0, MAX_STEP / largest) if largest else 1.0
    for _ in range(MAX_HALVINGS):
        new = x + length * step
        ceiling = np.maximum(9.0 * x[:variances], 1e-2)
        moved = step[:variances] != 0.0
        new[:variances] = np.where(moved, np.clip(new[:variances], FLOOR, ceiling), x[:variances])
        there = evaluate(new)
        if there is not None and there.deviance <= here.deviance + 1e-11 * abs(here.deviance):
            return new, there
        length *= 0.5
    return None


def _secant(information: FloatArray, pairs: list[tuple[FloatArray, FloatArray]]) -> FloatArray:
    """Return the working information with BFGS corrections from the last steps and changes of the gradient."""
    for step, change in pairs:
        image = information @ step
        along, expected = float(step @ change), float(step @ image)
        if along > FLAT and expected > FLAT:
            information = information - np.outer(image, image) / expected + np.outer(change, change) / along
    return information
