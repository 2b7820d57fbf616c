"""Measures of diversity as a background job: what is measured, what is kept, and what ends it."""

import io
import json
import os
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from django.db import connection

from annotations.domain import measurements, measuring
from annotations.enums import JobState
from annotations.errors import NotReady, WrongState
from annotations.models import Measurement, Output, Prompt, System
from annotations.tasks import resume_machines, run_measurement_task
from tests.annotations.factories import StudyFactory
from tests.annotations.measured import measured, repetitive_study

ROOT = Path(__file__).resolve().parents[3]
KEY = "sk-measure-very-secret-0123"
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _places(settings, tmp_path):
    settings.MEDIA_ROOT, settings.MEASURES_CACHE = tmp_path / "media", tmp_path / "cache"


@pytest.fixture
def study(db):
    return repetitive_study()


def ask(study, **settings):
    return measurements.request_measurement(study=study, settings={"baseline": "baseline", **settings})


def test_study_is_measured_and_its_bundle_holds_tables_and_figures(study):
    done = measured(study)

    assert (done.state, done.message, done.progress, done.outputs) == (JobState.DONE, "", 100, 32)
    means = {row["system"]: row["mean"] for row in done.summary["systems"] if row["measure"] == "similarity"}
    assert means["baseline"] == pytest.approx(1, abs=1e-6)  # the same text every time; single precision
    assert means["steered"] < 0.8
    assert done.summary["order"] == ["baseline", "steered"]
    with done.bundle.open("rb") as stream, zipfile.ZipFile(io.BytesIO(stream.read())) as bundle:
        names = set(bundle.namelist())
        planes = json.loads(bundle.read("planes.json"))
    assert {"systems.csv", "contrasts.csv", "figures/between.svg", "figures/within.svg", "index.html"} <= names
    assert list(planes["prompts"]) == ["p0", "p1", "p2", "p3"]
    assert len(planes["prompts"]["p0"]["points"]) == 8
    assert len([name for name in names if name.startswith("figures/outputs") and name.endswith(".svg")]) == 1


def test_only_what_raters_may_see_is_measured(study):
    Output.objects.filter(system__name="steered", sample=3).update(left_out="too long")

    frame = measuring.frame_of(study=study)

    assert len(frame) == 28
    assert set(frame["system"]) == {"baseline", "steered"}


def test_result_is_outdated_as_soon_as_a_text_changes_or_is_left_out(study):
    done = measured(study)
    before = measurements.is_outdated(measurement=done)
    one = Output.objects.filter(prompt__study=study).first()
    Output.objects.filter(pk=one.pk).update(left_out="a duplicate")
    left_out = measurements.is_outdated(measurement=done)
    Output.objects.filter(pk=one.pk).update(left_out="")
    back = measurements.is_outdated(measurement=done)
    Output.objects.filter(pk=one.pk).update(text="another")

    assert (before, left_out, back, measurements.is_outdated(measurement=done)) == (False, True, False, True)


def test_frozen_study_can_be_measured_and_is_not_queued_twice(db):
    study = repetitive_study(frozen=True)

    assert ask(study) == ask(study)
    assert study.events.filter(name="measurement_requested").count() == 1


def test_study_without_outputs_has_nothing_to_measure(db):
    with pytest.raises(NotReady, match="bring the outputs"):
        ask(StudyFactory(prompts=0, systems=("baseline",)))


@pytest.mark.parametrize(
    ("chosen", "words"),
    [
        ({"baseline": "nobody"}, "'baseline' takes a system of the study"),
        ({"embedder": "word2vec"}, "'embedder' takes one of"),
        ({"embedder": "endpoint", "model": "m", "base_url": "x"}, "'base_url' takes an address"),
        ({"embedder": "endpoint", "model": "m", "base_url": "http://u:p@h/v1"}, "must hold no password"),
        ({"embedder": "sentence-transformers"}, "'model' is needed"),
        ({"threshold": 1.5}, "'threshold' takes a number from 0.05 to 0.99"),
    ],
)
def test_wrong_settings_are_named(study, chosen, words):
    with pytest.raises(ValueError, match=words):
        ask(study, **chosen)


def test_baseline_is_the_designs_or_the_only_one_in_that_role(study):
    by_role = measurements.baseline_of(study=study)
    study.design["baseline"] = "steered"
    by_design = measurements.baseline_of(study=study)
    study.design["baseline"] = ""
    System.objects.filter(study=study).update(role="baseline")

    assert (by_role, by_design, measurements.baseline_of(study=study)) == ("baseline", "steered", "")


def test_stopped_before_it_began_and_tried_again(study):
    job = ask(study)
    measurements.stop_measurement(measurement=job)
    stopped = measuring.run_measurement(measurement_id=job.pk)

    again = measurements.retry_measurement(measurement=job)

    assert (stopped.state, stopped.message) == (JobState.CANCELLED, "Stopped before it began.")
    assert (again.pk, again.state, again.stop_asked) == (job.pk, JobState.QUEUED, False)
    with pytest.raises(WrongState, match="failed or was stopped"):
        measurements.retry_measurement(measurement=measured(repetitive_study()))


