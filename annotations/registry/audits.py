"""The family of audits: what in the texts could tell a rater which system wrote them, or harm a comparison."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from .base import Plugin, Registry
from .options import Option

Severity = Literal["leak", "warning", "note"]
SEVERITIES: tuple[Severity, ...] = ("leak", "warning", "note")


@dataclass(frozen=True, slots=True)
class AuditedText:
    """One output as raters would see it now; `prompt` is the prompt's key, `question` its text.

    `marks` are those of its making: "refusal", "truncated", "empty".
    """

    output: int
    system: str
    prompt: str
    question: str
    sample: int
    text: str
    marks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What an audit knows beside the texts.

    roles           of each system by name; one is the baseline at most
    language        of the study, as a code
    system_prompts  instructions that the systems were given and that no text may repeat
    """

    roles: Mapping[str, str] = field(default_factory=dict)
    language: str = "en"
    system_prompts: tuple[str, ...] = ()

    @property
    def baseline(self) -> str:
        """The baseline's name, or none."""
        return next((name for name, role in self.roles.items() if role == "baseline"), "")


@dataclass(frozen=True, slots=True)
class Evidence:
    """One place: the output, an excerpt of it, and what stands out in it (start and end in the excerpt)."""

    output: int
    excerpt: str
    start: int = 0
    end: int = 0


@dataclass(frozen=True, slots=True)
class AuditFinding:
    """What an audit found: `key` tells its findings apart and stays the same from run to run.

    `leak` gives the system away, `warning` may, `note` only describes. `outputs` holds the ids of all outputs
    concerned, `evidence` the first few with their words; `figures` what a table shows: `{"systems": {name: {"count",
    "of"}}}` for how many of each system's outputs are concerned. `about_length` says that matching on length may help.
    """

    key: str
    severity: Severity
    title: str
    detail: str
    advice: str = ""
    outputs: tuple[int, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    figures: Mapping[str, Any] = field(default_factory=dict)
    about_length: bool = False


class Audit(Plugin):
    """One check of the texts before anything is frozen. Pure: texts in, findings out.

    question   what it looks for, in a sentence that a researcher reads
    takes      what can be set; the values are checked by these before `examine` gets them, complete
    """

    question: ClassVar[str]
    takes: ClassVar[tuple[Option, ...]] = ()

    @abstractmethod
    def examine(
        self, texts: Sequence[AuditedText], *, around: Surroundings, settings: Mapping[str, Any]
    ) -> Iterator[AuditFinding]:
        """Yield the findings; none for clean texts."""


audits: Registry[Audit] = Registry("audits")
