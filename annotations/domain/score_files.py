"""Files of scores as rows of named cells: CSV and TSV, JSON lines, Parquet; packed with gzip or not; streamed."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from annotations.errors import Problem
from annotations.plugins.sources.columns import json_fault, no_constant, unique_pairs
from annotations.plugins.sources.csv_file import sniff
from annotations.plugins.sources.files import (
    CUT_SHORT,
    Lines,
    RecordTooLongError,
    check_file,
    damage,
    each_line,
    open_text,
    refusal,
)
from annotations.registry.cells import kind_of

CSV = (".csv", ".csv.gz", ".tsv", ".tsv.gz")
JSONL = (".jsonl", ".jsonl.gz", ".ndjson", ".ndjson.gz")
PARQUET = (".parquet", ".pq")
SUFFIXES = CSV + JSONL + PARQUET
BATCH = 2000


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its number from 1, and its cells by the names of the columns, blanks around them cut."""

    number: int
    cells: dict[str, Any]


def rows_of(path: Path, *, file: str) -> Iterator[Row | Problem]:
    """Yield the rows; raises MaterialRefused for a file that cannot be read at all."""
    name = file.lower()
    if name.endswith(CSV):
        yield from _csv(path, file=file)
    elif name.endswith(JSONL):
        yield from _jsonl(path, file=file)
    elif name.endswith(PARQUET):
        yield from _parquet(path, file=file)
    else:
        raise refusal(file, f"the ending of the file's name is not known; bring one of {', '.join(SUFFIXES)}")


def _csv(path: Path, *, file: str) -> Iterator[Row | Problem]:
    with open_text(path, file=file) as stream:
        lines, number = Lines(stream), 0
        try:
            first = next(lines, "")
            reader = csv.reader(chain([first], lines), delimiter=sniff(first), strict=True)
            names = _names(next(reader, []), file=file)
            while True:
                lines.begin()
                cells = next(reader, None)
                if cells is None:
                    return
                if not any(cells):
                    continue
                number += 1
                if lines.bad:
                    yield Problem(file, number, "", lines.bad)
                elif len(cells) != len(names):
                    yield Problem(file, number, "", f"has {len(cells)} fields, the header has {len(names)}")
                else:
                    yield Row(number, dict(zip(names, cells, strict=True)))
        except RecordTooLongError as error:
            yield Problem(file, number + 1, "", f"the row is {error}; the rest of the file was not read")
        except csv.Error as error:
            yield Problem(file, number + 1, "", f"the quotation marks are wrong ({error}); the rest was not read")
        except CUT_SHORT as error:
            yield Problem(file, number + 1, "", damage(error))


def _names(cells: list[str], *, file: str) -> list[str]:
    names = [cell.strip() for cell in cells]
    for name in names:
        if name and names.count(name) > 1:
            raise refusal(file, "the column is there twice", column=name)
    return names


def _jsonl(path: Path, *, file: str) -> Iterator[Row | Problem]:
    with open_text(path, file=file) as stream:
        for number, line in enumerate(each_line(stream), start=1):
            yield Problem(file, number, "", line.fault) if line.fault else _object(line.text, number, file=file)


def _object(line: str, number: int, *, file: str) -> Row | Problem:
    try:
        found = json.loads(line, object_pairs_hook=unique_pairs, parse_constant=no_constant)
    except (ValueError, RecursionError) as error:
        return Problem(file, number, "", f"is not JSON: {json_fault(error)}")
    if not isinstance(found, dict):
        return Problem(file, number, "", f"must be a JSON object, is {kind_of(found)}")
    return Row(number, {str(name).strip(): value for name, value in found.items()})


def _parquet(path: Path, *, file: str) -> Iterator[Row | Problem]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    check_file(path, file=file)
    number = 0
    try:
        with pq.ParquetFile(path) as reader:
            names = _names(list(reader.schema_arrow.names), file=file)
            for batch in reader.iter_batches(batch_size=BATCH, use_threads=False):
                columns = [column.to_pylist() for column in batch.columns]
                for cells in zip(*columns, strict=True):
                    number += 1
                    yield Row(number, dict(zip(names, cells, strict=True)))
    except (pa.ArrowException, OSError, UnicodeDecodeError, OverflowError) as error:
        reason = f"is no Parquet file, or a damaged one: {str(error).strip().splitlines()[0][:200]}"
        raise refusal(file, reason, row=number and number + 1) from error
