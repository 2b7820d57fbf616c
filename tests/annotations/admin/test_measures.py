"""The page of measures: asked for, watched, read, taken along; shut for whoever may not know the systems."""

import io
import zipfile

import pytest
from celery import current_app
from kombu.exceptions import OperationalError

from annotations.domain import measurements
from annotations.models import Measurement, Output
from tests.annotations.measured import measured, repetitive_study

from .conftest import address, said

KEY = "sk-measures-page-secret-0123"


@pytest.fixture(autouse=True)
def _places(settings, tmp_path):
    settings.MEDIA_ROOT, settings.MEASURES_CACHE = tmp_path / "media", tmp_path / "cache"


@pytest.fixture
def sent(monkeypatch):
    """What was handed to the worker, without a worker."""
    found = []
    monkeypatch.setattr(current_app, "send_task", lambda name, args, **_: found.append((name, args)))
    return found


@pytest.fixture
def study(db):
    return repetitive_study()


def test_asking_queues_one_measurement_against_the_studys_baseline(desk, study, sent):
    page = desk.get(address(study, "measures"))
    data = {"baseline": "baseline", "embedder": "tfidf-svd", "threshold": "0.8", "seed": "0"}
    first = desk.post(address(study, "measures_request"), data, follow=True)

    job = Measurement.objects.get()
    assert page.context["form"]["baseline"].initial == "baseline"
    assert said(first) == ["The texts are being measured. This page shows how far it is."]
    assert sent == [("annotations.tasks.run_measurement", [job.pk])]
    assert (job.settings["baseline"], job.settings["threshold"]) == ("baseline", 0.8)
    assert "waits for the background worker" in first.content.decode()


def test_wrong_setting_is_said_at_its_field(desk, study, sent):
    data = {"embedder": "endpoint", "model": "m", "base_url": "nowhere", "secret_api_key": KEY}

    response = desk.post(address(study, "measures_request"), data)

    html = response.content.decode()
    assert response.status_code == 422
    assert "takes an address such as" in html
    assert KEY not in html
    assert sent == []


def test_key_is_kept_for_the_same_address_and_shown_nowhere(desk, study, sent):
    data = {"embedder": "endpoint", "model": "m", "base_url": "http://127.0.0.1:1/v1"}
    desk.post(address(study, "measures_request"), data | {"secret_api_key": KEY})
    Measurement.objects.update(state="failed", message="It did not answer.")
    desk.post(address(study, "measures_request"), data)
    Measurement.objects.update(state="failed")
    desk.post(address(study, "measures_request"), data | {"base_url": "http://127.0.0.1:2/v1"})

    html = desk.get(address(study, "measures")).content.decode() + desk.get(address(study, "log")).content.decode()
    keys = [job.secrets.get("api_key") for job in Measurement.objects.order_by("pk")]
    assert keys == [KEY, KEY, None]
    assert KEY not in html


def test_without_a_worker_the_wish_is_kept(desk, study, monkeypatch):
    def refuse(*args, **kwargs):
        raise OperationalError

    monkeypatch.setattr(current_app, "send_task", refuse)

    response = desk.post(address(study, "measures_request"), {"embedder": "tfidf-svd"}, follow=True)

    assert "the background worker cannot be reached" in said(response)[0]
    assert Measurement.objects.get().state == "queued"


def test_page_says_what_was_found_and_draws_any_prompt(desk, study):
    done = measured(study)

    html = desk.get(address(study, "measures")).content.decode()
    second = desk.get(address(study, "measures"), {"prompt": "p2"})

    assert html.index('data-testid="sentence"') < html.index("Measures by system") < html.index('class="ev-plane"')
    assert "baseline repeats itself" in html
    assert ">1.00<" in html
    assert "Self-BLEU" in html
    assert second.context["prompt"] == "p2"
    assert second.content.decode().count("<title>steered, sample ") == 4
    assert "have changed since" not in html
    assert f"/measures/{done.pk}/file/figures/between.svg" in html


def test_page_says_when_the_texts_are_others_now(desk, study):
    measured(study)
    Output.objects.filter(prompt__study=study, sample=0).update(left_out="a duplicate")

    assert "The texts have changed since." in desk.get(address(study, "measures")).content.decode()


def test_files_are_sent_pictures_to_be_shown(desk, study):
    done = measured(study)

    picture = desk.get(address(study, "measures_file", done.pk, "figures/between.svg"))
    table = desk.get(address(study, "measures_file", done.pk, "systems.csv"))
    bundle = desk.get(address(study, "measures_bundle", done.pk))

    assert picture.headers["Content-Type"] == "image/svg+xml"
    assert picture.headers["Content-Disposition"].startswith("inline")
    assert "sandbox" in picture.headers["Content-Security-Policy"]
    assert table.headers["Content-Disposition"].startswith("attachment")
    assert "similarity" in table.content.decode()
    assert "systems.csv" in zipfile.ZipFile(io.BytesIO(b"".join(bundle.streaming_content))).namelist()
    noted = study.events.filter(name="exported").values_list("data__file", flat=True)
    assert sorted(noted) == ["bundle.zip", "systems.csv"]


def test_lost_bundle_is_said_and_not_a_crash(desk, study):
    done = measured(study)
    done.bundle.storage.delete(done.bundle.name)

    page = desk.get(address(study, "measures"))

    assert "cannot be read any more" in page.content.decode()
    assert desk.get(address(study, "measures_file", done.pk, "systems.csv")).status_code == 404
    assert desk.get(address(study, "measures_bundle", done.pk)).status_code == 404


def test_progress_stop_and_another_try(desk, study, sent):
    job = measurements.request_measurement(study=study, settings={})
    Measurement.objects.update(state="running", progress=40, stage="Similarities")
    during = desk.get(address(study, "measures_live")).json()
    stopping = desk.post(address(study, "measures_stop", job.pk), follow=True).content.decode()
    Measurement.objects.update(state="cancelled", message="Stopped; nothing of it is kept.")
    after = desk.get(address(study, "measures_live")).json()

    desk.post(address(study, "measures_retry", job.pk))

    assert "Similarities" in during["panels"]["progress"]
    assert "40%" in during["panels"]["progress"]
    assert "It stops in a moment …" in stopping
    assert (during["reload"], after["reload"]) == (False, True)
    assert sent == [("annotations.tasks.run_measurement", [job.pk])]
    assert Measurement.objects.get().state == "queued"


def test_study_without_outputs_offers_nothing_to_measure(desk, db):
    from tests.annotations.factories import StudyFactory

    html = desk.get(address(StudyFactory(prompts=0, systems=("a",)), "measures")).content.decode()

    assert "There is nothing to measure yet" in html
    assert "measures/request" not in html


def test_measurement_of_another_study_is_not_found(desk, study, draft):
    done = measured(study)

    assert desk.get(address(draft, "measures_file", done.pk, "systems.csv")).status_code == 404
    assert desk.get(address(draft, "measures_bundle", done.pk)).status_code == 404
    assert desk.post(address(draft, "measures_stop", done.pk)).status_code == 404


@pytest.mark.parametrize("role", ["observer", "analyst"])
def test_the_blinded_see_neither_the_page_nor_its_figures(window, study, share, role):
    done = measured(study)
    share(study, role)

    for name, more in (("measures", ()), ("measures_bundle", (done.pk,)), ("measures_file", (done.pk, "index.html"))):
        assert window.get(address(study, name, *more)).status_code == 403
