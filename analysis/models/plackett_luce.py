"""Plackett–Luce: strengths of systems from rankings, full or of the best few, and from best–worst answers.

A ranking is a row of choices: the best of all shown, the best of the rest, and so on. Systems that were shown but not
ranked stay in every set and are never chosen; so a ranking of the best k needs no pretence about the others. Systems of
equal rank are each chosen from the set that was left before any of them (Breslow 1974, as for ties of survival times);
equal ranks at the end are no choice at all. A best–worst answer is the choice of the best of all, then of the worst of
the rest by the reversed strengths (Marley & Louviere 2005, sequential best–worst).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from analysis.models.choice_effects import memberships
from analysis.models.strength_coding import Constraint
from analysis.models.strengths import StrengthProblem, fit_strengths
from analysis.numerics.choice import ChoiceSets

if TYPE_CHECKING:
    from analysis.numerics.choice import FloatArray, IntArray
    from analysis.numerics.structure import SignedFactor
    from analysis.results import Fit


@dataclass(frozen=True)
class Rankings:
    """Rankings as long rows, one per system shown, arrays of shape (n,).

    Attributes
    ----------
    block
        Which ranking a row belongs to; any numbers.
    system
        Number of the system, 0 … S − 1.
    rank
        1 for the best; only the order matters, and equal ranks are ties. NaN for shown but not ranked, that is, worse
        than all ranked ones. For best–worst answers 1 is the best, −1 the worst, NaN neither.
    """

    block: IntArray
    system: IntArray
    rank: FloatArray


@dataclass(frozen=True)
class Stages:
    """Rankings taken apart into choices: alternatives are rows of the rankings, repeated for each stage.

    ``row`` and ``sign`` have shape (alternatives,): the worst is chosen by the reversed utility, sign −1. ``start``
    is where stages begin, ``block`` the ranking of each stage, (stages,), numbered by first appearance in order.
    """

    row: IntArray
    sign: FloatArray
    chosen: FloatArray
    start: IntArray
    block: IntArray

    @property
    def has_ties(self) -> bool:
        """Return whether several alternatives were chosen at some stage."""
        return bool(self.chosen.sum() > self.block.size)


def explode(rankings: Rankings) -> Stages:
    """Return the choices that rankings are made of, in the order of the blocks."""
    rank = np.asarray(rankings.rank, dtype=float)
    rank = np.where(np.isnan(rank), np.inf, rank)
    order = np.lexsort((rank, rankings.block))
    block, rank = np.asarray(rankings.block)[order], rank[order]
    opens = np.concatenate([[True], block[1:] != block[:-1]])
    end = np.append(np.flatnonzero(opens)[1:], block.size)[np.cumsum(opens) - 1]
    first = np.flatnonzero(opens | np.concatenate([[True], rank[1:] != rank[:-1]]))  # of each group of equal ranks
    tied, left = np.diff(np.append(first, block.size)), end[first] - first
    informs = np.isfinite(rank[first]) & (tied < left)
    first, tied, left = first[informs], tied[informs], left[informs]
    start = np.concatenate([[0], np.cumsum(left)]).astype(np.int64)
    inside = np.arange(start[-1]) - np.repeat(start[:-1], left)
    row = order[np.repeat(first, left) + inside]
    chosen = (inside < np.repeat(tied, left)).astype(float)
    of_block = (np.cumsum(opens) - 1)[first]
    return Stages(row.astype(np.int64), np.ones(row.size), chosen, start, of_block.astype(np.int64))


def explode_best_worst(rankings: Rankings) -> Stages:
    """Return two choices per block, the best of all and the worst of the rest."""
    rank = np.asarray(rankings.rank, dtype=float)
    order = np.lexsort((np.where(np.isnan(rank), 0.0, -rank), rankings.block))  # best, neither …, worst
    block = np.asarray(rankings.block)[order]
    begin = np.flatnonzero(np.concatenate([[True], block[1:] != block[:-1]]))
    size = np.diff(np.append(begin, block.size))
    best, worst = (np.add.reduceat(rank[order] == value, begin) for value in (1.0, -1.0))
    if (best != 1).any() or (worst != 1).any() or not np.isin(rank[~np.isnan(rank)], (1.0, -1.0)).all():
        raise ValueError("each best–worst answer needs one rank 1 (best), one −1 (worst) and NaN for the others")
    rows, signs, chosen, lengths = [], [], [], []
    for at, count in zip(begin, size, strict=True):
        shown = order[at : at + count]
        rows += [shown, shown[1:]]
        signs += [np.ones(count), -np.ones(count - 1)]
        chosen += [np.arange(count) == 0, np.arange(count - 1) == count - 2]
        lengths += [count, count - 1]
    keep = np.repeat(np.array(lengths) > 1, lengths)
    left = np.array([length for length in lengths if length > 1], dtype=np.int64)
    of_block = np.repeat(np.arange(begin.size), 2)[np.array(lengths) > 1]
    return Stages(
        np.concatenate(rows)[keep].astype(np.int64),
        np.concatenate(signs)[keep],
        np.concatenate(chosen)[keep].astype(float),
        np.concatenate([[0], np.cumsum(left)]).astype(np.int64),
        of_block.astype(np.int64),
    )


def fit_plackett_luce(  # noqa: PLR0913 - all but two are keywords with defaults
    rankings: Rankings,
    systems: tuple[str, ...],
    *,
    best_worst: bool = False,
    covariates: FloatArray | None = None,
    names: tuple[str, ...] = (),
    weights: FloatArray | None = None,
    constraint: Constraint = "reference",
    reference: str | None = None,
    ridge: float = 0.0,
    clusters: dict[str, IntArray] | None = None,
    factors: tuple[SignedFactor, ...] = (),
    formula: str = "",
    notes: tuple[str, ...] = (),
) -> Fit:
    """Fit P(a is chosen from a set) ∝ exp(λ_a + covariates).

    Parameters
    ----------
    rankings
        Long rows; of the best k only, or best–worst answers with ``best_worst``.
    systems
        Names of the S systems.
    covariates
        What else may matter for a system as shown (its position, length), shape (n, c), with ``names``.
    weights
        How often each row's ranking counts, (n,), equal within a ranking.
    constraint, reference, ridge
        As in :func:`analysis.models.bradley_terry.fit_bradley_terry`.
    clusters
        Named groupings (n,) of the rows, such as rater and prompt, equal within a ranking: standard errors are then
        robust to dependence within each. Rankings of one rater are not independent: give them, or
    factors
        Random effects of the rows, such as output and rater × system, fitted by Laplace on the exploded choices. What
        all systems of a ranking share (a rater's own level) cancels and is left out with a note.

    Returns
    -------
    Fit
        Strengths as fixed effects ``system[name]``; ``rows`` counts choices. Groups that no ranking links and
        systems that were always ranked above others are named in ``Convergence``.

    Raises
    ------
    ValueError
        If shapes, codes or ranks make no sense.

    References
    ----------
    Luce 1959; Breslow 1974; Plackett 1975; Beggs, Cardell & Hausman 1981 (exploded logit); Marley & Louviere 2005.
    """
    _check(rankings, systems, best_worst=best_worst)
    stages = explode_best_worst(rankings) if best_worst else explode(rankings)
    effects = _covariates(rankings, covariates, names)
    kinds = {name: _of_block(rankings, label, name)[stages.block] for name, label in (clusters or {}).items()}
    count = np.ones(len(rankings.block)) if weights is None else np.asarray(weights, dtype=float)
    times = _of_block(rankings, count, "weights")[stages.block]
    return fit_strengths(
        StrengthProblem(
            model="Plackett–Luce model" + _kind(stages, best_worst=best_worst),
            family="plackett_luce",
            formula=formula,
            systems=systems,
            sets=_sets(rankings, stages, effects, systems=len(systems), times=times, factors=factors),
            extras=tuple(names),
            constraint=constraint,
            reference=reference,
            ridge=ridge,
            clusters=tuple(kinds.items()),
            factors=factors,
            notes=notes,
        )
    )


def _sets(
    rankings: Rankings,
    stages: Stages,
    effects: FloatArray,
    *,
    systems: int,
    times: FloatArray,
    factors: tuple[SignedFactor, ...],
) -> ChoiceSets:
    n = stages.row.size
    strengths = sparse.csr_array(
        (stages.sign, (np.arange(n), np.asarray(rankings.system)[stages.row])), shape=(n, systems)
    )
    others = sparse.csr_array(stages.sign[:, None] * effects[stages.row])
    z = memberships(factors, effects.shape[0])[stages.row].multiply(stages.sign[:, None])
    count = stages.start.size - 1
    chosen = stages.chosen * np.repeat(times, np.diff(stages.start))
    design = sparse.csr_array(sparse.hstack([strengths, others, z], format="csr"))
    return ChoiceSets(design, stages.start, chosen, np.arange(count, dtype=np.int64))


def _check(rankings: Rankings, systems: tuple[str, ...], *, best_worst: bool) -> None:
    block, system = np.asarray(rankings.block), np.asarray(rankings.system)
    rank = np.asarray(rankings.rank, dtype=float)
    if not block.shape == system.shape == rank.shape:
        raise ValueError("block, system and rank must have one entry per row each")
    if not block.size:
        raise ValueError("there is no ranking")
    if system.min() < 0 or system.max() >= len(systems):
        raise ValueError(f"numbers of systems must lie between 0 and {len(systems) - 1}")
    if not best_worst and np.isinf(rank).any():
        raise ValueError("a rank is infinite: leave it empty (NaN) for systems that were not ranked")


def _kind(stages: Stages, *, best_worst: bool) -> str:
    return ", best–worst" if best_worst else " (ties by Breslow)" if stages.has_ties else ""


def _covariates(rankings: Rankings, covariates: FloatArray | None, names: tuple[str, ...]) -> FloatArray:
    n = len(rankings.block)
    table = np.zeros((n, 0)) if covariates is None else np.asarray(covariates, dtype=float)
    if table.shape != (n, len(names)):
        raise ValueError(f"covariates must have shape ({n}, {len(names)}): one column per name")
    if not np.isfinite(table).all():
        raise ValueError("missing or infinite values among the covariates: drop these rankings first")
    return table


def _of_block(rankings: Rankings, values: FloatArray | IntArray, name: str) -> np.ndarray:
    """Return the value of each ranking, refusing values that differ within one."""
    table = np.asarray(values)
    if table.shape != np.asarray(rankings.block).shape:
        raise ValueError(f"{name} must have one entry per row")
    first, where = np.unique(rankings.block, return_index=True, return_inverse=True)[1:]
    if (table[first][where] != table).any():
        raise ValueError(f"{name} differs within a ranking")
    return table[first]
