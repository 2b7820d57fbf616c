"""What people answered outside the trials."""

from __future__ import annotations

import json
from typing import BinaryIO

from annotations.registry import Export, StudyRows, exports


@exports.register
class Questionnaire(Export):
    """One line per person, step and attempt: eligibility, questionnaire, quiz, practice, comments. Pseudonyms only."""

    name = "questionnaire"
    label = "Questionnaire and comments (JSON lines)"
    suffix = "questionnaire.jsonl"
    media_type = "application/jsonl"
    about = (
        "What people said of themselves, by pseudonym. Personal: keep it apart, and delete it when the consent says."
    )
    needs = "person"
    maskable = False

    def write(self, study: StudyRows, target: BinaryIO, *, masked: bool) -> int:  # noqa: ARG002 - names no system
        """Write line by line."""
        count = 0
        for row in study.questionnaire():
            target.write(json.dumps(row, ensure_ascii=False).encode() + b"\n")
            count += 1
        return count
