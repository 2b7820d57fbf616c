"""The family of sources: where outputs come from."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, ClassVar, NamedTuple

from annotations.errors import Problem

from .base import Plugin, Registry
from .options import Option


@dataclass(frozen=True, slots=True)
class OutputRecord:
    """One output as a source yields it; `row` counts data rows from 1 so that a refusal can name it."""

    row: int
    prompt: str
    system: str
    text: str
    sample: int = 0
    prompt_key: str = ""
    task_family: str = ""
    metadata: Mapping[str, Any] = field(default_factory=dict)


class RawRow(NamedTuple):
    """One row as a file holds it, before anybody says what its columns mean; rows count from 1."""

    row: int
    names: tuple[str, ...]
    cells: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Part:
    """Said by a remote source between records: the rows behind `row` are those of this file, from 1 on."""

    row: int
    file: str


class Source(Plugin):
    """Where outputs come from. `records` streams: it must not hold the whole file in memory.

    It raises ``MaterialRefused`` for a file that cannot be read at all, and yields ``Problem`` objects in place of
    records for single rows that are wrong, so that one pass lists everything that is wrong.
    """

    suffixes: ClassVar[tuple[str, ...]]
    has_rows: ClassVar[bool] = False  # whether there is `rows`

    @abstractmethod
    def records(self, path: Path, *, file: str) -> Iterator[Any]:
        """Yield ``OutputRecord`` or ``Problem``; `file` is the name to print in problems."""

    def rows(
        self, stream: BinaryIO, *, file: str, wanted: Collection[str], welcome: Collection[str] = ()
    ) -> Iterator[RawRow | Problem]:
        """Yield the rows of an open, unpacked file under whatever names its columns have; of tables only.

        `wanted` are the columns that will be looked at (dotted where nested; none: all), `welcome` those that may be
        missing; others may be left out. When a wanted one is missing the rows come with all that there are, so that
        these can be named.
        """
        raise NotImplementedError


class RemoteSource(Plugin):
    """Outputs that are fetched by a background job: a dataset of a hub, files at addresses, logs of evaluations.

    Its records go the way of a file's: streamed, checked, whole or not at all. `takes` are its settings, for checks and
    for the researcher's form; secrets stand apart, by name and label, encrypted at rest and never shown again.
    """

    reads_logs: ClassVar[bool] = False  # of evaluation tools, which do not know the keys of the study's prompts
    takes: ClassVar[tuple[Option, ...]] = ()
    secrets: ClassVar[tuple[tuple[str, str], ...]] = ()

    @abstractmethod
    def clean_settings(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Return complete, checked settings; raises ValueError that names the wrong one and what is allowed."""

    def pinned(self, *, settings: Mapping[str, Any], secrets: Mapping[str, str]) -> dict[str, Any]:  # noqa: ARG002
        """Return settings in which nothing moves any more (a branch became its commit); asked once, when queued.

        Raises as `fetch` does.
        """
        return dict(settings)

    @abstractmethod
    def described(self, settings: Mapping[str, Any]) -> str:
        """Name what is fetched, for lists and problems; without secrets."""

    @abstractmethod
    def fetch(self, *, settings: Mapping[str, Any], secrets: Mapping[str, str]) -> Iterator[Any]:
        """Yield ``OutputRecord`` or ``Problem``, streaming. Rows count over all files from 1, a ``Part`` names each.

        Raises ``MaterialRefused`` for what cannot be read at all, ``SourceUnreachable`` for what does not answer
        now and may later; neither says anything secret.
        """

    def expected(self, *, settings: Mapping[str, Any], secrets: Mapping[str, str]) -> int | None:  # noqa: ARG002
        """Return how many rows there will be when that is cheap to know, for the progress bar."""
        return None


remote_sources: Registry[RemoteSource] = Registry("remote_sources")
sources: Registry[Source] = Registry("sources")
