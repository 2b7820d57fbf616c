"""Outputs from a JSON-lines file: one object per line; UTF-8; may be packed with gzip."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from annotations.errors import Problem
from annotations.registry import OutputRecord, RawRow, Source, sources

from .columns import KNOWN, Columns, json_fault, kind_of, no_constant, unique_pairs
from .files import each_line, is_broken, open_text, refuse_foreign

KEY = re.compile(r'"(\w+)"\s*:')
MOST_SHAPES = 1000  # different sets of keys to remember


@sources.register
class JsonlFile(Source):
    """One output per line."""

    name = "jsonl"
    label = "JSON lines"
    suffixes = (".jsonl", ".jsonl.gz", ".ndjson", ".ndjson.gz")
    has_rows = True

    def records(self, path: Path, *, file: str) -> Iterator[OutputRecord | Problem]:
        """Yield the objects; each line stands alone, so that reading goes on behind a bad one."""
        with open_text(path, file=file) as stream:
            yield from _lines(stream, Shapes(file))

    def rows(
        self,
        stream: BinaryIO,
        *,
        file: str,
        wanted: Collection[str],  # noqa: ARG002
        welcome: Collection[str] = (),  # noqa: ARG002
    ) -> Iterator[RawRow | Problem]:
        """Yield the objects as they are."""
        refuse_foreign(stream, file=file)
        yield from _lines(stream, AsIs(file))


def _lines(stream: BinaryIO, taker: Taker) -> Iterator[Any]:
    for row, line in enumerate(each_line(stream), start=1):
        yield from _row(line.text, taker, row=row, bad=line.fault)


class Taker(Protocol):
    """What is done with an object that was read."""

    file: str

    def read(self, row: int, found: dict[str, Any]) -> Iterator[Any]:
        """Yield what comes of it."""


class AsIs:
    """Nothing is done with it."""

    def __init__(self, file: str) -> None:
        self.file = file

    def read(self, row: int, found: dict[str, Any]) -> Iterator[RawRow]:
        """Yield the object as a row."""
        yield RawRow(row, tuple(found), tuple(found.values()))


class Shapes:
    """The columns by the keys of an object; an unknown key is reported once, a missing one in every row."""

    def __init__(self, file: str) -> None:
        self.file = file
        self._known: dict[tuple[str, ...], Columns] = {}
        self._reported: set[str] = set()

    def read(self, row: int, found: dict[str, Any]) -> Iterator[OutputRecord | Problem]:
        """Yield the record of an object, or what is wrong with it."""
        keys = tuple(found)
        columns = self._known.get(keys)
        if columns is None:
            if len(self._known) >= MOST_SHAPES:
                self._known.clear()
            columns = self._known[keys] = Columns(self.file, keys)
        if columns.problems:
            yield from self._news(row, columns)
        if columns.fatal:
            yield from (replace(problem, row=row) for problem in columns.missing)
        else:
            yield from columns.read(row, tuple(found.values()))

    def _news(self, row: int, columns: Columns) -> Iterator[Problem]:
        for problem in columns.problems:
            if problem.column not in self._reported and len(self._reported) < MOST_SHAPES:
                self._reported.add(problem.column)
                yield replace(problem, row=row)


def _row(line: str, taker: Taker, *, row: int, bad: str) -> Iterator[Any]:
    try:
        found = json.loads(line, object_pairs_hook=unique_pairs, parse_constant=no_constant)
    except (ValueError, RecursionError) as error:
        yield Problem(taker.file, row, _last_key(line) if bad else "", bad or _not_json(line, error))
        return
    if bad:
        broken = (key for key, value in found.items() if is_broken(value)) if isinstance(found, dict) else iter(())
        yield Problem(taker.file, row, next(broken, ""), bad)
    elif isinstance(found, dict):
        yield from taker.read(row, found)
    else:
        advice = "; write one object per line, not one array" if row == 1 and isinstance(found, list) else ""
        yield Problem(taker.file, row, "", f"must be a JSON object, is {kind_of(found)}{advice}")


def _not_json(line: str, error: Exception) -> str:
    whole = "; write each object on one line of its own" if line.strip() in {"[", "{", "[{"} else ""
    return f"is not JSON: {json_fault(error)}{whole}"


def _last_key(text: str) -> str:
    """Return the last known key that a piece of an object names: the one whose value goes on behind the piece."""
    names = [match[1] for match in KEY.finditer(text) if match[1] in KNOWN]
    return names[-1] if names else ""
