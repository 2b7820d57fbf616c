"""Opening files for sources: is it what its name says, and its lines one at a time, with their byte offsets."""

from __future__ import annotations

import gzip
import io
import lzma
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from annotations.errors import MaterialRefused, Problem

LONGEST_RECORD = 4 * 1024 * 1024  # bytes of one row; what bounds the memory of a source whatever the file holds
BOM = b"\xef\xbb\xbf"
GZIP = b"\x1f\x8b"
PARQUET = b"PAR1"
CUT_SHORT = (
    EOFError,
    OSError,
    zlib.error,
    lzma.LZMAError,
)  # what reading a damaged packed file raises; OSError also covers the disk
# How files begin that people bring by mistake, what they are, and what to do with them.
FOREIGN = (
    (b"PK\x03\x04", "a ZIP archive or an Excel workbook", "save the sheet as “CSV UTF-8” and bring that"),
    (b"\xd0\xcf\x11\xe0", "an old or password-protected Office file", "save the sheet as “CSV UTF-8” and bring that"),
    (PARQUET, "a Parquet file", "give it the ending .parquet"),
    (b"PARE", "an encrypted Parquet file", "bring it decrypted"),
    (b"%PDF", "a PDF", "bring a CSV, JSONL or Parquet file"),
    (b"\xff\xfe", "UTF-16 text", "save it as UTF-8"),
    (b"\xfe\xff", "UTF-16 text", "save it as UTF-8"),
    (b"BZh", "packed with bzip2", "unpack it, or pack it with gzip"),
    (b"\xfd7zXZ", "packed with xz", "unpack it, or pack it with gzip"),
    (b"(\xb5/\xfd", "packed with Zstandard", "unpack it, or pack it with gzip"),
    (b"7z\xbc\xaf", "a 7-Zip archive", "unpack it"),
    (b"Salted__", "encrypted", "bring it decrypted"),
    (b"-----BEGIN PGP", "encrypted", "bring it decrypted"),
    (b"age-encryption.org", "encrypted", "bring it decrypted"),
)
PAGE = (b"<!doctype html", b"<html")
CONTROL = bytes(set(range(32)) - set(b"\t\n\r\f\x1b"))
MOST_CONTROL = 0.05  # share of control characters in the first block above which a file is no text


def refusal(file: str, reason: str, *, row: int = 0, column: str = "") -> MaterialRefused:
    """Return the error for a file that cannot be read at all."""
    return MaterialRefused([Problem(file, row, column, reason)])


def check_file(path: Path, *, file: str) -> None:
    """Refuse what is not a readable, regular file with something in it."""
    if path.is_dir():
        raise refusal(file, "is a directory, not a file")
    if not path.exists():
        raise refusal(file, "there is no such file")
    if not path.is_file():
        raise refusal(file, "is not a regular file")
    try:
        empty = path.stat().st_size == 0
        with path.open("rb"):
            pass
    except OSError as error:
        raise refusal(file, f"cannot be opened: {error.strerror}") from error
    if empty:
        raise refusal(file, "the file is empty")


@contextmanager
def open_text(path: Path, *, file: str) -> Iterator[BinaryIO]:
    """Open a text file, unpacked when it is gzip, behind its byte-order mark; refuse what is plainly something else."""
    check_file(path, file=file)
    with path.open("rb") as raw:
        packed = raw.peek(2).startswith(GZIP)
        if file.lower().endswith(".gz") and not packed:
            raise refusal(file, "is named .gz but is not packed with gzip")
        stream: Any = io.BufferedReader(gzip.GzipFile(fileobj=raw), 256 * 1024) if packed else raw
        refuse_foreign(stream, file=file)
        yield stream


