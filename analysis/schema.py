"""The long table, one row per judgement and dimension: its columns, their meaning, and the check of a file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

KINDS: Final = ("main", "practice", "attention", "repeat")
PAIRWISE: Final = ("pairwise_choice", "pairwise_graded")
MEASURES: Final = (*PAIRWISE, "interval", "ordinal", "nominal", "ranking")
MAX_ISSUES: Final = 50


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the long table; ``default`` None means that the column must be there."""

    name: str
    dtype: str
    meaning: str
    default: str | float | bool | None = None


COLUMNS: Final[tuple[Column, ...]] = (
    Column("study", "str", "name of the study", ""),
    Column("design_hash", "str", "SHA-256 of the frozen design", ""),
    Column("judgement", "str", "identifier of the judgement (one trial answered by one rater)"),
    Column("rater", "str", "pseudonym of the rater"),
    Column("booklet", "str", "identifier of the booklet", ""),
    Column("position", "int64", "place of the trial in its booklet, from 1", 1),
    Column("kind", "str", "main, practice, attention or repeat", "main"),
    Column("task", "str", "identifier of the set of outputs judged together", ""),
    Column("prompt", "str", "identifier of the prompt"),
    Column("task_family", "str", "family of the prompt, empty if none", ""),
    Column("dimension", "str", "what was judged (originality, …)"),
    Column("question_type", "str", "how it was asked (the plug-in's name)", ""),
    Column("measure", "str", "kind of answer; decides the model"),
    Column("system_a", "str", "system of the output shown left or first"),
    Column("output_a", "str", "identifier of the output shown left or first"),
    Column("system_b", "str", "system of the output shown right or second, empty for a single stimulus"),
    Column("output_b", "str", "identifier of the output shown right or second"),
    Column("answer", "float64", "choice: 1 = a, 0 = b, 0.5 = tie; graded: +m = a much more … -m = b much more"),
    Column("levels", "int64", "number of answer levels: 2, 3 with tie, 5, 7, 4 = 5 without mid-point"),
    Column("seconds", "float64", "active time on the trial, NaN if unknown", float("nan")),
    Column("late", "bool", "given after the lease had lapsed or the study was closed", default=False),
    Column("excluded", "bool", "a recorded decision leaves this judgement out", default=False),
    Column("exclusion_reason", "str", "why, empty if not excluded", ""),
)
NAMES: Final = tuple(column.name for column in COLUMNS)
_FILLED: Final = ("judgement", "rater", "prompt", "dimension", "system_a", "output_a")
_TRUE: Final = frozenset({"true", "1", "1.0", "t", "yes"})
_FALSE: Final = frozenset({"false", "0", "0.0", "f", "no", ""})


@dataclass(frozen=True, slots=True)
class Issue:
    """One fault: row (the header is row 1, as in a spreadsheet; None for the whole table), column and reason."""

    row: int | None
    column: str
    reason: str

    def __str__(self) -> str:
        """Say where and what in one line."""
        where = f"row {self.row}, " if self.row is not None else ""
        return f"{where}column {self.column!r}: {self.reason}"


class SchemaError(ValueError):
    """The table does not keep to the schema of judgements."""

    def __init__(self, issues: list[Issue], *, source: str = "table") -> None:
        """Keep the issues for a caller that shows them one by one."""
        self.issues = tuple(issues)
        self.source = source
        shown = [f"  {issue}" for issue in self.issues[:MAX_ISSUES]]
        if len(self.issues) > MAX_ISSUES:
            shown.append(f"  … and {len(self.issues) - MAX_ISSUES} more")
        head = f"{source} is not a valid table of judgements ({len(self.issues)} faults; the header is row 1):"
        super().__init__("\n".join([head, *shown]))


def validate(frame: pd.DataFrame, *, source: str = "table") -> pd.DataFrame:
    """Return the table with exactly the schema's columns and types; raise :class:`SchemaError` naming every fault.

    Columns with a default may be missing (they are filled in); columns that the schema does not know are left out.
    """
    _check_header(frame, source=source)
    typed, issues = _cast(frame.reset_index(drop=True))
    issues += _check_cells(typed) if not issues else []
    issues += _check_consistency(typed) if not issues else []
    if issues:
        raise SchemaError(sorted(issues, key=lambda issue: (issue.row or 0, issue.column)), source=source)
    return typed


