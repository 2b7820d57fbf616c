"""The long table: its columns, their meaning, and the check of a file.

One row per judgement and dimension; what is asked of each output (a ranking, sliders under both texts of a pair)
has one row per judgement, dimension and output.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from analysis.schema.checks import cast, check_cells, check_consistency, check_header
from analysis.schema.columns import (
    ALWAYS_OUT,
    BY_HAND,
    COLUMNS,
    INCOMPLETE,
    KINDS,
    MAX_ISSUES,
    MEASURES,
    NAMES,
    PAIRWISE,
    SINGLE,
    TWO_LEVELS,
    WITHDRAWN,
    Column,
    Issue,
    SchemaError,
)

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "ALWAYS_OUT",
    "BY_HAND",
    "COLUMNS",
    "INCOMPLETE",
    "KINDS",
    "MAX_ISSUES",
    "MEASURES",
    "NAMES",
    "PAIRWISE",
    "SINGLE",
    "TWO_LEVELS",
    "WITHDRAWN",
    "Column",
    "Issue",
    "SchemaError",
    "empty",
    "read",
    "validate",
    "write",
]


def validate(frame: pd.DataFrame, *, source: str = "table") -> pd.DataFrame:
    """Return the table with exactly the schema's columns and types; raise :class:`SchemaError` naming every fault.

    Columns with a default may be missing (they are filled in); columns that the schema does not know are left out.
    """
    check_header(frame, source=source)
    typed, issues = cast(frame.reset_index(drop=True))
    issues += check_cells(typed) if not issues else []
    issues += check_consistency(typed) if not issues else []
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
