"""Outputs with their provenance."""

from __future__ import annotations

from collections.abc import Iterator

from annotations.registry import JsonLines, StudyRows, exports
from annotations.registry.exports import Row


@exports.register
class Outputs(JsonLines):
    """Every output, also those that raters do not see, with all that is known of how it was made.

    An upload that allows extra columns reads the file back: what is no column of ours there becomes metadata.
    """

    name = "outputs"
    label = "Outputs with provenance (JSON lines)"
    suffix = "outputs.jsonl"
    about = (
        "Texts as raters see them and as they were brought, why one was left out, and where each comes from: model, "
        "sampling, seed, recipe of the steering and its hash."
    )
    needs = "read"
    maskable = False

    def rows(self, study: StudyRows, *, masked: bool) -> Iterator[Row]:  # noqa: ARG002 - holds texts
        """Yield line by line."""
        return study.outputs()
