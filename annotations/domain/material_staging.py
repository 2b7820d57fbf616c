"""Material on its way in: one streaming pass from a source into temporary tables, by COPY, with flat memory."""

from __future__ import annotations

import hashlib
import json
import struct
import time
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache
from typing import Any

from django.db import connection

from annotations.errors import MaterialRefused, Problem
from annotations.models import Study
from annotations.plugins.sources.columns import ExtraColumnProblem
from annotations.registry import OutputRecord, Part
from annotations.registry.cells import UNNUMBERED, quoted

LONGEST = {"prompt": 200_000, "text": 200_000, "system": 120, "prompt_key": 200, "task_family": 80}
LONGEST_METADATA = 100_000
SHORT = 500
MOST_PROBLEMS = 200
PROGRESS_EVERY = 500  # rows
HEAVY = 4_000_000  # characters that are held before they go to the database
PAUSE = 1.0  # seconds after which progress is told also by a slow source

TABLES = (
    "DROP TABLE IF EXISTS pg_temp.material_row, pg_temp.material_cell",
    """
    CREATE TEMP TABLE material_row (
        number int, row int, prompt_key text, prompt text, task_family text, system text, sample int, text text,
        metadata jsonb
    ) ON COMMIT DROP
    """,
    """
    CREATE TEMP TABLE material_cell (
        number int, prompt_key text, keyless boolean, prompt_digest bytea, task_family text, system text,
        numbered boolean, sample int, text_digest bytea, base bytea, known boolean
    ) ON COMMIT DROP
    """,
)
COPY = "COPY material_row FROM STDIN"
# The narrow table that all checks read: keys and samples filled in, texts as digests. A row without a key is known by
# the hash of its prompt; rows without a sample are numbered in order of appearance. `known`: the study has this text.
# `number` counts outputs, of which a row whose text is a list brings several.
CELLS = """
WITH keyed AS MATERIALIZED (
    SELECT number, coalesce(prompt_key, left(encode(sha256(convert_to(prompt, 'UTF8')), 'hex'), 16)) AS prompt_key,
           prompt_key IS NULL AS keyless, sha256(convert_to(prompt, 'UTF8')) AS prompt_digest,
           task_family, system, sample IS NOT NULL AS numbered, sample, sha256(convert_to(text, 'UTF8')) AS text_digest
    FROM material_row
), cell AS MATERIALIZED (
    SELECT number, prompt_key, keyless, prompt_digest, task_family, system, numbered OR %(number_rows)s AS numbered,
           coalesce(sample, row_number() OVER (PARTITION BY prompt_key, system, numbered ORDER BY number) - 1)::int
               AS sample,
           text_digest,
           sha256(convert_to(prompt_key, 'UTF8')) || prompt_digest || sha256(convert_to(system, 'UTF8')) || text_digest
               AS base
    FROM keyed
)
INSERT INTO material_cell
SELECT cell.*, EXISTS (
           SELECT 1 FROM annotations_output o
           WHERE o.prompt_id = p.id AND o.system_id = s.id AND (o.sample = cell.sample OR NOT cell.numbered)
             AND o.content_hash = encode(sha256(cell.base || int4send(o.sample)), 'hex'))
FROM cell
LEFT JOIN annotations_prompt p ON p.study_id = %(study)s AND p.key = cell.prompt_key
LEFT JOIN annotations_system s ON s.study_id = %(study)s AND s.name = cell.system
"""


def content_hash(*, prompt_key: str, prompt: str, system: str, sample: int, text: str) -> str:
    """Return the hash of an output: hex SHA-256 over the SHA-256s of its four texts and the sample (4 bytes, big end).

    The import computes the same by SQL (`CELLS`).
    """
    parts = b"".join(hashlib.sha256(part.encode()).digest() for part in (prompt_key, prompt, system, text))
    return hashlib.sha256(parts + struct.pack(">i", sample)).hexdigest()


