"""Two imports at once, and a process killed in the middle: nothing twice, nothing half."""

from __future__ import annotations

import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.db import connection

from annotations.domain import studies
from annotations.domain.materials import import_material, run_import
from annotations.enums import JobState
from annotations.models import Event, MaterialImport, Output, Prompt, Study, System
from tests.annotations.plugins.sources.material_files import csv_bytes, write

ROOT = Path(__file__).resolve().parents[3]
# Dies by SIGKILL in the middle of the COPY, behind 1,000 of 2,000 rows.
DYING = """
import os, signal, sys
import django
django.setup()
from annotations.domain.materials import run_import
def die(rows):
    if rows >= 1000:
        os.kill(os.getpid(), signal.SIGKILL)
run_import(material_import_id=int(sys.argv[1]), progress=die)
"""


@pytest.fixture
def study(transactional_db: None) -> Study:
    return studies.create_study(title="What is original?", template="pairwise_creativity")


def rows(count: int) -> list[dict[str, Any]]:
    return [{"prompt": f"p{number // 2}", "system": f"s{number % 2}", "text": f"t{number}"} for number in range(count)]


def test_two_imports_at_once_add_every_output_once(study: Study, tmp_path: Path) -> None:
    path = write(tmp_path / "outputs.csv", rows(3000))

    def bring(name: str) -> MaterialImport:
        try:
            return import_material(study=study, path=path, filename=f"{name}.csv")
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(bring, "abcd"))

    assert sorted(job.added for job in found) == [0, 0, 0, 3000]
    assert sorted(job.unchanged for job in found) == [0, 3000, 3000, 3000]
    assert (Output.objects.count(), Prompt.objects.count(), System.objects.count()) == (3000, 1500, 2)
    assert Event.objects.filter(name="material_imported").count() == 4


def test_killed_import_leaves_nothing_and_can_be_run_again(
    study: Study, process_environment: dict[str, str], tmp_path: Path, settings: Any
) -> None:
    settings.MEDIA_ROOT = tmp_path
    job = MaterialImport(study=study, filename="outputs.csv")
    job.file.save("outputs.csv", ContentFile(csv_bytes(rows(2000))))
    code = f"from django.conf import settings; settings.MEDIA_ROOT = {str(tmp_path)!r}\n{DYING}"

    died = subprocess.run([sys.executable, "-c", code, str(job.pk)], cwd=ROOT, env=process_environment, check=False)

    assert died.returncode == -signal.SIGKILL
    job.refresh_from_db()
    assert job.state == JobState.RUNNING
    assert not Output.objects.exists()
    assert not System.objects.exists()
    assert run_import(material_import_id=job.pk).added == 2000
