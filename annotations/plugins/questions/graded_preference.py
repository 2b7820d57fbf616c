"""Graded preference: 5 or 7 levels from "A much more" to "B much more", the mid-point optional.

Comparative scales of this kind go back to Scheffé (1952, *An analysis of variance for paired comparisons*); five levels
from much better to much worse are also what Artificial Hivemind (Jiang et al. 2025) asks.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django.utils.translation import gettext, gettext_noop

from annotations.errors import AnswerError
from annotations.registry import Choice, Measure, Option, QuestionType, question_types

SHORT = {
    2: (gettext_noop("slightly"), gettext_noop("much")),
    3: (gettext_noop("slightly"), gettext_noop("clearly"), gettext_noop("much")),
}
# Whole phrases, because languages put the words in different orders.
LABELS = {
    ("A", "slightly"): gettext_noop("A slightly more"),
    ("A", "clearly"): gettext_noop("A clearly more"),
    ("A", "much"): gettext_noop("A much more"),
    ("B", "slightly"): gettext_noop("B slightly more"),
    ("B", "clearly"): gettext_noop("B clearly more"),
    ("B", "much"): gettext_noop("B much more"),
}


@question_types.register
class GradedPreference(QuestionType):
    """A signed scale: +m is "A much more", 0 "the same", −m "B much more"."""

    name = "graded_preference"
    label = "Graded preference (A much more … B much more)"
    about = "Two outputs: which one is more so, and how clearly. More information per answer than a forced choice."
    measure: ClassVar[Measure] = "pairwise_graded"
    takes = (
        Option("levels", "Levels", "one_of", 5, among=((5, "5"), (7, "7")), help="Counted with the mid-point."),
        Option("midpoint", "With “about the same” in the middle", "yes_no", default=True),
    )

    def _scale(self, options: Mapping[str, Any]) -> list[int]:
        top = int(options["levels"]) // 2
        return [level for level in range(top, -top - 1, -1) if level or options["midpoint"]]

    def choices(self, options: Mapping[str, Any]) -> tuple[Choice, ...]:
        """Levels from the left, "A much more" first."""
        words = SHORT[int(options["levels"]) // 2]
        found = []
        for number, level in enumerate(self._scale(options), start=1):
            word = words[abs(level) - 1] if level else gettext_noop("same")
            label = LABELS["A" if level > 0 else "B", word] if level else gettext_noop("About the same")
            found.append(Choice(str(number), gettext(label), gettext(word), str(number)))
        return tuple(found)

    def parse(self, raw: str, options: Mapping[str, Any]) -> int:
        """Return the signed level for the position counted from the left."""
        scale = self._scale(options)
        if raw not in {str(number) for number in range(1, len(scale) + 1)}:
            raise AnswerError
        return scale[int(raw) - 1]

    def score(self, value: str | int, options: Mapping[str, Any]) -> float:  # noqa: ARG002
        """The signed level itself."""
        return float(value)

    def levels(self, options: Mapping[str, Any]) -> int:
        """The number of levels on the page."""
        return len(self._scale(options))
