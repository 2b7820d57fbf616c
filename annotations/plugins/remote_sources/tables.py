"""Reading files of tables one behind the other, as the outputs that a mapping makes of their rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from annotations.errors import MaterialRefused, Problem
from annotations.registry import Source, sources

from .mapping import Mapper, columns_of
from .opening import inner_name, opened, unpacked

AUTO = "auto"


@dataclass(frozen=True, slots=True)
class Place:
    """A file: where it is for fsspec, and how it is called for people."""

    fs: Any
    path: str
    shown: str


def format_of(name: str, *, asked: str) -> Source:
    """Return what reads a file of this name; raises MaterialRefused when nothing does."""
    if asked != AUTO:
        return sources.get(asked)
    lowered = name.lower()
    found = next((one for one in sources if one.has_rows and lowered.endswith(one.suffixes)), None)
    if found is None:
        endings = sorted({suffix for one in sources if one.has_rows for suffix in one.suffixes if "gz" not in suffix})
        reason = f"the ending tells no format; choose one, or bring one of {', '.join(endings)}"
        raise MaterialRefused([Problem(name, 0, "", reason)])
    return found


def outputs_of(place: Place, *, settings: Mapping[str, Any], asked: str = AUTO) -> Iterator[Any]:
    """Yield the outputs of one file, its rows counted from 1, and what is wrong with it."""
    mapper = Mapper(settings, file=place.shown)
    for item in _rows(place, settings=settings, asked=asked):
        if isinstance(item, Problem):
            yield item
        else:
            yield from mapper.read(item)


def _rows(place: Place, *, settings: Mapping[str, Any], asked: str) -> Iterator[Any]:
    named = inner_name(place.shown).lower()
    jumping = asked == "parquet" or named.endswith((".parquet", ".pq"))
    columns = columns_of(settings)
    with opened(place.fs, place.path, file=place.shown, jumping=jumping) as stream:
        if jumping:
            yield from sources.get("parquet").rows(stream, file=place.shown, **columns)
            return
        with unpacked(stream, file=place.shown) as (plain, name):
            source = format_of(name, asked=asked)
            if source.name == "parquet":
                reason = "a Parquet file in an archive cannot be read; Parquet is packed already, bring it as it is"
                raise MaterialRefused([Problem(place.shown, 0, "", reason)])
            yield from source.rows(plain, file=place.shown, **columns)


def numbered(items: Iterator[Any], *, start: int) -> Iterator[Any]:
    """Yield the items of a file with their rows counted on from `start`."""
    for item in items:
        yield replace(item, row=item.row + start) if start and item.row else item
