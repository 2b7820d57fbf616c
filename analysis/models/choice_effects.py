"""Random effects of rankings and choices: texts, rater × system; the fit by Laplace on the exploded choices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from analysis.models.freezing import random_effects
from analysis.models.verdict import invert, judge
from analysis.numerics.choice_laplace import ChoiceLaplace
from analysis.numerics.optimise import Guarded, Optimum, minimise, polish
from analysis.results import VarianceComponent

if TYPE_CHECKING:
    from analysis.numerics.choice import ChoiceFit, ChoiceSets, FloatArray
    from analysis.numerics.structure import SignedFactor
    from analysis.results import Convergence, RandomEffects

START_VARIANCE = 0.25


@dataclass(frozen=True)
class Solution:
    """An estimate with all that a fit says about it; ``covariance`` is None where the likelihood is flat."""

    parameter: FloatArray
    covariance: FloatArray | None
    log_likelihood: float
    convergence: Convergence
    method: str
    variances: tuple[VarianceComponent, ...] = ()
    random_effects: tuple[RandomEffects, ...] = ()
    parameters: int = 0
    notes: tuple[str, ...] = ()


def memberships(factors: tuple[SignedFactor, ...], n_rows: int) -> sparse.csr_array:
    """Return Z (n, q) of scalar random effects, one factor after the other.

    Raises
    ------
    ValueError
        For random slopes, and for factors whose codes do not have one entry per row.
    """
    blocks = [sparse.csr_array((n_rows, 0))]
    for factor in factors:
        if len(factor.slopes) > 1 or factor.slopes[0] is not None:
            raise ValueError(f"random effect {factor.name}: rankings take random intercepts only")
        block = sparse.csr_array((n_rows, factor.levels))
        for codes, sign in zip(factor.codes, factor.signs, strict=True):
            if np.shape(codes) != (n_rows,):
                raise ValueError(f"random effect {factor.name} must have one level for each of the {n_rows} rows")
            rows = np.flatnonzero(codes >= 0)
            entries = (np.full(rows.size, sign), (rows, codes[rows]))
            block = block + sparse.csr_array(sparse.coo_array(entries, shape=(n_rows, factor.levels)))
        blocks.append(block)
    return sparse.csr_array(sparse.hstack(blocks, format="csr"))


def solve_random(
    sets: ChoiceSets,
    z: sparse.csr_array,
    factors: tuple[SignedFactor, ...],
    *,
    found: ChoiceFit,
    separation: tuple[str, ...],
) -> tuple[Solution | None, tuple[str, ...]]:
    """Fit with random effects from the fit without; None if the sets tell nothing about any; and what was left out."""
    kept, notes = _informative(sets, z, factors)
    if not kept:
        return None, notes
    levels = np.array([factor.levels for factor in factors])
    of_column = np.repeat(np.arange(len(factors)), levels)
    columns = np.flatnonzero(np.isin(of_column, kept))
    number = np.repeat(np.arange(len(kept)), levels[kept]).astype(np.int64)
    model = ChoiceLaplace(sets, sparse.csr_array(z[:, columns]), number)
    start = np.concatenate([np.full(len(kept), START_VARIANCE), found.parameter])
    evaluate = Guarded(model)
    optimum, hessian = polish(evaluate, minimise(evaluate, start, variances=len(kept)), variances=len(kept))
    return _solution(model, [factors[k] for k in kept], optimum, hessian, separation=separation), notes


def _informative(
    sets: ChoiceSets, z: sparse.csr_array, factors: tuple[SignedFactor, ...]
) -> tuple[list[int], tuple[str, ...]]:
    """Return the factors that differ within some set; what all alternatives share cannot be told."""
    means = sparse.csr_array(
        (1.0 / np.diff(sets.start)[sets.set_of], (sets.set_of, np.arange(sets.set_of.size))),
        shape=(sets.size, sets.set_of.size),
    )
    excess = abs(sparse.csr_array(z - (means @ z)[sets.set_of])).sum(axis=0)
    ends = np.cumsum([0, *(factor.levels for factor in factors)])
    kept, notes = [], []
    for k, factor in enumerate(factors):
        if factor.levels > 1 and excess[ends[k] : ends[k + 1]].max(initial=0.0) > 1e-12:  # noqa: PLR2004
            kept.append(k)
        else:
            notes.append(f"random effect {factor.name} left out: it is the same for all systems judged together")
    return kept, tuple(notes)


def _solution(
    model: ChoiceLaplace,
    factors: list[SignedFactor],
    optimum: Optimum,
    hessian: FloatArray,
    *,
    separation: tuple[str, ...],
) -> Solution:
    count = model.variances
    theta, beta = model.split(optimum.parameter)
    theta = np.where(optimum.free[:count], theta, 0.0)
    covariance = invert(hessian, optimum.free)
    errors = np.full(count, np.nan) if covariance is None else np.sqrt(np.diag(covariance)[:count])
    variances = tuple(
        VarianceComponent(factor.name, factor.levels, float(sd), float(se), signed=True)
        for factor, sd, se in zip(factors, theta, errors, strict=True)
    )
    return Solution(
        beta,
        None if covariance is None else covariance[count:, count:],
        -0.5 * optimum.evaluation.deviance,
        judge(
            optimum,
            covariance,
            variances=variances,
            link="logit",
            separation=separation,
            evaluations=model.evaluations,
        ),
        "Laplace",
        variances,
        random_effects(model, factors, model.factor_of, optimum=optimum),
        parameters=optimum.parameter.size,
    )
