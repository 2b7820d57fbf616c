"""Expert panels: rounds against a real chat server, from the question to the ranking."""

import datetime as dt
import json
import threading

import pytest
from django.db import connection, connections
from django.utils import timezone

from annotations import pace
from annotations.domain import assignment, judging, panel, participation, planning, studies
from annotations.enums import JobState, Step
from annotations.errors import AnswerError, NotReady, WrongState
from annotations.models import Judgement, Lease, Output, Round, System
from tests.standins.chat import chat_server

QUESTION = "What keeps a bridge from humming in the wind?"


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setattr(pace.Pace, "sleep", lambda self, seconds: None)
    with chat_server() as running:
        yield running


def draft_panel(server, *, systems=("baseline", "steered"), **design):
    study = studies.create_study(title="Bridges", template="expert_panel")
    study.design |= design
    study.save()
    for name in systems:
        panel.edit_writer(
            study=study,
            name=name,
            role="baseline" if name == "baseline" else "treatment",
            generator="openai_compatible",
            settings={"base_url": server.base_url, "model": f"model-{'plain' if name == 'baseline' else name}"},
            secrets={"api_key": "sk-very-secret"},
        )
    return study


@pytest.fixture
def study(db, server):
    made = draft_panel(server, rounds=3, outputs=20)
    planning.freeze_study(study=made)
    return studies.open_study(study=made)


def expert(study):
    return participation.enter_study(slug=study.slug)


def ranked(outputs):
    return {str(place): (str(place),) for place in range(1, outputs + 1)}


def rank(person):
    view = judging.where_is(public_id=person.public_id)
    trial = view.trials[0]
    answers = {question.key: ranked(len(trial.texts)) for question in view.questionnaire.questions}
    return judging.record_judgement(public_id=person.public_id, trial=trial.token, answers=answers)


def standing(person):
    lease = person.leases.order_by("-pk").first()
    return panel.step_of(
        participation_id=person.pk, design=person.study.design, lease_state=lease.state if lease else None
    )


def test_question_brings_outputs_of_all_systems_before_the_expert(study, server):
    person = expert(study)

    made = panel.make_round(round_id=panel.ask(public_id=person.public_id, question=QUESTION).pk)

    assert made.state == JobState.DONE
    outputs = Output.objects.filter(prompt=made.prompt).select_related("system")
    assert sorted(output.system.name for output in outputs) == ["baseline"] * 10 + ["steered"] * 10
    trial = made.lease.booklet.trials.get()
    assert sorted(trial.output_ids) == sorted(outputs.values_list("pk", flat=True))
    assert trial.output_ids != sorted(trial.output_ids)
    view = judging.where_is(public_id=person.public_id)
    assert (view.step, view.trials[0].prompt, len(view.trials[0].texts)) == (Step.TRIAL, QUESTION, 20)
    assert set(server.keys) == {"Bearer sk-very-secret"}


def test_expert_ranks_and_asks_again_until_the_rounds_are_over(study):
    person = expert(study)
    seen = []
    for number in (1, 2, 3):
        seen.append(standing(person))
        made = panel.ask(public_id=person.public_id, question=f"{QUESTION} ({number})")
        seen.append(standing(person))
        panel.make_round(round_id=made.pk)
        seen.append(standing(person))
        rank(person)

    assert seen == [Step.ASK, Step.WAITING, Step.TRIAL] * 3
    assert standing(person) is None
    assert list(person.rounds.values_list("number", flat=True)) == [1, 2, 3]
    assert Judgement.objects.filter(lease__participation=person).count() == 3
    with pytest.raises(WrongState, match="last round"):
        panel.ask(public_id=person.public_id, question=QUESTION)


def test_double_click_is_one_round(study):
    person = expert(study)

    first = panel.ask(public_id=person.public_id, question=QUESTION)
    second = panel.ask(public_id=person.public_id, question="Something else altogether?")

    assert first.pk == second.pk
    assert Round.objects.get().question == QUESTION


@pytest.mark.django_db(transaction=True)
def test_twenty_clicks_at_once_are_one_round_and_one_set_of_outputs(server):
    study = draft_panel(server)
    planning.freeze_study(study=study)
    studies.open_study(study=study)
    person = expert(study)
    gate = threading.Barrier(20)

    def click():
        try:
            gate.wait()
            panel.make_round(round_id=panel.ask(public_id=person.public_id, question=QUESTION).pk)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=click) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    made = Round.objects.get()
    panel.make_round(round_id=made.pk)
    assert Output.objects.filter(prompt__study=study).count() == 20
    assert Lease.objects.filter(plan=study.plan).count() == 1


