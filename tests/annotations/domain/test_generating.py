"""Generations against a server that can be told what to do: what is asked, written, marked, counted and refused."""

import datetime as dt
import json
import threading
from decimal import Decimal

import pytest
from django.db import connection, connections
from django.utils import timezone

from annotations import patience
from annotations.domain import generating, generating_lanes, generating_run, generating_systems, planning, studies
from annotations.domain.materials import content_hash
from annotations.enums import GenerationState, SampleState, StudyState
from annotations.errors import NotReady, WrongState
from annotations.models import Generation, Output, Prompt, Sample, Study, Writer
from tests.standins.chat import chat_server

KEY = "sk-Quagga-0123456789abcdef"


@pytest.fixture
def server(monkeypatch):
    """A server, and no waiting: what is waited for is tested in tests/annotations/test_patience.py."""
    monkeypatch.setattr(patience.Pace, "sleep", lambda self, seconds: None)
    monkeypatch.setattr(generating_lanes, "LONGEST_REST", 0.0)
    with chat_server() as running:
        yield running


def draft(server, *, systems=("plain", "steered"), prompts=3, **settings):
    study = studies.create_study(title="Bridges", template="pairwise_creativity")
    for number in range(prompts):
        Prompt.objects.create(study=study, key=f"p{number}", text=f"What is thing {number} good for?", declared=True)
    for name in systems:
        generating_systems.save_system(
            study=study,
            name=name,
            role="baseline" if name == "plain" else "treatment",
            generator="openai_compatible",
            settings={"base_url": server.base_url, "model": f"model-{name}", **settings},
            secrets={"api_key": KEY},
        )
    return study


@pytest.fixture
def study(db, server):
    return draft(server)


def run(study, *, samples=2, seconds=60, **more):
    made = generating.request_generation(study=study, samples=samples, **more)
    generating.run_generation(generation_id=made.pk, seconds=seconds)
    made.refresh_from_db()
    return made


def go_on(generation):
    generating.run_generation(generation_id=generation.pk)
    generation.refresh_from_db()
    return generation


def outputs(study):
    return Output.objects.filter(prompt__study=study)


def states(generation):
    return sorted(generation.samples.values_list("state", flat=True))


def said(text, finish="stop", **more):
    return {"finish_reason": finish, "message": {"role": "assistant", "content": text, **more}}


