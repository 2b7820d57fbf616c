"""What people answered outside the trials."""

from __future__ import annotations

from collections.abc import Iterator

from annotations.registry import JsonLines, StudyRows, exports
from annotations.registry.exports import Row


@exports.register
class Questionnaire(JsonLines):
    """One line per person, step and attempt: eligibility, questionnaire, quiz, practice, comments. Pseudonyms only."""

    name = "questionnaire"
    label = "Questionnaire and comments (JSON lines)"
    suffix = "questionnaire.jsonl"
    about = (
        "What people said of themselves, by pseudonym. Personal: keep it apart, and delete it when the consent says."
    )
    needs = "person"
    maskable = False

    def rows(self, study: StudyRows, *, masked: bool) -> Iterator[Row]:  # noqa: ARG002 - names no system
        """Yield line by line."""
        return study.questionnaire()