class Problems:
    """What is wrong with a file: the first MOST_PROBLEMS by row, and how many there are.

    Rows count over all files of a remote source; what is listed names the file and the row in it.
    """

    def __init__(self, file: str) -> None:
        self.file = file
        self.count = 0
        self._first: list[Problem] = []
        self._parts: list[Part] = []

    def begin(self, part: Part) -> None:
        """Note where a file begins."""
        self._parts.append(part)

    def add(self, problem: Problem) -> None:
        """Take one more; these come in the order of rows."""
        self.count += 1
        if len(self._first) < MOST_PROBLEMS:
            self._first.append(problem)

    def extend(self, problems: list[Problem], *, count: int) -> None:
        """Take the first of the `count` problems that one check found."""
        self.count += count
        self._first = sorted([*self._first, *problems], key=lambda problem: problem.row)[:MOST_PROBLEMS]

    def refuse(self) -> None:
        """Raise MaterialRefused if anything is wrong."""
        if not self.count:
            return
        listed = [self.placed(one) for one in sorted(self._first, key=lambda problem: problem.row)]
        more = self.count - len(listed)
        if more:
            listed.append(
                Problem(self.file, 0, "", f"… and {more:,} more problems; the first {len(listed)} are listed")
            )
        raise MaterialRefused(listed, truncated=bool(more))

    def placed(self, problem: Problem) -> Problem:
        """Return it with its file and the row there."""
        if not problem.row or not self._parts:
            return problem
        part = self._parts[bisect_left(self._parts, problem.row, key=lambda one: one.row) - 1]
        return replace(problem, file=part.file, row=problem.row - part.row)


def stage(
    records: Iterable[Any], *, problems: Problems, allow_extra: bool, progress: Callable[[int], object] | None
) -> int:
    """COPY the sound rows into `material_row` and collect what is wrong with the others; return the number of rows.

    `progress` is called between two COPYs, so that it may use the connection, and may stop everything by raising.
    """
    with connection.cursor() as cursor:
        for statement in TABLES:
            cursor.execute(statement)
        staging = Staging(cursor, progress)
        for item in records:
            if isinstance(item, Part):
                problems.begin(item)
                continue
            row = None
            if not isinstance(item, Problem):
                row = clean(item, problems=problems)
            elif not (allow_extra and isinstance(item, ExtraColumnProblem)):
                problems.add(item)
            staging.take(item.row, row)
        staging.flush()
    if not staging.seen and not problems.count:
        problems.add(Problem(problems.file, 0, "", "there are no rows in the file"))
    return staging.seen


class Staging:
    """Rows on their way into `material_row`, a batch at a time."""

    def __init__(self, cursor: Any, progress: Callable[[int], object] | None) -> None:
        self.seen = 0
        self._cursor, self._progress = cursor, progress
        self._batch: list[tuple[Any, ...]] = []
        self._number = self._weight = self._told = 0
        self._flushed = time.monotonic()

    def take(self, number: int, row: tuple[Any, ...] | None) -> None:
        """Count a row of the source, and keep what it brings."""
        self.seen = max(self.seen, number)
        if row is not None:
            self._number += 1
            self._batch.append((self._number, *row))
            self._weight += len(row[2]) + len(row[6]) + len(row[7])
        is_time = self.seen - self._told >= PROGRESS_EVERY or len(self._batch) >= PROGRESS_EVERY
        if is_time or self._weight >= HEAVY or time.monotonic() - self._flushed >= PAUSE:
            self.flush()

    def flush(self) -> None:
        """Send what is kept, and tell how far we are."""
        if self._batch:
            with self._cursor.copy(COPY) as copy:
                for row in self._batch:
                    copy.write_row(row)
            self._batch.clear()
        self._weight, self._told, self._flushed = 0, self.seen, time.monotonic()
        if self._progress is not None:
            self._progress(self.seen)


@contextmanager
def hashed(cursor: Any) -> Iterator[None]:
    """Join by hashing inside.

    The statistics do not know a study that is just being filled, and for one that they take for empty the planner reads
    all cells anew for each of its prompts: minutes in place of seconds.
    """
    cursor.execute("SET LOCAL enable_nestloop = off")
    yield
    cursor.execute("SET LOCAL enable_nestloop = on")


