"""Fixed effects by formulaic: treatment coding as in R, and the difference of two utilities for a pair."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from analysis.design.formula import FormulaError, top_level_terms, variables_of
from analysis.design.frame import levels_of
from analysis.results import INTERCEPT

if TYPE_CHECKING:
    import pandas as pd

    from analysis.design.frame import Variables
    from analysis.numerics.structure import FloatArray

SIDE: Final = "side (left)"
"""The preference for the text on the left, whatever the texts: the intercept of a pair."""
_WHOLE: Final = re.compile(r"\[(-?\d+)\.0\]")
_COLOURS: Final = re.compile(r"\x1b\[[0-9;]*m|[⧛⧚]")


@dataclass(frozen=True)
class FixedEffects:
    """The columns of the fixed effects and how to build them for other values of the variables.

    Attributes
    ----------
    matrix, names, terms
        Shape (n, p), and for each column its name and the term of the formula it belongs to.
    utility
        Which columns are of the utility (the others are of the side), shape (p,).
    columns
        Numbers of those columns among all that the formula spells out.
    model
        Formulaic's specification: levels, contrasts, states of transforms.
    notes
        Terms that cancel in a pair.
    """

    matrix: FloatArray
    names: tuple[str, ...]
    terms: tuple[str, ...]
    utility: np.ndarray
    columns: np.ndarray
    model: Any
    notes: tuple[str, ...] = ()

    def rows(self, grid: pd.DataFrame) -> FloatArray:
        """Return the rows (k, p) of the linear predictor at other values; side terms are left at zero.

        For pairs they are rows of the *utility* of one text, of which only differences have a meaning.
        """
        rows = np.zeros((len(grid), len(self.names)))
        rows[:, self.utility] = np.asarray(self.model.get_model_matrix(grid, output="numpy"))[:, self.columns]
        return rows


def fixed_effects(formula: str, variables: Variables, *, side: str = "1", constant: bool = True) -> FixedEffects:
    """Build the fixed effects of single stimuli, M, or of pairs, M(a) − M(b) plus the terms of ``side``.

    Parameters
    ----------
    formula
        Right-hand side without random terms, such as ``system * task_family + length``.
    side
        For pairs: terms of the row that shift the preference for the left text, such as ``1 + position``; ``0`` for
        none.
    constant
        False takes the intercept out after coding, also after ``0 +`` (the thresholds of a cumulative model hold it).

    Raises
    ------
    FormulaError
        A factor of one level, numbers that overflow, a term of ``side`` that differs between the sides.
    """
    _check_levels(formula, variables)
    if not variables.pairs:
        matrix, names, terms, model = _code(formula, variables.frames[0], intercept=not constant)
        keep = np.array([constant or name != INTERCEPT for name in names], dtype=bool)
        return _select(matrix, names, terms, keep=keep, model=model)
    stacked, names, terms, model = _code(formula, variables.stacked(), intercept=True)
    matrix = stacked[: stacked.shape[0] // 2] - stacked[stacked.shape[0] // 2 :]
    keep = np.abs(matrix).max(axis=0, initial=0.0) > 0.0
    notes = _cancelled(formula, [term for term, kept in zip(terms, keep, strict=True) if not kept], variables)
    utility = _select(matrix, names, terms, keep=keep, model=model)
    left, left_names = _side(side, variables, constant=constant)
    return FixedEffects(
        matrix=np.column_stack([left, utility.matrix]),
        names=left_names + utility.names,
        terms=left_names + utility.terms,
        utility=np.arange(len(left_names) + len(utility.names)) >= len(left_names),
        columns=utility.columns,
        model=model,
        notes=notes,
    )


def code_columns(
    formula: str, frame: pd.DataFrame, *, intercept: bool = False
) -> tuple[FloatArray, tuple[str, ...], tuple[str, ...]]:
    """Return the columns of a formula with their names and terms, coded as beside an intercept if asked."""
    return _code(formula, frame, intercept=intercept)[:3]


def _select(
    matrix: FloatArray, names: tuple[str, ...], terms: tuple[str, ...], *, keep: np.ndarray, model: Any
) -> FixedEffects:
    columns = np.flatnonzero(keep)
    return FixedEffects(
        matrix=matrix[:, columns],
        names=tuple(names[column] for column in columns),
        terms=tuple(terms[column] for column in columns),
        utility=np.ones(columns.size, dtype=bool),
        columns=columns,
        model=model,
    )


def _code(
    formula: str, frame: pd.DataFrame, *, intercept: bool = False
) -> tuple[FloatArray, tuple[str, ...], tuple[str, ...], Any]:
    """Run formulaic; with ``intercept`` the coding is that of a model with an intercept even after ``0 +``."""
    from formulaic import Formula
    from formulaic.errors import FormulaicError

    try:
        parsed = Formula(formula)
        if intercept and "1" not in [str(term) for term in parsed]:
            parsed = Formula(["1", *(str(term) for term in parsed)])
        with np.errstate(all="ignore"):
            coded = parsed.get_model_matrix(frame, context={}, output="numpy", na_action="ignore")
    except FormulaicError as error:
        reason = _COLOURS.sub("", str(error)).strip().splitlines()[0]
        raise FormulaError(f"formula {formula!r} cannot be used: {reason}") from error
    model = coded.model_spec
    matrix = np.asarray(coded, dtype=np.float64).reshape(len(frame), -1)
    names = tuple(_plain(name) for name in model.column_names)
    bad = ~np.isfinite(matrix)
    if bad.any():
        row, column = (int(place[0]) for place in np.nonzero(bad))
        raise FormulaError(f"{names[column]} is not a finite number in {bad.sum()} rows (first: row {row})")
    terms = [str(term) for term, where in model.term_slices.items() for _ in range(where.stop - where.start)]
    return matrix, names, tuple(INTERCEPT if term == "1" else term for term in terms), model


def _plain(name: str) -> str:
    """Write ``system[b]`` for formulaic's ``system[T.b]`` and R's ``systemb``; whole numbers without a point."""
    return INTERCEPT if name == "Intercept" else _WHOLE.sub(r"[\1]", name.replace("[T.", "["))


def _check_levels(formula: str, variables: Variables) -> None:
    frame = variables.stacked()
    for name in variables_of(formula):
        levels = levels_of(frame[name])
        if levels is not None and len(levels) < 2:  # noqa: PLR2004
            raise FormulaError(f"{name} has one level ({levels[0]!r}) in these rows: take it out of the formula")


def _cancelled(formula: str, terms: list[str], variables: Variables) -> tuple[str, ...]:
    """Name the terms that cancel, unless they only came along in an interaction written with ``*``."""
    written = {piece.replace(" ", "") for piece in top_level_terms(formula)}
    gone = []
    for term in dict.fromkeys(terms):
        on_side = bool(variables.varying & set(variables_of(term))) if term != INTERCEPT else False
        if on_side or term.replace(" ", "") in written - {"1"}:
            gone.append(term)
    if not gone:
        return ()
    text = (
        f"{', '.join(gone)} left out: the same on both sides of every pair, so it cancels "
        "(its effect on the preference for the left text would be a term of side)"
    )
    return (text,)


def _side(side: str, variables: Variables, *, constant: bool) -> tuple[FloatArray, tuple[str, ...]]:
    frame = variables.frames[0]
    for name in variables_of(side):
        if name in variables.varying:
            raise FormulaError(f"side = {side!r}: {name} differs between the two sides and belongs in the formula")
    matrix, names, _, _ = _code(side, frame)
    keep = [index for index, name in enumerate(names) if constant or name != INTERCEPT]
    labels = tuple(SIDE if names[index] == INTERCEPT else f"side:{names[index]}" for index in keep)
    return matrix[:, keep], labels
