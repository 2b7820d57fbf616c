"""Generations in trouble: wrong keys, servers that are down, budgets, stops, dead workers, freezes, and secrets."""

import datetime as dt
import json
import threading
from decimal import Decimal

import httpx
import pytest
from django.db import connection, connections
from django.utils import timezone

from annotations.domain import (
    generating,
    generating_lanes,
    generating_rows,
    generating_run,
    generating_systems,
    planning,
)
from annotations.enums import GenerationState, SampleState, StudyState
from annotations.errors import WrongState
from annotations.models import Generation, Sample, Study, Writer
from annotations.plugins.generators import openai_endpoint
from annotations.registry import Written

from .generations import KEY, draft, go_on, outputs, run, states


def test_wrong_key_stops_that_system_with_a_sentence_and_the_others_go_on(study, server):
    broken = Writer.objects.get(system__name="steered")
    broken.settings = {**broken.settings, "base_url": f"http://127.0.0.1:{server.server_port}/elsewhere"}
    broken.save()

    made = run(study)

    assert made.state == GenerationState.STOPPED
    words = "steered: The server does not know this address or this model (code 404). It says: "
    assert made.message == f"{words}model-steered is overloaded"
    assert outputs(study).filter(system__name="plain").count() == 6
    assert made.samples.filter(system__name="steered", state=SampleState.WANTED).count() == 6
    assert len(server.calls) <= 6 + 4  # the calls that were on their way, not one for each sample


def test_after_the_settings_are_mended_a_resume_brings_the_rest(study, server):
    server.failures = [401] * 8
    made = run(study)
    stopped = (made.state, made.message)
    generating_systems.save_system(
        study=study,
        name="plain",
        role="baseline",
        generator="openai_compatible",
        settings={"base_url": server.base_url, "model": "model-plain", "temperature": 0.5},
        secrets={"api_key": "sk-another-0123456789"},
        system_id=study.systems.get(name="plain").pk,
    )
    server.failures = []

    generating.resume_generation(generation=made)
    go_on(made)

    assert stopped[0] == GenerationState.STOPPED
    assert "plain: The server refused the key (code 401)." in stopped[1]
    assert (made.state, outputs(study).count()) == (GenerationState.DONE, 12)
    assert {"Bearer sk-another-0123456789"} <= set(server.keys)


def test_server_that_is_down_stops_the_job_and_fails_no_sample(db, server, monkeypatch):
    monkeypatch.setattr(generating_lanes, "OUTAGE_AT_FIRST", dt.timedelta(0))
    study = draft(server, systems=("plain",))
    Writer.objects.update(settings={**Writer.objects.get().settings, "base_url": "http://127.0.0.1:9/v1"})

    made = run(study)

    assert (made.state, made.message) == (GenerationState.STOPPED, "plain: The server cannot be reached.")
    assert states(made) == [SampleState.WANTED] * 6


def test_sample_that_the_server_never_answers_fails_alone_and_may_be_tried_again(db, server):
    study = draft(server, systems=("plain",), prompts=1, lanes=1)
    server.error = {"message": f"too long; your key {KEY} and http://x.example/v1?token=abc are fine"}
    server.failures = [400]
    made = run(study)
    failed = made.samples.get(state=SampleState.FAILED)

    count = generating.retry_failed(generation=made)
    go_on(made)

    assert failed.error.startswith("The server refused the request (code 400): too long")
    assert KEY not in failed.error
    assert "token=abc" not in failed.error
    assert (count, made.state, outputs(study).count()) == (1, GenerationState.DONE, 2)


def test_server_that_refuses_one_prompt_after_the_other_stops_the_system(db, server):
    study = draft(server, systems=("plain",), prompts=30, lanes=1)
    server.failures = [400] * 60

    made = run(study, samples=1)

    assert made.state == GenerationState.STOPPED
    assert len(server.calls) == 3
    assert made.samples.filter(state=SampleState.WANTED).count() == 27