def empty() -> pd.DataFrame:
    """Return a table of no rows with the right columns and types."""
    import pandas as pd

    return pd.DataFrame({column.name: pd.Series(dtype=column.dtype) for column in COLUMNS})


def read(path: Path | str) -> pd.DataFrame:
    """Read and validate a CSV or Parquet file, by its ending; faults name the file."""
    import pandas as pd

    path = Path(path)
    if not path.is_file():
        raise SchemaError([Issue(None, "-", "no such file: check the path")], source=str(path))
    try:
        if path.suffix.lower() in {".parquet", ".pq"}:
            frame = pd.read_parquet(path)
        else:
            frame = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8")
    except (ValueError, OSError) as error:
        reason = f"cannot be read ({type(error).__name__}: {error}): save it as UTF-8 CSV or as Parquet"
        raise SchemaError([Issue(None, "-", reason)], source=path.name) from error
    return validate(frame, source=path.name)


def write(frame: pd.DataFrame, path: Path | str) -> None:
    """Write the table as CSV or Parquet, by the ending of the path."""
    path = Path(path)
    frame = frame[list(NAMES)]
    if path.suffix.lower() in {".parquet", ".pq"}:
        frame.to_parquet(path, index=False)
    else:
        frame.to_csv(path, index=False, encoding="utf-8", lineterminator="\n")


def _check_header(frame: pd.DataFrame, *, source: str) -> None:
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


def _cast(frame: pd.DataFrame) -> tuple[pd.DataFrame, list[Issue]]:
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
    if column.name != "seconds":
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


def _check_cells(frame: pd.DataFrame) -> list[Issue]:
    import numpy as np

    pair = frame["measure"].isin(PAIRWISE)
    choice, graded = frame["measure"] == "pairwise_choice", frame["measure"] == "pairwise_graded"
    answer, levels = frame["answer"], frame["levels"]
    rules: list[tuple[pd.Series, str, str]] = [
        (frame[name].str.strip() == "", name, "is empty: every row needs it") for name in _FILLED
    ]
    rules += [
        (~frame["kind"].isin(KINDS), "kind", f"must be one of {', '.join(KINDS)}"),
        (~frame["measure"].isin(MEASURES), "measure", f"must be one of {', '.join(MEASURES)}"),
        (frame["position"] < 1, "position", "counts from 1"),
        (frame["seconds"] < 0, "seconds", "is negative"),
        (pair & (frame["system_b"].str.strip() == ""), "system_b", "is empty: a pair needs both systems"),
        (pair & (frame["output_b"].str.strip() == ""), "output_b", "is empty: a pair needs both outputs"),
        (pair & (frame["output_a"] == frame["output_b"]), "output_b", "is the same output as output_a"),
        (pair & (levels < 2), "levels", "must be at least 2"),  # noqa: PLR2004
        (choice & ~levels.isin([2, 3]), "levels", "a forced choice has 2 levels, or 3 with a tie"),
        (choice & ~answer.isin([0.0, 0.5, 1.0]), "answer", "a forced choice is 1 (a), 0 (b) or 0.5 (tie)"),
        (choice & (answer == 0.5) & (levels == 2), "answer", "a tie needs levels = 3"),  # noqa: PLR2004
        (graded & (answer != answer.round()), "answer", "a graded preference is a whole number"),
        (graded & (answer.abs() > levels // 2), "answer", "is beyond the outermost level: see levels"),
        (graded & (answer == 0) & (levels % 2 == 0), "answer", "an even number of levels has no mid-point 0"),
    ]
    return [_cell(i, column, reason) for bad, column, reason in rules for i in np.flatnonzero(bad)]


def _check_consistency(frame: pd.DataFrame) -> list[Issue]:
    import numpy as np

    twice = frame.duplicated(["judgement", "dimension"])
    issues = [_cell(i, "judgement", "occurs twice for this dimension: remove one") for i in np.flatnonzero(twice)]
    for name in ("measure", "levels"):
        first = frame.groupby("dimension")[name].transform("first")
        issues += [
            _cell(i, name, f"differs from {first[i]!r}, which the dimension {frame['dimension'][i]!r} has above")
            for i in np.flatnonzero(frame[name] != first)
        ]
    return issues + list(_check_outputs(frame))


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
