"""Preference data: chosen and rejected texts, for training reward models."""

from __future__ import annotations

from collections.abc import Iterator

from annotations.registry import JsonLines, StudyRows, exports
from annotations.registry.exports import Row


@exports.register
class Preferences(JsonLines):
    """Explicit-prompt preference pairs (`prompt`, `chosen`, `rejected`, `margin`), as TRL's trainers read them.

    A choice or a graded preference gives one pair unless it is a tie; a ranking of n texts, or ratings of n texts by
    one rater, give every pair of which one stands before the other. Main trials only.
    """

    name = "preferences"
    label = "Preference pairs (JSON lines)"
    suffix = "preferences.jsonl"
    about = "prompt, chosen, rejected, margin: the preference format of Hugging Face’s TRL, with the rater’s pseudonym."
    needs = "read"
    maskable = False

    def rows(self, study: StudyRows, *, masked: bool) -> Iterator[Row]:  # noqa: ARG002 - holds texts
        """Yield line by line."""
        return study.preferences()
