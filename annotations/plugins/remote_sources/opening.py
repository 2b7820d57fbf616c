"""Opening files wherever fsspec finds them: checked doors, plain words for what fails, and unpacking by content."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any, BinaryIO
from urllib.parse import urlsplit

from annotations.errors import MaterialRefused, PlatformError, Problem, SourceUnreachable
from annotations.registry.cells import quoted

from .guard import InsideError, check_path

MEGABYTE = 1024**2
MOST_KEPT = 16 * 1024**3  # bytes of a file that has to be copied before it can be read
NOT_FOUND, GONE, UNREADABLE, BROKEN = 404, 410, 400, 500
DENIED = (401, 403)
BUSY = (408, 425, 429)
SCHEMES = ("", "file", "http", "https", "s3", "gs")
PACKED = (
    (b"\x1f\x8b", "gzip"),
    (b"BZh", "bz2"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"(\xb5/\xfd", "zstd"),
    (b"PK\x03\x04", "zip"),
)
EXCEL = "[Content_Types].xml"
ENDINGS = (".gz", ".bz2", ".xz", ".zst", ".zip")


def scheme_of(address: str) -> str:
    """Return the scheme; a Windows drive is none."""
    found = urlsplit(address).scheme.lower()
    return "" if len(found) == 1 else found


def refused(file: str, reason: str) -> MaterialRefused:
    """Return the refusal of a file."""
    return MaterialRefused([Problem(file, 0, "", reason)])


@contextmanager
def told(file: str) -> Iterator[None]:
    """Turn what goes wrong on the way to a file into our errors, in words of our own: theirs may hold secrets."""
    try:
        yield
    except PlatformError:
        raise
    except Exception as error:
        found = told_of(error, file=file)
        if found is None:
            raise
        raise found from None


def told_of(error: Exception, *, file: str) -> PlatformError | None:
    """Return our error for one of a network or a store, None for one that is a fault of ours."""
    inside = _inside(error)
    if inside is not None:
        return refused(file, f"{inside}; the operator can open it (FETCH_PRIVATE_HOSTS)")
    answer = getattr(error, "response", None)
    status = getattr(error, "status", None) or getattr(answer, "status_code", None) or vars(error).get("code")
    if isinstance(status, int) and status >= UNREADABLE:
        return _of_status(status, file=file)
    name = type(error).__name__
    if isinstance(error, FileNotFoundError):
        return _of_status(NOT_FOUND, file=file)
    if isinstance(error, PermissionError) or name == "RefreshError" or str(error).startswith("Forbidden"):
        return _of_status(DENIED[0], file=file)
    found: PlatformError | None = None
    if isinstance(error, IsADirectoryError):
        found = refused(file, "is a folder; name its files, for example with /*.parquet behind it")
    elif name == "TooManyRedirects":
        found = refused(file, "the server redirects in a circle; check the address")
    elif name in ("InvalidUrlClientError", "InvalidURL", "NonHttpUrlRedirectClientError"):
        found = refused(file, "is no address that can be opened")
    elif isinstance(error, TimeoutError) or "Timeout" in name:
        found = SourceUnreachable(f"{file}: the server is silent.")
    elif isinstance(error, OSError | EOFError) or type(error).__module__.partition(".")[0] in NETWORKING:
        found = SourceUnreachable(f"{file}: the connection failed ({name}).")
    return found


def _inside(error: BaseException | None) -> InsideError | None:
    """Return the refusal of an inner address that a library has wrapped."""
    while error is not None and not isinstance(error, InsideError):
        error = getattr(error, "os_error", None) or error.__cause__ or error.__context__
    return error


def _of_status(status: int, *, file: str) -> PlatformError:
    if status in (NOT_FOUND, GONE):
        return refused(file, "there is no such file")
    if status in DENIED:
        return refused(file, "access is denied; check the secret fields, and whether this key may read it")
    if status in BUSY or status >= BROKEN:
        return SourceUnreachable(f"{file}: the server answers {status}.")
    return refused(file, f"the server answers {status}")


NETWORKING = (
    "aiohttp",
    "botocore",
    "aiobotocore",
    "httpx",
    "httpcore",
    "huggingface_hub",
    "urllib3",
    "gcsfs",
    "google",
)


class Watched(io.RawIOBase):
    """A stream of fsspec's whose failures are told; what reads it cannot take them for damaged data."""

    def __init__(self, raw: Any, *, file: str, seekable: bool) -> None:
        self._raw, self._file, self._seekable = raw, file, seekable

    def readinto(self, buffer: Any) -> int:
        """Read what there is."""
        with told(self._file):
            found = self._raw.read(len(buffer))
        buffer[: len(found)] = found
        return len(found)

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """Whether one may jump."""
        return self._seekable

    def seek(self, offset: int, whence: int = 0) -> int:
        """Jump."""
        if not self._seekable:
            raise io.UnsupportedOperation
        try:
            return int(self._raw.seek(offset, whence))
        except ValueError as error:  # before the start: what reads the end of an archive expects an OSError
            raise OSError(str(error)) from error

    def tell(self) -> int:
        """Say where we are."""
        return int(self._raw.tell())

    def close(self) -> None:
        """Close what is below."""
        if not self.closed:
            self._raw.close()
        super().close()


