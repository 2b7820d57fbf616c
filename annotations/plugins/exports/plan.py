"""The frozen plan."""

from __future__ import annotations

from typing import BinaryIO

from annotations.registry import Export, StudyRows, exports


@exports.register
class Plan(Export):
    """The canonical JSON of design and analysis plan, byte for byte: its SHA-256 stands in every row."""

    name = "plan"
    label = "Frozen plan (JSON)"
    suffix = "plan.json"
    media_type = "application/json"
    about = "What was frozen, byte for byte: its SHA-256 is the design’s hash."

    def write(self, study: StudyRows, target: BinaryIO, *, masked: bool) -> int:
        """Write the plan."""
        text = study.plan(masked=masked)
        target.write(text.encode())
        return 1 if text else 0
