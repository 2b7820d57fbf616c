"""Outputs from files at addresses: https, s3, gs, and folders of the server that its operator opened."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar
from urllib.parse import urlsplit

from annotations.errors import MaterialRefused, Problem
from annotations.registry import Option, Part, RemoteSource, remote_sources
from annotations.registry.cells import quoted
from annotations.registry.options import complete

from .guard import check_open, check_path
from .mapping import MAPPING, checked_mapping
from .opening import SCHEMES, opened, scheme_of, told
from .stores import filesystem
from .tables import AUTO, Place, numbered, outputs_of

MOST_FILES = 10_000
SHOWN = 3
FORMATS = ((AUTO, "By the ending of the name"), ("csv", "CSV or TSV"), ("jsonl", "JSON lines"), ("parquet", "Parquet"))


@remote_sources.register
class Addresses(RemoteSource):
    """Files by their addresses, with * for many; packed or not; read one behind the other, sorted by name."""

    name = "addresses"
    label = "Files at addresses"
    takes: ClassVar[tuple[Option, ...]] = (
        Option(
            "addresses",
            "Addresses",
            "lines",
            [],
            "A line each: https://…/outputs.jsonl.gz, s3://bucket/folder/*.parquet, gs://…, or a path of the server. "
            "CSV, TSV, JSON lines or Parquet; gzip, bzip2, xz, zstd or zip.",
            most=1000,
            many=100,
        ),
        Option("format", "Format", "one_of", AUTO, among=FORMATS),
        *MAPPING,
        Option("endpoint", "Address of the S3 service", "words", "", "For a store that is not Amazon's.", most=300),
    )
    secrets: ClassVar[tuple[tuple[str, str], ...]] = (
        ("key", "Access key (s3)"),
        ("secret", "Secret key (s3)"),
        ("google", "Key file of a service account, as JSON (gs)"),
        ("bearer", "Token for https, sent as “Authorization: Bearer …”"),
        ("query", "Secret part of the query, added to each https address (a presigned link's)"),
    )

    def clean_settings(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Refuse secrets in addresses first, so that nothing repeats them."""
        for name in ("addresses", "endpoint"):
            given = settings.get(name, ())
            for address in [given] if isinstance(given, str) else given:
                _named(name, check_open, str(address))
        found = complete(self.takes, settings, of="this source")
        if not found["addresses"]:
            message = "the option 'addresses' needs at least one address"
            raise ValueError(message)
        for address in found["addresses"]:
            _named("addresses", _check, address)
        if found["endpoint"] and scheme_of(found["endpoint"]) not in ("http", "https"):
            message = f"the option 'endpoint' takes an address like https://s3.example.org, not {found['endpoint']!r}"
            raise ValueError(message)
        self.check_reading(found)
        return found

    def check_reading(self, found: Mapping[str, Any]) -> None:
        """Raise ValueError when the settings do not say how a file is read."""
        checked_mapping(found)

    def outputs(self, place: Place, *, settings: Mapping[str, Any]) -> Iterator[Any]:
        """Yield the outputs of one file, its rows counted from 1."""
        return outputs_of(place, settings=settings, asked=settings["format"])

    def described(self, settings: Mapping[str, Any]) -> str:
        """Return the first addresses."""
        found = settings["addresses"]
        more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
        return ", ".join(found[:SHOWN]) + more

    def fetch(self, *, settings: Mapping[str, Any], secrets: Mapping[str, str]) -> Iterator[Any]:
        """Yield the outputs of all files."""
        row = 0
        for place in _places(settings, secrets):
            yield Part(row, place.shown)
            start = row
            for item in numbered(self.outputs(place, settings=settings), start=start):
                row = max(row, item.row)
                yield item

    def expected(self, *, settings: Mapping[str, Any], secrets: Mapping[str, str]) -> int | None:
        """Read it from the ends of the files when all are Parquet and can be asked for it without a copy."""
        import pyarrow.parquet as pq

        rows = 0
        for place in _places(settings, secrets):
            plain = place.path.endswith((".parquet", ".pq")) and not place.path.startswith("http")
            if not plain:
                return None
            with opened(place.fs, place.path, file=place.shown, jumping=True) as stream:
                rows += pq.read_metadata(stream).num_rows
        return rows


def _named(name: str, check: Callable[[str], None], address: str) -> None:
    """Check an address; the error says which option it is of."""
    try:
        check(address)
    except ValueError as error:
        message = f"{name}: {error}"
        raise ValueError(message) from None


def _check(address: str) -> None:
    """Raise ValueError for an address that cannot be meant or must not be read."""
    scheme = scheme_of(address)
    if scheme not in SCHEMES:
        message = f"{quoted(address)} is no address that can be read; there are https://, s3://, gs:// and paths"
        raise ValueError(message)
    if scheme in ("", "file"):
        path = _path(address)
        if not path.startswith("/") or ".." in path.split("/"):
            message = f"{quoted(address)} is no address; write https://… or a path from the root (/…)"
            raise ValueError(message)
        check_path(path.partition("*")[0] or "/")
    elif not urlsplit(address).netloc:
        message = f"{quoted(address)} names no {'host' if scheme.startswith('http') else 'bucket'}"
        raise ValueError(message)
    elif scheme.startswith("http"):
        _check_port(address)


def _check_port(address: str) -> None:
    try:
        _ = urlsplit(address).port
    except ValueError:
        message = f"the port in {quoted(address)} is no number from 0 to 65535"
        raise ValueError(message) from None


def _path(address: str) -> str:
    return address.removeprefix("file://")


def _places(settings: Mapping[str, Any], secrets: Mapping[str, str]) -> Iterator[Place]:
    """Yield the files, each once, in the order of the addresses and sorted within one."""
    seen: set[str] = set()
    systems: dict[str, Any] = {}
    for address in settings["addresses"]:
        scheme = scheme_of(address)
        if scheme not in systems:
            systems[scheme] = filesystem(scheme, secrets=secrets, endpoint=settings["endpoint"])
        for place in _found(address, systems[scheme], query=secrets.get("query", "")):
            if place.path not in seen:
                seen.add(place.path)
                yield place


def _found(address: str, fs: Any, *, query: str) -> Iterator[Place]:
    scheme = scheme_of(address)
    path = _path(address)
    paths = [path]
    if "*" in path or (scheme in ("", "file") and any(letter in path for letter in "?[")):
        with told(address):
            found = fs.glob(path, detail=True)
        paths = sorted(one for one, about in found.items() if about["type"] != "directory" and not one.endswith("/"))
        if not paths:
            raise MaterialRefused([Problem(address, 0, "", "no file is called like this")])
    if len(paths) > MOST_FILES:
        reason = f"{len(paths):,} files are called like this; at most {MOST_FILES:,} are taken"
        raise MaterialRefused([Problem(address, 0, "", reason)])
    for one in paths:
        shown = one if "://" in one or scheme in ("", "file") else f"{scheme}://{one}"
        secret = ("&" if "?" in one else "?") + query.lstrip("?&") if query and scheme in ("http", "https") else ""
        yield Place(fs, one + secret, shown)
