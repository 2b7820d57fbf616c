"""The linear mixed model by REML or maximum likelihood: crossed, nested, signed random effects, correlated slopes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Literal

import numpy as np

from analysis.models.linear_design import Usable, check_arrays, find_usable
from analysis.models.linear_parts import degrees_pieces, judge, predicted_effects, spreads
from analysis.numerics.reml import LinearModel
from analysis.numerics.reml_information import exact_curvature, local_covariance
from analysis.numerics.reml_large import FINAL_PROBES, LargeLinearModel, is_large
from analysis.numerics.reml_optimise import EXPLAINED, Optimum, minimise
from analysis.numerics.reml_start import starting_roots
from analysis.numerics.reml_terms import square_root
from analysis.numerics.structure import build_structure
from analysis.results import Convergence, Fit

if TYPE_CHECKING:
    from analysis.numerics.structure import FloatArray, SignedFactor, Structure


@dataclass(frozen=True)
class _Problem:
    """What was asked, and the words for a table."""

    response: FloatArray
    fixed: FloatArray
    names: tuple[str, ...]
    weights: FloatArray
    formula: str
    reml: bool
    usable: Usable
    notes: tuple[str, ...]


def fit_linear(
    response: FloatArray,
    fixed: FloatArray,
    factors: tuple[SignedFactor, ...],
    *,
    names: tuple[str, ...],
    weights: FloatArray | None = None,
    reml: bool = True,
    formula: str = "",
    notes: tuple[str, ...] = (),
    structure: Structure | None = None,
    start: Fit | None = None,
    small_sample: bool | Literal["satterthwaite"] = True,
) -> Fit:
    """Fit y = Xβ + Zb + ε, b normal with one covariance per factor, ε normal with variance σ² / weight.

    Parameters
    ----------
    response
        Answers, shape (n,).
    fixed
        Fixed effects, shape (n, p), with column names ``names``; an intercept is an ordinary column. Columns that
        are combinations of earlier ones are dropped and named.
    factors
        Random effects; several slopes in one factor are correlated. A pair enters a factor twice, signs +1 and −1.
    weights
        Inverse relative residual variances, 1 by default; a row of weight 0 does not count.
    reml
        Restricted maximum likelihood (the default) or maximum likelihood; only the latter compares fixed effects.
    structure
        ``build_structure(factors, n)``, to share it between responses of one design.
    start
        An earlier fit of the same design to start from; it changes the optimum by rounding only.
    small_sample
        Prepare degrees of freedom: Satterthwaite's and, for REML and up to 1,500 random-effect columns, Kenward and
        Roger's. The latter's share of the time is large in small studies; ``"satterthwaite"`` leaves it out.

    Raises
    ------
    ValueError
        If arrays differ in length or hold missing values. A model that cannot be fitted is no error: the fit says
        so in ``convergence``.

    Notes
    -----
    Equals ``lme4::lmer``: estimates, ``vcov``, ``logLik`` (REML or ML with its constant), ``ranef`` with ``condVar``.
    """
    weight = np.ones(response.size) if weights is None else np.asarray(weights, dtype=float)
    y, x = np.asarray(response, dtype=float), np.asarray(fixed, dtype=float)
    check_arrays(y, x, factors, weight)
    usable = find_usable(y, x, factors, weights=weight, names=names)
    problem = _Problem(y, x, names, weight, formula, reml, usable, notes)
    if usable.obstacle:
        return _unfitted(problem, usable.obstacle)
    if structure is None or len(structure.factors) != len(usable.factors):
        structure = build_structure(usable.factors, y.size)
    kind = LargeLinearModel if is_large(structure) else LinearModel
    model = kind(y, x[:, usable.columns], structure, weights=weight, reml=reml)
    roots = starting_roots(model) if start is None else _roots_of(start, model) or starting_roots(model)
    curvature = partial(exact_curvature, model) if small_sample else None
    try:
        optimum = minimise(model, roots, curvature=curvature)
    except np.linalg.LinAlgError:
        optimum = None
    if optimum is None or optimum.reason == EXPLAINED:
        return _unfitted(problem, "the random effects explain every answer: no residual spread is left")
    return _freeze(problem, model, optimum, small_sample=small_sample)


def _roots_of(start: Fit, model: LinearModel) -> list[FloatArray]:
    """Return relative covariances of an earlier fit, or nothing if it has other terms."""
    spreads = {(v.factor, v.term): v.sd / start.residual_sd for v in start.variances}
    linked = {(c.factor, *sorted((c.first, c.second))): c.value for c in start.correlations}
    roots = []
    for factor, term in zip(model.structure.factors, model.terms.terms, strict=True):
        keys = [(factor.name, name) for name in factor.slope_names]
        if any(not np.isfinite(spreads.get(key, np.nan)) for key in keys):
            return []
        sd = np.array([spreads[key] for key in keys])
        matrix = np.diag(sd**2)
        for i, one in enumerate(factor.slope_names):
            for j, two in enumerate(factor.slope_names[:i]):
                value = linked.get((factor.name, *sorted((one, two))), 0.0) * sd[i] * sd[j]
                matrix[i, j] = matrix[j, i] = value if np.isfinite(value) else 0.0
        roots.append(square_root(matrix, term.units, floor=1e-4))
    return roots


def _freeze(
    problem: _Problem, model: LinearModel, optimum: Optimum, *, small_sample: bool | Literal["satterthwaite"]
) -> Fit:
    point, columns, count = optimum.point, problem.usable.columns, len(problem.names)
    beta, matrix = model.estimate(point)
    estimate, covariance = np.zeros(count), np.zeros((count, count))
    estimate[columns] = beta
    covariance[np.ix_(columns, columns)] = matrix
    try:
        local, sound = local_covariance(model, optimum.slope, optimum.curvature, free=optimum.free), True
    except np.linalg.LinAlgError:
        local, sound = np.full((len(model.coordinates) + 1,) * 2, np.nan), False
    variances, correlations = spreads(model, optimum, local)
    effects = model.terms.scale(point.roots, point.spherical)
    predictor = problem.fixed @ estimate
    residual = float(np.sqrt(point.scale))
    deviance, notes, pieces = point.deviance, problem.notes + problem.usable.notes, None
    if isinstance(model, LargeLinearModel):
        deviance, error = model.settled(point)
        exactness = f"log-likelihood by {FINAL_PROBES} random probes, Monte-Carlo error {error / 2.0:.2g}"
        notes += (f"{exactness}: too many random effects for an exact one",)
    if small_sample and sound and model.width:
        kenward_roger = small_sample != "satterthwaite"
        pieces = degrees_pieces(model, optimum, local, columns=columns, kenward_roger=kenward_roger)
    return Fit(
        model=f"linear mixed model ({'REML' if problem.reml else 'ML'})",
        formula=problem.formula,
        names=problem.names,
        estimate=estimate,
        covariance=covariance,
        threshold_names=(),
        thresholds=np.zeros(0),
        threshold_se=np.zeros(0),
        variances=variances,
        log_likelihood=-0.5 * deviance,
        rows=model.rows,
        convergence=judge(model, optimum, sound=sound),
        null=problem.usable.null,
        infinite=np.zeros((count, 0)),
        notes=notes,
        family="gaussian",
        link="identity",
        method="REML" if problem.reml else "ML",
        residual_sd=residual,
        residual_se=float(0.5 * residual * np.sqrt(local[-1, -1])),
        correlations=correlations,
        random_effects=predicted_effects(model, optimum, effects),
        small_sample=pieces,
        linear_predictor=predictor + model.structure.z @ effects,
        fixed_predictor=predictor,
        parameters=model.width + len(model.coordinates) + 1,
    )


def _unfitted(problem: _Problem, obstacle: str) -> Fit:
    """Return a fit of NaN that says why nothing could be fitted."""
    p, n = len(problem.names), problem.response.size
    return Fit(
        model=f"linear mixed model ({'REML' if problem.reml else 'ML'})",
        formula=problem.formula,
        names=problem.names,
        estimate=np.full(p, np.nan),
        covariance=np.full((p, p), np.nan),
        threshold_names=(),
        thresholds=np.zeros(0),
        threshold_se=np.zeros(0),
        variances=(),
        log_likelihood=float("nan"),
        rows=int(np.count_nonzero(problem.weights)),
        convergence=Convergence(False, "not_fitted", float("nan"), 0, 0, message=f"nothing was fitted: {obstacle}"),
        null=problem.usable.null,
        infinite=np.zeros((p, 0)),
        notes=problem.notes + problem.usable.notes,
        family="gaussian",
        link="identity",
        method="REML" if problem.reml else "ML",
        linear_predictor=np.full(n, np.nan),
        fixed_predictor=np.full(n, np.nan),
    )
