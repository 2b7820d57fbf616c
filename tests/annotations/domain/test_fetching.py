"""Fetching: whole or not at all, once, stoppable, tried again; nothing secret is told; rows are named by their file."""

from __future__ import annotations

import json
import logging
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import tenacity
from django.db import connection

from annotations.domain import fetching, fetching_run, studies
from annotations.domain.materials import ImportOptions, run_import
from annotations.domain.uploads import withdraw_import
from annotations.enums import JobState
from annotations.errors import MaterialRefused, PlatformError, WrongState
from annotations.models import Event, MaterialImport, Output, Study
from annotations.tasks import fetch_material_task, resume_fetches
from tests.annotations.plugins.remote_sources.web import Web, served

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(autouse=True)
def _doors(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.FETCH_ROOTS, settings.FETCH_PRIVATE_HOSTS = [str(tmp_path)], ["127.0.0.1"]
    monkeypatch.setattr(fetching_run, "WAIT", tenacity.wait_none())


@pytest.fixture
def web() -> Iterator[Web]:
    with served() as found:
        yield found


@pytest.fixture
def study(db: None) -> Study:
    return studies.create_study(title="What is original?", template="pairwise_creativity")


def lines(count: int, *, begin: int = 0, **more: Any) -> bytes:
    rows = (
        {"prompt": f"p{number // 2}", "system": f"s{number % 2}", "text": f"t{number}", **more}
        for number in range(begin, begin + count)
    )
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def queued(study: Study, *addresses: str, secrets: dict[str, str] | None = None, **more: Any) -> MaterialImport:
    options = more.pop("options", None)
    return fetching.queue_fetch(
        study=study,
        source="addresses",
        settings={"addresses": list(addresses), **more},
        secrets=secrets,
        options=options,
    )


def run(job: MaterialImport) -> MaterialImport:
    return fetching.run_fetch(material_import_id=job.pk)


def test_fetch_brings_everything_and_forgets_the_secrets(study: Study, web: Web) -> None:
    web.files["/a.jsonl"] = lines(30)
    job = queued(study, web.url("/a.jsonl"), secrets={"bearer": "hush-hush", "query": ""})

    done = run(job)

    assert (done.state, done.rows, done.added, done.attempts) == (JobState.DONE, 30, 30, 1)
    assert done.finished_at is not None
    assert MaterialImport.objects.get(pk=job.pk).secrets == {}
    assert web.asked[-1][1]["Authorization"] == "Bearer hush-hush"
    assert [event.name for event in study.events.order_by("pk")][-2:] == ["fetch_queued", "material_imported"]
    assert fetching.progress_of(done).rows <= 30


def test_secrets_are_encrypted_and_in_no_event_page_or_message(study: Study, web: Web, caplog: Any) -> None:
    web.files["/a.jsonl"] = b"{oops hush-hush"
    job = queued(study, web.url("/a.jsonl"), secrets={"bearer": "hush-hush"})

    with caplog.at_level(logging.DEBUG):
        refused = run(job)

    with connection.cursor() as cursor:
        cursor.execute("SELECT to_jsonb(m)::text FROM annotations_materialimport m WHERE id = %s", [job.pk])
        (stored,) = cursor.fetchone()
    assert refused.state == JobState.REFUSED
    assert job.secrets == {"bearer": "hush-hush"}
    assert "hush-hush" not in stored + caplog.text + str(list(Event.objects.values_list("data", flat=True)))


def test_fetch_done_again_adds_nothing_and_can_be_taken_back(study: Study, tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(lines(10))
    first = run(queued(study, str(tmp_path / "a.jsonl")))
    run(first)

    again = run(queued(study, str(tmp_path / "*.jsonl")))

    assert (again.rows, again.added, again.unchanged) == (10, 0, 10)
    assert withdraw_import(material_import=first) == 10


def test_problems_name_the_file_and_the_row_in_it(study: Study, tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(lines(3))
    (tmp_path / "b.jsonl").write_bytes(lines(2, begin=10) + lines(1, begin=1) + b'{"prompt": 7}\n')

    job = run(queued(study, str(tmp_path / "*.jsonl")))

    assert job.state == JobState.REFUSED
    assert not Output.objects.exists()
    found = [(Path(one["file"]).name, one["row"], one["column"]) for one in job.problems]
    assert found == [("b.jsonl", 3, "text"), ("b.jsonl", 4, "text")]
    said = f"duplicate: prompt, system and text are those of row 2 of {tmp_path}/a.jsonl; leave one out"
    assert job.problems[0]["reason"].startswith(said)
    assert job.problems[1]["reason"].startswith("there is no such column; there are: 'prompt'")


def test_a_list_of_texts_brings_numbered_samples_and_a_clash_names_their_row(study: Study, tmp_path: Path) -> None:
    rows = [
        {"ask": {"q": f"p{n}"}, "model": "m", "out": [{"t": "same"}, {"t": "same"}, {"t": f"{n}"}]} for n in range(4)
    ]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    mapping = {"prompt": "ask.q", "system": "model", "text": "out.t"}

    job = run(queued(study, str(tmp_path / "a.jsonl"), **mapping))

    assert (job.state, job.rows, job.added) == (JobState.DONE, 4, 12)
    cells = Output.objects.filter(prompt__text="p3").order_by("sample").values_list("sample", "text")
    assert list(cells) == [(0, "same"), (1, "same"), (2, "3")]
    (tmp_path / "b.jsonl").write_text("".join(json.dumps(row) + "\n" for row in [*rows, rows[0]]))
    clash = run(queued(study, str(tmp_path / "b.jsonl"), **mapping))
    assert {(one["row"], one["column"]) for one in clash.problems} == {(5, "sample")}
    assert "those of row 1" in clash.problems[0]["reason"]


def test_rows_without_a_number_can_be_samples_in_their_order(study: Study, tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(b'{"prompt": "p", "system": "s", "text": "same"}\n' * 5)
    assert run(queued(study, str(tmp_path / "a.jsonl"))).state == JobState.REFUSED

    options = ImportOptions(number_rows=True)
    job = run(queued(study, str(tmp_path / "a.jsonl"), options=options))
    again = run(queued(study, str(tmp_path / "a.jsonl"), options=options))

    assert (job.added, again.added, again.unchanged) == (5, 0, 5)
    assert sorted(Output.objects.values_list("sample", flat=True)) == [0, 1, 2, 3, 4]


def test_a_busy_server_is_asked_again_and_then_it_is_kept_as_failed(study: Study, web: Web) -> None:
    web.files["/a.jsonl"] = lines(4)
    web.faults["/a.jsonl"] = [503, "reset"]
    assert run(queued(study, web.url("/a.jsonl"))).added == 4

    web.faults["/a.jsonl"] = [503] * 9
    failed = run(queued(study, web.url("/a.jsonl")))

    assert failed.state == JobState.FAILED
    assert failed.message.endswith("It was tried 5 times and nothing was imported; try again later.")
    assert len(web.faults["/a.jsonl"]) == 4
    web.faults.clear()
    again = fetching.retry_fetch(material_import=failed)
    assert (again.state, again.message, again.attempts) == (JobState.QUEUED, "", 0)
    assert run(again).state == JobState.DONE


def test_settings_are_checked_before_anything_is_kept(study: Study) -> None:
    with pytest.raises(PlatformError, match="There is no source 'ftp'"):
        fetching.queue_fetch(study=study, source="ftp", settings={})
    with pytest.raises(PlatformError, match="must not hold a secret"):
        queued(study, "https://example.org/a.csv?sig=hush")
    with pytest.raises(PlatformError, match="has no secret 'nonsense'"):
        queued(study, "https://example.org/a.csv", secrets={"nonsense": "x"})
    Study.objects.update(state="frozen")
    with pytest.raises(WrongState):
        queued(Study.objects.get(), "https://example.org/a.csv")

    assert not MaterialImport.objects.exists()


def test_a_look_shows_the_first_rows_as_mapped_and_writes_nothing(study: Study, tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(lines(100, extra="x"))
    settings = {"addresses": [str(tmp_path / "a.jsonl")], "extra": ["*"]}

    rows = fetching.look(source="addresses", settings=settings, secrets={})

    assert [(row.row, row.text, row.metadata) for row in rows[:2]] == [
        (1, "t0", {"extra": "x"}),
        (2, "t1", {"extra": "x"}),
    ]
    assert len(rows) == 5
    with pytest.raises(MaterialRefused, match="there are: 'prompt', 'system', 'text', 'extra'"):
        fetching.look(source="addresses", settings={**settings, "prompt": "question"}, secrets={})
    assert not MaterialImport.objects.exists()


def test_an_upload_is_not_fetched_and_a_fetch_is_not_uploaded(study: Study, tmp_path: Path) -> None:
    upload = MaterialImport.objects.create(study=study, filename="a.csv")
    job = queued(study, str(tmp_path / "a.jsonl"))

    assert run(upload).state == JobState.QUEUED
    with pytest.raises(WrongState):
        run_import(material_import_id=job.pk)
    with pytest.raises(WrongState):
        fetching.cancel_fetch(material_import=upload)


def test_what_nobody_has_begun_is_stopped_at_once(study: Study, tmp_path: Path) -> None:
    job = queued(study, str(tmp_path / "a.jsonl"))

    stopped = fetching.cancel_fetch(material_import=job)

    assert stopped.state == run(job).state == JobState.CANCELLED
    with pytest.raises(WrongState):
        fetching.cancel_fetch(material_import=job)


@pytest.fixture
def _eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tell and look at the flag at every batch."""
    monkeypatch.setattr(fetching_run, "TOLD_EVERY", 0)


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("_eager")
def test_a_running_fetch_is_stopped_in_the_middle_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wait_until: Callable[..., None]
) -> None:
    study = studies.create_study(title="What is original?", template="pairwise_creativity")
    (tmp_path / "a.jsonl").write_bytes(lines(3000))
    job = queued(study, str(tmp_path / "a.jsonl"))
    told: list[int] = []

    def tell(_: int, progress: fetching.Progress) -> None:
        told.append(progress.rows)
        if progress.rows == 1000:  # somebody else's click, and it must not wait for our transaction
            with ThreadPoolExecutor(1) as pool:
                pool.submit(stop).result(20)

    def stop() -> None:
        fetching.cancel_fetch(material_import=job)
        connection.close()

    monkeypatch.setattr(fetching_run, "tell", tell)

    found = run(job)

    assert found.state == JobState.CANCELLED
    assert told == [0, 500, 1000]
    assert not Output.objects.exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("_eager")
def test_two_workers_at_one_fetch_are_one(tmp_path: Path) -> None:
    study = studies.create_study(title="What is original?", template="pairwise_creativity")
    (tmp_path / "a.jsonl").write_bytes(lines(2000))
    job = queued(study, str(tmp_path / "a.jsonl"))

    def bring(_: int) -> None:
        fetching.run_fetch(material_import_id=job.pk)
        connection.close()

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(bring, range(3)))

    job.refresh_from_db()
    assert (job.state, job.added, job.attempts, Output.objects.count()) == (JobState.DONE, 2000, 1, 2000)


# Dies by SIGKILL in the middle of staging.
DYING = """
import os, signal, sys
import django
django.setup()
from annotations.domain import fetching, fetching_run
fetching_run.TOLD_EVERY = 0
def tell(_, progress):
    if progress.rows >= 1000:
        os.kill(os.getpid(), signal.SIGKILL)
fetching_run.tell = tell
fetching.run_fetch(material_import_id=int(sys.argv[1]))
"""


def test_a_killed_fetch_is_taken_up_again_and_not_for_ever(process_environment: dict[str, str], tmp_path: Path) -> None:
    study = studies.create_study(title="What is original?", template="pairwise_creativity")
    (tmp_path / "a.jsonl").write_bytes(lines(2000))
    job = queued(study, str(tmp_path / "a.jsonl"))
    environment = {**process_environment, "FETCH_ROOTS": str(tmp_path)}

    died = subprocess.run([sys.executable, "-c", DYING, str(job.pk)], cwd=ROOT, env=environment, check=False)

    assert died.returncode == -signal.SIGKILL
    job.refresh_from_db()
    assert (job.state, job.attempts) == (JobState.RUNNING, 1)
    assert not Output.objects.exists()
    assert fetching.due() == [job.pk]
    MaterialImport.objects.update(attempts=fetching_run.MOST_ATTEMPTS)
    failed = run(job)
    assert (failed.state, failed.message[:23]) == (JobState.FAILED, "The worker died 5 times")
    done = run(fetching.retry_fetch(material_import=failed))
    assert (done.state, done.added) == (JobState.DONE, 2000)


@pytest.mark.django_db(transaction=True)
def test_a_real_worker_fetches_what_a_lost_message_left(
    tmp_path: Path, celery_worker: Any, wait_until: Callable[..., None]
) -> None:
    study = studies.create_study(title="What is original?", template="pairwise_creativity")
    (tmp_path / "a.jsonl").write_bytes(lines(20))
    job = queued(study, str(tmp_path / "a.jsonl"))
    assert fetching.due() == []  # the message may be on its way
    MaterialImport.objects.update(created_at="2026-01-01T00:00Z")

    resume_fetches.delay()

    wait_until(lambda: MaterialImport.objects.get(pk=job.pk).state == JobState.DONE)
    fetch_material_task.apply(args=[job.pk], throw=True)
    assert Output.objects.count() == 20


def test_what_nobody_foresaw_is_kept_and_logged_without_secrets(
    study: Study, monkeypatch: pytest.MonkeyPatch, caplog: Any, tmp_path: Path
) -> None:
    job = queued(study, str(tmp_path / "a.jsonl"), secrets={"bearer": "hush-hush"})

    def broken(*, secrets: dict[str, str], **_: Any) -> Iterator[Any]:
        message = f"sent {secrets['bearer']}"
        raise ZeroDivisionError(message)

    monkeypatch.setattr(fetching.remote_sources.get("addresses"), "fetch", broken)
    failed = run(job)

    assert failed.message == "The fetch failed and nothing was imported (ZeroDivisionError: sent •••)."
    assert "hush-hush" not in caplog.text
    assert "ZeroDivisionError" in caplog.text
