"""The variables of a formula, looked up in a table of single stimuli or of pairs, checked and typed."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from analysis.design.formula import FormulaError

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd

    from analysis.numerics.structure import IntArray

SIDES: Final = ("_a", "_b")
Missing = Literal["drop", "refuse"]


@dataclass(frozen=True)
class Variables:
    """The variables of a formula, complete and typed, one row per answer.

    Attributes
    ----------
    frames
        One frame for single stimuli; two (a, then b) for pairs, which differ in ``varying`` only. Numbers are float,
        everything else is categorical with the same categories on both sides.
    varying
        Variables that have a value for each side of a pair.
    rows
        Positions in the table of the rows kept, shape (n,).
    notes
        What was left out, in words.
    """

    frames: tuple[pd.DataFrame, ...]
    varying: frozenset[str]
    rows: IntArray
    notes: tuple[str, ...] = ()

    @property
    def pairs(self) -> bool:
        """Return whether a row is a comparison of two texts."""
        return len(self.frames) > 1

    def stacked(self) -> pd.DataFrame:
        """Return both sides below each other, shape (2n, ·), or the single frame."""
        import pandas as pd

        return pd.concat(self.frames, ignore_index=True) if self.pairs else self.frames[0]


def look_up(frame: pd.DataFrame, names: Iterable[str], *, missing: Missing = "drop") -> Variables:
    """Find the variables ``names``; ``system`` is looked for as such, else as ``system_a`` and ``system_b``.

    Where the ``_b`` columns are empty or absent the rows are single stimuli. Raises :class:`FormulaError` for an
    unknown column, a mixture of pairs and single stimuli, missing values if ``missing`` is "refuse", and infinite
    numbers.
    """
    import pandas as pd

    names = tuple(names)
    varying = tuple(name for name in names if _find(frame, name))
    pairs = _are_pairs(frame, varying)
    columns = {name: [name + side for side in SIDES[: 1 + pairs]] if name in varying else [name] for name in names}
    rows, notes = _complete(frame, [column for found in columns.values() for column in found], missing=missing)
    parts: tuple[dict[str, pd.Series], ...] = ({}, {}) if pairs else ({},)
    for name, found in columns.items():
        typed = _typed([frame[column].iloc[rows] for column in found], name)
        for side, part in enumerate(parts):
            part[name] = typed[min(side, len(typed) - 1)]
    frames = tuple(pd.DataFrame(part, index=range(rows.size)) for part in parts)
    return Variables(frames, frozenset(varying) if pairs else frozenset(), rows, notes)


def levels_of(values: pd.Series) -> tuple[object, ...] | None:
    """Return the levels of a categorical variable, None for a number."""
    return tuple(values.cat.categories) if values.dtype == "category" else None


def _find(frame: pd.DataFrame, name: str) -> bool:
    """Return whether a variable stands in side columns; raise if it is nowhere."""
    if name in frame.columns:
        return False
    if name + SIDES[0] in frame.columns:
        return True
    known = [str(column) for column in frame.columns]
    known += [column.removesuffix("_a") for column in known if column.endswith("_a")]
    close = get_close_matches(name, known, n=1)
    hint = f"did you mean {close[0]!r}?" if close else f"the table has {', '.join(known)}"
    raise FormulaError(f"there is no column {name!r}: {hint}")


def _are_pairs(frame: pd.DataFrame, varying: tuple[str, ...]) -> bool:
    full = {}
    for name in varying:
        if name + SIDES[1] not in frame.columns:
            full[name] = np.zeros(len(frame), dtype=bool)
            continue
        values = frame[name + SIDES[1]]
        full[name] = (values.notna() & (values.astype(str).str.strip() != "")).to_numpy()
    if not any(here.any() for here in full.values()):
        return False
    for name, here in full.items():
        if not here.any():
            raise FormulaError(f"{name}_b is empty or absent while other variables have both sides: fill it in")
        text = frame[name + SIDES[1]].dtype.kind not in "fiu"
        if text and not here.all():
            first = int(np.flatnonzero(~here)[0])
            raise FormulaError(
                f"{name}_b is empty in {int((~here).sum())} rows (first: row {first}): "
                "analyse pairs and single stimuli apart"
            )
    return True


def _complete(frame: pd.DataFrame, columns: list[str], *, missing: Missing) -> tuple[IntArray, tuple[str, ...]]:
    absent = {column: frame[column].isna().to_numpy() for column in dict.fromkeys(columns)}
    bad = np.logical_or.reduce(list(absent.values())) if absent else np.zeros(len(frame), dtype=bool)
    if not bad.any():
        return _some(np.arange(len(frame))), ()
    where = ", ".join(f"{column} ({int(empty.sum())})" for column, empty in absent.items() if empty.any())
    text = f"{int(bad.sum())} of {len(frame)} rows have a missing value in {where}"
    if missing == "refuse":
        raise FormulaError(f"{text}: fill them in, or leave them out with missing='drop'")
    return _some(np.flatnonzero(~bad)), (f"{text}; left out",)


def _some(rows: IntArray) -> IntArray:
    if not rows.size:
        raise FormulaError("no row is left: every one lacks a variable of the formula")
    return rows


def _typed(parts: list[pd.Series], name: str) -> list[pd.Series]:
    """Make numbers float and all else categorical, with common categories."""
    import pandas as pd

    if all(part.dtype == "category" for part in parts) and len({tuple(p.cat.categories) for p in parts}) == 1:
        values = pd.Series(pd.concat(parts).array.remove_unused_categories())
    else:
        whole = pd.concat([part.astype(object) if part.dtype == "category" else part for part in parts])
        if pd.api.types.is_numeric_dtype(whole.dtype) and not pd.api.types.is_bool_dtype(whole.dtype):
            return [_finite(part, name) for part in parts]
        values = pd.Series(pd.Categorical(whole.array, categories=_sorted(whole, name)))
    pieces = np.split(np.arange(len(values)), len(parts))
    return [values.iloc[piece].reset_index(drop=True) for piece in pieces]


def _sorted(values: pd.Series, name: str) -> list[object]:
    try:
        return sorted(values.unique())
    except TypeError:
        kinds = sorted({type(value).__name__ for value in values.unique()})
        raise FormulaError(
            f"{name} mixes {' and '.join(kinds)}: make it one kind, for example with astype(str)"
        ) from None


def _finite(values: pd.Series, name: str) -> pd.Series:
    numbers = values.astype("float64")
    bad = np.flatnonzero(~np.isfinite(numbers.to_numpy()))
    if bad.size:
        raise FormulaError(f"{name} is infinite in {bad.size} rows (first: row {values.index[bad[0]]}): correct it")
    return numbers.reset_index(drop=True)
