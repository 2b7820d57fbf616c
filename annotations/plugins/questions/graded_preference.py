"""Graded preference: 5 or 7 levels from "A much more" to "B much more", the mid-point optional."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from annotations.errors import AnswerError
from annotations.registry import Choice, Measure, QuestionType, question_types

WORDS = {2: ("slightly", "much"), 3: ("slightly", "clearly", "much")}


@question_types.register
class GradedPreference(QuestionType):
    """A signed scale: +m is "A much more", 0 "the same", −m "B much more"."""

    name = "graded_preference"
    label = "Graded preference (A much more … B much more)"
    measure: ClassVar[Measure] = "pairwise_graded"

    def clean_options(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """Options: `levels` (5 or 7, default 5) and `midpoint` (bool, default True)."""
        levels, midpoint = options.get("levels", 5), options.get("midpoint", True)
        if levels not in (5, 7) or not isinstance(midpoint, bool) or set(options) - {"levels", "midpoint"}:
            message = f"graded preference takes 'levels': 5 or 7 and 'midpoint': true or false, not {dict(options)!r}"
            raise ValueError(message)
        return {"levels": int(levels), "midpoint": midpoint}

    def _scale(self, options: Mapping[str, Any]) -> list[int]:
        top = int(options["levels"]) // 2
        return [level for level in range(top, -top - 1, -1) if level or options["midpoint"]]

    def choices(self, options: Mapping[str, Any]) -> tuple[Choice, ...]:
        """Levels from the left, "A much more" first."""
        words = WORDS[int(options["levels"]) // 2]
        found = []
        for number, level in enumerate(self._scale(options), start=1):
            side = "A" if level > 0 else "B"
            label = f"{side} {words[abs(level) - 1]} more" if level else "About the same"
            short = words[abs(level) - 1] if level else "same"
            found.append(Choice(str(number), label, short, str(number)))
        return tuple(found)

    def parse(self, raw: str, options: Mapping[str, Any]) -> int:
        """Return the signed level for the position counted from the left."""
        scale = self._scale(options)
        if not (raw.isascii() and raw.isdigit() and 1 <= int(raw) <= len(scale)):
            raise AnswerError
        return scale[int(raw) - 1]

    def score(self, value: str | int, options: Mapping[str, Any]) -> float:  # noqa: ARG002
        """The signed level itself."""
        return float(value)

    def levels(self, options: Mapping[str, Any]) -> int:
        """The number of levels on the page."""
        return len(self._scale(options))
