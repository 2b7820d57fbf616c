"""Forced choice: which of two texts, A or B; a tie if the study allows it.

Two-alternative forced choice is Fechner's and Thurstone's method (Thurstone 1927, *A law of comparative judgment*); a
tie as an answer of its own follows Davidson (1970).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django.utils.translation import gettext

from annotations.errors import AnswerError
from annotations.registry import Choice, Measure, Option, QuestionType, question_types

SCORES = {"a": 1.0, "tie": 0.5, "b": 0.0}
TIE = Option("tie", "Allow “no difference”", "yes_no", default=False, help="A third answer in the middle.")


def sides(options: Mapping[str, Any]) -> tuple[Choice, ...]:
    """Return A, (no difference,) B; numbered from the left."""
    tie = (Choice("tie", gettext("Same: no difference"), gettext("Same"), "2"),) if options.get("tie") else ()
    last = str(2 + len(tie))
    return (Choice("a", gettext("Text A"), "A", "1"), *tie, Choice("b", gettext("Text B"), "B", last))


def read_side(raw: str, options: Mapping[str, Any]) -> str:
    """Return "a", "b" or "tie"; raises AnswerError."""
    if raw not in SCORES or (raw == "tie" and not options.get("tie")):
        raise AnswerError
    return raw


@question_types.register
class ForcedChoice(QuestionType):
    """A or B, optionally "no difference" in the middle."""

    name = "forced_choice"
    label = "Forced choice (A or B)"
    about = "Two outputs: which one is more so. The sharpest question when the difference is small."
    measure: ClassVar[Measure] = "pairwise_choice"
    takes = (TIE,)

    def choices(self, options: Mapping[str, Any]) -> tuple[Choice, ...]:
        """A, (no difference,) B."""
        return sides(options)

    def parse(self, raw: str, options: Mapping[str, Any]) -> str:
        """Return "a", "b" or "tie"."""
        return read_side(raw, options)

    def score(self, value: str | int, options: Mapping[str, Any]) -> float:  # noqa: ARG002
        """1 when the left text was chosen, 0 when the right one was, ½ for a tie."""
        return SCORES[str(value)]

    def levels(self, options: Mapping[str, Any]) -> int:
        """Two answers, three with a tie."""
        return 3 if options.get("tie") else 2
