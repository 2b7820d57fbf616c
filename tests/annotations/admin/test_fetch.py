"""The page "fetch": look before you fetch, secrets that no page shows, progress, stop, try again, take back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from celery import current_app

from annotations.domain import fetching, fetching_run
from annotations.domain.fetching_run import Progress
from annotations.enums import JobState
from annotations.models import MaterialImport, Output
from tests.annotations.factories import StudyFactory

from .conftest import address, said


@pytest.fixture
def empty(db):
    return StudyFactory(prompts=0, systems=())


@pytest.fixture(autouse=True)
def sent(settings, tmp_path, monkeypatch):
    """The tasks that would go to a worker."""
    found: list[Any] = []
    settings.FETCH_ROOTS = [str(tmp_path)]
    monkeypatch.setattr(current_app, "send_task", lambda name, args, **_: found.append((name, args)))
    return found


def lines(count: int, **more: str) -> str:
    rows = (
        {"ask": f"p{number // 2}", "model": f"s{number % 2}", "text": f"t{number}", **more} for number in range(count)
    )
    return "".join(json.dumps(row) + "\n" for row in rows)


def fields(path: Path, **more: Any) -> dict[str, Any]:
    settings = {"source": "addresses", "addresses": str(path), "format": "auto", "prompt": "ask", "text": "text"}
    return {**settings, "system": "model", "sample": "sample", "prompt_key": "", "task_family": "", **more}


def test_page_offers_every_source(desk, empty):
    html = desk.get(address(empty, "fetch")).content.decode()

    assert "Files at addresses" in html
    assert "Hugging Face" in html
    assert 'aria-current="page">Fetch</a>' in html


def test_a_look_shows_the_first_rows_and_brings_nothing(desk, empty, sent, tmp_path):
    (tmp_path / "a.jsonl").write_text(lines(20, heat="0.7"))

    response = desk.post(address(empty, "fetch_look"), fields(tmp_path / "a.jsonl", extra="*"))

    html = response.content.decode()
    assert "The first rows, as they would come" in html
    assert "<td>t0</td>" in html
    assert "<code>heat</code> 0.7" in html
    assert not MaterialImport.objects.exists()
    assert sent == []


def test_a_look_says_which_columns_there_are(desk, empty, tmp_path):
    (tmp_path / "a.jsonl").write_text(lines(2))

    html = desk.post(address(empty, "fetch_look"), fields(tmp_path / "a.jsonl", prompt="question")).content.decode()

    assert "Nothing would be imported." in html
    assert "there are: &#x27;ask&#x27;, &#x27;model&#x27;, &#x27;text&#x27;" in html


def test_wrong_settings_are_said_at_their_field(desk, empty):
    response = desk.post(address(empty, "fetch_queue"), fields(Path("/etc/passwd")))

    assert response.status_code == 422
    assert "FETCH_ROOTS" in response.context["form"].errors["addresses"][0]
    assert not MaterialImport.objects.exists()


def test_secrets_of_a_look_are_kept_for_the_fetch_and_shown_by_no_page(desk, empty, sent, tmp_path):
    (tmp_path / "a.jsonl").write_text(lines(4))
    looked = desk.post(address(empty, "fetch_look"), fields(tmp_path / "a.jsonl", secret_bearer="hush-hush"))

    desk.post(address(empty, "fetch_queue"), fields(tmp_path / "a.jsonl"))

    job = MaterialImport.objects.get()
    assert job.secrets == {"bearer": "hush-hush"}
    assert sent == [("annotations.tasks.fetch_material", [job.pk])]
    pages = looked.content + desk.get(address(empty, "fetch")).content + desk.get(address(empty, "log")).content
    assert b"Leave empty to keep it" in looked.content
    assert b"hush-hush" not in pages
    desk.post(address(empty, "fetch_queue"), fields(tmp_path / "a.jsonl"))
    assert MaterialImport.objects.order_by("pk").last().secrets == {}


def test_a_fetch_is_shown_while_it_runs_and_can_be_stopped(desk, empty, tmp_path):
    (tmp_path / "a.jsonl").write_text(lines(4))
    desk.post(address(empty, "fetch_queue"), fields(tmp_path / "a.jsonl"))
    job = MaterialImport.objects.get()
    MaterialImport.objects.update(state=JobState.RUNNING)
    fetching_run.tell(job.pk, Progress(12_000, 65.0, 48_000))

    live = desk.get(address(empty, "fetch_live")).json()

    html = live["panels"]["fetches"]
    assert [word in html for word in ("12,000", "of 48,000", "1:05", 'value="12000" max="48000"', "185")] == [True] * 5
    assert live["reload"] is False
    stopped = desk.post(address(empty, "fetch_cancel", job.pk), follow=True)
    assert said(stopped)[-1] == f"{job.filename} is stopped."
    assert desk.get(address(empty, "fetch_live")).json()["reload"] is True


def test_problems_are_listed_and_it_can_be_tried_again_and_taken_back(desk, empty, tmp_path):
    (tmp_path / "a.jsonl").write_text(lines(4) + "oops\n")
    desk.post(address(empty, "fetch_queue"), fields(tmp_path / "a.jsonl"))
    job = MaterialImport.objects.get()
    fetching.run_fetch(material_import_id=job.pk)
    html = desk.get(address(empty, "fetch")).content.decode()
    assert "is not JSON" in html
    (tmp_path / "a.jsonl").write_text(lines(4))

    desk.post(address(empty, "fetch_retry", job.pk))
    fetching.run_fetch(material_import_id=job.pk)

    assert Output.objects.count() == 4
    assert "4 outputs added" in desk.get(address(empty, "fetch")).content.decode()
    desk.post(address(empty, "fetch_withdraw", job.pk))
    assert Output.objects.count() == 0


def test_an_earlier_fetch_fills_the_form(desk, empty, tmp_path):
    (tmp_path / "a.jsonl").write_text(lines(4))
    desk.post(address(empty, "fetch_queue"), fields(tmp_path / "a.jsonl", number_rows="on"))
    job = MaterialImport.objects.get()

    form = desk.get(address(empty, "fetch"), {"like": job.pk}).context["form"]

    assert (form["prompt"].value(), form["addresses"].value()) == ("ask", str(tmp_path / "a.jsonl"))
    assert form["number_rows"].value() is True
    assert form["secret_bearer"].value() is None


def test_the_material_page_leaves_a_fetch_to_its_own(desk, empty, tmp_path):
    (tmp_path / "a.jsonl").write_text(lines(4))
    desk.post(address(empty, "fetch_queue"), fields(tmp_path / "a.jsonl"))
    job = MaterialImport.objects.get()

    html = desk.get(address(empty, "material")).content.decode()

    assert "Import here and now" not in html
    assert desk.post(address(empty, "material_run", job.pk)).status_code == 302
    job.refresh_from_db()
    assert job.state == JobState.QUEUED
    upload = MaterialImport.objects.create(study=empty, filename="a.csv")
    assert desk.post(address(empty, "fetch_retry", upload.pk)).status_code == 404
