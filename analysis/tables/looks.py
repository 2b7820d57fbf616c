"""The table of an early look: intervals that hold at all looks together, and whether a contrast is decided."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from analysis.tables.cells import Table, grouped
from analysis.tables.formats import write_csv
from analysis.wording import format_p, interval, number

if TYPE_CHECKING:
    from analysis.sequential import StudyLook

NAMES = ("dimension", "contrast", "estimate", "low", "high", "e_value", "p_anytime", "nominal_p", "decided", "message")


def looks_table(found: StudyLook) -> Table:
    """Return one line per contrast, grouped by dimension."""
    anytime = found.looks.method == "confidence_sequence"
    last = ("e-value", "p at any time") if anytime else ("p", "p at most")
    pairs = []
    for row, look in found.rows:
        evidence = (number(look.e_value), format_p(look.p_anytime))
        test = (format_p(row.p), "–" if math.isnan(look.nominal_p) else f"{look.nominal_p:.2g}")
        between = interval(look.low, look.high)
        pairs.append(
            (
                row.dimension,
                (row.contrast, number(row.estimate), between, *(evidence if anytime else test), look.message),
            )
        )
    groups, rows = grouped(pairs)
    when = "at all times" if anytime else "at all looks"
    header = ("Contrast", "Estimate", f"Interval that holds {when} together", *last, "What follows")
    caption = f"Looking early: {found.raters:,} of {found.planned:,} planned raters are in"
    return Table(caption, header, rows, (False, True, True, True, True, False), (found.looks.words(),), groups)


def looks_csv(found: StudyLook | None) -> str:
    """Return the same unrounded; empty if nothing was declared."""
    if found is None:
        return ""
    rows = [
        [row.dimension, row.contrast, row.estimate, *(getattr(look, name) for name in NAMES[3:])]
        for row, look in found.rows
    ]
    return write_csv(NAMES, rows)
