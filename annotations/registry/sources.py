"""The family of sources: where outputs come from."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from .base import Plugin, Registry


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


sources: Registry[Source] = Registry("sources")
