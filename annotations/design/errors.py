"""What can be wrong with a design: a bad value, or wishes that clash, with the nearest feasible numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


class DesignError(ValueError):
    """The design holds a value that makes no sense."""

    def __init__(self, message: str = "") -> None:
        super().__init__(message or self.__doc__)


@dataclass(frozen=True, slots=True)
class Suggestion:
    """One change that removes a clash: `field` of the spec (or prompts, attention, outputs), its new `value`."""

    field: str
    value: object
    text: str


@dataclass(frozen=True, slots=True)
class Clash:
    """One constraint that cannot be met, the fields it binds, and what would be feasible instead."""

    fields: tuple[str, ...]
    text: str
    suggestions: tuple[Suggestion, ...] = ()

    def __str__(self) -> str:
        """Give the sentence shown to the researcher, for example "trials per rater 20 > 18 prompts: use at most 18"."""
        if not self.suggestions:
            return self.text
        return f"{self.text}: {', or '.join(suggestion.text for suggestion in self.suggestions)}"


class Infeasible(DesignError):
    """The design cannot be built as asked."""

    def __init__(self, clashes: Sequence[Clash]) -> None:
        self.clashes = tuple(clashes)
        super().__init__("; ".join(str(clash) for clash in self.clashes))

    @property
    def suggestions(self) -> tuple[Suggestion, ...]:
        """Give all suggestions of all clashes, in order."""
        return tuple(suggestion for clash in self.clashes for suggestion in clash.suggestions)
