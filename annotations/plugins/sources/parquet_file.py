"""Outputs from a Parquet file, read page by page."""

from __future__ import annotations

import io
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from annotations.errors import Problem
from annotations.registry import OutputRecord, RawRow, Source, sources

from .columns import REQUIRED, Columns
from .files import LONGEST_RECORD, PARQUET, check_file, refusal

BATCH = 200  # rows; with LONGEST_RECORD this bounds the memory
ENCRYPTED = b"PARE"
MEGABYTE = 1024**2
HEAVY = 2 * MEGABYTE  # of a dictionary page; most writers stop at one
DICTIONARY_PAGE = 2
THRIFT_NEXT_INT = 0x15
LONGEST = f"longer than {LONGEST_RECORD // MEGABYTE} MB"


@sources.register
class ParquetFile(Source):
    """One output per row."""

    name = "parquet"
    label = "Parquet"
    suffixes = (".parquet", ".pq")
    has_rows = True

    def records(self, path: Path, *, file: str) -> Iterator[OutputRecord | Problem]:
        """Yield the rows; a page that cannot be read ends the reading."""
        check_file(path, file=file)
        with path.open("rb") as raw, _open(raw, file=file) as reader:
            columns = Columns(file, tuple(reader.schema_arrow.names))
            _check_types(reader.schema_arrow, columns)
            yield from columns.header_problems()
            for item in _rows(reader, columns.names, file=file):
                if isinstance(item, Problem):
                    yield item
                else:
                    yield from columns.read(item.row, item.cells)

    def rows(
        self, stream: BinaryIO, *, file: str, wanted: Collection[str], welcome: Collection[str] = ()
    ) -> Iterator[RawRow | Problem]:
        """Yield the rows of a seekable stream; only the pages of wanted columns are read."""
        with _open(stream, file=file) as reader:
            names = tuple(reader.schema_arrow.names)
            if len(set(names)) < len(names):
                twice = next(name for name in names if names.count(name) > 1)
                raise refusal(file, "the column is there twice", column=twice)
            yield from _rows(reader, _taken(names, wanted, welcome), file=file)


def _taken(names: tuple[str, ...], wanted: Collection[str], welcome: Collection[str]) -> tuple[str, ...]:
    """Return the columns in which those asked for stand, in the file's order; all when a wanted one is missing."""
    needed, more = (
        {name if name in names else name.partition(".")[0] for name in asked} for asked in (wanted, welcome)
    )
    return tuple(name for name in names if name in needed | more) if needed and needed <= set(names) else names


def _check_ends(raw: BinaryIO, *, file: str) -> None:
    """Refuse by the four bytes at either end what is no whole, plain Parquet file."""
    size = raw.seek(0, io.SEEK_END)
    if not size:
        raise refusal(file, "the file is empty")
    raw.seek(0)
    head = raw.read(4)
    raw.seek(max(0, size - 4))
    tail = raw.read(4)
    if ENCRYPTED in (head, tail):
        raise refusal(file, "is an encrypted Parquet file; bring it decrypted")
    if head != PARQUET:
        raise refusal(file, "is not a Parquet file")
    if tail != PARQUET:
        raise refusal(file, "the Parquet file is cut off: its end is missing; bring the whole file")


def _open(raw: BinaryIO, *, file: str) -> pq.ParquetFile:
    """Open for reading page by page.

    A dictionary page is spread over all its rows, so that a file of 2 MB may hold 200 rows of 50 MB each. Columns with
    a large one are therefore kept as dictionaries, which is slower.
    """
    _check_ends(raw, file=file)
    options = {"pre_buffer": False, "buffer_size": MEGABYTE, "page_checksum_verification": True}
    try:
        metadata = pq.read_metadata(raw)
        heavy = sorted({name for name, offset in _pages(metadata) if _dictionary_size(raw, offset) > HEAVY})
        return pq.ParquetFile(raw, read_dictionary=heavy, **options)
    except (pa.ArrowException, OSError, OverflowError) as error:
        raise refusal(file, f"is a damaged Parquet file: {_first_line(error)}") from error


def _pages(metadata: pq.FileMetaData) -> Iterator[tuple[str, int]]:
    """Yield each column chunk's name and where its first page is."""
    for group in range(metadata.num_row_groups):
        for place in range(metadata.num_columns):
            chunk = metadata.row_group(group).column(place)
            if chunk.physical_type == "BYTE_ARRAY":
                yield chunk.path_in_schema, chunk.dictionary_page_offset or chunk.data_page_offset


