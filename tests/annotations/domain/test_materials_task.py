"""The background import: a real worker, messages that come twice, a process that died, storages without paths."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile, File
from django.core.files.storage import Storage
from django.db import connection

from annotations.domain import materials, studies
from annotations.domain.materials import ImportOptions
from annotations.enums import JobState
from annotations.models import MaterialImport, Output, Study
from annotations.tasks import import_material_task
from tests.annotations.plugins.sources.material_files import csv_bytes, three


class RemoteStorage(Storage):
    """A storage as S3 is one: it has no paths."""

    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}

    def _save(self, name: str, content: File[bytes]) -> str:
        self._kept[name] = content.read()
        return name

    def _open(self, name: str, mode: str = "rb") -> File[bytes]:
        return ContentFile(self._kept[name])

    def exists(self, name: str) -> bool:
        return name in self._kept


@pytest.fixture(autouse=True)
def _uploads(settings: Any, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"


@pytest.fixture
def upload() -> Callable[..., MaterialImport]:
    def run(content: bytes, **options: Any) -> MaterialImport:
        study = studies.create_study(title="What is original?", template="pairwise_creativity")
        job = MaterialImport(study=study, filename="outputs.csv", options=ImportOptions(**options).as_json())
        job.file.save("outputs.csv", ContentFile(content))
        return job

    return run


@pytest.fixture
def other_connection() -> Iterator[Any]:
    """A second session on the test database, as another worker has one."""
    second = connection.copy()
    yield second
    second.close()


@pytest.mark.django_db
def test_task_imports_with_the_options_of_the_record(upload: Callable[..., MaterialImport]) -> None:
    job = upload(csv_bytes(three(temperature="1")), roles={"vanilla": "baseline"}, allow_extra_columns=True)

    import_material_task.apply(args=[job.pk], throw=True)

    job.refresh_from_db()
    assert (job.state, job.source, job.added) == (JobState.DONE, "csv", 3)
    assert job.study.systems.get(role="baseline").name == "vanilla"
    assert Output.objects.filter(metadata={"temperature": "1"}).count() == 1


@pytest.mark.django_db
def test_task_delivered_twice_imports_once(upload: Callable[..., MaterialImport]) -> None:
    job = upload(csv_bytes(three()))
    import_material_task.apply(args=[job.pk], throw=True)

    import_material_task.apply(args=[job.pk], throw=True)

    job.refresh_from_db()
    assert (job.state, job.added, job.unchanged) == (JobState.DONE, 3, 0)
    assert job.study.events.filter(name="material_imported").count() == 1


@pytest.mark.django_db
def test_task_keeps_a_refusal_in_the_record(upload: Callable[..., MaterialImport]) -> None:
    job = upload(csv_bytes(three(text="")))

    import_material_task.apply(args=[job.pk], throw=True)

    job.refresh_from_db()
    problem = {"file": "outputs.csv", "row": 2, "column": "text", "reason": "is empty"}
    assert (job.state, job.problems) == (JobState.REFUSED, [problem])


@pytest.mark.django_db
def test_task_refuses_when_the_study_was_frozen_meanwhile(upload: Callable[..., MaterialImport]) -> None:
    job = upload(csv_bytes(three()))
    Study.objects.update(state="frozen")

    import_material_task.apply(args=[job.pk], throw=True)

    job.refresh_from_db()
    assert job.state == JobState.REFUSED
    assert "only while a study is a draft" in job.message


@pytest.mark.django_db
def test_task_tells_when_the_uploaded_file_is_gone(upload: Callable[..., MaterialImport]) -> None:
    job = upload(csv_bytes(three()))
    Path(job.file.path).unlink()

    import_material_task.apply(args=[job.pk], throw=True)

    job.refresh_from_db()
    assert job.state == JobState.REFUSED
    assert job.problems[0]["reason"] == "the uploaded file is gone; upload it again"


@pytest.mark.django_db
def test_task_refuses_a_record_without_a_file(upload: Callable[..., MaterialImport]) -> None:
    job = upload(csv_bytes(three()))
    MaterialImport.objects.update(file="")

    import_material_task.apply(args=[job.pk], throw=True)

    job.refresh_from_db()
    assert job.problems[0]["reason"] == "the uploaded file is gone; upload it again"


@pytest.mark.django_db
def test_task_takes_up_what_a_dead_worker_left_running(upload: Callable[..., MaterialImport]) -> None:
    job = upload(csv_bytes(three()))
    MaterialImport.objects.update(state=JobState.RUNNING)

    import_material_task.apply(args=[job.pk], throw=True)

    job.refresh_from_db()
    assert (job.state, job.added) == (JobState.DONE, 3)


@pytest.mark.django_db
def test_task_reads_from_a_storage_without_paths(
    upload: Callable[..., MaterialImport], monkeypatch: pytest.MonkeyPatch
) -> None:
    field = MaterialImport._meta.get_field("file")
    monkeypatch.setattr(field, "storage", RemoteStorage())
    job = upload(csv_bytes(three()))

    import_material_task.apply(args=[job.pk], throw=True)

    job.refresh_from_db()
    assert job.problems == []
    assert (job.state, job.added) == (JobState.DONE, 3)


@pytest.mark.django_db(transaction=True)
def test_task_passes_by_while_another_worker_is_at_it(
    upload: Callable[..., MaterialImport], other_connection: Any
) -> None:
    job = upload(csv_bytes(three()))
    MaterialImport.objects.update(state=JobState.RUNNING)
    other_connection.set_autocommit(False)
    with other_connection.cursor() as cursor:
        cursor.execute("SELECT id FROM annotations_materialimport WHERE id = %s FOR UPDATE", [job.pk])

    found = materials.run_import(material_import_id=job.pk)

    other_connection.rollback()
    assert found.state == JobState.RUNNING
    assert not Output.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_task_runs_in_a_real_worker(
    upload: Callable[..., MaterialImport], celery_worker: Any, wait_until: Callable[..., None]
) -> None:
    job = upload(csv_bytes(three()))

    import_material_task.delay(job.pk)

    wait_until(lambda: MaterialImport.objects.get(pk=job.pk).state == JobState.DONE)
    assert Output.objects.filter(source=job).count() == 3
