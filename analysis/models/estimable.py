"""What of a problem can be fitted: rows that count, columns that the data can tell, answers that are not separated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analysis.numerics.cumulative import CumulativeLink, Thresholds
from analysis.numerics.regression import Patterns, Regression, collect_patterns, fit_regression, is_overlapping
from analysis.numerics.separation import find_separation, independent_columns, null_space
from analysis.numerics.structure import SignedFactor

if TYPE_CHECKING:
    from analysis.models.mixed import Problem
    from analysis.numerics.cumulative import FloatArray


@dataclass(frozen=True)
class Reduced:
    """What is left to fit after aliased columns and perfectly separated rows have gone.

    ``rows`` (n,) and ``columns`` (p,) say what is kept, ``infinite`` (p, d) holds the directions of separation,
    ``regression`` the model without random effects on what is left (None if nothing is).
    """

    rows: np.ndarray
    columns: np.ndarray
    infinite: FloatArray
    messages: tuple[str, ...]
    regression: Regression | None

    @property
    def hopeless(self) -> bool:
        """Return whether nothing is left."""
        return self.regression is None


def reduce_problem(problem: Problem, start: FloatArray | None = None) -> Reduced:
    """Take out rows that separation explains for certain, then columns that the remaining rows cannot tell apart.

    ``start`` are fixed effects (p,) and free thresholds of an earlier fit, one after the other.
    """
    rows = problem.counts > 0
    if not rows.any():
        nothing = np.zeros((problem.fixed.shape[1], 0))
        return Reduced(rows, np.ones(nothing.shape[0], dtype=bool), nothing, ("there are no answers",), None)
    directions: list[FloatArray] = []
    messages: list[str] = []
    while True:
        columns, patterns = _columns(problem, rows)
        regression = fit_regression(patterns, _part(problem, start, columns))
        found = None if is_overlapping(patterns, regression) else find_separation(patterns.fixed, patterns.family)
        if found is None:
            break
        direction = np.zeros(problem.fixed.shape[1])
        direction[columns] = found.fixed
        directions.append(direction)
        names = [name for name, value in zip(problem.names, direction, strict=True) if value]
        names += ["the thresholds"] if found.thresholds.any() else []
        messages.append(f"separation: the answers leave no finite estimate of {', '.join(names)}")
        if found.thresholds.any():
            return Reduced(rows, columns, np.column_stack(directions), tuple(messages), None)
        rows = rows.copy()
        rows[np.flatnonzero(rows)[found.rows[patterns.of_row]]] = False
    infinite = np.column_stack(directions) if directions else np.zeros((problem.fixed.shape[1], 0))
    return Reduced(rows, columns, infinite, tuple(messages), regression if rows.any() else None)


def _columns(problem: Problem, rows: np.ndarray) -> tuple[np.ndarray, Patterns]:
    """Return the columns to keep, and the patterns of the rows in these columns.

    A column in the span of free thresholds (an intercept) cannot be told from them.
    """
    family = CumulativeLink(problem.category[rows], problem.counts[rows], problem.thresholds, problem.link)
    patterns = collect_patterns(problem.fixed[rows], family)
    x = patterns.fixed
    if holds_constant(problem.thresholds):
        columns = independent_columns(np.column_stack([np.ones(x.shape[0]), x]))[1:]
    else:
        columns = independent_columns(x)
    return columns, Patterns(np.ascontiguousarray(x[:, columns]), patterns.family, patterns.of_row)


def _part(problem: Problem, start: FloatArray | None, columns: np.ndarray) -> FloatArray | None:
    if start is None:
        return None
    count = problem.fixed.shape[1]
    return np.concatenate([start[:count][columns], start[count:]])


def holds_constant(thresholds: Thresholds) -> bool:
    """Return whether the free thresholds can all move together, as an intercept would."""
    basis = thresholds.basis
    ones = np.ones(basis.shape[0])
    return bool(basis.shape[1]) and bool(np.allclose(basis @ np.linalg.lstsq(basis, ones)[0], ones))


def undetermined(problem: Problem, reduced: Reduced) -> FloatArray:
    """Return the directions (p, d) of the fixed effects that the rows left cannot tell, an intercept's included."""
    if reduced.columns.all():
        return np.zeros((reduced.columns.size, 0))
    x = problem.fixed[reduced.rows]
    return null_space(x - x.mean(axis=0) if holds_constant(problem.thresholds) else x)


def usable_factors(factors: tuple[SignedFactor, ...]) -> tuple[tuple[SignedFactor, ...], tuple[str, ...]]:
    """Leave out random effects that the answers cannot tell, and say so.

    Raises
    ------
    ValueError
        For correlated slopes, which only the linear model has.
    """
    usable: list[SignedFactor] = []
    notes = []
    for factor in factors:
        if len(factor.slopes) > 1:
            raise ValueError(
                f"random effect {factor.name}: correlated slopes are fitted by the linear model only; "
                f"write ({' + '.join(factor.slope_names)} || {factor.name}) for independent ones"
            )
        twin = next((other.name for other in usable if _groups_alike(factor, other)), None)
        if factor.levels < 2 or _occurring(factor) < 2:  # noqa: PLR2004
            notes.append(f"random effect {factor.name} left out: it has one level")
        elif twin is not None:
            notes.append(f"random effect {factor.name} left out: it groups the answers exactly as {twin} does")
        else:
            usable.append(factor)
    return tuple(usable), tuple(notes)


def _occurring(factor: SignedFactor) -> int:
    """Return 0, 1 or 2 for no level, one level, or more in the rows."""
    highest = max(int(code.max(initial=-1)) for code in factor.codes)
    if highest < 0:
        return 0
    return 2 if any(((code >= 0) & (code != highest)).any() for code in factor.codes) else 1


def _groups_alike(one: SignedFactor, two: SignedFactor) -> bool:
    """Return whether two random intercepts are one and the same but for the numbers of their levels."""
    if one.levels != two.levels or one.signs != two.signs or one.slopes[0] is not None or two.slopes[0] is not None:
        return False
    number = np.full(one.levels + 1, -1, dtype=np.int64)
    for code, other in zip(one.codes, two.codes, strict=True):
        number[code] = other
    number[-1] = -1  # no membership stays none
    if any((number[code] != other).any() for code, other in zip(one.codes, two.codes, strict=True)):
        return False
    used = number[number >= 0]
    return bool(np.unique(used).size == used.size)


def restrict(factor: SignedFactor, rows: np.ndarray) -> SignedFactor:
    """Keep some rows and renumber the levels that still occur."""
    codes = [code[rows] for code in factor.codes]
    occurs = np.zeros(factor.levels, dtype=bool)
    for code in codes:
        occurs[code[code >= 0]] = True
    number = np.where(occurs, np.cumsum(occurs) - 1, -1)
    return SignedFactor(
        factor.name,
        tuple(np.where(code >= 0, number[code], -1).astype(np.int64) for code in codes),
        factor.signs,
        int(occurs.sum()),
        labels=tuple(label for label, kept in zip(factor.labels, occurs, strict=True) if kept) if factor.labels else (),
        slopes=tuple(None if slope is None else slope[rows] for slope in factor.slopes),
        slope_names=factor.slope_names,
    )
