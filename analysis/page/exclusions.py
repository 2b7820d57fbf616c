"""The sections on other exclusions and on rounds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from analysis import tables
from analysis.page.parts import LEFT_OUT, Drawings, folded, table, text
from analysis.wording import exclusions_verdict, rounds_verdict

if TYPE_CHECKING:
    from analysis.results import StudyResult

MOST_LINES: Final = 40
"""A longer table of exclusions is folded below its verdict."""


def quality(result: StudyResult) -> str:
    """Return the verdict and the table with and without exclusions; nothing where none can be lifted."""
    if "quality" in result.left_out and result.data.excluded:
        return text(LEFT_OUT)
    if not result.exclusions:
        return ""
    content = table(tables.quality_table(result), captioned=False)
    many = len(result.exclusions) > MOST_LINES
    return "\n".join(
        [
            text(exclusions_verdict(result)),
            folded("Every contrast under every set of exclusions", content) if many else content,
        ]
    )


def rounds(result: StudyResult, drawings: Drawings) -> str:
    """Return the trends in words, the means by round and the test of each trend; nothing without rounds."""
    if result.rounds is None:
        return ""
    return "\n".join(
        [
            text(rounds_verdict(result)),
            drawings.show("rounds"),
            table(tables.rounds_table(result)),
            table(tables.trends_table(result)),
        ]
    )
