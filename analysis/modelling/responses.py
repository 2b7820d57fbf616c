"""What is answered, as numbers: which rows of a long table count, which family fits, how categories are numbered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from analysis.design import FormulaError
from analysis.design.fixed import code_columns
from analysis.design.frame import levels_of
from analysis.schema import PAIRWISE

if TYPE_CHECKING:
    import pandas as pd

    from analysis.design import Design
    from analysis.models.ordinal import ThresholdKind
    from analysis.models.specification import Family
    from analysis.results import FloatArray

LONG: Final = ("judgement", "dimension", "measure", "kind", "excluded", "answer")
"""Columns by which a long table of judgements is told from any other table."""
TIE: Final = 0.5


@dataclass(frozen=True)
class Response:
    """Answers as a model takes them, (n,); ``labels`` name categories; counts have ``successes`` out of ``trials``."""

    values: FloatArray
    labels: tuple[str, ...] = ()
    successes: FloatArray | None = None
    trials: FloatArray | None = None


def judgements(table: pd.DataFrame, dimension: str | None) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Return the rows of a long table that count (main trials, not excluded, one dimension), and what was left out.

    Any other table is returned as it is.
    """
    if not set(LONG) <= set(table.columns):
        if dimension is not None:
            raise FormulaError("dimension= is for a long table of judgements (see analysis.schema)")
        return table, ()
    known = sorted(set(table["dimension"]))
    if dimension is None and len(known) > 1:
        raise FormulaError(f"the table has several dimensions: choose with dimension= one of {', '.join(known)}")
    if dimension is not None and dimension not in known:
        raise FormulaError(f"there is no dimension {dimension!r}: the table has {', '.join(known)}")
    rows = table[table["dimension"] == (dimension or known[0])]
    kept = rows[(rows["kind"] == "main") & ~rows["excluded"].astype(bool)]
    left = len(rows) - len(kept)
    notes = (f"{left} of {len(rows)} judgements left out: practice, attention, repeats or excluded",) if left else ()
    return kept, notes


def family_of(table: pd.DataFrame) -> Family:
    """Return the family that the measure of a long table asks for, ``gaussian`` for any other table."""
    if not set(LONG) <= set(table.columns) or not len(table):
        return "gaussian"
    measure = str(table["measure"].iloc[0])
    if measure == "pairwise_choice":
        return "cumulative" if (table["answer"] == TIE).any() else "binomial"
    if measure in PAIRWISE or measure == "ordinal":
        return "cumulative"
    if measure == "interval":
        return "gaussian"
    raise FormulaError(f"measure {measure!r} has no mixed model: rankings have analysis.models.plackett_luce")


def code_response(design: Design, *, family: Family, thresholds: ThresholdKind) -> Response:
    """Return the answers of a design for a family.

    Numbers for ``gaussian``; 0 and 1 for ``binomial`` (of two categories the second is success, as in R; counts come by
    ``cbind``); categories from 0 for ``cumulative``, in numerical or given order, completed to a scale that mirrors
    about its middle for symmetric thresholds.
    """
    parts = [_column(design, text) for text in design.formula.response]
    if not parts:
        raise FormulaError(f"formula {design.formula} has no response: write answer ~ …")
    if len(parts) > 1:
        if family != "binomial":
            raise FormulaError("cbind(successes, failures) is for family='binomial'")
        return _counts(*(_numbers(part, "cbind") for part in parts))
    name = design.formula.response[0]
    if family == "gaussian":
        return Response(_numbers(parts[0], name))
    if family == "binomial":
        return Response(_success(parts[0], name))
    return _categories(parts[0], name, mirrored=thresholds == "symmetric")


def _column(design: Design, text: str) -> pd.Series:
    import pandas as pd

    frame = design.variables.frames[0]
    if text.strip("`") in frame.columns:
        return frame[text.strip("`")]
    matrix, names, _ = code_columns(f"0 + I({text})", frame)
    if len(names) != 1:
        raise FormulaError(f"response {text!r} is not one column of numbers")
    return pd.Series(matrix[:, 0])


def _numbers(values: pd.Series, name: str) -> FloatArray:
    if levels_of(values) is not None:
        raise FormulaError(f"{name} holds categories, not numbers: use family='binomial' or family='cumulative'")
    return values.to_numpy(dtype=np.float64)


def _counts(successes: FloatArray, failures: FloatArray) -> Response:
    both = np.concatenate([successes, failures])
    if (both < 0.0).any() or (both != np.round(both)).any():
        raise FormulaError("cbind(successes, failures) needs whole numbers that are not negative")
    return Response(successes, successes=successes, trials=successes + failures)


def _success(values: pd.Series, name: str) -> FloatArray:
    levels = levels_of(values)
    if levels is not None:
        if len(levels) != 2:  # noqa: PLR2004
            raise FormulaError(f"{name} has {len(levels)} categories, a binomial response has two: use 'cumulative'")
        return np.asarray(values.cat.codes, dtype=np.float64)
    numbers = values.to_numpy(dtype=np.float64)
    if (numbers == TIE).any() and np.isin(numbers, (0.0, TIE, 1.0)).all():
        raise FormulaError(f"{name} has ties (0.5): model them with family='cumulative', or leave these rows out")
    if not np.isin(numbers, (0.0, 1.0)).all():
        raise FormulaError(f"{name} must be 0 or 1; counts go in as cbind(successes, failures)")
    return numbers


def _categories(values: pd.Series, name: str, *, mirrored: bool) -> Response:
    levels = levels_of(values)
    if levels is None:
        numbers = values.to_numpy(dtype=np.float64)
        scale = np.unique(numbers)
        if mirrored:
            middle = TIE if np.isin(scale, (0.0, TIE, 1.0)).all() else 0.0
            scale = np.unique(np.concatenate([scale, 2.0 * middle - scale]))
        _at_least_two(scale.size, name)
        return Response(np.searchsorted(scale, numbers).astype(np.float64), tuple(f"{v:g}" for v in scale))
    _at_least_two(len(levels), name)
    codes, labels = values.cat.codes.to_numpy(), tuple(map(str, levels))
    if not values.cat.ordered and all(_is_number(label) for label in labels):
        order = np.argsort([float(label) for label in labels], kind="stable")
        codes, labels = np.argsort(order)[codes], tuple(labels[k] for k in order)
    return Response(codes.astype(np.float64), labels)


def _at_least_two(count: int, name: str) -> None:
    if count < 2:  # noqa: PLR2004
        raise FormulaError(f"{name} has one level only: there is nothing to explain")


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
