"""60,000 outputs from a folder of Parquet files: memory does not grow with it (200,000: see benchmarks/streaming)."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from annotations.models import Output
from tests.benchmarks.streaming import write_folder

ROOT = Path(__file__).resolve().parents[3]
FEW, MANY = 20_000, 60_000  # one file, three files
# Megabytes, measured: 1 to 5. The texts of two files alone are 24, which a pass that held them would gain at least.
MOST_GROWTH = 16
FETCHING = """
import json, sys
import django
django.setup()
from annotations.domain import fetching, studies
from tests.benchmarks.importing import peak_memory
peaks = []
for folder in sys.argv[1:]:
    study = studies.create_study(title="What is original?", template="pairwise_creativity")
    job = fetching.queue_fetch(study=study, source="addresses", settings={"addresses": [f"{folder}/*.parquet"]})
    assert fetching.run_fetch(material_import_id=job.pk).state == "done", job.message
    peaks.append(peak_memory())
print(json.dumps(peaks))
"""


@pytest.mark.long
def test_fetch_of_many_outputs_takes_no_more_memory_than_of_a_third(
    process_environment: dict[str, str], tmp_path: Path
) -> None:
    folders = []
    for rows in (FEW, MANY):
        folders.append(tmp_path / str(rows))
        folders[-1].mkdir()
        write_folder(folders[-1], rows)
    environment = {**process_environment, "FETCH_ROOTS": str(tmp_path)}

    command = [sys.executable, "-c", FETCHING, *map(str, folders)]
    done = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=True)

    few, many = json.loads(done.stdout.splitlines()[-1])
    assert Output.objects.count() == FEW + MANY
    assert many - few < MOST_GROWTH