def test_every_system_answers_every_prompt_as_often_as_asked_and_each_output_says_where_it_is_from(study, server):
    server.usage = {"prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 12}

    made = run(study, samples=3)

    assert (made.state, made.message) == (GenerationState.DONE, "")
    cells = {(o.system.name, o.prompt.key, o.sample) for o in outputs(study).select_related("system", "prompt")}
    assert cells == {(s, f"p{p}", n) for s in ("plain", "steered") for p in range(3) for n in range(3)}
    one = outputs(study).filter(system__name="steered", sample=1).select_related("prompt", "system").first()
    recipe = made.recipes[one.metadata["settings_sha256"]]
    assert recipe["settings"]["model"] == "model-steered"
    facts = {k: one.metadata[k] for k in ("generator", "model", "endpoint", "generation", "finish_reason", "mark")}
    assert facts == {
        "generator": "openai_compatible",
        "model": "model-steered",
        "endpoint": "chat",
        "generation": made.pk,
        "finish_reason": "stop",
        "mark": "",
    }
    assert (one.metadata["input_tokens"], one.metadata["output_tokens"]) == (7, 5)
    assert one.content_hash == content_hash(
        prompt_key=one.prompt.key, prompt=one.prompt.text, system="steered", sample=1, text=one.text
    )
    assert {body["seed"] for body in server.calls} == {o.metadata["seed"] for o in outputs(study)}
    assert len({body["seed"] for body in server.calls}) == 18
    assert set(server.keys) == {f"Bearer {KEY}"}
    assert KEY not in json.dumps([made.recipes, made.limits, made.rules])


def test_the_same_study_elsewhere_asks_with_the_same_seeds(db, server):
    seeds = []
    for _ in range(2):
        server.calls.clear()
        run(draft(server, systems=("plain",)))
        seeds.append({body["seed"] for body in server.calls})

    assert seeds[0] == seeds[1]
    assert len(seeds[0]) == 6


def test_what_is_there_already_is_not_asked_for_again(study, server):
    first = study.systems.get(name="plain")
    Output.objects.create(prompt=study.prompts.first(), system=first, sample=1, text="Mine", content_hash="m")

    made = run(study)
    with pytest.raises(NotReady, match="there already"):
        generating.request_generation(study=study, samples=2)
    more = run(study, samples=3, systems=[first.pk], prompts=[study.prompts.first().pk])

    assert (made.samples.count(), more.samples.count()) == (11, 1)
    assert len(server.calls) == 12
    assert outputs(study).get(text="Mine").sample == 1


def test_completion_endpoint_gets_a_prompt_and_n_and_the_whole_sampling(db, server):
    settings = {
        "endpoint": "completions",
        "system_prompt": "Be bold.",
        "template": "Q: {prompt}\nA:",
        "per_call": 4,
        "min_p": 0.05,
        "top_p": 0.9,
        "temperature": 1.3,
        "max_tokens": 17,
        "stop": ["\\n\\n", "Q:"],
        "seed": 5,
        "extra_body": {"top_k": 40, "top_p": None},
    }
    study = draft(server, systems=("steered",), prompts=1, **settings)

    run(study, samples=4)

    (body,) = server.calls
    seed = outputs(study).get(sample=0).metadata["seed"]
    assert body == {
        "model": "model-steered",
        "prompt": "Be bold.\n\nQ: What is thing 0 good for?\nA:",
        "temperature": 1.3,
        "min_p": 0.05,
        "max_tokens": 17,
        "stop": ["\n\n", "Q:"],
        "n": 4,
        "seed": seed + 5,
        "top_k": 40,
    }
    assert outputs(study).count() == 4


def test_server_that_ignores_n_is_asked_until_there_are_enough(db, server):
    server.most = 1
    study = draft(server, systems=("steered",), prompts=2, per_call=8)

    made = run(study, samples=5)

    assert (made.state, outputs(study).count()) == (GenerationState.DONE, 10)
    assert len(set(outputs(study).values_list("text", flat=True))) == 10


BAD = {
    "refusal": said("I’m sorry, but I can’t help with that."),
    "truncated": said("And then the bridge", finish="length"),
    "empty": said("  \n"),
}


@pytest.mark.parametrize(
    ("choice", "mark"),
    [
        (BAD["refusal"], "refusal"),
        (said(None, refusal="No."), "refusal"),
        (said("Half of it", finish="content_filter"), "refusal"),
        (said("**I cannot assist** with bombs."), "refusal"),
        (BAD["truncated"], "truncated"),
        (BAD["empty"], "empty"),
        (said(None, finish="length"), "empty"),
        (said("I cannot forget the smell of that bridge."), ""),
        (said("A bell. I'm sorry, but I can't help it."), ""),
    ],
)
def test_answers_are_kept_and_marked(db, server, choice, mark):
    study = draft(server, systems=("plain",), prompts=1)
    server.script = [choice]

    made = run(study, samples=1, rules={"empty": "keep"})

    kept = outputs(study).get()
    sample = made.samples.get()
    assert (kept.metadata["mark"], sample.mark, sample.state) == (mark, mark, SampleState.ARRIVED)
    assert kept.text == (choice["message"]["content"] or choice["message"].get("refusal", ""))
    assert bool(kept.left_out) == (mark == "empty")


@pytest.mark.parametrize("mark", sorted(BAD))
def test_answers_are_resampled_by_rule_and_what_came_before_is_kept(db, server, mark):
    study = draft(server, systems=("plain",), prompts=1, lanes=1)
    server.script = [BAD[mark], BAD[mark]]

    made = run(study, samples=1, rules={mark: "resample", "most_resamples": 2})

    sample = made.samples.get()
    before = [(answer["mark"], answer["text"], answer["finish_reason"]) for answer in sample.answers]
    choice = BAD[mark]
    assert before == [(mark, choice["message"]["content"], choice["finish_reason"])] * 2
    assert (sample.state, sample.mark, sample.attempts) == (SampleState.ARRIVED, "", 3)
    assert outputs(study).get().text.startswith("A quiet thought")
    assert len({body["seed"] for body in server.calls}) == 3


@pytest.mark.parametrize("mark", sorted(BAD))
@pytest.mark.parametrize(("then", "state"), [("keep", SampleState.ARRIVED), ("leave_out", SampleState.LEFT_OUT)])
def test_after_the_last_resample_the_rule_for_that_holds(db, server, mark, then, state):
    study = draft(server, systems=("plain",), prompts=1, lanes=1)
    server.script = [BAD[mark]] * 3

    made = run(study, samples=1, rules={mark: "resample", "most_resamples": 2, "then": then})

    sample = made.samples.get()
    assert (made.state, sample.state, sample.mark) == (GenerationState.DONE, state, mark)
    assert len(sample.answers) == (2 if then == "keep" else 3)
    assert outputs(study).count() == (1 if then == "keep" else 0)


@pytest.mark.parametrize("mark", sorted(BAD))
def test_answers_are_left_out_by_rule_with_their_text_and_may_be_asked_for_again(db, server, mark):
    study = draft(server, systems=("plain",), prompts=1)
    server.script = [BAD[mark]]
    made = run(study, samples=1, rules={mark: "leave_out"})
    left = made.samples.get()

    generating.retry_failed(generation=made, left_out=True)
    go_on(made)

    assert (left.state, left.answers[0]["text"]) == (SampleState.LEFT_OUT, BAD[mark]["message"]["content"])
    again = made.samples.get()
    assert (again.state, len(again.answers), again.answers[0]["earlier"]) == (SampleState.ARRIVED, 1, True)


@pytest.mark.parametrize(
    ("rules", "word"),
    [
        ({"refusal": "burn"}, "refusal"),
        ({"then": "resample"}, "then"),
        ({"most_resamples": 0}, "most_resamples"),
        ({"mood": "keep"}, "mood"),
    ],
)
def test_wrong_rule_is_refused_by_name(study, rules, word):
    with pytest.raises(NotReady, match=word):
        generating.request_generation(study=study, samples=1, rules=rules)

    assert not Generation.objects.exists()


def test_text_that_no_database_holds_comes_in_all_the_same(db, server):
    study = draft(server, systems=("plain",), prompts=1)
    server.script = [said("one\r\ntwo\0three \ud83d")]

    run(study, samples=1)

    assert outputs(study).get().text == "one\ntwo\N{REPLACEMENT CHARACTER}three ?"


def test_wrong_key_stops_that_system_with_a_sentence_and_the_others_go_on(study, server):
    broken = Writer.objects.get(system__name="steered")
    broken.settings = {**broken.settings, "base_url": f"http://127.0.0.1:{server.server_port}/elsewhere"}
    broken.save()

    made = run(study)

    assert made.state == GenerationState.STOPPED
    assert made.message == "steered: The server does not know this address or this model (code 404)."
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
    from annotations.domain import generating_rows
    from annotations.registry import Written

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
