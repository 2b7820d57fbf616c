"""Which column of a foreign table is what: one raw row becomes one output, or several when its texts are a list."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from annotations.errors import MaterialRefused, Problem
from annotations.registry import Option, OutputRecord, RawRow
from annotations.registry.cells import (
    UNNUMBERED,
    CellError,
    kind_of,
    optional_words,
    plain,
    quoted,
    sample_number,
    words,
)

EVERY = "*"
REQUIRED = ("prompt", "text", "system")
OPTIONAL = ("sample", "prompt_key", "task_family")
SHOWN = 30
MOST_SHAPES = 1000  # different sets of keys to remember
MAPPING = (
    Option(
        "prompt", "Column of the prompt", "words", "prompt", "Nested: instance.input, messages.0.content.", most=120
    ),
    Option(
        "text",
        "Column of the text",
        "words",
        "text",
        "A list of texts counts as so many samples of one cell, numbered from 0.",
        most=120,
    ),
    Option("system", "Column of the system", "words", "system", most=120),
    Option("system_name", "… or one system for all rows", "words", "", "When no column says it.", most=120),
    Option("sample", "Column of the sample's number", "words", "sample", "May be missing.", most=120),
    Option("prompt_key", "Column of the prompt's key", "words", "prompt_key", "May be missing.", most=120),
    Option("task_family", "Column of the task family", "words", "task_family", "May be missing.", most=120),
    Option(
        "extra",
        "Further columns to keep with each output",
        "lines",
        [],
        "A line each; * keeps all that are left.",
        most=120,
        many=100,
    ),
)


def checked_mapping(settings: Mapping[str, Any]) -> None:
    """Raise ValueError when the columns cannot be right together."""
    for name, what in (("prompt", "the prompt"), ("text", "the text")):
        if not settings[name]:
            message = f"the option '{name}' must name the column of {what}"
            raise ValueError(message)
    if not settings["system"] and not settings["system_name"]:
        message = "name the column of the system ('system'), or one system for all rows ('system_name')"
        raise ValueError(message)


def columns_of(settings: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """Return which columns are `wanted` (none: all must be read) and which `welcome` (they may be missing)."""
    if EVERY in settings["extra"]:
        return {"wanted": (), "welcome": ()}
    required = [settings[name] for name in REQUIRED if not (name == "system" and settings["system_name"])]
    asked = [settings[name] for name in OPTIONAL if settings[name] not in ("", name)]
    welcome = [name for name in OPTIONAL if settings[name] == name]
    return {"wanted": tuple(dict.fromkeys([*required, *asked, *settings["extra"]])), "welcome": tuple(welcome)}


Getter = Callable[[Sequence[Any]], Any]


@dataclass(frozen=True, slots=True)
class Plan:
    """Where the fields stand under one set of names."""

    prompt: Getter
    text: Getter
    system: Getter
    sample: Getter
    prompt_key: Getter
    task_family: Getter
    extra: tuple[tuple[str, Getter], ...]


class Mapper:
    """Reads the rows of one file; the first row must have every column that was asked for."""

    def __init__(self, settings: Mapping[str, Any], *, file: str) -> None:
        self._settings, self._file = settings, file
        self._plans: dict[tuple[str, ...], Plan | Problem] = {}
        self._begun = False

    def read(self, raw: RawRow) -> Iterator[OutputRecord | Problem]:
        """Yield the outputs of a row, or what is wrong with it."""
        plan = self._plans.get(raw.names)
        if plan is None:
            if len(self._plans) >= MOST_SHAPES:
                self._plans.clear()
            plan = self._plans[raw.names] = self._plan(raw)
        self._begun = True
        if isinstance(plan, Problem):
            yield Problem(self._file, raw.row, plan.column, plan.reason)
            return
        row, cells, faults = raw.row, raw.cells, []
        found: dict[str, Any] = {}
        for name, getter, reader in (
            ("prompt", plan.prompt, words),
            ("system", plan.system, optional_words),
            ("sample", plan.sample, sample_number),
            ("prompt_key", plan.prompt_key, optional_words),
            ("task_family", plan.task_family, optional_words),
        ):
            try:
                found[name] = reader(getter(cells))
            except CellError as error:
                faults.append(Problem(self._file, row, self._settings[name], str(error)))
        texts = plan.text(cells)
        faults.extend(self._text_faults(row, texts, found.get("sample", UNNUMBERED)))
        metadata = self._metadata(raw, plan, faults=faults)
        if faults:
            yield from (replace(one, reason=f"{one.reason}{_instead(one.column, raw)}") for one in faults)
            return
        if isinstance(texts, str):
            yield OutputRecord(row=row, text=texts, metadata=metadata, **found)
            return
        del found["sample"]
        for number, text in enumerate(texts):
            yield OutputRecord(row=row, text=text, sample=number, metadata=metadata, **found)

    def _metadata(self, raw: RawRow, plan: Plan, *, faults: list[Problem]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, getter in plan.extra:
            try:
                value = plain(getter(raw.cells))
            except CellError as error:
                faults.append(Problem(self._file, raw.row, name, str(error)))
                continue
            if value not in (None, ""):
                found[name] = value
        return found

    def _text_faults(self, row: int, texts: Any, sample: int) -> Iterator[Problem]:
        column = self._settings["text"]
        if isinstance(texts, str):
            return
        if not isinstance(texts, list):
            yield Problem(self._file, row, column, f"must be text or a list of texts, is {kind_of(texts)}")
            return
        if not texts:
            yield Problem(self._file, row, column, "the list of texts is empty")
        for number, text in enumerate(texts):
            if not isinstance(text, str):
                yield Problem(self._file, row, column, f"entry {number} of the list must be text, is {kind_of(text)}")
        if sample != UNNUMBERED:
            reason = "a list of texts numbers its samples itself; name no column for the sample's number"
            yield Problem(self._file, row, self._settings["sample"], reason)

    def _plan(self, raw: RawRow) -> Plan | Problem:
        """Find the columns. What is missing refuses the file at its first row, and the row behind that."""
        settings, names = self._settings, raw.names
        missing = list(self._doubled(names))
        getters: dict[str, Getter] = {}
        for name in (*REQUIRED, *OPTIONAL):
            column = settings[name]
            if name == "system" and settings["system_name"]:
                getters[name] = _constant(settings["system_name"])
                continue
            getter = _getter(column, names) if column else _constant(None)
            if getter is None and name in OPTIONAL and (column == name or self._begun):
                getter = _constant(None)
            if getter is None:
                missing.append(self._missing(column, names))
            else:
                getters[name] = getter
        extra: list[tuple[str, Getter]] = []
        for column in settings["extra"]:
            getter = _getter(column, names)
            if column == EVERY or (getter is None and self._begun):
                continue
            if getter is None:
                missing.append(self._missing(column, names))
            else:
                extra.append((column, getter))
        if missing and not self._begun:
            raise MaterialRefused(missing)
        if missing:
            return missing[0]
        return Plan(**getters, extra=(*extra, *self._others(names, {name for name, _ in extra})))

    def _doubled(self, names: tuple[str, ...]) -> Iterator[Problem]:
        """Yield the columns that are asked for and there twice: which one counts would be chance."""
        columns = [self._settings[name] for name in (*REQUIRED, *OPTIONAL)] + self._settings["extra"]
        asked = {name for column in columns for name in (column, column.partition(".")[0])}
        for name, count in Counter(names).items():
            if count > 1 and name and (name in asked or EVERY in asked):
                yield Problem(self._file, 0, name, "the column is there twice; rename one of them")

    def _others(self, names: tuple[str, ...], named: set[str]) -> Iterator[tuple[str, Getter]]:
        """Yield the columns that `*` means: all that nothing else takes."""
        if EVERY not in self._settings["extra"]:
            return
        taken = {self._settings[name] for name in (*REQUIRED, *OPTIONAL)} | named
        for place, name in enumerate(names):
            if name and name not in taken:
                yield name, _getter_at(place, ())

    def _missing(self, column: str, names: tuple[str, ...]) -> Problem:
        listed = ", ".join(quoted(name) for name in names[:SHOWN]) or "none"
        more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
        return Problem(self._file, 0, column, f"there is no such column; there are: {listed}{more}")


def _constant(value: Any) -> Getter:
    return lambda _: value


def _getter(column: str, names: tuple[str, ...]) -> Getter | None:
    """Return what reads a column: by its whole name, else by the first part of a dotted one."""
    if column in names:
        return _getter_at(names.index(column), ())
    first, *rest = column.split(".")
    return _getter_at(names.index(first), tuple(rest)) if rest and first in names else None


def _getter_at(place: int, path: tuple[str, ...]) -> Getter:
    if not path:
        return lambda cells: cells[place]
    return lambda cells: _inside(cells[place], path)


def _inside(value: Any, path: tuple[str, ...]) -> Any:
    """Walk into objects by name and into lists by number; a name asks every entry of a list."""
    for at, part in enumerate(path):
        if isinstance(value, dict):
            value = value.get(part)
        elif isinstance(value, list) and part.isdigit():
            value = value[int(part)] if int(part) < len(value) else None
        elif isinstance(value, list):
            return [_inside(entry, path[at:]) for entry in value]
        else:
            return None
    return value


def _instead(column: str, raw: RawRow) -> str:
    """Say what is there when a dotted column names a field that is not."""
    first, *rest = column.split(".")
    if column in raw.names or first not in raw.names:
        return ""
    value, walked = raw.cells[raw.names.index(first)], first
    for part in rest:
        if isinstance(value, list) and value and not part.isdigit():
            value = value[0]
        if isinstance(value, dict) and part not in value:
            return f"; {quoted(walked)} holds: {', '.join(quoted(name) for name in list(value)[:SHOWN]) or 'nothing'}"
        value, walked = _inside(value, (part,)), f"{walked}.{part}"
    return ""