class Forward(io.RawIOBase):
    """A stream of pyarrow's that is read from its beginning to its end, and knows how far."""

    def __init__(self, raw: Any) -> None:
        self._raw, self._at = raw, 0

    def readinto(self, buffer: Any) -> int:
        """Read what there is."""
        found = int(self._raw.readinto(buffer))
        self._at += found
        return found

    def readable(self) -> bool:
        """It is."""
        return True

    def tell(self) -> int:
        """Say where we are."""
        return self._at


@contextmanager
def opened(fs: Any, path: str, *, file: str, jumping: bool) -> Iterator[BinaryIO]:
    """Open for reading; `jumping` readers get a seekable file, if need be a copy on the disk."""
    is_http, is_local = path.startswith(("http://", "https://")), "file" in _protocols(fs)
    # As a stream, without being asked for its size before: that answer would hide why it failed.
    options: dict[str, Any] = {"block_size": 0, "size": 1} if is_http else {}
    if jumping and not is_http and not is_local:
        options["cache_type"] = "none"
    if is_local:
        _check_local(path, file=file)
    with told(file):
        raw = fs.open(path, "rb", **options)
    stream = io.BufferedReader(Watched(raw, file=file, seekable=not is_http), MEGABYTE)
    with closing(stream):
        if not (jumping and is_http):
            yield stream
            return
        with tempfile.TemporaryFile() as copy:
            _copy(stream, copy, file=file)
            yield copy


def _check_local(path: str, *, file: str) -> None:
    try:
        check_path(path)
    except ValueError as error:
        raise refused(file, str(error)) from None


def _protocols(fs: Any) -> tuple[str, ...]:
    return (fs.protocol,) if isinstance(fs.protocol, str) else tuple(fs.protocol)


def _copy(stream: BinaryIO, copy: Any, *, file: str) -> None:
    while chunk := stream.read(MEGABYTE):
        copy.write(chunk)
        if copy.tell() > MOST_KEPT:
            raise refused(file, f"is larger than {MOST_KEPT // 1024**3} GB")
    copy.seek(0)


@contextmanager
def unpacked(stream: Any, *, file: str) -> Iterator[tuple[Any, str]]:
    """Yield the stream, unpacked by what it holds whatever it is called, and the name of what is inside.

    A server that unpacks on the way (Content-Encoding) and one that does not are therefore the same.
    """
    name = inner_name(file)
    head = stream.peek(6)[:6]
    kind = next((kind for magic, kind in PACKED if head.startswith(magic)), "")
    if kind == "zip":
        with _member(stream, file=file) as (member, inside):
            yield member, inside
        return
    yield (_reader(stream, kind) if kind else stream), name


def _reader(stream: Any, kind: str) -> Any:
    if kind == "zstd":
        import pyarrow as pa

        inside = pa.CompressedInputStream(pa.PythonFile(stream, mode="r"), "zstd")
        raw: Any = Forward(inside)
    else:
        openers: dict[str, Any] = {"gzip": gzip.open, "bz2": bz2.open, "xz": lzma.open}
        raw = openers[kind](stream)
    return io.BufferedReader(raw, MEGABYTE)


@contextmanager
def _member(stream: Any, *, file: str) -> Iterator[tuple[Any, str]]:
    """Open the one file in a zip archive."""
    with tempfile.TemporaryFile() as copy:
        if not stream.seekable():
            _copy(stream, copy, file=file)
        try:
            with zipfile.ZipFile(stream if stream.seekable() else copy) as archive:
                names = [one for one in archive.infolist() if not one.is_dir() and not _is_litter(one.filename)]
                if any(one.filename == EXCEL for one in names):
                    raise refused(file, "is a workbook or document of Office; save the sheet as “CSV UTF-8”")
                if len(names) != 1:
                    raise refused(file, f"the archive holds {len(names)} files; pack each by itself")
                with archive.open(names[0]) as member:
                    yield io.BufferedReader(member, MEGABYTE), names[0].filename
        except (zipfile.BadZipFile, RuntimeError, NotImplementedError) as error:
            raise refused(file, f"the archive cannot be read: {quoted(error)}") from error


def _is_litter(name: str) -> bool:
    """Whether a file of an archive was put there by a file manager."""
    return name.startswith("__MACOSX/") or name.rpartition("/")[2] in (".DS_Store", "Thumbs.db", "desktop.ini")


def inner_name(file: str) -> str:
    """Return a file's name without the ending of its packing and without a query."""
    name = file.partition("?")[0]
    lowered = name.lower()
    return next((name[: -len(ending)] for ending in ENDINGS if lowered.endswith(ending)), name)
