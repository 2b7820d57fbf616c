"""The family of generators: models that answer a question at once, for panels of experts."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

from .base import Plugin, Registry


class Generator(Plugin):
    """A system that writes outputs on demand."""

    @abstractmethod
    def clean_settings(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Return complete, checked settings; raises ValueError that names the wrong one and what is allowed."""

    @abstractmethod
    def generate(
        self, question: str, *, count: int, settings: Mapping[str, Any], secrets: Mapping[str, str]
    ) -> list[str]:
        """Return exactly `count` texts, none of them empty.

        Raises ``GeneratorFailed`` with words that an expert may read; they name neither the model nor its address.
        """


generators: Registry[Generator] = Registry("generators")
