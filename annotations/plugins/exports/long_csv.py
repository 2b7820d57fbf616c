"""The long table as CSV."""

from __future__ import annotations

import csv
import io
import math
from typing import Any, BinaryIO

from annotations.registry import Export, StudyRows, exports


@exports.register
class LongCsv(Export):
    """One row per judgement, dimension and slot: what the analysis reads."""

    name = "long_csv"
    label = "Long table (CSV)"
    suffix = "judgements.csv"
    media_type = "text/csv; charset=utf-8"
    about = "One row per judgement and dimension (and output, where each was rated). What the analysis reads."

    def write(self, study: StudyRows, target: BinaryIO, *, masked: bool) -> int:
        """Write line by line; a number that is not known is an empty cell."""
        text = io.TextIOWrapper(target, encoding="utf-8", newline="")
        names = [name for name, _ in study.columns]
        writer, count = csv.writer(text), 0
        writer.writerow(names)
        for row in study.long(masked=masked):
            writer.writerow([_cell(row[name]) for name in names])
            count += 1
        text.flush()
        text.detach()
        return count


def _cell(value: Any) -> Any:
    return "" if isinstance(value, float) and math.isnan(value) else value
