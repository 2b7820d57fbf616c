"""The columns of the long table and their meaning, and what a fault in it looks like."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

KINDS: Final = ("main", "practice", "attention", "repeat")
PAIRWISE: Final = ("pairwise_choice", "pairwise_graded")
SINGLE: Final = ("ordinal", "ranking")
"""Measures whose rows speak of one output; ``interval`` may speak of one (a slider) or of two (a slider between)."""
MEASURES: Final = (*PAIRWISE, "interval", "ordinal", "nominal", "ranking")
TWO_LEVELS: Final = 2
MAX_ISSUES: Final = 50
INCOMPLETE: Final = "booklet not completed"
WITHDRAWN: Final = "data withdrawn"
ALWAYS_OUT: Final = (INCOMPLETE, WITHDRAWN)
"""Reasons that are no verdict on a rater: such rows stay out even where all other exclusions are lifted. One of them
is the whole ``exclusion_reason``, or a part of it set off by "; "."""
BY_HAND: Final = "by hand"
"""Stands among ``exclusion_checks`` for a person's own decision; an excluded row that names no check has it too."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the long table; ``default`` None means that the column must be there."""

    name: str
    dtype: str
    meaning: str
    default: str | float | bool | None = None


COLUMNS: Final[tuple[Column, ...]] = (
    Column("study", "str", "name of the study", ""),
    Column("design_hash", "str", "SHA-256 of the frozen design", ""),
    Column("judgement", "str", "identifier of the judgement (one trial answered by one rater)"),
    Column("rater", "str", "pseudonym of the rater"),
    Column("booklet", "str", "identifier of the booklet", ""),
    Column("position", "int64", "place of the trial in its booklet, from 1", 1),
    Column("kind", "str", "main, practice, attention or repeat", "main"),
    Column("task", "str", "identifier of the set of outputs judged together", ""),
    Column("prompt", "str", "identifier of the prompt"),
    Column("task_family", "str", "family of the prompt, empty if none", ""),
    Column("dimension", "str", "what was judged (originality, …)"),
    Column("question_type", "str", "how it was asked (the plug-in's name)", ""),
    Column("measure", "str", "kind of answer; decides the model"),
    Column("system_a", "str", "system of the output shown left or first"),
    Column("output_a", "str", "identifier of the output shown left or first"),
    Column("system_b", "str", "system of the output shown right or second, empty for a single stimulus", ""),
    Column("output_b", "str", "identifier of the output shown right or second, empty for a single stimulus", ""),
    Column(
        "answer",
        "float64",
        "choice: 1 = a, 0 = b, 0.5 = tie; graded: +m = a much more … -m = b much more; ordinal: 1 … levels; "
        "nominal: 1 … levels (of two, 2 = yes); interval: any number; ranking: rank of output_a, 1 = best, equal ranks "
        "are ties (best–worst: best 1, others 2, worst 3)",
    ),
    Column(
        "levels",
        "int64",
        "number of answer levels: 2, 3 with tie, 5, 7, 4 = 5 without mid-point; ranking: the lowest rank; "
        "0 = continuous",
        0,
    ),
    Column("round", "int64", "number of the round of questions in which it was asked, from 1; 0 = no rounds", 0),
    Column("slot", "int64", "ranking: place of output_a on the screen, from 1; 0 if unknown", 0),
    Column("length_a", "float64", "characters of the text of output_a, NaN if unknown", float("nan")),
    Column("length_b", "float64", "characters of the text of output_b, NaN if unknown", float("nan")),
    Column("seconds", "float64", "active time on the trial, NaN if unknown", float("nan")),
    Column("late", "bool", "given after the lease had lapsed or the study was closed", default=False),
    Column("excluded", "bool", "a recorded decision leaves this judgement out", default=False),
    Column("exclusion_reason", "str", "why, empty if not excluded", ""),
    Column(
        "exclusion_checks",
        "str",
        "names of the quality checks that led to the exclusion, joined by ';', every one of them; 'by hand' for a "
        "person's decision",
        "",
    ),
    Column("simulated", "bool", "answered by a simulated rater, no person", default=False),
)
NAMES: Final = tuple(column.name for column in COLUMNS)


@dataclass(frozen=True, slots=True)
class Issue:
    """One fault: row (the header is row 1, as in a spreadsheet; None for the whole table), column and reason."""

    row: int | None
    column: str
    reason: str

    def __str__(self) -> str:
        """Say where and what in one line."""
        where = f"row {self.row}, " if self.row is not None else ""
        return f"{where}column {self.column!r}: {self.reason}"


class SchemaError(ValueError):
    """The table does not keep to the schema of judgements."""

    def __init__(self, issues: list[Issue], *, source: str = "table") -> None:
        """Keep the issues for a caller that shows them one by one."""
        self.issues = tuple(issues)
        self.source = source
        shown = [f"  {issue}" for issue in self.issues[:MAX_ISSUES]]
        if len(self.issues) > MAX_ISSUES:
            shown.append(f"  … and {len(self.issues) - MAX_ISSUES} more")
        head = f"{source} is not a valid table of judgements ({len(self.issues)} faults; the header is row 1):"
        super().__init__("\n".join([head, *shown]))
