"""The family of sources: where outputs come from."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

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


class Source(Plugin):
    """Where outputs come from. `records` streams: it must not hold the whole file in memory.

    It raises ``MaterialRefused`` for a file that cannot be read at all, and yields ``Problem`` objects in place of
    records for single rows that are wrong, so that one pass lists everything that is wrong.
    """

    suffixes: ClassVar[tuple[str, ...]]

    @abstractmethod
    def records(self, path: Path, *, file: str) -> Iterator[Any]:
        """Yield ``OutputRecord`` or ``Problem``; `file` is the name to print in problems."""


class RemoteSource(Plugin):
    """Outputs that are fetched by a background job: a dataset of a hub, files at addresses, logs of evaluations.

    Its records go the way of a file's: streamed, checked, whole or not at all. `takes` are its settings, for checks and
    for the researcher's form; secrets stand apart, by name and label, encrypted at rest and never shown again.
    """

    takes: ClassVar[tuple[Option, ...]] = ()
    secrets: ClassVar[tuple[tuple[str, str], ...]] = ()

    @abstractmethod
    def clean_settings(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Return complete, checked settings; raises ValueError that names the wrong one and what is allowed."""

    @abstractmethod
    def described(self, settings: Mapping[str, Any]) -> str:
        """Name what is fetched, for lists and problems; without secrets."""

    @abstractmethod
    def fetch(self, *, settings: Mapping[str, Any], secrets: Mapping[str, str]) -> Iterator[Any]:
        """Yield ``OutputRecord`` or ``Problem``, streaming. Rows count over all files from 1.

        Raises ``MaterialRefused`` for what cannot be read at all, ``SourceUnreachable`` for what does not answer
        now and may later; neither says anything secret.
        """

    def expected(self, *, settings: Mapping[str, Any], secrets: Mapping[str, str]) -> int | None:  # noqa: ARG002
        """Return how many rows there will be when that is cheap to know, for the progress bar."""
        return None


remote_sources: Registry[RemoteSource] = Registry("remote_sources")
sources: Registry[Source] = Registry("sources")