def derive_cells(*, study: Study, number_rows: bool = False) -> int:
    """Fill `material_cell` and return how many outputs there are.

    The caller holds the study, so that what is `known` stays true.
    """
    with connection.cursor() as cursor:
        with hashed(cursor):
            cursor.execute(CELLS, {"study": study.pk, "number_rows": number_rows})
            outputs = int(cursor.rowcount)
        cursor.execute("ANALYZE material_cell")
    return outputs


def clean(record: OutputRecord, *, problems: Problems) -> tuple[Any, ...] | None:
    """Return the row to stage, or None when something is wrong with it.

    Blanks around names and prompts do not count; line ends become one character everywhere, so that neither the
    identity of a prompt nor the page of a rater depends on the machine that wrote the file.
    """
    values = {
        "prompt": _one_line_end(record.prompt).strip(),
        "system": record.system.strip(),
        "text": _one_line_end(record.text),
        "prompt_key": record.prompt_key.strip(),
        "task_family": record.task_family.strip(),
    }
    reasons = [(column, reason) for column, value in values.items() for reason in _known_faults(column, value)]
    metadata, fault = _metadata(record)
    if fault:
        reasons.append(("metadata", fault))
    if record.sample < UNNUMBERED:
        reasons.append(("sample", f"must be a whole number, 0 or more, is '{record.sample}'"))
    for column, reason in reasons:
        problems.add(Problem(problems.file, record.row, column, reason))
    if reasons:
        return None
    sample = None if record.sample == UNNUMBERED else record.sample
    key = values["prompt_key"] or None
    return (
        record.row,
        key,
        values["prompt"],
        values["task_family"],
        values["system"],
        sample,
        values["text"],
        metadata,
    )


def _one_line_end(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def _known_faults(column: str, value: str) -> Iterable[str]:
    """Return what is wrong with one text; names and short prompts, which come again and again, are looked at once."""
    return _short_faults(column, value) if len(value) < SHORT and column != "text" else _faults(column, value)


@lru_cache(maxsize=2048)
def _short_faults(column: str, value: str) -> tuple[str, ...]:
    return tuple(_faults(column, value))


def _faults(column: str, value: str) -> Iterator[str]:
    """Yield what is wrong with one text."""
    if column in {"prompt", "system", "text"} and not _is_visible(value):
        yield "is empty" if not value.strip() else "is empty: it holds only characters that cannot be seen"
    if len(value) > LONGEST[column]:
        yield f"has {len(value):,} characters; at most {LONGEST[column]:,} are taken"
    if "\0" in value:
        yield f"holds a NUL character (at character {value.index(chr(0)) + 1:,})"
    if not _is_unicode(value):
        yield "holds half of a surrogate pair, which is no character"
    if column == "prompt_key" and "/" in value:
        yield f"must not hold '/', which separates prompt, system and sample in the names of outputs: {quoted(value)}"


def _is_visible(value: str) -> bool:
    return any(letter.isprintable() and not letter.isspace() for letter in value)


def _is_unicode(value: str) -> bool:
    if value.isascii():
        return True
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _metadata(record: OutputRecord) -> tuple[str, str]:
    """Return the metadata as JSON, and what is wrong with them."""
    if not record.metadata:
        return "{}", ""
    fault = ""
    try:
        found = json.dumps(record.metadata, ensure_ascii=False, allow_nan=False)
    except ValueError:
        found, fault = "", "hold a number that is not finite, which JSON cannot keep"
    except RecursionError:
        found, fault = "", "are nested too deeply"
    except TypeError as error:
        found, fault = "", f"cannot be kept as JSON: {error}"
    if len(found) > LONGEST_METADATA:
        fault = f"have {len(found):,} characters as JSON; at most {LONGEST_METADATA:,} are taken"
    elif "\\u0000" in found and _has_nul(record.metadata):
        fault = "hold a NUL character"
    elif not _is_unicode(found):
        fault = "hold half of a surrogate pair, which is no character"
    return found, fault


def _has_nul(value: Any) -> bool:
    if isinstance(value, str):
        return "\0" in value
    if isinstance(value, dict):
        return any(_has_nul(part) for pair in value.items() for part in pair)
    return isinstance(value, list | tuple) and any(_has_nul(part) for part in value)
