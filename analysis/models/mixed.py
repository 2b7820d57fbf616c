"""The core that all models of choices and ordered answers share: check, start, engine, optimise."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from analysis.models.estimable import Reduced, reduce_problem, restrict, usable_factors
from analysis.models.freezing import freeze, unfitted
from analysis.models.verdict import invert
from analysis.numerics.adjustment import adjust
from analysis.numerics.cumulative import LATENT_SD, CumulativeLink, FloatArray, Thresholds
from analysis.numerics.laplace import LaplaceModel
from analysis.numerics.laplace_large import LargeLaplaceModel, is_large
from analysis.numerics.optimise import Guarded, Optimum, minimise, polish
from analysis.numerics.quadrature import QuadratureModel
from analysis.numerics.structure import SignedFactor, Structure, build_structure

if TYPE_CHECKING:
    from analysis.numerics.cumulative import IntArray, LinkName
    from analysis.results import Fit


@dataclass(frozen=True)
class Problem:
    """A model to be fitted: answers, fixed effects, random effects, and the words for a table.

    ``fixed`` has shape (n, p) and column names ``names``; ``category`` counts from 0; ``weights`` repeat a row (None
    for once each); ``model`` is the name without the way it is fitted. ``structure`` is that of ``factors`` if
    somebody has built it already; ``start`` is an earlier fit of the design. ``small_sample`` asks for the covariance
    corrected for the bias of maximum likelihood, which costs one evaluation per random effect.
    """

    model: str
    family: str
    link: LinkName
    formula: str
    category: IntArray
    weights: FloatArray | None
    thresholds: Thresholds
    threshold_names: tuple[str, ...]
    fixed: FloatArray
    names: tuple[str, ...]
    factors: tuple[SignedFactor, ...]
    notes: tuple[str, ...] = ()
    quadrature: int = 1
    structure: Structure | None = None
    start: Fit | None = None
    small_sample: bool = True

    @cached_property
    def counts(self) -> FloatArray:
        """Return the weights, (n,)."""
        return np.ones(len(self.category)) if self.weights is None else np.asarray(self.weights, dtype=float)

    @property
    def title(self) -> str:
        """Return the model's name with the way it is fitted."""
        way = "Laplace" if self.quadrature == 1 else f"adaptive Gauss–Hermite quadrature, {self.quadrature} nodes"
        return f"{self.model} ({way})"


def fit_mixed(problem: Problem) -> Fit:
    """Fit by full Laplace or adaptive quadrature; every difficulty of the data ends as words in ``Convergence``.

    Raises
    ------
    ValueError
        For what no data could mend: shapes that do not fit, values out of range, a quadrature that does not exist.
    """
    _check(problem)
    factors, notes = usable_factors(problem.factors)
    notes = problem.notes + notes
    reduced = reduce_problem(problem, _start_of_regression(problem))
    if reduced.regression is None:
        return unfitted(problem, reduced, notes)
    model = _engine(problem, reduced, factors)
    evaluate = Guarded(model)
    count = model.variances
    start = model.first_guess(reduced.regression.parameter, _known_variances(problem, model.structure))
    optimum, hessian = polish(evaluate, minimise(evaluate, start, variances=count), variances=count)
    covariance = invert(hessian, optimum.free)
    notes += _remarks(model, optimum, covariance)
    fit = freeze(problem, reduced, model, optimum=optimum, covariance=covariance, notes=notes)
    if covariance is None or not (problem.small_sample and fit.convergence.converged and problem.quadrature == 1):
        return fit
    return replace(fit, adjusted_covariance=_adjusted(fit, reduced, evaluate, optimum=optimum, covariance=covariance))


def _adjusted(
    fit: Fit, reduced: Reduced, evaluate: Guarded, *, optimum: Optimum, covariance: FloatArray
) -> FloatArray | None:
    """Return the covariance of the fixed effects at spreads corrected for the bias of maximum likelihood."""
    found = adjust(evaluate, optimum, covariance, variances=len(fit.variances))
    if found is None:
        return None
    kept = int(reduced.columns.sum())
    whole = fit.covariance.copy()
    whole[np.ix_(reduced.columns, reduced.columns)] += found.of_covariance()[:kept, :kept]
    return whole


