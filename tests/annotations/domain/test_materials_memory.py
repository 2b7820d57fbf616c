"""Tens of thousands of outputs in one pass: all of them arrive, and memory does not grow with the file."""

from __future__ import annotations

from pathlib import Path

import pytest

from annotations.domain.materials import missing_cells
from annotations.models import Output, Study
from tests.benchmarks.importing import MEGABYTE, in_a_process, rows_of_material, write_file

# Megabytes, measured: 0.3 to 1.5 for CSV and JSON lines, 17 to 23 for Parquet (the pages of its reader). The files have
# 47 to 112, which a pass that held the texts would gain at least.
MOST_GROWTH = 40


@pytest.mark.parametrize(
    ("kind", "many"),
    [
        ("csv", 40_000),
        pytest.param("jsonl", 40_000, marks=pytest.mark.long),
        pytest.param("parquet", 100_000, marks=pytest.mark.long),
    ],
)
def test_import_of_many_outputs_takes_no_more_memory_than_of_1000(
    process_environment: dict[str, str], tmp_path: Path, kind: str, many: int
) -> None:
    growth = {}

    for rows in (1000, many):
        path = tmp_path / f"{rows}.{kind}"
        write_file(path, rows)
        found = in_a_process(path, process_environment)
        assert (found["rows"], found["added"]) == (rows, rows)
        growth[rows] = found["growth"]

    assert path.stat().st_size > MOST_GROWTH * MEGABYTE
    assert growth[many] - growth[1000] < MOST_GROWTH
    study = Study.objects.get(title=path.name)
    texts = Output.objects.filter(prompt__study=study).order_by("pk").values_list("text", flat=True)
    for sent, kept in zip(rows_of_material(many), texts.iterator(), strict=True):
        assert sent["text"] == kept
    assert missing_cells(study=study).missing_count == 0