def test_running_measurement_stops_when_it_is_asked_and_keeps_nothing(study):
    job = ask(study)
    Measurement.objects.filter(pk=job.pk).update(stop_asked=True)

    done = measuring.run_measurement(measurement_id=job.pk)

    assert (done.state, done.message, bool(done.bundle)) == (
        *(JobState.CANCELLED, "Stopped; nothing of it is kept."),
        False,
    )


def test_failure_is_kept_in_words_without_the_key(study):
    Output.objects.filter(prompt__study=study).update(text=" ")
    settings = {"embedder": "endpoint", "model": "m", "base_url": "http://127.0.0.1:1/v1"}
    job = measurements.request_measurement(study=study, settings=settings, secrets={"api_key": KEY})

    done = measuring.run_measurement(measurement_id=job.pk)

    with connection.cursor() as cursor:
        cursor.execute("SELECT m::text FROM annotations_measurement m")
        stored = cursor.fetchone()[0]
    assert done.state == JobState.FAILED
    assert "every text is empty" in done.message
    assert KEY not in stored + json.dumps(list(study.events.values_list("data", flat=True)))
    assert done.secrets == {"api_key": KEY}


def families(study, family, *texts):
    Prompt.objects.filter(study=study).update(task_family=family)
    Prompt.objects.filter(study=study, key="p0").update(text="List unusual uses for a brick. Write one per line.")
    for output, text in zip(Output.objects.filter(prompt__study=study).order_by("pk"), texts, strict=False):
        Output.objects.filter(pk=output.pk).update(text=text)


def test_alternative_uses_have_scores_by_system(study):
    families(study, "alternative_uses", "- grind it to pigment\n- warm the bed\n- a doorstop")

    summary, rows = measuring.creativity_of(frame=measuring.frame_of(study=study))

    fluency = {row["measure"]: row for row in summary["alternative_uses"]["systems"] if row["system"] == "baseline"}
    assert set(fluency) == {"fluency", "flexibility", "originality", "rarity", "elaboration"}
    assert fluency["fluency"]["n"] == 16
    first = next(
        row for row in rows if row["measure"] == "fluency" and (row["prompt"], row["system"]) == ("p0", "baseline")
    )
    assert first["value"] == 3


def test_divergent_association_needs_word_vectors_and_says_so(study):
    families(study, "divergent_association")

    summary, rows = measuring.creativity_of(frame=measuring.frame_of(study=study))

    assert "EVALPLATFORM_WORD_VECTORS" in summary["divergent_association"]["note"]
    assert rows == []


def test_divergent_association_is_scored_with_word_vectors(study, settings, tmp_path):
    """Seven words at right angles: every distance is 1, the score 100."""
    words = ["apple", "river", "noun", "cloud", "engine", "mercy", "violin"]
    lines = [f"{word} " + " ".join("1" if at == place else "0" for at in range(7)) for place, word in enumerate(words)]
    (tmp_path / "glove.txt").write_text("\n".join(lines))
    settings.WORD_VECTORS = str(tmp_path / "glove.txt")
    families(study, "divergent_association", "\n".join(words), "\n".join(words[:5]))

    summary, _ = measuring.creativity_of(frame=measuring.frame_of(study=study))

    found = {row["system"]: row for row in summary["divergent_association"]["systems"]}
    assert found["baseline"]["mean"] == pytest.approx(100)
    assert (found["baseline"]["n"], found["baseline"]["none"]) == (1, 15)


def test_job_left_by_a_dead_worker_is_found_again(study, monkeypatch):
    job = ask(study)
    Measurement.objects.filter(pk=job.pk).update(state=JobState.RUNNING)
    sent = []
    monkeypatch.setattr(run_measurement_task, "apply_async", lambda args, **_: sent.append(args))

    resume_machines()

    assert sent == [(job.pk,)]


@pytest.mark.django_db(transaction=True)
def test_killed_worker_leaves_a_job_that_the_next_one_finishes(process_environment, wait_until, tmp_path):
    study = repetitive_study()
    job = ask(study)
    code = (
        "import django, time; django.setup(); from annotations.domain import measuring;"
        "measuring._shown = lambda frame: time.sleep(600);"
        f"measuring.run_measurement(measurement_id={job.pk})"
    )
    process = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, env=process_environment)
    wait_until(lambda: Measurement.objects.get(pk=job.pk).stage == "Reading the texts")
    held = measurements.orphaned()
    os.kill(process.pid, signal.SIGKILL)
    process.wait(30)
    wait_until(lambda: measurements.orphaned() == [job.pk])

    measurements.stop_measurement(measurement=job)
    done = measuring.run_measurement(measurement_id=job.pk)

    assert held == []
    assert done.state == JobState.CANCELLED  # whoever took it up heard that it is not wanted any more