def _check(problem: Problem) -> None:
    """Refuse input that is wrong whatever the data say."""
    n, p = problem.fixed.shape
    levels = problem.thresholds.fixed.size + 1
    if problem.category.shape != (n,) or problem.counts.shape != (n,):
        raise ValueError(f"answers and weights must have one entry for each of the {n} rows of the fixed effects")
    if len(problem.names) != p:
        raise ValueError(f"{p} columns of fixed effects need {p} names, not {len(problem.names)}")
    good = np.asarray(np.isfinite(problem.fixed).all(axis=0))
    if not good.all():
        bad = [name for name, fine in zip(problem.names, good.tolist(), strict=True) if not fine]
        raise ValueError(f"missing or infinite values in {', '.join(bad)}: drop these rows first")
    if problem.category.size and not 0 <= problem.category.min() <= problem.category.max() < levels:
        raise ValueError(f"answers must be whole numbers 0 … {levels - 1}")
    if not (np.isfinite(problem.counts).all() and (problem.counts >= 0).all()):
        raise ValueError("weights must be finite and not negative")
    if problem.link not in LATENT_SD:
        raise ValueError(f"link {problem.link!r} is not known: choose {' or '.join(LATENT_SD)}")


def _engine(problem: Problem, reduced: Reduced, factors: tuple[SignedFactor, ...]) -> LaplaceModel:
    """Return what evaluates the deviance: Laplace, or quadrature where it was asked for."""
    rows = reduced.rows
    family = CumulativeLink(problem.category[rows], problem.counts[rows], problem.thresholds, problem.link)
    x = np.ascontiguousarray(problem.fixed[np.ix_(rows, reduced.columns)])
    structure = _structure(problem, factors, rows)
    if problem.quadrature == 1:
        return LargeLaplaceModel(x, structure, family) if is_large(structure) else LaplaceModel(x, structure, family)
    return QuadratureModel(x, structure, family, points=problem.quadrature)


def _remarks(model: LaplaceModel, optimum: Optimum, covariance: FloatArray | None) -> tuple[str, ...]:
    """Say what Monte-Carlo error is left where the design was too large to factor."""
    if covariance is None or not isinstance(model, LargeLaplaceModel):
        return ()
    return (model.precision(optimum.parameter).describe(covariance),)


def _structure(problem: Problem, factors: tuple[SignedFactor, ...], rows: np.ndarray) -> Structure:
    """Return the given structure if it is that of the rows and factors left, else a new one."""
    given = problem.structure
    if given is not None:
        if given.z.shape[0] != rows.size or _sizes(given.factors) != _sizes(problem.factors):
            raise ValueError("structure= was built for another design: pass the factors and rows it was built from")
        if rows.all() and _sizes(factors) == _sizes(given.factors):
            return given
    return build_structure(tuple(restrict(factor, rows) for factor in factors), int(rows.sum()))


def _sizes(factors: tuple[SignedFactor, ...]) -> list[tuple[str, int, int]]:
    return [(factor.name, factor.levels, len(factor.codes)) for factor in factors]


def _start_of_regression(problem: Problem) -> FloatArray | None:
    """Return (β, free thresholds) of the earlier fit, None if there is none or it is not sound."""
    start = problem.start
    if start is None or not start.convergence.converged or start.names != problem.names:
        return None
    basis = problem.thresholds.basis
    if start.thresholds.shape != problem.thresholds.fixed.shape or not np.isfinite(start.thresholds).all():
        return None
    free = np.linalg.lstsq(basis, start.thresholds - problem.thresholds.fixed)[0] if basis.size else np.zeros(0)
    return np.concatenate([start.estimate, free])


def _known_variances(problem: Problem, structure: Structure) -> FloatArray:
    """Return the variances of the earlier fit, NaN where it has none by that name."""
    known = {}
    if problem.start is not None and problem.start.convergence.converged:
        known = {(part.factor, part.term): part.sd**2 for part in problem.start.variances}
    return np.array([known.get((factor.name, factor.slope_names[0]), np.nan) for factor in structure.factors])
