"""Registries of plug-ins, and the base class of each family.

A plug-in is one file in ``annotations/plugins/<family>/`` with one class decorated by ``@<registry>.register``. Nothing
else has to be edited: forms, admin choices and the contract tests read the registry.
"""

from __future__ import annotations

import importlib
import pkgutil
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Generic, Literal, TypeVar

Measure = Literal["pairwise_choice", "pairwise_graded", "interval", "ordinal", "nominal", "ranking"]


class Plugin(ABC):
    """What every plug-in has: a name for code and data, and a label for people."""

    name: ClassVar[str]
    label: ClassVar[str]


P = TypeVar("P", bound=Plugin)


class Registry(Generic[P]):
    """The plug-ins of one family by name; the family's folder is imported when first asked."""

    def __init__(self, family: str) -> None:
        self.family = family
        self._items: dict[str, P] = {}
        self._loaded = False

    def register(self, plugin: type[P]) -> type[P]:
        """Add a plug-in class (a decorator); a name taken by another class is a programming error."""
        known = self._items.get(plugin.name)
        if known is not None and type(known) is not plugin:
            message = f"{self.family}: the name '{plugin.name}' is taken by {type(known).__qualname__}"
            raise ValueError(message)
        self._items[plugin.name] = plugin()
        return plugin

    def _load(self) -> None:
        if self._loaded:
            return
        package = importlib.import_module(f"annotations.plugins.{self.family}")
        for module in pkgutil.iter_modules(package.__path__):
            importlib.import_module(f"{package.__name__}.{module.name}")
        self._loaded = True

    def get(self, name: str) -> P:
        """Return the plug-in of this name; raises KeyError with the names that exist."""
        self._load()
        try:
            return self._items[name]
        except KeyError:
            message = f"{self.family}: no '{name}'; there are {', '.join(sorted(self._items))}"
            raise KeyError(message) from None

    def names(self) -> list[str]:
        """Return the names, sorted."""
        self._load()
        return sorted(self._items)

    def choices(self) -> list[tuple[str, str]]:
        """Return (name, label) for form and model choices."""
        return [(name, self._items[name].label) for name in self.names()]

    def __iter__(self) -> Iterator[P]:
        return iter([self._items[name] for name in self.names()])


# ---------------------------------------------------------------------------------------------------- question types


@dataclass(frozen=True, slots=True)
class Choice:
    """One answer of a row: `value` goes over the wire, `label` is read out, `short` is shown, `key` is its shortcut."""

    value: str
    label: str
    short: str
    key: str


class QuestionType(Plugin):
    """How one dimension is asked on a task. Answers are stored as `parse` returns them and analysed as `score` says."""

    measure: ClassVar[Measure]
    outputs: ClassVar[tuple[int, int]] = (2, 2)
    template_name: ClassVar[str] = "annotations/questions/segmented.html"

    @abstractmethod
    def clean_options(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """Return complete, checked options; raises ValueError that says which one is wrong and what is allowed."""

    @abstractmethod
    def choices(self, options: Mapping[str, Any]) -> tuple[Choice, ...]:
        """Return the answers in the order in which they stand on the page, left to right."""

    @abstractmethod
    def parse(self, raw: str, options: Mapping[str, Any]) -> str | int:
        """Return the value to store for what the browser sent; raises AnswerError when it is not one of the choices."""

    @abstractmethod
    def score(self, value: str | int, options: Mapping[str, Any]) -> float:
        """Return the number that stands in column `answer` of the long table (see ``analysis.schema``)."""

    @abstractmethod
    def levels(self, options: Mapping[str, Any]) -> int:
        """Return how many different answers are possible."""


question_types: Registry[QuestionType] = Registry("questions")


# ------------------------------------------------------------------------------------------------------------ sources


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


# -------------------------------------------------------------------------------------------------------- recruitment


@dataclass(frozen=True, slots=True)
class Identity:
    """Who came: the recruiter's id of the person and of this session; empty strings when the link carries none."""

    person: str = ""
    session: str = ""


class RecruitmentPlatform(Plugin):
    """Maps a query string to an identity, and an outcome to a return address."""

    @abstractmethod
    def identity(self, query: Mapping[str, str]) -> Identity:
        """Return who came by this query string."""

    @abstractmethod
    def return_url(self, template: str, *, code: str) -> str:
        """Return the address that the end page links to, or an empty string."""


recruitment_platforms: Registry[RecruitmentPlatform] = Registry("recruitment")


# ---------------------------------------------------------------------------------------------------- study templates


@dataclass(frozen=True, slots=True)
class DimensionDraft:
    """A dimension as a study template proposes it."""

    key: str
    label: str
    definition: str
    question_type: str
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StudyDraft:
    """What a study template fills in; every text is Markdown and may be edited while the study is a draft."""

    lead: str
    dimensions: tuple[DimensionDraft, ...]
    welcome: str
    consent: str
    instructions: str
    design: Mapping[str, Any] = field(default_factory=dict)
    analysis: Mapping[str, Any] = field(default_factory=dict)


class StudyTemplate(Plugin):
    """A study that researchers start from; `source` says where the design comes from and how it differs."""

    description: ClassVar[str]
    source: ClassVar[str]

    @abstractmethod
    def draft(self) -> StudyDraft:
        """Return the texts, dimensions and settings of a new study."""


study_templates: Registry[StudyTemplate] = Registry("study_templates")
