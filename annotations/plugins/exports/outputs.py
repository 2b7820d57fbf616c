"""Outputs with their provenance."""

from __future__ import annotations

import json
from typing import BinaryIO

from annotations.registry import Export, StudyRows, exports


@exports.register
class Outputs(Export):
    """Every output, also those that raters do not see, with all that is known of how it was made.

    An upload that allows extra columns reads the file back: what is no column of ours there becomes metadata.
    """

    name = "outputs"
    label = "Outputs with provenance (JSON lines)"
    suffix = "outputs.jsonl"
    media_type = "application/jsonl"
    about = (
        "Texts as raters see them and as they were brought, why one was left out, and where each comes from: model, "
        "sampling, seed, recipe of the steering and its hash."
    )
    needs = "read"
    maskable = False

    def write(self, study: StudyRows, target: BinaryIO, *, masked: bool) -> int:  # noqa: ARG002 - holds texts
        """Write line by line."""
        count = 0
        for row in study.outputs():
            target.write(json.dumps(row, ensure_ascii=False).encode() + b"\n")
            count += 1
        return count
