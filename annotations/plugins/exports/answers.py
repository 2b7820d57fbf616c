"""Answers as they were given."""

from __future__ import annotations

import json
from typing import BinaryIO

from annotations.registry import Export, StudyRows, exports


@exports.register
class AnswersAsGiven(Export):
    """One line per judgement: every answer untouched, with reasons and free text, timing and evidence."""

    name = "answers"
    label = "Answers as given (JSON lines)"
    suffix = "answers.jsonl"
    media_type = "application/jsonl"
    about = (
        "One line per judgement: every answer as it was given, reasons and free text, timing, what the page noticed."
    )

    def write(self, study: StudyRows, target: BinaryIO, *, masked: bool) -> int:
        """Write line by line."""
        count = 0
        for row in study.answers(masked=masked):
            target.write(json.dumps(row, ensure_ascii=False).encode() + b"\n")
            count += 1
        return count
