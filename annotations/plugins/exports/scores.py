"""Scores of automatic judges."""

from __future__ import annotations

import csv
import io
from typing import BinaryIO

from annotations.registry import Export, StudyRows, exports

COLUMNS = ("prompt", "system", "sample", "judge", "value")


@exports.register
class Scores(Export):
    """One row per output and judge, as the analysis reads it beside the long table."""

    name = "scores"
    label = "Scores of automatic judges (CSV)"
    suffix = "scores.csv"
    media_type = "text/csv; charset=utf-8"
    about = "What automatic judges gave each output: prompt, system, sample, judge, value."

    def write(self, study: StudyRows, target: BinaryIO, *, masked: bool) -> int:
        """Write line by line, numbers with all their digits."""
        text = io.TextIOWrapper(target, encoding="utf-8", newline="")
        writer, count = csv.writer(text), 0
        writer.writerow(COLUMNS)
        for row in study.scores(masked=masked):
            writer.writerow([row[name] for name in COLUMNS])
            count += 1
        text.flush()
        text.detach()
        return count
