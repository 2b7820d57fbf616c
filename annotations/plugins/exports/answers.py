"""Answers as they were given."""

from __future__ import annotations

from collections.abc import Iterator

from annotations.registry import JsonLines, StudyRows, exports
from annotations.registry.exports import Row


@exports.register
class AnswersAsGiven(JsonLines):
    """One line per judgement: every answer untouched, with reasons and free text, timing and evidence."""

    name = "answers"
    label = "Answers as given (JSON lines)"
    suffix = "answers.jsonl"
    about = (
        "One line per judgement: every answer as it was given, reasons and free text, timing, what the page noticed."
    )

    def rows(self, study: StudyRows, *, masked: bool) -> Iterator[Row]:
        """Yield line by line."""
        return study.answers(masked=masked)
