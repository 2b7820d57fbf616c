"""The family of prompt sets: prompts that a study can start from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from .base import Plugin, Registry


@dataclass(frozen=True, slots=True)
class SetPrompt:
    """One prompt of a set; `key` is its name in files."""

    key: str
    text: str


class PromptSet(Plugin):
    """Prompts written for this project. `source` says on what task they are modelled, with the literature."""

    task_family: ClassVar[str]
    about: ClassVar[str]
    source: ClassVar[str]
    prompts: ClassVar[tuple[SetPrompt, ...]]


prompt_sets: Registry[PromptSet] = Registry("prompt_sets")