def test_call_that_may_have_been_paid_for_counts_at_its_worst_and_the_budget_holds(db, server, monkeypatch):
    server.usage = {"prompt_tokens": 20, "completion_tokens": 40, "total_tokens": 60}
    study = draft(server, systems=("plain",), max_tokens=40, price_input=10, price_output=20, lanes=2)
    answer, asked = openai_endpoint.Endpoint._fetched, []

    def late(self, *args):
        """Every second answer comes after its time; the server wants to be paid for all of them."""
        found = answer(self, *args)
        asked.append(found)
        if len(asked) % 2:
            raise httpx.ReadTimeout("")
        return found

    monkeypatch.setattr(openai_endpoint.Endpoint, "_fetched", late)

    made = run(study, samples=10, budget="0.01")

    billed = len(server.calls) * Decimal("0.001")
    assert made.state == GenerationState.STOPPED
    assert "The budget of 0.01 is used up" in made.message
    assert billed <= sum(made.samples.values_list("cost", flat=True)) <= Decimal("0.01")


def test_server_that_refuses_the_only_prompt_is_not_asked_a_thousand_times(db, server):
    study = draft(server, systems=("plain",), prompts=1, lanes=1)
    server.failures = [400] * 60

    made = run(study, samples=50)

    assert (made.state, len(server.calls)) == (GenerationState.STOPPED, generating_lanes.HOPELESS_CALLS)
    assert "The server refused the request (code 400)" in made.message


def test_budget_is_not_passed_and_a_larger_one_goes_on(db, server):
    # 100 bytes of prompt at most and 40 tokens: an answer costs at most 0.00172, and 0.001 as the server counts.
    server.usage = {"prompt_tokens": 20, "completion_tokens": 40, "total_tokens": 60}
    study = draft(server, systems=("plain",), max_tokens=40, price_input=10, price_output=20, lanes=3)

    made = run(study, samples=10, budget="0.006")

    spent = sum(made.samples.values_list("cost", flat=True))
    came = outputs(study).count()
    assert made.state == GenerationState.STOPPED
    assert "The budget of 0.006 is used up" in made.message
    assert spent == came * Decimal("0.001")
    assert spent <= Decimal("0.006") < spent + Decimal("0.00172")
    generating.resume_generation(generation=made, budget="1")
    assert go_on(made).state == GenerationState.DONE
    assert outputs(study).count() == 30


def test_server_that_counts_no_tokens_is_paid_by_the_length_of_its_texts(db, server):
    study = draft(server, systems=("plain",), prompts=1, price_output=1_000)

    made = run(study, samples=1)

    output = outputs(study).get()
    assert made.samples.get().cost == Decimal(len(output.text.encode())) / 1000
    assert output.metadata["cost_is_guessed"] is True


def test_stop_lets_it_rest_and_resume_brings_exactly_the_rest(db, server):
    study = draft(server, systems=("plain",), lanes=1)
    made = generating.request_generation(study=study, samples=4)
    beat = generating_run._Run._beat  # the page asks for a stop from another process, which this test cannot have

    def watch(self):
        if outputs(study).count() == 5:
            Generation.objects.filter(pk=made.pk).update(stop_asked=True)
        self.beaten_at = 0.0
        beat(self)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(generating_run._Run, "_beat", watch)
        generating.run_generation(generation_id=made.pk)
    made.refresh_from_db()
    stopped, came = made.state, outputs(study).count()

    generating.resume_generation(generation=made)
    go_on(made)

    assert (stopped, came) == (GenerationState.STOPPED, 5)
    assert (made.state, outputs(study).count(), len(server.calls)) == (GenerationState.DONE, 12, 12)


def test_slice_that_is_over_goes_on_in_the_next(db, server):
    study = draft(server, systems=("plain",))
    made = generating.request_generation(study=study, samples=2)

    more = generating.run_generation(generation_id=made.pk, seconds=0)
    made.refresh_from_db()
    here = made.state
    rest = generating.run_generation(generation_id=made.pk)

    assert (more, here, rest) == (True, GenerationState.RUNNING, False)
    assert outputs(study).count() == 6


def test_message_delivered_again_after_the_end_does_nothing(study, server):
    made = run(study)
    calls = len(server.calls)

    again = generating.run_generation(generation_id=made.pk)

    assert (again, len(server.calls), outputs(study).count()) == (False, calls, 12)


