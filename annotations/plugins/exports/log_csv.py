"""The log of a study as CSV."""

from __future__ import annotations

import csv
import io
import json
from typing import Any, BinaryIO

from annotations.registry import Export, StudyRows, exports

COLUMNS = ("at", "study", "event", "actor", "rater", "address", "data")


@exports.register
class LogCsv(Export):
    """Who did what, when and from where, oldest first."""

    name = "log_csv"
    label = "Log (CSV)"
    suffix = "log.csv"
    media_type = "text/csv; charset=utf-8"
    about = "Who did what, when and from where."
    needs = "log"
    maskable = False

    def write(self, study: StudyRows, target: BinaryIO, *, masked: bool) -> int:  # noqa: ARG002 - for editors only
        """Write line by line; details as JSON."""
        text = io.TextIOWrapper(target, encoding="utf-8", newline="")
        writer, count = csv.writer(text), 0
        writer.writerow(COLUMNS)
        for row in study.log():
            writer.writerow([_cell(row[name]) for name in COLUMNS])
            count += 1
        text.flush()
        text.detach()
        return count


def _cell(value: Any) -> Any:
    """Spell details out; a cell that a spreadsheet would take for a formula is a text."""
    text = json.dumps(value, ensure_ascii=False, sort_keys=True) if isinstance(value, dict) else str(value)
    return f"'{text}" if text.startswith(("=", "+", "-", "@")) else text
