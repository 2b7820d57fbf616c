"""The long format that all file sources share: which columns there are, and one row of cells as an `OutputRecord`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any, NoReturn

from annotations.errors import MaterialRefused, Problem
from annotations.registry import OutputRecord
from annotations.registry.cells import (
    UNNUMBERED,
    CellError,
    kind_of,
    optional_words,
    plain,
    quoted,
    refuse,
    sample_number,
    words,
)

__all__ = [
    "UNNUMBERED",
    "CellError",
    "Columns",
    "ExtraColumnProblem",
    "json_fault",
    "kind_of",
    "metadata_object",
    "no_constant",
    "optional_words",
    "quoted",
    "sample_number",
    "suggestion",
    "unique_pairs",
    "words",
]

REQUIRED = ("prompt", "system", "text")
KEYS = ("prompt_key", "prompt_id")  # two names of one column
KNOWN = (*REQUIRED, "sample", *KEYS, "task_family", "metadata")
PREFIX = "metadata."
# Pandas writes these beside the data; they say nothing about an output.
IGNORED = re.compile(r"__index_level_\d+__$")
# Other words for the columns; only ever suggested, never taken silently.
SYNONYMS = {
    "prompt": ("instruction", "question", "input", "object", "brief"),
    "system": ("model", "method", "condition", "arm", "engine"),
    "text": ("output", "response", "completion", "generation", "answer", "story", "content"),
    "sample": ("sample_id", "sample_index", "replicate", "draw", "n"),
    "task_family": ("task", "family", "category", "task_type"),
    "metadata": ("meta", "extra", "info"),
}


@dataclass(frozen=True)
class ExtraColumnProblem(Problem):
    """A column that the format does not know; it goes to the metadata when the researcher allows it."""


def suggestion(name: str, candidates: Sequence[str]) -> str:
    """Return the candidate that `name` was probably meant to be, or an empty string."""
    lowered = name.strip().lower()
    for known in candidates:
        if lowered in SYNONYMS.get(known, ()):
            return known
    return next(iter(get_close_matches(lowered, candidates, n=1, cutoff=0.72)), "")


def metadata_object(value: object) -> dict[str, Any]:
    """A JSON object, as such or as text."""
    if value is None or value == "":
        return {}
    if isinstance(value, str):
        try:
            value = json.loads(value, object_pairs_hook=unique_pairs, parse_constant=no_constant)
        except (ValueError, RecursionError) as error:
            refuse(f"must be a JSON object, cannot be read: {json_fault(error)}")
    found: dict[str, Any] = (
        plain(value) if isinstance(value, dict) else refuse(f"must be a JSON object, is {kind_of(value)}")
    )
    return found


def json_fault(error: Exception) -> str:
    """Say what the JSON parser raised."""
    return "it is nested too deeply" if isinstance(error, RecursionError) else str(error)


def unique_pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse a JSON object that names a key twice: which value counts would be chance."""
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        message = f"the key {quoted(twice)} stands there twice"
        raise ValueError(message)
    return found


def no_constant(name: str) -> NoReturn:
    """Refuse NaN and Infinity, which are not JSON."""
    message = f"{name} is not JSON"
    raise ValueError(message)


@dataclass
class Columns:
    """Where the fields of a record stand among the cells of a row; `problems` says what is wrong with the names."""

    file: str
    names: tuple[str, ...]
    places: dict[str, int] = field(default_factory=dict)
    extra: dict[str, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    missing: list[Problem] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Find the places of the known columns; the case of names and blanks around them do not count."""
        unknown = [(place, name) for place, name in enumerate(self.names) if not self._take(place, name)]
        for place, name in unknown:
            self._judge_unknown(place, name)
        there = ", ".join(quoted(name) for name in self.names[:20]) or "none"
        for name in (name for name in REQUIRED if name not in self.places):
            self.missing.append(Problem(self.file, 0, name, f"the column is missing; there are: {there}"))
        self.fatal = bool(self.missing) or not all(isinstance(item, ExtraColumnProblem) for item in self.problems)

    def _take(self, place: int, name: str) -> bool:
        lowered = name.strip().lower()
        if IGNORED.match(lowered):
            return True
        if lowered.startswith(PREFIX) and len(lowered) > len(PREFIX):
            return self._put(self.extra, name.strip()[len(PREFIX) :], place)
        if lowered in KNOWN:
            return self._put(self.places, "prompt_key" if lowered in KEYS else lowered, place)
        return False

    def _put(self, places: dict[str, int], name: str, place: int) -> bool:
        if name in places:
            self._complain(self.names[place], f"the column is there twice (columns {places[name] + 1} and {place + 1})")
        places.setdefault(name, place)
        return True

    def _judge_unknown(self, place: int, name: str) -> None:
        if not name.strip():
            advice = "name it or leave it out (pandas: to_csv(…, index=False))"
            self._complain(f"column {place + 1}", f"the column has no name; {advice}")
            return
        absent = [
            known for known in KNOWN if known not in self.places and not (known in KEYS and "prompt_key" in self.places)
        ]
        meant = suggestion(name, absent)
        near = bool(get_close_matches(name.strip().lower(), absent, n=1, cutoff=0.8))
        hint = f"did you mean {quoted(meant)}? Else" if meant else "leave it out,"
        reason = f"unknown column {quoted(name)}; {hint} call it {quoted(PREFIX + name.strip())} to keep it as metadata"
        if near:
            self._complain(name, reason)
            return
        self._put(self.extra, name.strip(), place)
        self.problems.append(ExtraColumnProblem(self.file, 0, _shown(name), f"{reason}, or allow extra columns"))

    def _complain(self, name: str, reason: str) -> None:
        self.problems.append(Problem(self.file, 0, _shown(name), reason))

    def header_problems(self) -> list[Problem]:
        """Return what is wrong with a header; raises MaterialRefused when rows cannot be read under it."""
        found = [*self.missing, *self.problems]
        if self.fatal:
            raise MaterialRefused(found)
        return found

    def read(self, row: int, cells: Sequence[Any]) -> Iterator[OutputRecord | Problem]:
        """Yield the record of a row, or everything that is wrong with its cells."""
        found: dict[str, Any] = {}
        problems = []
        for name, place in self.places.items():
            try:
                found[name] = READERS[name](cells[place])
            except CellError as error:
                problems.append(Problem(self.file, row, name, str(error)))
        metadata = found.get("metadata", {})
        problems.extend(self._add_extra(row, cells, metadata=metadata))
        if problems:
            yield from problems
            return
        found.setdefault("sample", UNNUMBERED)
        yield OutputRecord(row=row, **{**found, "metadata": metadata})

    def _add_extra(self, row: int, cells: Sequence[Any], *, metadata: dict[str, Any]) -> Iterator[Problem]:
        for name, place in self.extra.items():
            try:
                value = plain(cells[place])
            except CellError as error:
                yield Problem(self.file, row, _shown(self.names[place]), str(error))
                continue
            if value is None or value == "":
                continue
            if name in metadata:
                reason = f"the metadata of this row have {quoted(name)} already"
                yield Problem(self.file, row, _shown(self.names[place]), reason)
            metadata[name] = value


def _shown(name: str) -> str:
    return quoted(name)[1:-1]


READERS: Mapping[str, Any] = {
    **dict.fromkeys(REQUIRED, words),
    "sample": sample_number,
    "prompt_key": optional_words,
    "task_family": optional_words,
    "metadata": metadata_object,
}
