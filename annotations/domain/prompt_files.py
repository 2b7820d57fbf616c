"""Files of prompts without outputs: CSV, JSON lines, or plain text with one prompt a line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from annotations.errors import Problem
from annotations.plugins.sources.columns import IGNORED, KEYS, PREFIX, READERS, suggestion
from annotations.plugins.sources.files import each_line, open_text, refusal
from annotations.registry import OutputRecord, RawRow, sources
from annotations.registry.cells import CellError, quoted

COLUMNS = ("prompt", *KEYS, "task_family", "metadata")
OF_OUTPUTS = ("system", "text", "sample")
TABLES = ("csv", "jsonl")
PLAIN = (".txt", ".txt.gz")
NOTHING = "-"  # stands for system and text, which a prompt has not


def suffixes() -> tuple[str, ...]:
    """Return the endings of file names that can be read."""
    return (*(suffix for name in TABLES for suffix in sources.get(name).suffixes), *PLAIN)


def read_prompts(path: Path, *, file: str) -> Iterator[OutputRecord | Problem]:
    """Yield the prompts of a file as records whose system and text are NOTHING, and what is wrong with rows.

    Raises MaterialRefused for a file that cannot be read at all.
    """
    name = file.lower()
    with open_text(path, file=file) as stream:
        if name.endswith(PLAIN):
            for line in each_line(stream):
                prompt = OutputRecord(line.number, line.text, NOTHING, NOTHING)
                yield Problem(file, line.number, "prompt", line.fault) if line.fault else prompt
            return
        table = next((sources.get(one) for one in TABLES if name.endswith(sources.get(one).suffixes)), None)
        if table is None:
            raise refusal(file, f"the ending of the file's name is not known; bring one of {', '.join(suffixes())}")
        shapes: dict[tuple[str, ...], _Shape] = {}
        for found in table.rows(stream, file=file, wanted=(), welcome=COLUMNS):
            if isinstance(found, Problem):
                yield found
                continue
            shape = shapes.get(found.names)
            if shape is None:
                shape = shapes[found.names] = _Shape(found.names)
            yield from shape.read(found, file=file)


class _Shape:
    """The columns of a row by name; `problems` says in words what is wrong with the names."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self.known: dict[str, int] = {}
        self.extra: dict[str, int] = {}
        self.problems: list[tuple[str, str]] = []
        for place, name in enumerate(names):
            self._take(place, name.strip())
        if "prompt" not in self.known:
            there = ", ".join(quoted(name) for name in names[:20]) or "none"
            self.problems.insert(0, ("prompt", f"the column is missing; there are: {there}"))

    def _take(self, place: int, name: str) -> None:
        lowered = name.lower()
        if IGNORED.match(lowered):
            return
        places = self.extra if lowered.startswith(PREFIX) and len(lowered) > len(PREFIX) else self.known
        kept = name[len(PREFIX) :] if places is self.extra else ("prompt_key" if lowered in KEYS else lowered)
        if places is self.known and lowered not in COLUMNS:
            self.problems.append((name, _unknown(name)))
        elif kept in places:
            self.problems.append((name, "the column is there twice"))
        else:
            places[kept] = place

    def read(self, row: RawRow, *, file: str) -> Iterator[OutputRecord | Problem]:
        """Yield the prompt of a row, or what is wrong with it."""
        problems = [Problem(file, row.row, column, reason) for column, reason in self.problems]
        found: dict[str, Any] = {}
        for name, place in self.known.items():
            try:
                found[name] = READERS[name](row.cells[place])
            except CellError as error:
                problems.append(Problem(file, row.row, name, str(error)))
        if problems:
            yield from problems
            return
        more = {name: row.cells[place] for name, place in self.extra.items() if row.cells[place] not in (None, "")}
        metadata = {**found.pop("metadata", {}), **more}
        yield OutputRecord(row.row, system=NOTHING, text=NOTHING, metadata=metadata, **found)


def _unknown(name: str) -> str:
    if name.lower() in OF_OUTPUTS:
        return "this looks like a file of outputs; bring it under “What is there”, its prompts come with it"
    meant = suggestion(name, COLUMNS)
    hint = f"did you mean {quoted(meant)}? Else" if meant else "leave it out, or"
    return f"unknown column {quoted(name)}; {hint} call it {quoted(PREFIX + name)} to keep it as metadata"