def _dictionary_size(raw: BinaryIO, offset: int) -> int:
    """Return the unpacked size of the dictionary page at this offset, 0 if the page is none.

    Its header (Thrift, compact) begins with two integers: the type of the page, 2 for a dictionary, and its size.
    """
    raw.seek(offset)
    head = iter(raw.read(16))
    numbers = []
    for _ in range(2):
        if next(head, 0) != THRIFT_NEXT_INT:
            return 0
        number = shift = 0
        for byte in head:
            number |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:  # noqa: PLR2004 - the last byte of a number has no high bit
                break
        numbers.append(number >> 1)
    return numbers[1] if numbers[0] == DICTIONARY_PAGE else 0


def _check_types(schema: pa.Schema, columns: Columns) -> None:
    for name in REQUIRED:
        if name in columns.places:
            kind = schema.field(columns.places[name]).type
            if not (_is_text(_plain(kind)) or pa.types.is_null(kind)):
                columns.missing.append(Problem(columns.file, 0, name, f"the column must hold text, it holds {kind}"))
                columns.fatal = True


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _rows(reader: pq.ParquetFile, names: tuple[str, ...], *, file: str) -> Iterator[RawRow | Problem]:
    number = 0
    batches = reader.iter_batches(batch_size=BATCH, use_threads=False, columns=list(names))
    while True:
        try:
            batch = next(batches, None)
        except (pa.ArrowException, OSError) as error:
            reason = f"the Parquet data cannot be read from about this row on: {_first_line(error)}"
            yield Problem(file, number + 1, "", reason)
            return
        if batch is None:
            return
        bad: dict[int, Problem] = {}
        values = [_values(batch.column(name), bad, start=number, column=name, file=file) for name in names]
        for row, cells in enumerate(zip(*values, strict=True), start=number + 1):
            yield bad[row] if row in bad else RawRow(row, names, cells)
        number += batch.num_rows


def _values(cells: pa.Array, bad: dict[int, Problem], *, start: int, column: str, file: str) -> list[Any]:
    """Return a column's cells as Python values; what is too long or not UTF-8 goes to `bad` and becomes None."""
    if not _is_text(_plain(cells.type)):
        return [_value(cell, bad, row=row, column=column, file=file) for row, cell in enumerate(cells, start + 1)]
    raw, too_long = _bounded(cells)
    for place in too_long:
        bad[start + place + 1] = Problem(file, start + place + 1, column, f"the cell is {LONGEST}")
    return [
        _decoded(value, bad, row=row, column=column, file=file) for row, value in enumerate(raw.to_pylist(), start + 1)
    ]


def _plain(kind: pa.DataType) -> pa.DataType:
    return kind.value_type if pa.types.is_dictionary(kind) else kind


def _bounded(cells: pa.Array) -> tuple[pa.Array, list[int]]:
    """Return text cells as bytes with None for those that are too long, and the places of these."""
    if pa.types.is_dictionary(cells.type):
        # Looked at before it is spread: a small file may say the same 50 MB in every row.
        distinct, places = _bounded(cells.dictionary)
        too_long = pc.is_in(cells.indices, pa.array(places, cells.indices.type))
        return distinct.take(cells.indices), pc.indices_nonzero(too_long).to_pylist()
    raw = cells.cast(pa.large_binary())
    mask = pc.greater(pc.binary_length(raw), LONGEST_RECORD).fill_null(False)
    if not pc.any(mask).as_py():
        return raw, []
    return pc.if_else(mask, pa.scalar(None, raw.type), raw), pc.indices_nonzero(mask).to_pylist()


def _value(cell: pa.Scalar, bad: dict[int, Problem], *, row: int, column: str, file: str) -> Any:
    """Return a number, a struct or a map; the empty fields of a struct are left out, because every row has them all."""
    try:
        value = cell.as_py()
    except (UnicodeDecodeError, ValueError, OverflowError) as error:
        bad[row] = Problem(file, row, column, f"the cell cannot be read: {_first_line(error)}")
        return None
    if pa.types.is_map(cell.type) and value is not None:
        value = dict(value)
    return _slim(value)


def _decoded(value: bytes | None, bad: dict[int, Problem], *, row: int, column: str, file: str) -> str | None:
    if value is None:
        return None
    try:
        return value.decode()
    except UnicodeDecodeError as error:
        reason = f"byte 0x{value[error.start]:02x} at offset {error.start:,} of the cell is not UTF-8"
        bad[row] = Problem(file, row, column, reason)
        return None


def _slim(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _slim(item) for name, item in value.items() if item is not None}
    return value


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0][:200] if str(error).strip() else type(error).__name__
