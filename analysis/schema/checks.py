"""The check of a table: its header, its types, its cells, and whether its rows agree with one another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from analysis.schema.columns import COLUMNS, KINDS, MEASURES, NAMES, PAIRWISE, SINGLE, Column, Issue, SchemaError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    Rule = tuple[pd.Series, str, str]

_FILLED: Final = ("judgement", "rater", "prompt", "dimension", "system_a", "output_a")
_TRUE: Final = frozenset({"true", "1", "1.0", "t", "yes"})
_FALSE: Final = frozenset({"false", "0", "0.0", "f", "no", ""})


def check_header(frame: pd.DataFrame, *, source: str) -> None:
    """Refuse a table without rows, without a column it needs, or with the same column twice."""
    missing = [column.name for column in COLUMNS if column.default is None and column.name not in frame.columns]
    if missing:
        raise SchemaError(
            [Issue(1, name, "the column is missing: add it to the header") for name in missing], source=source
        )
    twice = [str(name) for name in frame.columns[frame.columns.duplicated()] if name in NAMES]
    if twice:
        raise SchemaError([Issue(1, name, "the column occurs twice: keep one") for name in twice], source=source)
    if len(frame) == 0:
        raise SchemaError([Issue(None, "-", "there is no row: export the judgements first")], source=source)


def cast(frame: pd.DataFrame) -> tuple[pd.DataFrame, list[Issue]]:
    """Return the columns of the schema in their types, and every cell that cannot be read as its type."""
    import pandas as pd

    issues: list[Issue] = []
    columns: dict[str, pd.Series] = {}
    for column in COLUMNS:
        if column.name not in frame.columns:
            columns[column.name] = pd.Series(column.default, index=frame.index, dtype=column.dtype)
            continue
        values, faults = _cast_column(frame[column.name], column)
        columns[column.name] = values
        issues += faults
    return pd.DataFrame(columns), issues


def _cast_column(values: pd.Series, column: Column) -> tuple[pd.Series, list[Issue]]:
    import numpy as np
    import pandas as pd

    if column.dtype == "str":
        return values.astype(object).where(values.notna(), "").astype(str).astype("str"), []
    if column.dtype == "bool":
        text = values.astype(object).where(values.notna(), "").astype(str).str.strip().str.lower()
        bad = ~text.isin(_TRUE | _FALSE)
        return text.isin(_TRUE), [
            _cell(i, column.name, f"{values[i]!r} is not true or false") for i in np.flatnonzero(bad)
        ]
    number = pd.to_numeric(values.where(values.astype(str) != "", None), errors="coerce").astype("float64")
    given = values.notna() & ~values.astype(str).str.strip().str.lower().isin({"", "nan"})
    bad = given & number.isna()
    if isinstance(column.default, int):
        number = number.where(given, column.default)
    if column.default == column.default:  # only a column whose default is NaN may hold it
        bad |= ~np.isfinite(number)
    if column.dtype == "int64":
        bad |= number.isna() | (number != number.round())
        kind = "a whole number"
    else:
        kind = "a number"
    issues = [_cell(i, column.name, f"{values[i]!r} is not {kind}") for i in np.flatnonzero(bad)]
    return (number.astype("int64") if column.dtype == "int64" and not issues else number), issues


def _cell(index: Any, column: str, reason: str) -> Issue:
    return Issue(int(index) + 2, column, reason)


def check_cells(frame: pd.DataFrame) -> list[Issue]:
    """Return every cell that its row does not allow."""
    import numpy as np

    rules = [(_blank(frame[name]), name, "is empty: every row needs it") for name in _FILLED]
    rules += [
        (~frame["kind"].isin(KINDS), "kind", f"must be one of {', '.join(KINDS)}"),
        (~frame["measure"].isin(MEASURES), "measure", f"must be one of {', '.join(MEASURES)}"),
        (frame["position"] < 1, "position", "counts from 1"),
        (frame["slot"] < 0, "slot", "counts from 1 (0 = unknown)"),
        (frame["round"] < 0, "round", "counts from 1 (0 = no rounds)"),
        (frame["seconds"] < 0, "seconds", "is negative"),
        (frame["length_a"] < 0, "length_a", "is negative"),
        (frame["length_b"] < 0, "length_b", "is negative"),
        *_pair_rules(frame),
        *_single_rules(frame),
    ]
    return [_cell(i, column, reason) for bad, column, reason in rules for i in np.flatnonzero(bad)]


def _pair_rules(frame: pd.DataFrame) -> list[Rule]:
    pair = frame["measure"].isin(PAIRWISE)
    choice, graded = frame["measure"] == "pairwise_choice", frame["measure"] == "pairwise_graded"
    answer, levels = frame["answer"], frame["levels"]
    return [
        (pair & _blank(frame["system_b"]), "system_b", "is empty: a pair needs both systems"),
        (pair & _blank(frame["output_b"]), "output_b", "is empty: a pair needs both outputs"),
        (frame["output_a"] == frame["output_b"], "output_b", "is the same output as output_a"),
        (pair & (levels < 2), "levels", "must be at least 2"),  # noqa: PLR2004
        (choice & ~levels.isin([2, 3]), "levels", "a forced choice has 2 levels, or 3 with a tie"),
        (choice & ~answer.isin([0.0, 0.5, 1.0]), "answer", "a forced choice is 1 (a), 0 (b) or 0.5 (tie)"),
        (choice & (answer == 0.5) & (levels == 2), "answer", "a tie needs levels = 3"),  # noqa: PLR2004
        (graded & (answer != answer.round()), "answer", "a graded preference is a whole number"),
        (graded & (answer.abs() > levels // 2), "answer", "is beyond the outermost level: see levels"),
        (graded & (answer == 0) & (levels % 2 == 0), "answer", "an even number of levels has no mid-point 0"),
    ]


def _single_rules(frame: pd.DataFrame) -> list[Rule]:
    single, named = frame["measure"].isin(SINGLE), frame["measure"].isin((*SINGLE, "nominal"))
    answer, levels = frame["answer"], frame["levels"]
    without = _blank(frame["system_b"])
    return [
        (single & ~without, "system_b", "must be empty: this measure is about one output (pairs: pairwise_graded)"),
        (without & ~_blank(frame["output_b"]), "output_b", "must be empty when system_b is"),
        (~without & _blank(frame["output_b"]), "output_b", "is empty although system_b is not"),
        (single & (levels < 2), "levels", "must be at least 2: the number of levels, or of ranks"),  # noqa: PLR2004
        (named & (answer != answer.round()), "answer", "must be a whole number: a level or a rank, from 1"),
        (named & ((answer < 1) | (answer > levels)), "answer", "must lie between 1 and levels"),
    ]


def _blank(text: pd.Series) -> pd.Series:
    return text.str.strip() == ""


def check_consistency(frame: pd.DataFrame) -> list[Issue]:
    """Return every cell that contradicts another row."""
    import numpy as np

    single = _blank(frame["system_b"])
    twice = frame.duplicated(["judgement", "dimension", "output_a"]) | (
        ~single & frame.duplicated(["judgement", "dimension"])
    )
    issues = [_cell(i, "judgement", "occurs twice for this dimension: remove one") for i in np.flatnonzero(twice)]
    for name in ("measure", "levels"):
        first = frame.groupby("dimension")[name].transform("first")
        differs = frame[name] != first
        if name == "levels":
            differs &= frame["measure"] != "ranking"  # some rankings may be of more outputs than others
        issues += [
            _cell(i, name, f"differs from {first[i]!r}, which the dimension {frame['dimension'][i]!r} has above")
            for i in np.flatnonzero(differs)
        ]
    return issues + list(_check_shapes(frame)) + list(_check_judgements(frame)) + list(_check_outputs(frame))


def _check_shapes(frame: pd.DataFrame) -> Iterator[Issue]:
    """A dimension shows one output at a time or two, never now one and now two."""
    shapes = frame.assign(single=_blank(frame["system_b"]))[["dimension", "single"]].drop_duplicates()
    for index in shapes.index[shapes.duplicated("dimension")]:
        yield _cell(index, "system_b", "is empty in some rows of this dimension only: give pairs their own dimension")


def _check_judgements(frame: pd.DataFrame) -> Iterator[Issue]:
    """One judgement is one rater's, about one prompt."""
    homes = frame[["judgement", "rater", "prompt"]].drop_duplicates()
    for index in homes.index[homes.duplicated("judgement")]:
        yield _cell(index, "judgement", "stands elsewhere under another rater or prompt: identifiers must be unique")


def _check_outputs(frame: pd.DataFrame) -> Iterator[Issue]:
    """One output belongs to one system and one prompt, whichever side it was shown on."""
    home: dict[str, tuple[str, str]] = {}
    for side in "ab":
        names = [f"output_{side}", f"system_{side}", "prompt"]
        unique = frame[names].drop_duplicates()
        for index, output, system, prompt in unique.itertuples(name=None):
            known = home.setdefault(output, (system, prompt))
            if output and known != (system, prompt):
                reason = f"output {output!r} stands elsewhere under system {known[0]!r} and prompt {known[1]!r}"
                yield _cell(index, names[0], reason)
