"""Preference data: chosen and rejected texts, for training reward models."""

from __future__ import annotations

import json
from typing import BinaryIO

from annotations.registry import Export, StudyRows, exports


@exports.register
class Preferences(Export):
    """Explicit-prompt preference pairs (`prompt`, `chosen`, `rejected`, `margin`), as TRL's trainers read them.

    A choice or a graded preference gives one pair unless it is a tie; a ranking of n texts, or ratings of n texts by
    one rater, give every pair of which one stands before the other. Main trials only.
    """

    name = "preferences"
    label = "Preference pairs (JSON lines)"
    suffix = "preferences.jsonl"
    media_type = "application/jsonl"
    about = "prompt, chosen, rejected, margin: the preference format of Hugging Face’s TRL, with the rater’s pseudonym."
    needs = "read"
    maskable = False

    def write(self, study: StudyRows, target: BinaryIO, *, masked: bool) -> int:  # noqa: ARG002 - holds texts
        """Write line by line."""
        count = 0
        for row in study.preferences():
            target.write(json.dumps(row, ensure_ascii=False).encode() + b"\n")
            count += 1
        return count
