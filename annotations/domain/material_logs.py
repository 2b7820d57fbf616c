"""Logs of evaluation tools on their way in: which format a file has, the keys of prompts, samples without a text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePath
from typing import Any

from annotations.errors import MaterialRefused, Problem
from annotations.models import Prompt, Study
from annotations.registry import OutputRecord, Source, sources
from annotations.registry.cells import quoted
from annotations.registry.logs import LogSource, UnansweredProblem

from .material_overview import counted

LISTED = 200
JSON = (".json", ".json.gz")


def recognised(filename: str) -> str:
    """Return the name of the source that a file's name tells, or an empty string.

    A log is known by the name that its tool gives it; else the ending decides among the tables.
    """
    name = PurePath(filename).name.lower()
    own = (one.name for one in sources if isinstance(one, LogSource) and one.own_names.fullmatch(name))
    table = (one.name for one in sources if not isinstance(one, LogSource) and name.endswith(one.suffixes))
    return next(own, "") or next(table, "")


def unknown(filename: str, *, asked: str, suffixes: Iterable[str]) -> MaterialRefused:
    """Return the refusal of a file whose format nobody has said."""
    if asked:
        reason = f"there is no source {quoted(asked)}"
    elif filename.lower().endswith(JSON):
        reason = "a .json file may be a log of several tools; say which format it has"
        return MaterialRefused([Problem(filename, 0, "", reason)])
    else:
        reason = "the ending of the file's name is not known"
    return MaterialRefused([Problem(filename, 0, "", f"{reason}; bring one of {', '.join(suffixes)}")])


def records_of(source: Source, path: Path, *, study: Study, file: str, system: str) -> Iterator[Any]:
    """Yield the records of a file; `system` names the system of a log."""
    system = system.strip()
    if isinstance(source, LogSource):
        return known_keys(source.samples(path, file=file, system=system), study=study)
    if system:
        reason = "a table names the system in every row; leave the name of the system empty, or choose a log's format"
        raise MaterialRefused([Problem(file, 0, "system", reason)])
    return source.records(path, file=file)


def known_keys(records: Iterable[Any], *, study: Study) -> Iterator[Any]:
    """Give prompts that the study has their key and family there: a log cannot be told to use them.

    The tool's own task stays in the metadata.
    """
    known: dict[str, dict[str, str]] = {}
    rows = Prompt.objects.filter(study=study, is_check=False).values_list("text", "key", "task_family")
    for text, key, family in rows:
        known.setdefault(text, {})[key] = family
    for record in records:
        families = known.get(record.prompt.strip()) if isinstance(record, OutputRecord) else None
        if not families:
            yield record
            continue
        key = record.prompt_key if record.prompt_key in families else min(families)
        yield replace(record, prompt_key=key, task_family=families[key] or record.task_family)


@dataclass
class LeftOut:
    """The samples of a log that hold no text to judge: all are counted, the first are kept to be read."""

    count: int = 0
    first: list[Problem] = field(default_factory=list)

    def sift(self, records: Iterable[Any]) -> Iterator[Any]:
        """Yield all but those; where there is nothing else, a problem."""
        anything = False
        for record in records:
            if not isinstance(record, UnansweredProblem):
                anything = True
                yield record
                continue
            self.count += 1
            if self.count <= LISTED:
                self.first.append(record)
        if self.first and not anything:
            reason = f"none of the {self.count:,} samples has an answer; the first: {self.first[0].reason}"
            yield Problem(self.first[0].file, 0, "text", reason)

    @property
    def words(self) -> str:
        """The same as a sentence; nothing when there are none."""
        return f" {counted(self.count, 'sample')} without an answer left out." if self.count else ""
