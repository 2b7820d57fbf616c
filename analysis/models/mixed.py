"""The core that the logistic and the cumulative logit mixed model share: check, start, optimise, judge, freeze."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analysis.numerics.cumulative import CumulativeLogit, FloatArray, Thresholds
from analysis.numerics.laplace import Evaluation, LaplaceModel
from analysis.numerics.optimise import Optimum, minimise, polish
from analysis.numerics.separation import find_separation, independent_columns, null_space
from analysis.numerics.structure import SignedFactor, build_structure
from analysis.results import Convergence, Fit, VarianceComponent

if TYPE_CHECKING:
    from analysis.numerics.cumulative import IntArray

START_VARIANCE = 0.25
NEAR_SEPARATION_SD = 5.0
"""A spread of differences above this, in logits, means that nearly all answers within a level agree."""
DISTANCE_LIMIT = 1e-2


@dataclass(frozen=True)
class Problem:
    """A model to be fitted: answers, fixed effects, random effects, and the words for a table.

    ``fixed`` has shape (n, p) and column names ``names``; ``category`` counts from 0; ``weights`` repeat a row.
    """

    model: str
    formula: str
    category: IntArray
    weights: FloatArray
    thresholds: Thresholds
    threshold_names: tuple[str, ...]
    fixed: FloatArray
    names: tuple[str, ...]
    factors: tuple[SignedFactor, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Reduced:
    """What is left to fit after aliased columns and perfectly separated rows have gone."""

    rows: np.ndarray
    columns: np.ndarray
    infinite: FloatArray
    messages: tuple[str, ...]
    hopeless: bool


def fit_mixed(problem: Problem) -> Fit:
    """Fit by full Laplace; every difficulty ends as a :class:`Convergence` with words, never as an exception."""
    factors, notes = _usable_factors(problem)
    reduced = _reduce(problem)
    if reduced.hopeless:
        return _unfitted(problem, reduced, notes)
    family = CumulativeLogit(problem.category[reduced.rows], problem.weights[reduced.rows], problem.thresholds)
    x = problem.fixed[np.ix_(reduced.rows, reduced.columns)]
    factors = tuple(_restrict(factor, reduced.rows) for factor in factors)
    model = LaplaceModel(x, build_structure(factors, x.shape[0]), family)
    evaluate = _Guarded(model)
    count = len(factors)
    start = np.concatenate([np.full(count, START_VARIANCE), _start(x, family)])
    optimum, hessian = polish(evaluate, minimise(evaluate, start, variances=count), variances=count)
    return _freeze(problem, reduced, model, optimum=optimum, hessian=hessian, notes=notes)


class _Guarded:
    """Evaluation that answers None where thresholds are out of order or numbers overflow."""

    def __init__(self, model: LaplaceModel) -> None:
        self.model = model

    def __call__(self, parameter: FloatArray) -> Evaluation | None:
        if not self.model.family.is_admissible(self.model.split(parameter)[2]):
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


def _usable_factors(problem: Problem) -> tuple[tuple[SignedFactor, ...], tuple[str, ...]]:
    """Leave out random effects that the design cannot estimate: one level, or one level for every row."""
    usable, notes = [], list(problem.notes)
    for factor in problem.factors:
        if factor.levels < 2:  # noqa: PLR2004
            notes.append(f"random effect {factor.name} left out: it has one level")
        else:
            usable.append(factor)
    return tuple(usable), tuple(notes)


def _restrict(factor: SignedFactor, rows: np.ndarray) -> SignedFactor:
    """Keep some rows and renumber the levels that still occur."""
    codes = [code[rows] for code in factor.codes]
    levels, where = np.unique(np.concatenate(codes), return_inverse=True)
    shift = int((levels < 0).any())
    parts = np.split(where - shift, len(codes))
    return SignedFactor(factor.name, tuple(part.astype(np.int64) for part in parts), factor.signs, levels.size - shift)


def _reduce(problem: Problem) -> _Reduced:
    """Take out rows that separation explains for certain, then columns that the remaining rows cannot tell apart."""
    rows = problem.weights > 0
    directions: list[FloatArray] = []
    messages: list[str] = []
    while True:
        columns = _columns(problem, rows)
        family = CumulativeLogit(problem.category[rows], problem.weights[rows], problem.thresholds)
        found = find_separation(problem.fixed[np.ix_(rows, columns)], family)
        if found is None:
            break
        direction = np.zeros(problem.fixed.shape[1])
        direction[columns] = found.fixed
        directions.append(direction)
        names = [name for name, value in zip(problem.names, direction, strict=True) if value]
        messages.append(f"separation: the answers leave no finite estimate of {', '.join(names) or 'the thresholds'}")
        if found.thresholds.any():
            return _Reduced(rows, columns, np.column_stack(directions), tuple(messages), hopeless=True)
        rows = rows.copy()
        rows[np.flatnonzero(rows)[found.rows]] = False
    infinite = np.column_stack(directions) if directions else np.zeros((problem.fixed.shape[1], 0))
    return _Reduced(rows, columns, infinite, tuple(messages), hopeless=not rows.any())


def _columns(problem: Problem, rows: np.ndarray) -> np.ndarray:
    """Return the columns to keep; one in the span of free thresholds (an intercept) cannot be told from them."""
    x = np.unique(problem.fixed[rows], axis=0)
    if _thresholds_span_constant(problem.thresholds):
        return independent_columns(np.column_stack([np.ones(x.shape[0]), x]))[1:]
    return independent_columns(x)


def _thresholds_span_constant(thresholds: Thresholds) -> bool:
    basis = thresholds.basis
    ones = np.ones(basis.shape[0])
    return bool(basis.shape[1]) and bool(np.allclose(basis @ np.linalg.lstsq(basis, ones)[0], ones))


def _start(x: FloatArray, family: CumulativeLogit) -> FloatArray:
    """Return fixed effects and thresholds of the model without random effects."""
    basis, fixed = family.thresholds.basis, family.thresholds.fixed
    counts = np.bincount(family.category, weights=family.weights, minlength=fixed.size + 1) + 0.5
    share = np.cumsum(counts)[:-1] / counts.sum()
    free = np.linalg.lstsq(basis, np.log(share / (1.0 - share)) - fixed)[0]
    if not family.is_admissible(free):
        free = np.linalg.lstsq(basis, np.linspace(-1.0, 1.0, fixed.size) - fixed)[0]
    model = LaplaceModel(x, build_structure((), x.shape[0]), family)
    return minimise(_Guarded(model), np.concatenate([np.zeros(x.shape[1]), free]), variances=0).parameter


def _freeze(
    problem: Problem,
    reduced: _Reduced,
    model: LaplaceModel,
    *,
    optimum: Optimum,
    hessian: FloatArray,
    notes: tuple[str, ...],
) -> Fit:
    count, kept = model.variances, int(reduced.columns.sum())
    theta, beta, free = model.split(optimum.parameter)
    theta = np.where(optimum.free[:count], theta, 0.0)
    covariance, sound = _invert(hessian, optimum.free)
    se = np.sqrt(np.diag(covariance))
    estimate, matrix = np.zeros(len(problem.names)), np.zeros((len(problem.names),) * 2)
    estimate[reduced.columns] = beta
    matrix[np.ix_(reduced.columns, reduced.columns)] = covariance[count : count + kept, count : count + kept]
    basis = problem.thresholds.basis
    tau_covariance = basis @ covariance[count + kept :, count + kept :] @ basis.T
    variances = tuple(
        VarianceComponent(factor.name, factor.levels, float(sd), float(error), signed=len(factor.signs) > 1)
        for factor, sd, error in zip(model.structure.factors, theta, se[:count], strict=True)
    )
    return Fit(
        model=problem.model,
        formula=problem.formula,
        names=problem.names,
        estimate=estimate,
        covariance=matrix,
        threshold_names=problem.threshold_names,
        thresholds=problem.thresholds.at(free),
        threshold_se=np.sqrt(np.diag(tau_covariance)),
        variances=variances,
        log_likelihood=-0.5 * optimum.evaluation.deviance,
        rows=int(reduced.rows.sum()),
        convergence=_judge(reduced, model, optimum, covariance=covariance, sound=sound, variances=variances),
        null=null_space(_augmented(problem, reduced.rows)),
        infinite=reduced.infinite,
        notes=notes + _aliasing_note(problem, reduced),
    )


def _augmented(problem: Problem, rows: np.ndarray) -> FloatArray:
    """Return the fixed effects, centred if the thresholds already hold a constant."""
    x = problem.fixed[rows]
    return np.asarray(x - x.mean(axis=0)) if _thresholds_span_constant(problem.thresholds) else x


def _aliasing_note(problem: Problem, reduced: _Reduced) -> tuple[str, ...]:
    gone = [name for name, kept in zip(problem.names, reduced.columns, strict=True) if not kept]
    return (f"not told apart by the data, set to 0: {', '.join(gone)}",) if gone and not reduced.messages else ()


def _invert(hessian: FloatArray, free: np.ndarray) -> tuple[FloatArray, bool]:
    """Return 2 H⁻¹ on the free parameters (zero elsewhere) and whether H was positive definite."""
    covariance = np.zeros_like(hessian)
    if not free.any():
        return covariance, True
    part = hessian[np.ix_(free, free)]
    if not np.isfinite(part).all() or np.linalg.eigvalsh(part).min() <= 0.0:
        covariance[np.ix_(free, free)] = np.nan
        return covariance, False
    inverse = 2.0 * np.linalg.inv(part)
    covariance[np.ix_(free, free)] = (inverse + inverse.T) / 2.0
    return covariance, True


def _judge(
    reduced: _Reduced,
    model: LaplaceModel,
    optimum: Optimum,
    *,
    covariance: FloatArray,
    sound: bool,
    variances: tuple[VarianceComponent, ...],
) -> Convergence:
    """Put the state of the fit in words, gravest first."""
    distance = _distance(optimum, covariance, model.variances) if sound else float("nan")
    singular = tuple(component.factor for component in variances if component.sd == 0.0)
    wide = [component for component in variances if component.difference_sd > NEAR_SEPARATION_SD]
    code, messages = "ok", list(reduced.messages)
    if singular:
        code = "singular"
        messages.append(f"no spread found for {', '.join(singular)} (estimated as zero, left out)")
    if wide:
        code = "near_separation"
        names = ", ".join(
            f"{component.factor} (SD of a difference {component.difference_sd:.1f} logits)" for component in wide
        )
        messages.append(
            f"near separation: nearly all answers agree within levels of {names}; read estimates with caution"
        )
    if reduced.messages:
        code = "separation"
    if not (sound and optimum.converged and distance < DISTANCE_LIMIT):
        code = "not_converged"
        detail = optimum.reason if sound else "the likelihood is flat or not concave at the estimate"
        messages.append(f"not converged ({detail}): do not report; more data or fewer random effects are needed")
    return Convergence(
        converged=code != "not_converged",
        code=code,
        distance=distance,
        evaluations=model.evaluations,
        iterations=optimum.iterations,
        singular=singular,
        message="; ".join(["converged", *messages] if code != "not_converged" else messages),
    )


def _distance(optimum: Optimum, covariance: FloatArray, variances: int) -> float:
    """Return the largest remaining Newton step in standard errors of its parameter."""
    gradient = optimum.evaluation.gradient.copy()
    gradient[:variances] *= 2.0 * np.sqrt(optimum.parameter[:variances])
    free = optimum.free
    if not free.any():
        return 0.0
    part = covariance[np.ix_(free, free)]
    step = 0.5 * part @ gradient[free]
    return float(np.max(np.abs(step) / np.sqrt(np.diag(part))))


def _unfitted(problem: Problem, reduced: _Reduced, notes: tuple[str, ...]) -> Fit:
    """Return a fit of NaN that says why nothing could be fitted."""
    p, t = len(problem.names), len(problem.threshold_names)
    message = "; ".join((*reduced.messages, "nothing was fitted: report the raw win rates"))
    return Fit(
        model=problem.model,
        formula=problem.formula,
        names=problem.names,
        estimate=np.full(p, np.nan),
        covariance=np.full((p, p), np.nan),
        threshold_names=problem.threshold_names,
        thresholds=np.full(t, np.nan),
        threshold_se=np.full(t, np.nan),
        variances=(),
        log_likelihood=float("nan"),
        rows=int(problem.weights.size),
        convergence=Convergence(False, "not_fitted", float("nan"), 0, 0, message=message),
        null=np.zeros((p, 0)),
        infinite=reduced.infinite,
        notes=notes,
    )
