"""The family of scorers: automatic judges that give each output a number."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from .base import Plugin, Registry
from .options import Option


@dataclass(frozen=True, slots=True)
class ScoredText:
    """One output to be scored, with the prompt's text."""

    output: int
    prompt: str
    text: str


class Scorer(Plugin):
    """An automatic judge. Higher numbers mean more of what `direction` names."""

    takes: ClassVar[tuple[Option, ...]] = ()
    secrets: ClassVar[tuple[tuple[str, str], ...]] = ()
    about: ClassVar[str] = ""

    @abstractmethod
    def clean_settings(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Return complete, checked settings; raises ValueError that names the wrong one."""

    @abstractmethod
    def scores(
        self, texts: Iterable[ScoredText], *, settings: Mapping[str, Any], secrets: Mapping[str, str]
    ) -> Iterator[tuple[int, float | None]]:
        """Yield (output, score) as they come, None where there is none to be had (said in the job's message).

        Raises ``GeneratorFailed`` in words without secrets when scoring cannot go on.
        """


scorers: Registry[Scorer] = Registry("scorers")