def test_failure_is_told_without_model_and_address_and_the_question_may_be_asked_again(study, server):
    person = expert(study)
    server.failures = [500] * 40

    failed = panel.make_round(round_id=panel.ask(public_id=person.public_id, question=QUESTION).pk)

    assert failed.state == JobState.FAILED
    facts = panel.facts_of(public_id=person.public_id)
    assert facts["question"] == QUESTION
    assert not any(word in facts["message"] for word in ("model-", "127.0.0.1", "baseline", "steered", "sk-"))
    assert standing(person) == Step.ASK
    server.failures = []
    again = panel.ask(public_id=person.public_id, question="What else?")
    panel.make_round(round_id=again.pk)
    assert again.pk == failed.pk
    assert standing(person) == Step.TRIAL


@pytest.mark.parametrize("failures", [[429, 503], [429] * 3])
def test_busy_server_is_asked_again(study, server, failures):
    server.failures = list(failures)
    person = expert(study)

    made = panel.make_round(round_id=panel.ask(public_id=person.public_id, question=QUESTION).pk)

    assert made.state == JobState.DONE


def test_server_that_says_nothing_fails_the_round_and_leaves_nothing(study, server):
    server.empty = True
    person = expert(study)

    made = panel.make_round(round_id=panel.ask(public_id=person.public_id, question=QUESTION).pk)

    assert made.state == JobState.FAILED
    assert not Output.objects.filter(prompt__study=study).exists()


def test_outputs_that_cannot_be_shared_evenly_go_round(db, server):
    study = draft_panel(server, systems=("baseline", "one", "two"), outputs=20, rounds=3)
    planning.freeze_study(study=study)
    studies.open_study(study=study)
    person = expert(study)
    shares = []
    for _ in range(3):
        made = panel.make_round(round_id=panel.ask(public_id=person.public_id, question=QUESTION).pk)
        outputs = Output.objects.filter(prompt=made.prompt)
        shares.append([outputs.filter(system__name=name).count() for name in ("baseline", "one", "two")])
        rank(person)

    assert all(sorted(share) == [6, 7, 7] for share in shares)
    assert [sum(column) for column in zip(*shares, strict=True)] == [20, 20, 20]


def test_lapsed_round_is_taken_up_again(study):
    person = expert(study)
    made = panel.make_round(round_id=panel.ask(public_id=person.public_id, question=QUESTION).pk)
    Lease.objects.filter(pk=made.lease.pk).update(expires_at=timezone.now() - dt.timedelta(minutes=1))
    assignment.expire_leases()

    view = judging.where_is(public_id=person.public_id)

    assert (view.step, view.trials[0].prompt) == (Step.TRIAL, QUESTION)


def test_expert_may_stop_after_the_least_number_of_rounds(study):
    person = expert(study)
    with pytest.raises(WrongState, match="at least 1"):
        panel.stop(public_id=person.public_id)
    panel.make_round(round_id=panel.ask(public_id=person.public_id, question=QUESTION).pk)
    rank(person)

    panel.stop(public_id=person.public_id)
    panel.stop(public_id=person.public_id)

    person.refresh_from_db()
    assert person.state == "finished"
    assert study.events.filter(name="rounds_ended").count() == 1


@pytest.mark.parametrize("question", ["", "  a  ", "x" * 2001])
def test_question_of_the_wrong_length_is_refused(study, question):
    with pytest.raises(AnswerError, match="5 to 2000"):
        panel.ask(public_id=expert(study).public_id, question=question)

    assert not Round.objects.exists()


def test_panel_without_systems_is_not_ready(db):
    study = studies.create_study(title="Bridges", template="expert_panel")

    with pytest.raises(NotReady, match="at least one system"):
        planning.freeze_study(study=study)

    System.objects.create(study=study, name="mute")
    with pytest.raises(NotReady, match="mute"):
        planning.freeze_study(study=study)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"base_url": "nowhere", "model": "m"}, "base_url"),
        ({"base_url": "http://localhost/v1"}, "model"),
        ({"base_url": "http://localhost/v1", "model": "m", "temperature": 9}, "temperature"),
        ({"base_url": "http://localhost/v1", "model": "m", "warmth": 1}, "warmth"),
    ],
)
def test_wrong_writer_is_refused_by_name(db, settings, words):
    study = studies.create_study(title="Bridges", template="expert_panel")

    with pytest.raises(NotReady, match=words):
        panel.edit_writer(study=study, name="a", role="treatment", generator="openai_compatible", settings=settings)

    assert not study.systems.exists()


def test_secret_is_not_in_clear_in_the_database(study):
    with connection.cursor() as cursor:
        cursor.execute("SELECT row_to_json(w)::text FROM annotations_writer w")
        stored = " ".join(row[0] for row in cursor.fetchall())

    assert "model-plain" in stored
    assert "sk-very-secret" not in stored


def test_frozen_panel_holds_its_design_and_no_secret(study):
    frozen = json.loads(study.plan.canonical)

    assert frozen["design"]["rounds"] == 3
    assert "sk-very-secret" not in study.plan.canonical
    with pytest.raises(WrongState):
        panel.edit_panel(study=study, values={"rounds": 9})
