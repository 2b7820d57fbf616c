"""Bradley–Terry: strengths of systems from paired comparisons, with Davidson's ties, a side effect and covariates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
from scipy import sparse

from analysis.models.strength_coding import Constraint
from analysis.models.strengths import StrengthProblem, fit_strengths
from analysis.numerics.choice import ChoiceSets

if TYPE_CHECKING:
    from analysis.numerics.choice import FloatArray, IntArray
    from analysis.results import Fit

SIDE: Final = "side (first)"
LOG_TIES: Final = "tie (log ν)"
Ties = Literal["davidson", "half", "drop"]


@dataclass(frozen=True)
class Comparisons:
    """Paired comparisons as arrays of shape (n,).

    Attributes
    ----------
    first, second
        Numbers of the two systems, 0 … S − 1.
    outcome
        1 if the first won, 0 if the second did, 0.5 for a tie.
    weights
        How often a row counts; 1 by default.
    """

    first: IntArray
    second: IntArray
    outcome: FloatArray
    weights: FloatArray | None = None

    def counts(self) -> FloatArray:
        """Return the weights."""
        return np.ones(len(self.first)) if self.weights is None else np.asarray(self.weights, dtype=float)


def comparisons_from_counts(
    first: IntArray, second: IntArray, *, wins: FloatArray, losses: FloatArray, ties: FloatArray | None = None
) -> Comparisons:
    """Return comparisons from counts per pair: wins of the first, of the second, and ties."""
    blocks = [(1.0, wins), (0.0, losses)] + ([(0.5, ties)] if ties is not None else [])
    return Comparisons(
        np.tile(first, len(blocks)),
        np.tile(second, len(blocks)),
        np.repeat([value for value, _ in blocks], len(first)),
        np.concatenate([np.asarray(count, dtype=float) for _, count in blocks]),
    )


def fit_bradley_terry(  # noqa: PLR0913 - all but two are keywords with defaults
    comparisons: Comparisons,
    systems: tuple[str, ...],
    *,
    side: bool | FloatArray = False,
    side_name: str = SIDE,
    covariates: FloatArray | None = None,
    names: tuple[str, ...] = (),
    system_covariates: FloatArray | None = None,
    ties: Ties = "davidson",
    constraint: Constraint = "reference",
    reference: str | None = None,
    ridge: float = 0.0,
    bias_reduction: bool = False,
    clusters: dict[str, IntArray] | None = None,
    formula: str = "",
    notes: tuple[str, ...] = (),
) -> Fit:
    """Fit log odds(first beats second) = λ_first − λ_second + side + covariates.

    Parameters
    ----------
    comparisons
        Rows or weighted counts (see :func:`comparisons_from_counts`).
    systems
        Names of the S systems.
    side
        True for an effect of being first, or an array (n,) of −1 … 1 that says who has the advantage (home games).
    covariates
        Differences first − second of what else may matter, shape (n, c), with ``names``.
    system_covariates
        Shape (S, c), with ``names``: strengths are then explained by these alone, λ = covariates β.
    ties
        ``davidson``: P(tie) ∝ ν √(π_first π_second) with ν estimated (Davidson 1970); ``half``: half a win for each;
        ``drop``. Without ties all three are the same.
    constraint, reference
        ``reference``: differences from one system (the first by default); ``sum``: strengths that add up to zero.
    ridge
        Precision of independent normal priors on the strengths: finite whatever the results, shrunken to their mean.
    bias_reduction
        Firth's (1993) correction of order 1/n, finite for any connected comparisons; not with modelled ties.
    clusters
        Named groupings (n,) of the rows, for example rater and prompt: standard errors are then robust to
        dependence within each (Cameron, Gelbach & Miller 2011); use t with the smallest number of groups − 1.

    Returns
    -------
    Fit
        Strengths as fixed effects ``system[name]``; log ν stands in ``thresholds``. Groups that no chain of
        comparisons links and systems that always win are named in ``Convergence``.

    Raises
    ------
    ValueError
        If shapes, codes or options make no sense.

    References
    ----------
    Bradley & Terry 1952; Davidson 1970; Ford 1957; Firth 1993; Turner & Firth 2012 (BradleyTerry2).
    """
    _check(comparisons, systems)
    effects, effect_names = _effects(comparisons, side, side_name, covariates=covariates, names=names)
    if system_covariates is not None:
        explained = np.asarray(system_covariates, dtype=float)
        if explained.shape != (len(systems), len(names)):
            raise ValueError(f"system_covariates must have shape ({len(systems)}, {len(names)}): one column per name")
        effects = np.column_stack([explained[comparisons.first] - explained[comparisons.second], effects])
        effect_names = (*names, *effect_names)
    data = _Rows(comparisons, effects, ties)
    if clusters is None and covariates is None and not isinstance(side, np.ndarray) and system_covariates is None:
        data = data.collected(len(systems))
    strengths = () if system_covariates is not None else systems
    modelled = ties == "davidson" and bool((data.tie > 0).any())
    if modelled and bias_reduction:
        raise ValueError('bias reduction does not go with modelled ties: take ties="half" or a ridge')
    return fit_strengths(
        StrengthProblem(
            model="Bradley–Terry model" + (" with Davidson's ties" if modelled else ""),
            family="bradley_terry",
            formula=formula,
            systems=strengths,
            sets=data.sets(len(strengths), modelled=modelled),
            extras=effect_names + ((LOG_TIES,) if modelled else ()),
            constraint=constraint,
            reference=reference if strengths else None,
            ridge=ridge,
            bias_reduction=bias_reduction,
            clusters=tuple((clusters or {}).items()),
            ties=modelled,
            notes=(*notes, *_penalty_in_words(ridge=ridge, bias_reduction=bias_reduction)),
        )
    )


def _check(comparisons: Comparisons, systems: tuple[str, ...]) -> None:
    first, second = np.asarray(comparisons.first), np.asarray(comparisons.second)
    outcome, weights = np.asarray(comparisons.outcome), comparisons.counts()
    if not first.shape == second.shape == outcome.shape == weights.shape:
        raise ValueError("first, second, outcome and weights must have one entry per comparison each")
    if not first.size:
        raise ValueError("there is no comparison")
    if min(first.min(), second.min()) < 0 or max(first.max(), second.max()) >= len(systems):
        raise ValueError(f"numbers of systems must lie between 0 and {len(systems) - 1}")
    if (first == second).any():
        raise ValueError(f"row {int(np.flatnonzero(first == second)[0])} compares a system with itself: drop such rows")
    if not np.isin(outcome, (0.0, 0.5, 1.0)).all():
        raise ValueError("outcome must be 1 (the first won), 0 (the second won) or 0.5 (a tie)")
    if not (np.isfinite(weights).all() and (weights >= 0).all()):
        raise ValueError("weights must be finite and not negative")


def _effects(
    comparisons: Comparisons,
    side: bool | FloatArray,  # noqa: FBT001 - a column or none
    side_name: str,
    *,
    covariates: FloatArray | None,
    names: tuple[str, ...],
) -> tuple[FloatArray, tuple[str, ...]]:
    """Return the effects of a row other than the strengths, (n, c), and their names."""
    n = len(comparisons.first)
    columns, found = [np.zeros((n, 0))], []
    if side is not False:
        column = np.ones(n) if side is True else np.asarray(side, dtype=float)
        if column.shape != (n,):
            raise ValueError(f"side must be True, False or one number for each of the {n} rows")
        columns.append(column[:, None])
        found.append(side_name)
    if covariates is not None:
        table = np.asarray(covariates, dtype=float)
        if table.shape != (n, len(names)):
            raise ValueError(f"covariates must have shape ({n}, {len(names)}): one column per name")
        columns.append(table)
        found += names
    effects = np.column_stack(columns)
    if not np.isfinite(effects).all():
        raise ValueError("missing or infinite values among side and covariates: drop these rows first")
    return effects, tuple(found)


class _Rows:
    """Rows with counts of wins, ties and losses."""

    def __init__(self, comparisons: Comparisons, effects: FloatArray, ties: Ties) -> None:
        counts, outcome = comparisons.counts(), np.asarray(comparisons.outcome)
        self.first, self.second, self.effects = comparisons.first, comparisons.second, effects
        self.win, self.loss = counts * (outcome == 1.0), counts * (outcome == 0.0)
        self.tie = counts * (outcome == 0.5)  # noqa: PLR2004
        if ties != "davidson":
            share = self.tie / 2.0 if ties == "half" else 0.0
            self.win, self.loss, self.tie = self.win + share, self.loss + share, np.zeros_like(self.tie)

    def collected(self, systems: int) -> _Rows:
        """Return one row for each pair in each order (effects are the same in all rows here)."""
        key, first, where = np.unique(
            np.asarray(self.first, dtype=np.int64) * systems + self.second, return_index=True, return_inverse=True
        )
        self.first, self.second = key // systems, key % systems
        self.effects = self.effects[first]
        for name in ("win", "tie", "loss"):
            setattr(self, name, np.bincount(where, weights=getattr(self, name), minlength=key.size))
        return self

    def sets(self, systems: int, *, modelled: bool) -> ChoiceSets:
        """Return a set of two alternatives per row, ± half the difference, or three with the tie between them."""
        n, size = len(self.first), 3 if modelled else 2
        rows, both = np.tile(np.arange(n), 2), np.concatenate([self.first, self.second])
        signs = np.repeat([0.5, -0.5], n)
        half = (
            sparse.csr_array(sparse.coo_array((signs, (rows, both)), shape=(n, systems)))
            if systems
            else sparse.csr_array((n, 0))
        )
        half = sparse.hstack([half, sparse.csr_array(self.effects / 2.0)], format="csr")
        order = np.arange(size * n).reshape(size, n).T.ravel()
        if not modelled:
            design = sparse.csr_array(sparse.vstack([half, -half], format="csr")[order])
            chosen = np.concatenate([self.win, self.loss])[order]
        else:
            tie = sparse.csr_array((n, half.shape[1]))
            stacked = sparse.vstack([half, tie, -half], format="csr")
            log_ties = sparse.csr_array(np.repeat([0.0, 1.0, 0.0], n)[:, None])
            design = sparse.csr_array(sparse.hstack([stacked, log_ties], format="csr")[order])
            chosen = np.concatenate([self.win, self.tie, self.loss])[order]
        start = np.arange(0, size * n + 1, size, dtype=np.int64)
        return ChoiceSets(design, start, chosen, np.arange(n, dtype=np.int64))


def _penalty_in_words(*, ridge: float, bias_reduction: bool) -> tuple[str, ...]:
    words = []
    if ridge > 0.0:
        words.append(f"ridge: normal prior of SD {1.0 / np.sqrt(ridge):.3g} on each strength")
    if bias_reduction:
        words.append("bias reduced by Firth's correction")
    return tuple(words)


def win_probability(fit: Fit, difference: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return P(first wins) and P(tie) for differences of strength (plus side), at the fit's tie parameter."""
    difference = np.asarray(difference, dtype=float)
    heights = [difference / 2.0, -difference / 2.0]
    heights += [np.full_like(difference, fit.thresholds[0])] if fit.thresholds.size else []
    top = np.max(heights, axis=0)
    parts = np.exp(np.array(heights) - top)
    tie = parts[2] if fit.thresholds.size else np.zeros_like(difference)
    return parts[0] / parts.sum(axis=0), tie / parts.sum(axis=0)
