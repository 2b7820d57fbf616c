"""Judges whose scores are computed here: only what is missing, in chunks, with the reason when it cannot be had."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from django.core import serializers
from django.db import connection

from annotations.domain import scores, scoring
from annotations.enums import JobState
from annotations.errors import WrongState
from annotations.models import Judge, Output, OutputScore
from annotations.tasks import compute_scores_task, resume_machines
from tests.annotations.factories import StudyFactory
from tests.conftest import PATIENCE
from tests.standins.chat import chat_server

ROOT = Path(__file__).resolve().parents[3]
KEY = "sk-judge-very-secret-0123"
pytestmark = pytest.mark.django_db


@pytest.fixture
def study(db):
    return StudyFactory(prompts=3, systems=("baseline", "steered"))


@pytest.fixture
def server():
    with chat_server() as running:
        running.texts = lambda model, question, count: [f"Some thoughts.\nRating: {len(question) % 10 + 1}"] * count
        yield running


def language_model(study, server, **settings):
    return scoring.add_judge(
        study=study,
        name="judge",
        scorer="lm_judge",
        settings={"base_url": server.base_url, "model": "tiny", "concurrency": 2, **settings},
        secrets={"api_key": KEY},
    )


def values(judge):
    return dict(judge.scores.values_list("output_id", "value"))


def test_length_counts_words_of_every_output_that_raters_may_see(study):
    Output.objects.filter(system__name="steered", prompt__key="p0").update(left_out="too long")
    judge = scoring.add_judge(study=study, name="length", scorer="length", settings={})

    done = scoring.compute(judge_id=judge.pk)

    assert (done.state, done.message) == (JobState.DONE, "")
    shown = Output.objects.filter(prompt__study=study, left_out="")
    assert values(judge) == {output.pk: float(len(output.text.rstrip(".").split())) for output in shown}
    assert len(values(judge)) == 5


def test_a_second_run_computes_only_what_is_missing_or_of_another_text(study, server):
    judge = language_model(study, server)
    scoring.compute(judge_id=judge.pk)
    first, asked = values(judge), len(server.calls)
    changed, gone = Output.objects.filter(prompt__study=study)[:2]
    Output.objects.filter(pk=changed.pk).update(text="Another text altogether.")
    judge.scores.filter(output=gone).delete()

    scoring.compute(judge_id=scoring.request_scores(judge=judge).pk)
    scoring.compute(judge_id=judge.pk)

    assert asked == 6
    assert len(server.calls) == 8
    assert values(judge).keys() == first.keys()
    assert scoring.missing(judge=judge) == []


def test_answers_without_a_rating_have_no_score_and_are_counted(study, server):
    replies = iter(["I cannot rate this.", *["7"] * 20])
    server.texts = lambda model, question, count: [next(replies)]

    done = scoring.compute(judge_id=language_model(study, server, concurrency=1).pk)

    assert (done.state, done.message) == (JobState.DONE, "1 output: no score could be had.")
    assert sorted(values(done).values()) == [7.0] * 5


def test_what_the_server_refuses_for_good_is_said_and_the_key_is_not(study, server):
    server.failures = [401] * 50

    done = scoring.compute(judge_id=language_model(study, server).pk)

    assert (done.state, done.message) == (JobState.FAILED, "The server refused the key (code 401).")
    assert values(done) == {}


def test_after_a_failure_it_goes_on_where_it_was(study, server):
    judge = language_model(study, server, concurrency=1)
    server.failures = [200, 200, 401]
    scoring.compute(judge_id=judge.pk)
    kept = len(values(judge))

    scoring.request_scores(judge=judge)
    done = scoring.compute(judge_id=judge.pk)

    assert 0 <= kept < 6
    assert (done.state, len(values(judge))) == (JobState.DONE, 6)


def test_stopping_keeps_what_there_is_and_a_waiting_job_never_begins(study, server):
    judge = language_model(study, server)

    scoring.stop_scores(judge=judge)
    done = scoring.compute(judge_id=judge.pk)

    assert (done.state, done.message, server.calls) == (JobState.CANCELLED, "Stopped before it began.", [])


def test_a_running_job_stops_when_it_is_asked(study, server, monkeypatch):
    monkeypatch.setattr(scoring, "CHUNK", 1)
    judge = language_model(study, server, concurrency=1)
    Judge.objects.filter(pk=judge.pk).update(stop_asked=True)

    done = scoring.compute(judge_id=judge.pk)

    assert done.state == JobState.CANCELLED
    assert len(values(judge)) == 1
    assert scoring.request_scores(judge=judge).state == JobState.QUEUED


def test_scores_that_depend_on_all_texts_are_computed_together(study):
    judge = scoring.add_judge(study=study, name="far", scorer="semantic_distance", settings={})
    scoring.compute(judge_id=judge.pk)
    first = values(judge)
    Output.objects.filter(pk=min(first)).update(text="Think of unusual uses for thing 0.")

    scoring.compute(judge_id=scoring.request_scores(judge=judge).pk)

    second = values(judge)
    assert len(first) == len(second) == 6
    assert second[min(second)] == pytest.approx(0, abs=1e-6)  # the prompt itself: cosine 1 in single precision
    assert all(0 <= value <= 2 for value in first.values())


def test_another_setting_lets_scores_fall_and_another_key_does_not(study, server):
    judge = language_model(study, server)
    scoring.compute(judge_id=judge.pk)
    settings = Judge.objects.get(pk=judge.pk).settings

    kept = scoring.edit_judge(judge=judge, settings=settings, secrets={"api_key": "other"})
    fallen = scoring.edit_judge(judge=judge, settings={**settings, "model": "large"}, secrets={})

    judge.refresh_from_db()
    assert (kept, fallen, judge.secrets) == (0, 6, {"api_key": "other"})
    assert judge.scores.count() == 0


def test_a_name_is_taken_once_and_settings_are_checked(study):
    scoring.add_judge(study=study, name="length", scorer="length", settings={})

    with pytest.raises(WrongState, match="There is a judge “length” already"):
        scoring.add_judge(study=study, name="length", scorer="length", settings={})
    with pytest.raises(ValueError, match="'base_url' takes an address"):
        scoring.add_judge(study=study, name="x", scorer="lm_judge", settings={"model": "m"})
    with pytest.raises(WrongState, match="The name of the judge is empty"):
        scoring.add_judge(study=study, name=" ", scorer="length", settings={})


def test_an_imported_judge_is_not_computed(study):
    judge = Judge.objects.create(study=study, name="brought")

    with pytest.raises(WrongState, match="brought as a file"):
        scoring.request_scores(judge=judge)


def test_key_stands_in_no_event_no_setting_no_dump(study, server):
    judge = language_model(study, server)
    scoring.compute(judge_id=judge.pk)

    with connection.cursor() as cursor:
        cursor.execute("SELECT j::text FROM annotations_judge j")
        stored = "".join(row for (row,) in cursor.fetchall())
    events = json.dumps(list(study.events.values_list("data", flat=True)))
    dump = serializers.serialize("json", Judge.objects.all(), fields=("name", "settings", "message"))
    assert server.keys == [f"Bearer {KEY}"] * 6
    assert KEY not in stored + events + dump


def test_job_left_by_a_dead_worker_is_found_again(study, monkeypatch):
    judge = scoring.add_judge(study=study, name="length", scorer="length", settings={})
    Judge.objects.filter(pk=judge.pk).update(state=JobState.RUNNING)
    sent = []
    monkeypatch.setattr(compute_scores_task, "apply_async", lambda args, **_: sent.append(args))

    resume_machines()

    assert sent == [(judge.pk,)]


@pytest.mark.django_db(transaction=True)
def test_task_runs_in_a_real_worker(study, celery_worker, wait_until):
    judge = scoring.add_judge(study=study, name="length", scorer="length", settings={})

    compute_scores_task.delay(judge.pk)

    wait_until(lambda: Judge.objects.get(pk=judge.pk).state == JobState.DONE)
    assert OutputScore.objects.filter(judge=judge).count() == 6


@pytest.mark.django_db(transaction=True)
def test_killed_worker_loses_the_last_chunk_only(process_environment, wait_until):
    study = StudyFactory(prompts=1, systems=("baseline", "steered"), samples=20)
    with chat_server() as server:
        held = threading.Event()
        server.texts = answers_until(18, server, held)
        judge = language_model(study, server, concurrency=1)
        code = (
            "import django; django.setup(); from annotations.domain import scoring; scoring.CHUNK = 5; "
            f"scoring.compute(judge_id={judge.pk})"
        )
        process = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, env=process_environment)
        wait_until(lambda: judge.scores.count() >= 15)
        assert scoring.orphaned() == []
        os.kill(process.pid, signal.SIGKILL)
        process.wait(30)
        wait_until(lambda: scoring.orphaned() == [judge.pk])
        kept, asked = judge.scores.count(), len(server.calls)
        held.set()

        scoring.compute(judge_id=judge.pk)

    assert kept == 15
    assert judge.scores.count() == 40
    assert asked - kept <= 5 + 2  # a chunk, and what was on its way
    assert len(server.calls) == asked + 40 - kept


def answers_until(call, server, held):
    """Answer the calls before this one; the others have to wait, so that there is something to interrupt."""

    def texts(model, question, count):
        if len(server.calls) >= call:
            held.wait(PATIENCE)
        return ["Rating: 4"]

    return texts


def test_deleting_a_judge_ends_its_job(study, server):
    judge = language_model(study, server)
    scores.delete_judge(judge=judge)

    assert scoring.compute(judge_id=judge.pk) is None
    assert server.calls == []
