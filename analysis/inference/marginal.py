"""Estimated marginal means and their contrasts (Searle, Speed & Milliken 1980), in the manner of R's emmeans."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from analysis.design.formula import FormulaError, variables_of
from analysis.design.frame import levels_of

if TYPE_CHECKING:
    import pandas as pd

    from analysis.design import Design
    from analysis.results import FloatArray

Weights = Literal["equal", "proportional"]
Method = str | Sequence[tuple[str, str]] | Mapping[str, Mapping[str, float] | Sequence[float]]
SEPARATOR: Final = " "
KEPT: Final = 2
"""A covariate of so many distinct values is not averaged (emmeans' ``cov.keep``)."""


@dataclass(frozen=True)
class Margins:
    """Rows of the linear predictor, averaged over a reference grid.

    Attributes
    ----------
    variables, by
        What is compared, and within what.
    labels
        For each row the level of each of ``variables``, as text.
    groups
        For each row the levels of ``by``.
    matrix
        Rows L (k, p): the marginal means are Lβ.
    """

    variables: tuple[str, ...]
    by: tuple[str, ...]
    labels: tuple[tuple[str, ...], ...]
    groups: tuple[tuple[str, ...], ...]
    matrix: FloatArray

    def names(self) -> tuple[str, ...]:
        """Return one name per row, the levels in one string."""
        return tuple(SEPARATOR.join(label) for label in self.labels)


@dataclass(frozen=True)
class Comparison:
    """Contrasts between marginal means: names, groups and rows (k, p); ``means`` (k, m) are their weights."""

    names: tuple[str, ...]
    groups: tuple[tuple[str, ...], ...]
    matrix: FloatArray
    means: int


def parse_spec(spec: str | Sequence[str], by: str | Sequence[str] | None) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Read ``"system"``, ``"system:task_family"``, ``"system | task_family"`` or lists of names."""
    groups: tuple[str, ...] = () if by is None else (by,) if isinstance(by, str) else tuple(by)
    if not isinstance(spec, str):
        return tuple(spec), groups
    left, _, right = spec.partition("|")
    compared, within = (
        tuple(part.strip() for part in re.split(r"[:*+]", side) if part.strip()) for side in (left, right)
    )
    return compared, groups + within


def reference_grid(design: Design, at: Mapping[str, Sequence[Any]] | None = None) -> pd.DataFrame:
    """Cross the levels of all factors of the fixed effects, with covariates at their means (over both sides of pairs).

    A covariate of two values counts as a factor, as in emmeans. ``at`` gives other values of a variable.
    """
    import pandas as pd

    frame, given = design.variables.stacked(), dict(at or {})
    names, coded = variables_of(design.formula.fixed), coded_as_factors(design)
    unknown = [name for name in given if name not in names]
    if unknown:
        raise FormulaError(f"at: {unknown[0]!r} is not in the fixed effects ({', '.join(names) or 'none'})")
    values: list[Sequence[Any]] = []
    for name in names:
        levels = levels_of(frame[name])
        if levels is None and name in coded:
            levels = tuple(float(value) for value in np.unique(frame[name]))
        values.append(given.get(name, _covariate(frame[name]) if levels is None else levels))
        wrong = [value for value in values[-1] if levels is not None and value not in levels]
        if wrong:
            raise FormulaError(f"at: {name} has no level {wrong[0]!r}; it has {', '.join(map(str, levels or ()))}")
    cells = list(product(*values))
    grid = pd.DataFrame(
        {name: [cell[k] for cell in cells] for k, name in enumerate(names)}, index=range(len(cells)), dtype=object
    )
    for name in names:
        levels = levels_of(frame[name])
        grid[name] = grid[name].astype("float64") if levels is None else pd.Categorical(grid[name], categories=levels)
    return grid


def marginal_means(
    design: Design,
    spec: str | Sequence[str],
    *,
    by: str | Sequence[str] | None = None,
    at: Mapping[str, Sequence[Any]] | None = None,
    weights: Weights = "equal",
) -> Margins:
    """Average the rows of the reference grid for each combination of the levels of ``spec`` (and ``by``).

    Parameters
    ----------
    weights
        ``equal``: all cells of the other factors count alike; ``proportional``: as often as they occur in the data.

    Raises
    ------
    FormulaError
        If a variable is not in the fixed effects.

    Notes
    -----
    The response of a pair is a difference, so a marginal mean is the *utility* of a level on a scale without zero.
    Rows are centred within each group of ``by``: a mean tells how far a level lies above the average of all levels.
    """
    variables, groups = parse_spec(spec, by)
    known = variables_of(design.formula.fixed)
    for name in (*variables, *groups):
        if name not in known:
            raise FormulaError(f"{name!r} is not in the fixed effects ({', '.join(known) or 'none'})")
    grid = reference_grid(design, at)
    rows = design.effects.rows(grid)
    share = _cell_weights(design, grid, others=[name for name in known if name not in variables + groups], kind=weights)
    keys = _keys(grid, groups + variables, slow=len(groups))
    matrix = np.zeros((len(keys), rows.shape[1]))
    for index, key in enumerate(keys):
        inside = np.logical_and.reduce([grid[n] == v for n, v in zip((*groups, *variables), key, strict=True)])
        matrix[index] = share[inside] @ rows[inside] / share[inside].sum()
    text = [tuple(_text(value) for value in key) for key in keys]
    margins = Margins(
        variables=variables,
        by=groups,
        labels=tuple(key[len(groups) :] for key in text),
        groups=tuple(key[: len(groups)] for key in text),
        matrix=matrix,
    )
    return _centred(margins) if design.pairs else margins


def compare(
    margins: Margins,
    method: Method = "pairwise",
    *,
    reference: str | None = None,
) -> Comparison:
    """Build contrasts between marginal means, within each group of ``by``.

    Parameters
    ----------
    method
        ``pairwise`` (each before each later level), ``control`` (each against ``reference``, by default the first
        level), ``effects`` (each against the mean of all), a list of (first, second) levels, or a mapping of names to
        weights: one number per level, or level → number.
    """
    names, means = margins.names(), len(margins.labels)
    found: list[tuple[str, tuple[str, ...], FloatArray]] = []
    for group in dict.fromkeys(margins.groups):
        inside = [k for k in range(means) if margins.groups[k] == group]
        for name, weights in _weights(method, [names[k] for k in inside], reference=reference):
            found.append((name, group, weights @ margins.matrix[inside]))
    if not found:
        raise FormulaError(f"{', '.join(margins.variables)} has one level: there is nothing to compare")
    return Comparison(
        names=tuple(name for name, _, _ in found),
        groups=tuple(group for _, group, _ in found),
        matrix=np.array([row for _, _, row in found]),
        means=len(inside),
    )


def _weights(method: Method, levels: list[str], *, reference: str | None) -> list[tuple[str, FloatArray]]:
    unit = np.eye(len(levels))
    if isinstance(method, str):
        pairs = _named_pairs(method, levels, reference)
        if pairs is None:
            return [(f"{name} effect", unit[k] - 1.0 / len(levels)) for k, name in enumerate(levels)]
    elif isinstance(method, Mapping):
        return [(name, _custom(name, given, levels)) for name, given in method.items()]
    else:
        pairs = [(_place(one, levels), _place(two, levels)) for one, two in method]
    return [(f"{levels[one]} - {levels[two]}", unit[one] - unit[two]) for one, two in pairs]


def _named_pairs(method: str, levels: list[str], reference: str | None) -> list[tuple[int, int]] | None:
    if method == "pairwise":
        return [(one, two) for one in range(len(levels)) for two in range(one + 1, len(levels))]
    if method == "control":
        base = 0 if reference is None else _place(reference, levels)
        return [(one, base) for one in range(len(levels)) if one != base]
    if method == "effects":
        return None
    raise FormulaError(f"contrasts {method!r} are not known: pairwise, control, effects, (first, second) or weights")


def _custom(name: str, given: Mapping[str, float] | Sequence[float], levels: list[str]) -> FloatArray:
    weights = np.zeros(len(levels))
    if isinstance(given, Mapping):
        for level, value in given.items():
            weights[_place(str(level), levels)] = value
    elif len(given) == len(levels):
        weights[:] = [float(value) for value in given]
    else:
        raise FormulaError(f"contrast {name!r} has {len(given)} weights for {len(levels)} levels: {', '.join(levels)}")
    return weights


def _place(level: str, levels: list[str]) -> int:
    if level not in levels:
        raise FormulaError(f"there is no level {level!r}: choose from {', '.join(levels)}")
    return levels.index(level)


def _cell_weights(design: Design, grid: pd.DataFrame, *, others: list[str], kind: Weights) -> FloatArray:
    """Return the weight of each cell of the grid when it is averaged over ``others``."""
    if kind == "equal" or not others:
        return np.ones(len(grid))
    frame = design.variables.stacked()
    coded = coded_as_factors(design)
    factors = [
        name
        for name in others
        if levels_of(frame[name]) is not None or name in coded or len(_covariate(frame[name])) > 1
    ]
    counts = frame.groupby(factors, observed=True).size() if factors else None
    if counts is None:
        return np.ones(len(grid))
    keys = zip(*(grid[name] for name in factors), strict=True)
    return np.array([float(counts.get(key if len(factors) > 1 else key[0], 0)) for key in keys])


def _keys(grid: pd.DataFrame, names: tuple[str, ...], *, slow: int) -> list[tuple[object, ...]]:
    """Return the combinations of levels, group by group; among the others the first changes fastest, as in R."""
    levels = [list(dict.fromkeys(grid[name])) for name in names]
    order = [*range(slow), *range(len(names) - 1, slow - 1, -1)]
    return [tuple(cell[order.index(k)] for k in range(len(names))) for cell in product(*(levels[k] for k in order))]


def coded_as_factors(design: Design) -> set[str]:
    """Return the variables that ``C(x)`` makes factors although they are numbers."""
    return {name.strip("`") for name in re.findall(r"\bC\(\s*(`[^`]+`|\w+)", design.formula.fixed)}


def _covariate(values: pd.Series) -> list[float]:
    distinct = np.unique(values.to_numpy())
    return [float(value) for value in distinct] if distinct.size == KEPT else [float(values.mean())]


def _centred(margins: Margins) -> Margins:
    matrix = margins.matrix.copy()
    for group in dict.fromkeys(margins.groups):
        inside = [k for k, mine in enumerate(margins.groups) if mine == group]
        matrix[inside] -= matrix[inside].mean(axis=0)
    return Margins(margins.variables, margins.by, margins.labels, margins.groups, matrix)


def _text(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