def refuse_foreign(stream: Any, *, file: str) -> None:
    """Refuse by its first bytes what is no text, and step behind the byte-order mark."""
    try:
        head = stream.peek(4096)[:4096]
    except CUT_SHORT as error:
        raise refusal(file, damage(error)) from error
    if not head:
        raise refusal(file, "the file is empty")
    for magic, what, advice in FOREIGN:
        if head.startswith(magic):
            raise refusal(file, f"the content is not text: it is {what}; {advice}")
    if head.removeprefix(BOM).lstrip().lower().startswith(PAGE):
        raise refusal(file, "is a web page, maybe of a login, and no table; check the address or how it was saved")
    if len(head) - len(head.translate(None, CONTROL)) > MOST_CONTROL * len(head):
        raise refusal(file, "the content is not text: it is binary, encrypted or UTF-16; bring UTF-8 text")
    if head.startswith(BOM):
        stream.read(len(BOM))


def damage(error: Exception) -> str:
    """Say in words what reading a damaged file raised."""
    if isinstance(error, EOFError):
        return "the file is cut off: the packed data end in the middle; bring the whole file"
    if isinstance(error, gzip.BadGzipFile | zlib.error):
        return f"the gzip data are damaged: {error}; pack the file again"
    if isinstance(error, lzma.LZMAError):
        return f"the xz data are damaged: {error}; pack the file again"
    return f"the file cannot be read further: {error}; bring the whole file again"


class RecordTooLongError(Exception):
    """One row is longer than LONGEST_RECORD; `text` is its beginning."""

    def __init__(self, text: str) -> None:
        self.text = text
        super().__init__(f"longer than {LONGEST_RECORD // 1024**2} MB")


class Lines(Iterator[str]):
    """The lines of a stream, decoded, with their ends; never more of one row in memory than LONGEST_RECORD.

    A row may span lines: call `begin` where one starts. A byte that is not UTF-8 becomes a lone surrogate, so that the
    cell that holds it can be found, and is described in `bad` until the next row.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._offset = stream.tell()
        self._record: list[bytes] = []
        self._size = 0
        self.bad = ""

    def begin(self) -> None:
        """Forget the lines before: a new row starts."""
        self._record.clear()
        self._size = 0
        self.bad = ""

    def __next__(self) -> str:
        line = self._stream.readline(LONGEST_RECORD - self._size + 1)
        if not line:
            raise StopIteration
        self._record.append(line)
        self._size += len(line)
        if self._size > LONGEST_RECORD:
            raise RecordTooLongError(b"".join(self._record).decode(errors="replace"))
        start = self._offset
        self._offset += len(line)
        try:
            return line.decode()
        except UnicodeDecodeError as error:
            byte, offset = line[error.start], start + error.start
            self.bad = self.bad or f"byte 0x{byte:02x} at offset {offset:,} is not UTF-8; save the file as UTF-8"
            return line.decode(errors="surrogateescape")

    def skip(self) -> None:
        """Go on behind the end of the line that was too long."""
        while chunk := self._stream.readline(LONGEST_RECORD):
            if chunk.endswith(b"\n"):
                break
        self._offset = self._stream.tell()


class Line(NamedTuple):
    """A line, counted from 1. One with a `fault` cannot be taken; its text is then what there is of it."""

    number: int
    text: str
    fault: str = ""


def each_line(stream: BinaryIO) -> Iterator[Line]:
    """Yield the lines that are not blank; one too long or not UTF-8 has a fault, and damage to the file ends them."""
    lines, number = Lines(stream), 0
    while True:
        lines.begin()
        number += 1
        try:
            text = next(lines, None)
        except RecordTooLongError as error:
            yield Line(number, error.text, f"the line is {error}")
            lines.skip()
            continue
        except CUT_SHORT as error:
            yield Line(number, "", damage(error))
            return
        if text is None:
            return
        if lines.bad or not text.isspace():
            yield Line(number, text, lines.bad)


def is_broken(cell: object) -> bool:
    """Whether `Lines` found a byte in this cell that is not UTF-8."""
    return isinstance(cell, str) and not cell.isascii() and any("\udc80" <= letter <= "\udcff" for letter in cell)
