"""A CSV file as cells, strictly: what does not fit its header is refused with its row, and nothing is guessed."""

from __future__ import annotations

import csv
import gzip
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


class CellsError(ValueError):
    """The file is no table; names its row where it can, and says what to do."""


def read_cells(path: Path) -> pd.DataFrame:
    """Return a CSV file in UTF-8 (also ``.gz``) as text, every row with as many cells as the header.

    Raises
    ------
    CellsError
        With the row as a spreadsheet counts it, the header being row 1.
    OSError
        If the file cannot be opened.
    """
    import pandas as pd

    csv.field_size_limit(min(sys.maxsize, 2**31 - 1))  # a text may be long
    opened = gzip.open if path.suffix == ".gz" else Path.open
    rows: list[list[str]] = []
    try:
        with opened(path, mode="rt", encoding="utf-8-sig", newline="") as stream:
            rows.extend(csv.reader(stream, strict=True))
    except UnicodeDecodeError as error:
        message = f"is not UTF-8 after row {len(rows)}: save it again as CSV in UTF-8"
        raise CellsError(message) from error
    except csv.Error as error:
        message = f"row {len(rows) + 1}: {error}: put texts into quotation marks and double those inside"
        raise CellsError(message) from error
    while rows and not rows[-1]:
        rows.pop()
    if not rows:
        raise CellsError("is empty: the first row names the columns")
    header = rows[0]
    for number, row in enumerate(rows, start=1):
        if len(row) != len(header):
            raise CellsError(_misfit(number, row, header))
    return pd.DataFrame(rows[1:], columns=header, dtype=str)


def _misfit(number: int, row: list[str], header: list[str]) -> str:
    if not row:
        return f"row {number} is empty: take it out"
    return (
        f"row {number} has {len(row)} cells and the header {len(header)}: put texts that hold commas into quotation "
        "marks, and give every row a cell for each column"
    )
