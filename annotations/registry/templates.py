"""The family of study templates: what researchers start from."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from .base import Plugin, Registry


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
    path: Mapping[str, Any] = field(default_factory=dict)
    quality: Mapping[str, Any] = field(default_factory=dict)
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
