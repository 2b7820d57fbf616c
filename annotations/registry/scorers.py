"""The family of scorers: automatic judges that give each output a number."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from .base import Plugin, Registry
from .options import Option, complete


@dataclass(frozen=True, slots=True)
class ScoredText:
    """One output to be scored, with the prompt's text."""

    output: int
    prompt: str
    text: str


class Scorer(Plugin):
    """An automatic judge. Higher numbers mean more of what `direction` names ("more original", "more words").

    `takes` are its settings, for checks and for the researcher's form; secrets stand apart, by name and label.
    """

    takes: ClassVar[tuple[Option, ...]] = ()
    secrets: ClassVar[tuple[tuple[str, str], ...]] = ()
    about: ClassVar[str] = ""
    direction: ClassVar[str] = ""

    def clean_settings(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Return complete, checked settings; raises ValueError that names the wrong one."""
        return complete(self.takes, settings, of=self.label)

    def depends_on_all(self, settings: Mapping[str, Any]) -> bool:  # noqa: ARG002
        """Say whether a score depends on the other texts, so that all are computed anew when one is missing."""
        return False

    @abstractmethod
    def scores(
        self, texts: Iterable[ScoredText], *, settings: Mapping[str, Any], secrets: Mapping[str, str]
    ) -> Iterator[tuple[int, float | None]]:
        """Yield (output, score) as they come, in any order, None where there is none to be had.

        `texts` is read as it is needed, so that a million of them are never in memory. Whoever calls may stop early
        (``close()``): threads and connections then end. Raises ``GeneratorFailed`` in words without secrets when
        scoring cannot go on; what was yielded before is kept, and only what is missing is asked for again.
        """


scorers: Registry[Scorer] = Registry("scorers")
