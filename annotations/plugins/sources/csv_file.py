"""Outputs from a CSV file: comma, semicolon or tab; UTF-8; cells may hold line breaks; may be packed with gzip."""

from __future__ import annotations

import csv
import re
from collections.abc import Collection, Iterator
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO

from annotations.errors import Problem
from annotations.registry import OutputRecord, RawRow, Source, sources

from .columns import KNOWN, PREFIX, Columns
from .files import (
    CUT_SHORT,
    LONGEST_RECORD,
    Lines,
    RecordTooLongError,
    damage,
    is_broken,
    open_text,
    refusal,
    refuse_foreign,
)

DELIMITERS = ",;\t"
SEPARATOR = re.compile(r"sep=([,;\t])\s*", re.IGNORECASE)
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
    has_rows = True

    def records(self, path: Path, *, file: str) -> Iterator[OutputRecord | Problem]:
        """Yield the rows; what breaks the structure of the file ends the reading."""
        with open_text(path, file=file) as stream:
            lines = Lines(stream)
            rows, names = _header(lines, file=file, known=KNOWN)
            columns = Columns(file, names)
            yield from columns.header_problems()
            for item in _rows(lines, rows, names, file=file):
                if isinstance(item, Problem):
                    yield item
                else:
                    yield from columns.read(item.row, item.cells)

    def rows(
        self, stream: BinaryIO, *, file: str, wanted: Collection[str], welcome: Collection[str] = ()
    ) -> Iterator[RawRow | Problem]:
        """Yield the rows; the delimiter is the one under which most of the wanted columns are there."""
        refuse_foreign(stream, file=file)
        lines = Lines(stream)
        rows, names = _header(lines, file=file, known=[name.lower() for name in (*wanted, *welcome)])
        yield from _rows(lines, rows, names, file=file)


def _rows(lines: Lines, rows: Any, names: tuple[str, ...], *, file: str) -> Iterator[RawRow | Problem]:
    number = 0
    while True:
        lines.begin()
        try:
            cells = next(rows, None)
        except BROKEN as error:
            yield _broken(error, names, file=file, row=number + 1, delimiter=rows.dialect.delimiter)
            return
        if cells is None:
            return
        if cells:
            number += 1
            fault = _fault(cells, names, file=file, row=number, line=rows.line_num, bad=lines.bad)
            yield fault or RawRow(number, names, cells)


def _header(lines: Lines, *, file: str, known: Collection[str]) -> tuple[Any, tuple[str, ...]]:
    try:
        first = next(lines, "")
        said = SEPARATOR.fullmatch(first)
        if said:  # Excel's own line, which says what separates the cells
            first = next(lines, "")
        delimiter = said[1] if said else sniff(first, known)
        rows = csv.reader(chain([first], lines), delimiter=delimiter, strict=True)
        names = tuple(next(rows, []))
    except RecordTooLongError as error:
        raise refusal(file, f"the header is {error}; this is no CSV file") from error
    except BROKEN as error:
        reason = damage(error) if isinstance(error, CUT_SHORT) else _quoting(error)
        raise refusal(file, f"the header cannot be read: {reason}") from error
    if lines.bad:
        raise refusal(file, f"the header cannot be read: {lines.bad}")
    if not any(name.strip() for name in names):
        raise refusal(file, "the first line is empty; it must hold the names of the columns")
    return rows, names


def sniff(header: str, known: Collection[str] = KNOWN) -> str:
    """Return the delimiter under which the header names most known columns, then most columns at all."""

    def score(delimiter: str) -> tuple[int, int]:
        names = [name.strip().lower() for name in next(csv.reader([header], delimiter=delimiter), [])]
        return sum(name in known or name.startswith(PREFIX) for name in names), len(names)

    return max(DELIMITERS, key=score)


def _fault(cells: list[str], names: tuple[str, ...], *, file: str, row: int, line: int, bad: str) -> Problem | None:
    width = len(names)
    if not any(cells):
        return Problem(file, row, "", f"the row is empty (line {line}); leave it out")
    if len(cells) != width:
        reason = f"has {len(cells)} fields, the header has {width} (line {line}); quote cells that hold the delimiter"
        return Problem(file, row, "", reason)
    if bad:
        place = next((place for place, cell in enumerate(cells) if is_broken(cell)), 0)
        return Problem(file, row, names[place], bad)
    return None


def _broken(error: Exception, names: tuple[str, ...], *, file: str, row: int, delimiter: str) -> Problem:
    """Say what broke the structure; of a row that is too long, in which cell."""
    if isinstance(error, RecordTooLongError):
        cells = next(csv.reader(error.text.splitlines(keepends=True), delimiter=delimiter), [])
        place = min(len(cells), len(names)) - 1
        reason = f"the row is {error}; is a quotation mark not closed? {STOPPED}"
        return Problem(file, row, names[place], reason)
    reason = _quoting(error) if isinstance(error, csv.Error) else damage(error)
    return Problem(file, row, "", f"{reason}; {STOPPED}")


def _quoting(error: Exception) -> str:
    if "unexpected end of data" in str(error):
        return "a quotation mark is opened and never closed"
    if "new-line character" in str(error):
        return "the lines end in a bare carriage return; save the file with the line ends of Windows or Unix"
    return f"the quotation marks are wrong ({error}); write a quotation mark inside a cell twice"
