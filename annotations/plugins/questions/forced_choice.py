"""Forced choice: which of two texts, A or B; a tie if the study allows it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from annotations.errors import AnswerError
from annotations.registry import Choice, Measure, QuestionType, question_types

SCORES = {"a": 1.0, "tie": 0.5, "b": 0.0}


@question_types.register
class ForcedChoice(QuestionType):
    """A or B, optionally "no difference" in the middle."""

    name = "forced_choice"
    label = "Forced choice (A or B)"
    measure: ClassVar[Measure] = "pairwise_choice"

    def clean_options(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """Options: `tie` (bool, default False)."""
        tie = options.get("tie", False)
        if not isinstance(tie, bool) or set(options) - {"tie"}:
            message = f"forced choice takes one option, 'tie': true or false, not {dict(options)!r}"
            raise ValueError(message)
        return {"tie": tie}

    def choices(self, options: Mapping[str, Any]) -> tuple[Choice, ...]:
        """A, (no difference,) B; numbered from the left."""
        tie = (Choice("tie", "Same: no difference", "Same", "2"),) if options.get("tie") else ()
        return (Choice("a", "Text A", "A", "1"), *tie, Choice("b", "Text B", "B", str(2 + len(tie))))

    def parse(self, raw: str, options: Mapping[str, Any]) -> str:
        """Return "a", "b" or "tie"."""
        if raw not in SCORES or (raw == "tie" and not options.get("tie")):
            raise AnswerError
        return raw

    def score(self, value: str | int, options: Mapping[str, Any]) -> float:  # noqa: ARG002
        """1 when the left text was chosen, 0 when the right one was, ½ for a tie."""
        return SCORES[str(value)]

    def levels(self, options: Mapping[str, Any]) -> int:
        """Two answers, three with a tie."""
        return 3 if options.get("tie") else 2
