"""Files of outputs for tests, in every format."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from annotations.errors import MaterialRefused, Problem
from annotations.registry import OutputRecord, sources

Row = Mapping[str, Any]
FORMATS = ("csv", "jsonl", "parquet")


def three(**changes: Any) -> list[dict[str, Any]]:
    """Three sound rows: one prompt, three systems; `changes` go to the second."""
    rows = [
        {"prompt": "A brick", "system": name, "text": f"A use by {name}"} for name in ("vanilla", "steered", "human")
    ]
    rows[1] |= changes
    return rows


def names_of(rows: Sequence[Row]) -> list[str]:
    """All columns in the order in which they come."""
    return list(dict.fromkeys(name for row in rows for name in row))


def csv_bytes(rows: Sequence[Row], *, delimiter: str = ",", columns: Sequence[str] | None = None) -> bytes:
    names = list(columns or names_of(rows))
    file = io.StringIO(newline="")
    writer = csv.writer(file, delimiter=delimiter, quoting=csv.QUOTE_ALL)
    writer.writerow(names)
    writer.writerows([_cell(row.get(name)) for name in names] for row in rows)
    return file.getvalue().encode()


def _cell(value: Any) -> Any:
    return json.dumps(value) if isinstance(value, dict | list) else value


def jsonl_bytes(rows: Sequence[Row]) -> bytes:
    return b"".join(json.dumps(row, ensure_ascii=False).encode() + b"\n" for row in rows)


def parquet_table(rows: Sequence[Row]) -> pa.Table:
    return pa.table({name: [_cell(row.get(name)) for row in rows] for name in names_of(rows)})


def write(path: Path, rows: Sequence[Row]) -> Path:
    """Write rows in the format that the ending names."""
    endings = path.name.split(".")
    if "parquet" in endings:
        pq.write_table(parquet_table(rows), path)
        return path
    content = csv_bytes(rows) if "csv" in endings else jsonl_bytes(rows)
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


def read(path: Path, *, source: str | None = None) -> list[OutputRecord | Problem]:
    """Everything that a source yields; a refusal as its problems."""
    name = source or next(name for name in FORMATS if name in path.name.split("."))
    try:
        return list(sources.get(name).records(path, file=path.name))
    except MaterialRefused as refused:
        return list(refused.problems)


def problems(path: Path, *, source: str | None = None) -> list[tuple[int, str, str]]:
    """Row, column and reason of all that is wrong."""
    found = [item for item in read(path, source=source) if isinstance(item, Problem)]
    assert {problem.file for problem in found} <= {path.name}
    return [(problem.row, problem.column, problem.reason) for problem in found]
