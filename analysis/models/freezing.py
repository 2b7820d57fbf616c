"""From an optimum to the frozen record of the fit, whatever of the problem could be estimated."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analysis.models.estimable import undetermined
from analysis.models.verdict import judge
from analysis.results import Convergence, Fit, RandomEffects, VarianceComponent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from analysis.models.estimable import Reduced
    from analysis.models.mixed import Problem
    from analysis.numerics.choice_laplace import ChoiceLaplace
    from analysis.numerics.cumulative import FloatArray
    from analysis.numerics.laplace import LaplaceModel
    from analysis.numerics.optimise import Optimum
    from analysis.numerics.structure import IntArray, SignedFactor


def freeze(
    problem: Problem,
    reduced: Reduced,
    model: LaplaceModel,
    *,
    optimum: Optimum,
    covariance: FloatArray | None,
    notes: tuple[str, ...],
) -> Fit:
    """Return the record of a fit: estimates of all columns, what is aliased, infinite or singular, predictions.

    ``covariance`` is that of (θ, β, thresholds), None where the likelihood is flat.
    """
    count, kept = model.variances, int(reduced.columns.sum())
    theta, beta, free = model.split(optimum.parameter)
    theta = np.where(optimum.free[:count], theta, 0.0)
    unknown = np.where(np.outer(optimum.free, optimum.free), np.nan, 0.0)
    spread = unknown if covariance is None else covariance
    se = np.sqrt(np.diag(spread))
    estimate, matrix = np.zeros(len(problem.names)), np.zeros((len(problem.names),) * 2)
    estimate[reduced.columns] = beta
    matrix[np.ix_(reduced.columns, reduced.columns)] = spread[count : count + kept, count : count + kept]
    basis = problem.thresholds.basis
    variances = tuple(
        VarianceComponent(
            factor.name,
            factor.levels,
            float(sd),
            float(error),
            signed=len(factor.signs) > 1,
            term=factor.slope_names[0],
        )
        for factor, sd, error in zip(model.structure.factors, theta, se[:count], strict=True)
    )
    return Fit(
        model=problem.title,
        formula=problem.formula,
        names=problem.names,
        estimate=estimate,
        covariance=matrix,
        threshold_names=problem.threshold_names,
        thresholds=problem.thresholds.at(free),
        threshold_se=np.sqrt(np.diag(basis @ spread[count + kept :, count + kept :] @ basis.T)),
        variances=variances,
        log_likelihood=-0.5 * optimum.evaluation.deviance,
        rows=int(reduced.rows.sum()),
        convergence=judge(
            optimum,
            covariance,
            variances=variances,
            link=problem.link,
            separation=reduced.messages,
            evaluations=model.evaluations,
        ),
        null=undetermined(problem, reduced),
        infinite=reduced.infinite,
        notes=notes + _aliasing_note(problem, reduced),
        family=problem.family,
        link=problem.link,
        method=method_name(count, problem.quadrature),
        random_effects=random_effects(model, model.structure.factors, model.structure.factor_of, optimum=optimum),
        linear_predictor=optimum.evaluation.eta,
        fixed_predictor=model.fixed @ beta,
        parameters=optimum.parameter.size,
        joint_covariance=_joint_covariance(problem, reduced, spread[count:, count:]),
    )


def _joint_covariance(problem: Problem, reduced: Reduced, covariance: FloatArray) -> FloatArray | None:
    """Return the covariance of all fixed effects and all thresholds from that of the free parameters."""
    basis = problem.thresholds.basis
    if not basis.shape[1]:
        return None
    p, kept = len(problem.names), int(reduced.columns.sum())
    spread = np.zeros((p + basis.shape[0], covariance.shape[0]))
    spread[np.flatnonzero(reduced.columns), np.arange(kept)] = 1.0
    spread[p:, kept:] = basis
    return np.asarray(spread @ covariance @ spread.T)


def method_name(variances: int, quadrature: int) -> str:
    """Return Laplace, AGQ(k), or ML where there is nothing to integrate."""
    if not variances:
        return "ML"
    return "Laplace" if quadrature == 1 else f"AGQ({quadrature})"


def random_effects(
    model: LaplaceModel | ChoiceLaplace, factors: Sequence[SignedFactor], factor_of: IntArray, *, optimum: Optimum
) -> tuple[RandomEffects, ...]:
    """Return conditional modes and standard deviations, factor by factor; ``factor_of`` has each column's factor."""
    theta = model.split(optimum.parameter)[0]
    modes = theta[factor_of] * optimum.evaluation.mode
    sds = np.sqrt(model.conditional_variances(optimum.parameter, optimum.evaluation))
    found = []
    for k, factor in enumerate(factors):
        mine = factor_of == k
        labels = factor.labels or tuple(str(level) for level in range(factor.levels))
        found.append(RandomEffects(factor.name, labels, modes[mine], sds[mine], term=factor.slope_names[0]))
    return tuple(found)


def _aliasing_note(problem: Problem, reduced: Reduced) -> tuple[str, ...]:
    gone = [name for name, kept in zip(problem.names, reduced.columns, strict=True) if not kept]
    return (f"not told apart by the data, set to 0: {', '.join(gone)}",) if gone and not reduced.messages else ()


def unfitted(problem: Problem, reduced: Reduced, notes: tuple[str, ...]) -> Fit:
    """Return a fit of NaN that says why nothing could be fitted."""
    p, t = len(problem.names), len(problem.threshold_names)
    message = "; ".join((*reduced.messages, "nothing was fitted: report the raw win rates"))
    return Fit(
        model=problem.title,
        formula=problem.formula,
        names=problem.names,
        estimate=np.full(p, np.nan),
        covariance=np.full((p, p), np.nan),
        threshold_names=problem.threshold_names,
        thresholds=np.full(t, np.nan),
        threshold_se=np.full(t, np.nan),
        variances=(),
        log_likelihood=float("nan"),
        rows=int(problem.counts.size),
        convergence=Convergence(False, "not_fitted", float("nan"), 0, 0, message=message),
        null=np.zeros((p, 0)),
        infinite=reduced.infinite,
        notes=notes,
        family=problem.family,
        link=problem.link,
        method=method_name(len(problem.factors), problem.quadrature),
    )
