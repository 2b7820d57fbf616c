"""100,000 outputs in one pass: all of them arrive, and memory does not grow with the file."""

from __future__ import annotations

from pathlib import Path

import pytest

from annotations.domain.materials import missing_cells
from annotations.models import Output, Study
from tests.benchmarks.importing import FORMATS, MEGABYTE, in_a_process, rows_of_material, write_file

ROWS = 100_000
# Measured: 0.3 to 1.5 MB for CSV and JSON lines, 17 MB for Parquet (the readers' page buffers), with files of 85 to
# 119 MB. A pass that held the texts would gain more than the file's size, and three times that as Python strings.
MOST_GROWTH = 60


@pytest.mark.parametrize("kind", FORMATS)
def test_import_of_100000_outputs_takes_no_more_memory_than_of_1000(
    process_environment: dict[str, str], tmp_path: Path, kind: str
) -> None:
    growth = {}

    for rows in (1000, ROWS):
        path = tmp_path / f"{rows}.{kind}"
        write_file(path, rows)
        found = in_a_process(path, process_environment)
        assert (found["rows"], found["added"]) == (rows, rows)
        growth[rows] = found["growth"]

    assert path.stat().st_size > MOST_GROWTH * MEGABYTE
    assert growth[ROWS] - growth[1000] < MOST_GROWTH
    study = Study.objects.get(title=path.name)
    texts = Output.objects.filter(prompt__study=study).order_by("pk").values_list("text", flat=True)
    for sent, kept in zip(rows_of_material(ROWS), texts.iterator(), strict=True):
        assert sent["text"] == kept
    assert missing_cells(study=study).missing_count == 0
