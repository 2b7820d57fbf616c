"""Strengths of systems from choices: what Bradley–Terry and Plackett–Luce share, from connectivity to the fit."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy import linalg, sparse

from analysis.models.choice_effects import Solution, solve_random
from analysis.models.strength_coding import Constraint, code, null_directions
from analysis.models.strength_words import clusters_in_words, groups_in_words, levels_in_words, some
from analysis.numerics.choice import (
    ChoiceFit,
    ChoiceSets,
    find_recession,
    fit_choice,
    is_finite,
    scores_of_sets,
    solve_curvature,
    without_beaten,
)
from analysis.numerics.sandwich import cluster_covariance
from analysis.numerics.tournament import Tournament, examine
from analysis.results import Convergence, Fit

if TYPE_CHECKING:
    from analysis.numerics.choice import FloatArray, IntArray
    from analysis.numerics.structure import SignedFactor


@dataclass(frozen=True)
class StrengthProblem:
    """Choice sets whose first columns are the systems' strengths and whose last ones are other effects.

    ``clusters`` are named groupings of the original sets, each of shape (original sets,). ``ties`` says that the last
    effect is Davidson's log ν, which goes into the thresholds of the fit. ``factors`` are random effects whose columns
    Z, one factor after the other, follow the effects in the sets' design.
    """

    model: str
    family: str
    formula: str
    systems: tuple[str, ...]
    sets: ChoiceSets
    extras: tuple[str, ...]
    constraint: Constraint = "reference"
    reference: str | None = None
    ridge: float = 0.0
    bias_reduction: bool = False
    clusters: tuple[tuple[str, IntArray], ...] = ()
    ties: bool = False
    factors: tuple[SignedFactor, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def effects(self) -> int:
        """Return the number of strengths and other fixed effects."""
        return len(self.systems) + len(self.extras)


@dataclass(frozen=True)
class _Limit:
    """The likelihood after what is certain has been taken out: sets, directions of infinity, words."""

    sets: ChoiceSets
    infinite: tuple[FloatArray, ...] = ()
    messages: tuple[str, ...] = ()


def fit_strengths(problem: StrengthProblem) -> Fit:
    """Maximise the likelihood; every difficulty of the data ends as words in ``Convergence``."""
    _check(problem)
    informative = problem.sets.keep(problem.sets.total[problem.sets.set_of] > 0)
    limit = _rank_levels(problem, _Limit(informative))
    while True:
        columns, notes = _free_columns(problem, limit.sets)
        found = fit_choice(
            limit.sets.columns(columns), penalty=_penalty(problem, columns), bias_reduction=problem.bias_reduction
        )
        further = _recede(problem, limit, found, columns)
        if further is None:
            return _freeze(problem, limit, found, columns=columns, notes=problem.notes + notes)
        limit = further


def _check(problem: StrengthProblem) -> None:
    if len(set(problem.systems)) != len(problem.systems):
        raise ValueError("two systems have the same name")
    if problem.reference is not None and problem.reference not in problem.systems:
        raise ValueError(f"there is no system {problem.reference!r} to refer to: have {some(problem.systems)}")
    if problem.ridge < 0.0:
        raise ValueError("ridge is the precision of a prior and cannot be negative")
    if problem.factors and (problem.clusters or _is_penalised(problem)):
        raise ValueError("random effects stand for the dependence: leave out clusters, ridge and bias reduction")
    if not problem.sets.size:
        raise ValueError("there is no comparison of two alternatives")
    if not problem.sets.total.any():
        raise ValueError("no comparison counts: all weights are zero, or all answers were ties and dropped")


def _edges(problem: StrengthProblem, sets: ChoiceSets) -> tuple[IntArray, IntArray]:
    """Return winner and loser of every implied comparison of two systems."""
    count = len(problem.systems)
    advantage = sparse.csr_array(sets.advantages()[0][:, :count])
    won = advantage.multiply(advantage > 0).tocsr()
    lost = advantage.multiply(advantage < 0).tocsr()
    won.eliminate_zeros()
    lost.eliminate_zeros()
    both = (np.diff(won.indptr) == 1) & (np.diff(lost.indptr) == 1)
    return won.indices[won.indptr[:-1][both]].astype(np.int64), lost.indices[lost.indptr[:-1][both]].astype(np.int64)


def _tournament(problem: StrengthProblem, sets: ChoiceSets) -> Tournament:
    return examine(*_edges(problem, sets), len(problem.systems))


def _is_penalised(problem: StrengthProblem) -> bool:
    return problem.ridge > 0.0 or problem.bias_reduction


def _rank_levels(problem: StrengthProblem, limit: _Limit) -> _Limit:
    """Take out comparisons between groups of which one always won: the strengths alone can then explain them."""
    if not problem.systems or _is_penalised(problem):
        return limit
    tournament = _tournament(problem, limit.sets)
    if not tournament.level.any():
        return limit
    direction = np.concatenate([tournament.level.astype(float), np.zeros(len(problem.extras))])
    return _Limit(
        without_beaten(limit.sets, direction), (direction,), (levels_in_words(problem.systems, tournament.level),)
    )


def _recede(problem: StrengthProblem, limit: _Limit, found: ChoiceFit, columns: IntArray) -> _Limit | None:
    """Return a smaller problem if the likelihood rises for ever along some direction, else None."""
    part = limit.sets.columns(columns)
    if not problem.extras or _is_penalised(problem) or not part.size or is_finite(part, found):
        return None
    direction = find_recession(part)
    if direction is None:
        return None
    whole = np.zeros(problem.effects)
    whole[columns] = direction
    names = [*problem.systems, *problem.extras]
    moving = [name for name, value in zip(names, whole, strict=True) if value]
    message = f"separation: the answers leave no finite estimate of {some(moving)}"
    return _Limit(without_beaten(limit.sets, whole), (*limit.infinite, whole), (*limit.messages, message))


def _free_columns(problem: StrengthProblem, sets: ChoiceSets) -> tuple[IntArray, tuple[str, ...]]:
    """Return the columns to estimate: all but one system of each connected group, and effects that add something."""
    count = len(problem.systems)
    free = np.ones(problem.effects, dtype=bool)
    if problem.ridge == 0.0 and count:
        groups = _tournament(problem, sets).connected
        first = np.unique(groups, return_index=True)[1]
        if problem.reference is not None:
            home = problem.systems.index(problem.reference)
            first[groups[home]] = home
        free[first] = False
    if not problem.extras:
        return np.flatnonzero(free).astype(np.int64), ()
    kept = _determined(problem, sets.columns(np.flatnonzero(free).astype(np.int64)))
    gone = [name for name, good in zip(problem.extras, kept, strict=True) if not good]
    free[count:] = kept
    notes = (f"not told apart by the data, set to 0: {', '.join(gone)}",) if gone else ()
    return np.flatnonzero(free).astype(np.int64), notes


def _determined(problem: StrengthProblem, sets: ChoiceSets) -> np.ndarray:
    """Return which extra effects are no combination of the strengths and of those before them, shape (c,)."""
    c = len(problem.extras)
    centred = sets.centred(1.0 / np.diff(sets.start)[sets.set_of])
    gram = sparse.csr_array(centred.T @ centred)
    own = gram.shape[0] - c
    rest = gram[own:, own:].toarray()
    size = np.maximum(np.diag(rest), 1e-300)
    if own:
        cross = gram[:own, own:].toarray()
        strengths = sparse.csr_array(gram[:own, :own] + problem.ridge * sparse.eye_array(own))
        rest = rest - cross.T @ solve_curvature(strengths, cross)
    keep = np.zeros(c, dtype=bool)
    for j in range(c):  # Gaussian elimination in the given order
        keep[j] = rest[j, j] > 1e-10 * size[j]
        if keep[j]:
            rest = rest - np.outer(rest[:, j], rest[j]) / rest[j, j]
    return keep


def _penalty(problem: StrengthProblem, columns: IntArray) -> FloatArray:
    return np.where(columns < len(problem.systems), problem.ridge, 0.0)


def _solve(problem: StrengthProblem, limit: _Limit, found: ChoiceFit, columns: IntArray) -> Solution:
    """Return the estimate: that of the search, or with random effects the one that starts there."""
    notes: tuple[str, ...] = ()
    if problem.factors and limit.sets.size:
        z = sparse.csr_array(limit.sets.design[:, problem.effects :])
        part = limit.sets.columns(columns)
        mixed, notes = solve_random(part, z, problem.factors, found=found, separation=limit.messages)
        if mixed is not None:
            return replace(mixed, notes=notes)
    covariance, words = _covariance(problem, limit, found, columns)
    sound = covariance is not None and bool(found.finite)
    return Solution(
        found.parameter,
        covariance,
        found.log_likelihood,
        _judge(found, sound=sound, words=[*limit.messages, *words], separated=bool(limit.messages)),
        "penalised ML" if _is_penalised(problem) else "ML",
        parameters=int(columns.size),
        notes=notes,
    )


def _freeze(
    problem: StrengthProblem, limit: _Limit, found: ChoiceFit, *, columns: IntArray, notes: tuple[str, ...]
) -> Fit:
    coding, names = code(problem.systems, problem.extras, constraint=problem.constraint, reference=problem.reference)
    inside = sparse.csr_array(coding[:, columns])
    solution = _solve(problem, limit, found, columns)
    covariance = solution.covariance
    estimate = np.asarray(inside @ solution.parameter)
    spread = np.full((len(names),) * 2, np.nan) if covariance is None else np.asarray(inside @ (inside @ covariance).T)
    out = len(names) - 1 if problem.ties else len(names)
    infinite = [np.asarray(coding @ direction) for direction in limit.infinite]
    groups = _unlinked(problem)
    return Fit(
        model=problem.model + (" with random effects (Laplace)" if solution.variances else ""),
        formula=problem.formula,
        names=names[:out],
        estimate=estimate[:out],
        covariance=spread[:out, :out],
        threshold_names=names[out:],
        thresholds=estimate[out:],
        threshold_se=np.sqrt(np.diag(spread)[out:]),
        variances=solution.variances,
        log_likelihood=solution.log_likelihood,
        rows=round(float(problem.sets.total.sum())),
        convergence=replace(solution.convergence, message="; ".join([solution.convergence.message, *groups])),
        null=_null(problem, limit, coding)[:out],
        infinite=np.column_stack(infinite)[:out] if infinite else np.zeros((out, 0)),
        notes=notes + solution.notes + clusters_in_words(problem.clusters),
        family=problem.family,
        link="logit",
        method=solution.method,
        random_effects=solution.random_effects,
        parameters=solution.parameters,
    )


def _covariance(
    problem: StrengthProblem, limit: _Limit, found: ChoiceFit, columns: IntArray
) -> tuple[FloatArray | None, tuple[str, ...]]:
    """Return the covariance of the estimates without random effects, robust to clusters if there are any."""
    try:
        bread = found.covariance
    except linalg.LinAlgError:
        return None, ("the likelihood is flat at the estimate",)
    if not problem.clusters or not limit.sets.size:
        return bread, ()
    part = limit.sets.columns(columns)
    groups = tuple(label[part.origin] for _, label in problem.clusters)
    return cluster_covariance(bread, scores_of_sets(part, found), groups)[0], ()


def _null(problem: StrengthProblem, limit: _Limit, coding: sparse.csr_array) -> FloatArray:
    """Return the directions of the estimates that no comparison tells, (out, d)."""
    if not problem.systems or problem.ridge > 0.0:
        return np.zeros((coding.shape[0], 0))
    return null_directions(coding, _tournament(problem, limit.sets).connected)


def _unlinked(problem: StrengthProblem) -> tuple[str, ...]:
    """Return what must be said if no chain of comparisons links all systems."""
    if not problem.systems or problem.ridge > 0.0:
        return ()
    return groups_in_words(problem.systems, _tournament(problem, problem.sets).connected)


def _judge(found: ChoiceFit, *, sound: bool, separated: bool, words: list[str]) -> Convergence:
    distance = float("nan")
    if sound and found.parameter.size:
        step = found.solve(found.gradient)
        distance = float(np.abs(step / np.sqrt(np.diag(found.covariance))).max())
    elif sound:
        distance = 0.0
    code = "separation" if separated else "ok"
    if not sound:
        code = "not_converged"
        words = [*words, "not converged: do not report; more comparisons, a ridge or bias reduction are needed"]
    return Convergence(
        converged=sound,
        code=code,
        distance=distance,
        evaluations=found.iterations,
        iterations=found.iterations,
        message="; ".join(["converged", *words] if sound else words),
    )