def test_what_a_dead_process_had_asked_is_asked_again_and_counts_at_its_worst(db, server):
    study = draft(server, systems=("plain",), prompts=1, max_tokens=100, price_output=10)
    made = generating.request_generation(study=study, samples=2)
    Generation.objects.update(state=GenerationState.RUNNING, beat_at=timezone.now() - dt.timedelta(minutes=5))
    lost = made.samples.first()
    Sample.objects.filter(pk=lost.pk).update(state=SampleState.ASKED, asked_until=timezone.now(), attempts=1)
    server.usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}

    behind = generating.left_behind()
    go_on(made)

    assert behind == [made.pk]
    assert (made.state, outputs(study).count()) == (GenerationState.DONE, 2)
    assert sorted(made.samples.values_list("cost", flat=True)) == [Decimal("0.00001"), Decimal("0.00101")]
    assert generating.left_behind() == []


def test_answer_that_comes_after_its_claim_was_lost_changes_nothing(db, server):
    study = draft(server, systems=("plain",), prompts=1)
    made = generating.request_generation(study=study, samples=1)
    system = study.systems.get()
    (late,) = generating_rows.claim(generation_id=made.pk, system_id=system.pk, system="plain", count=1)
    go_on(made)
    recipe = generating_rows.Recipe(made.pk, "openai_compatible", "x")

    fate = generating_rows.take(late, Written("Too late"), study_id=study.pk, rules=made.rules, recipe=recipe)

    assert fate == "lost"
    assert not outputs(study).filter(text="Too late").exists()


@pytest.mark.django_db(transaction=True)
def test_two_workers_and_a_message_delivered_twice_ask_for_each_sample_once(server):
    server.slow = 0.01
    study = draft(server, prompts=4)
    made = generating.request_generation(study=study, samples=3)
    gate = threading.Barrier(4)

    def work():
        try:
            gate.wait()
            generating.run_generation(generation_id=made.pk)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    made.refresh_from_db()
    assert (made.state, outputs(study).count(), len(server.calls)) == (GenerationState.DONE, 24, 24)


def test_study_cannot_be_frozen_while_outputs_are_on_their_way(study):
    run(study, samples=1)
    study.design |= {"raters_per_task": 2, "trials_per_rater": 3, "attention_trials": 0, "repeat_trials": 0}
    study.save()
    made = generating.request_generation(study=study, samples=2)

    with pytest.raises(WrongState, match="still being generated"):
        planning.freeze_study(study=study)

    generating.stop_generation(generation=made)
    go_on(made)
    planning.freeze_study(study=study)
    assert (made.state, study.state) == (GenerationState.STOPPED, StudyState.FROZEN)


def test_outputs_come_into_a_draft_only(study):
    made = generating.request_generation(study=study, samples=1)
    Study.objects.update(state=StudyState.FROZEN)

    go_on(made)

    assert (made.state, outputs(study).count()) == (GenerationState.STOPPED, 0)
    assert "frozen" in made.message
    for verb in (generating.resume_generation, generating.withdraw_generation):
        with pytest.raises(WrongState, match="frozen"):
            verb(generation=made)
    with pytest.raises(WrongState, match="frozen"):
        generating.request_generation(study=study, samples=1)


def test_second_generation_waits_for_the_first(study):
    made = generating.request_generation(study=study, samples=1)

    with pytest.raises(WrongState, match="not finished"):
        generating.request_generation(study=study, samples=2)
    generating.cancel_generation(generation=made)
    run(study, samples=1)

    assert outputs(study).count() == 6


def test_cancelled_keeps_what_came_and_withdrawn_takes_it_back(db, server):
    study = draft(server, systems=("plain",), prompts=1, lanes=1)
    server.failures = [400]
    made = run(study, samples=3)
    generating.retry_failed(generation=made)

    gone = generating.cancel_generation(generation=made)
    kept = outputs(study).count()
    removed = generating.withdraw_generation(generation=made)

    assert (gone, kept, removed, outputs(study).count()) == (1, 2, 2, 0)
    assert list(study.systems.values_list("name", flat=True)) == ["plain"]
    assert study.prompts.count() == 1
    again = run(study, samples=3)
    assert (again.state, outputs(study).count()) == (GenerationState.DONE, 3)


def test_generation_is_written_in_the_log_without_secrets(study):
    run(study)

    log = [(event.name, json.dumps(event.data)) for event in study.events.order_by("pk")]
    assert [name for name, _ in log][-2:] == ["generation_requested", "generation_done"]
    assert not any(KEY in data for _, data in log)


def test_key_is_in_no_column_of_the_database_in_clear(study):
    run(study)

    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT count(*) FROM "{table}" t WHERE t::text LIKE %s', [f"%{KEY}%"])
            assert cursor.fetchone() == (0,), table
