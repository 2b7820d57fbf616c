"""Outputs from a CSV file: comma, semicolon or tab; UTF-8; cells may hold line breaks; may be packed with gzip."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

from annotations.errors import Problem
from annotations.registry import OutputRecord, Source, sources

from .columns import KNOWN, PREFIX, Columns
from .files import CUT_SHORT, LONGEST_RECORD, Lines, RecordTooLongError, damage, is_broken, open_text, refusal

DELIMITERS = ",;\t"
BROKEN = (csv.Error, RecordTooLongError, *CUT_SHORT)
STOPPED = "the rest of the file was not read"
# The limit belongs to the whole process; Lines never hands over a longer cell, so that it is never the one to stop us.
csv.field_size_limit(max(csv.field_size_limit(), LONGEST_RECORD))


@sources.register
class CsvFile(Source):
    """One output per row, under a header."""

    name = "csv"
    label = "CSV"
    suffixes = (".csv", ".csv.gz", ".tsv", ".tsv.gz")

    def records(self, path: Path, *, file: str) -> Iterator[OutputRecord | Problem]:
        """Yield the rows; what breaks the structure of the file ends the reading."""
        with open_text(path, file=file) as stream:
            lines = Lines(stream)
            rows, columns = _header(lines, file=file)
            yield from columns.header_problems()
            number = 0
            while True:
                lines.begin()
                try:
                    cells = next(rows, None)
                except BROKEN as error:
                    yield _broken(error, columns, row=number + 1, delimiter=rows.dialect.delimiter)
                    return
                if cells is None:
                    return
                if cells:
                    number += 1
                    yield from _row(cells, columns, row=number, line=rows.line_num, bad=lines.bad)


def _header(lines: Lines, *, file: str) -> tuple[Any, Columns]:
    try:
        first = next(lines, "")
        rows = csv.reader(chain([first], lines), delimiter=sniff(first), strict=True)
        names = tuple(next(rows, []))
    except RecordTooLongError as error:
        raise refusal(file, f"the header is {error}; this is no CSV file") from error
    except BROKEN as error:
        reason = damage(error) if isinstance(error, CUT_SHORT) else _quoting(error)
        raise refusal(file, f"the header cannot be read: {reason}") from error
    if lines.bad:
        raise refusal(file, f"the header cannot be read: {lines.bad}")
    return rows, Columns(file, names)


def sniff(header: str) -> str:
    """Return the delimiter under which the header names most known columns, then most columns at all."""

    def score(delimiter: str) -> tuple[int, int]:
        names = [name.strip().lower() for name in next(csv.reader([header], delimiter=delimiter), [])]
        return sum(name in KNOWN or name.startswith(PREFIX) for name in names), len(names)

    return max(DELIMITERS, key=score)


def _row(cells: list[str], columns: Columns, *, row: int, line: int, bad: str) -> Iterator[OutputRecord | Problem]:
    width = len(columns.names)
    if not any(cells):
        yield Problem(columns.file, row, "", f"the row is empty (line {line}); leave it out")
    elif len(cells) != width:
        reason = f"has {len(cells)} fields, the header has {width} (line {line}); quote cells that hold the delimiter"
        yield Problem(columns.file, row, "", reason)
    elif bad:
        place = next((place for place, cell in enumerate(cells) if is_broken(cell)), 0)
        yield Problem(columns.file, row, columns.names[place], bad)
    else:
        yield from columns.read(row, cells)


def _broken(error: Exception, columns: Columns, *, row: int, delimiter: str) -> Problem:
    """Say what broke the structure; of a row that is too long, in which cell."""
    if isinstance(error, RecordTooLongError):
        cells = next(csv.reader(error.text.splitlines(keepends=True), delimiter=delimiter), [])
        place = min(len(cells), len(columns.names)) - 1
        reason = f"the row is {error}; is a quotation mark not closed? {STOPPED}"
        return Problem(columns.file, row, columns.names[place], reason)
    reason = _quoting(error) if isinstance(error, csv.Error) else damage(error)
    return Problem(columns.file, row, "", f"{reason}; {STOPPED}")


def _quoting(error: Exception) -> str:
    if "unexpected end of data" in str(error):
        return "a quotation mark is opened and never closed"
    if "new-line character" in str(error):
        return "the lines end in a bare carriage return; save the file with the line ends of Windows or Unix"
    return f"the quotation marks are wrong ({error}); write a quotation mark inside a cell twice"
