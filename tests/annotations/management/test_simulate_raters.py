"""Simulated raters against a running site: what is planted comes out, and what goes wrong is said."""

import datetime as dt
import subprocess
import sys
from collections.abc import Callable
from io import StringIO
from statistics import mean

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from annotations.domain import assignment, dataset, studies
from annotations.enums import LeaseState, ParticipationState
from annotations.models import Judgement, Lease, Participation, Study
from evalplatform import serve

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def simulate(live_server) -> Callable[..., str]:
    """`simulate(study, "--raters", "6", …)` sends raters to the live server; returns what was printed."""

    def run(study: Study, *arguments: object) -> str:
        printed = StringIO()
        command = ("simulate_raters", study.slug, "--base-url", live_server.url, *map(str, arguments))
        call_command(*command, stdout=printed)
        return printed.getvalue()

    return run


def win_rate(study: Study, system: str, *, dimension: str) -> float:
    """Share of the clear answers in favour of a system, among its pairs on one dimension."""
    won = [
        (row["answer"] > 0) == (row["system_a"] == system)
        for row in dataset.rows(study=study)
        if row["dimension"] == dimension and system in (row["system_a"], row["system_b"]) and row["answer"]
    ]
    return mean(won)


def test_simulate_raters_finishes_every_booklet_and_marks_the_raters(make_open_study, simulate):
    study = make_open_study()

    printed = simulate(study, "--raters", 6)

    assert "6 raters: 6 finished, 0 dropped out, 0 errors; 36 judgements" in printed
    raters = Participation.objects.filter(study=study)
    assert set(raters.values_list("state", "simulated")) == {(ParticipationState.FINISHED, True)}
    assert sorted(raters.values_list("identity__person", flat=True)) == [f"sim-1-000{n}" for n in range(1, 7)]
    assert Judgement.objects.count() == 36
    event = study.events.get(name="simulated")
    assert (event.data["raters"], event.data["seed"]) == (6, 1)


def test_simulate_raters_plants_an_effect_in_its_direction_and_nowhere_else(make_open_study, simulate):
    """At 5 logits all but a few of 24 answers go one way; without an effect half of them do, ± 0.3 (3 s.e.)."""
    study = make_open_study()

    simulate(study, "--raters", 6, "--effect", "steered:originality=5", "--effect", "reference:creativity=-5")

    assert win_rate(study, "steered", dimension="originality") > 0.85
    assert win_rate(study, "reference", dimension="creativity") < 0.15
    assert win_rate(study, "steered", dimension="surprise") == pytest.approx(0.5, abs=0.3)


@pytest.mark.long
def test_simulate_raters_answers_the_same_for_the_same_seed_at_any_concurrency(make_open_study, simulate, answers_of):
    one_by_one, side_by_side, other_seed = (make_open_study() for _ in range(3))

    simulate(one_by_one, "--raters", 6, "--seed", 7, "--concurrency", 1, "--lapse-rate", 0.2, "--drop-out", 0.3)
    simulate(side_by_side, "--raters", 6, "--seed", 7, "--concurrency", 4, "--lapse-rate", 0.2, "--drop-out", 0.3)
    simulate(other_seed, "--raters", 6, "--seed", 8)

    found = answers_of(one_by_one)
    assert found
    assert found == answers_of(side_by_side)
    assert set(found.values()) == {-2.0, -1.0, 0.0, 1.0, 2.0}
    assert sorted(found.values()) != sorted(answers_of(other_seed).values())


def test_simulate_raters_leans_to_the_side_of_the_bias(make_open_study, simulate):
    left, right = make_open_study(), make_open_study()

    simulate(left, "--raters", 6, "--side-bias", 6)
    simulate(right, "--raters", 6, "--side-bias", -6)

    assert mean(row["answer"] > 0 for row in dataset.rows(study=left)) > 0.9
    assert mean(row["answer"] < 0 for row in dataset.rows(study=right)) > 0.9


def test_simulate_raters_answers_forced_choices(make_open_study, simulate):
    study = make_open_study(questions={"question_type": "forced_choice", "options": {"tie": True}})

    simulate(study, "--raters", 6, "--effect", "steered:surprise=5")

    rows = list(dataset.rows(study=study))
    assert {row["answer"] for row in rows} == {0.0, 0.5, 1.0}
    chosen = [
        row["answer"] if row["system_a"] == "steered" else 1 - row["answer"]
        for row in rows
        if row["dimension"] == "surprise" and "steered" in (row["system_a"], row["system_b"])
    ]
    assert mean(chosen) > 0.85


def test_simulate_raters_obeys_attention_checks_unless_the_mind_lapses(make_open_study, simulate):
    careful, absent = (make_open_study(attention_trials=1, repeat_trials=1, repeat_gap=2) for _ in range(2))

    simulate(careful, "--raters", 6)
    simulate(absent, "--raters", 6, "--lapse-rate", 1)

    def obeyed(study: Study) -> list[bool]:
        return [
            row["answer"] == (2 if row["output_a"].endswith("/0") else -2)
            for row in dataset.rows(study=study)
            if row["kind"] == "attention"
        ]

    assert obeyed(careful) == [True] * 18
    assert sum(obeyed(absent)) < 12  # one in five by chance: 3.6 of 18, and 12 is five standard deviations above


def test_simulate_raters_who_drop_out_leave_leases_that_lapse_and_are_issued_again(make_open_study, simulate):
    study = make_open_study()

    printed = simulate(study, "--raters", 6, "--drop-out", 1)
    running = Lease.objects.filter(plan__study=study, state=LeaseState.LEASED).count()
    lapsed = assignment.expire_leases(now=timezone.now() + dt.timedelta(minutes=study.lease_minutes + 1))

    assert "0 finished, 6 dropped out" in printed
    assert (running, lapsed) == (6, 6)
    assert 0 < Judgement.objects.count() < 36
    assert Lease.objects.filter(plan__study=study, state=LeaseState.AVAILABLE).count() == 6
    assert {row["excluded"] for row in dataset.rows(study=study)} == {True}


def test_simulate_raters_again_adds_nothing_and_first_adds_raters_of_the_same_world(make_open_study, simulate):
    study = make_open_study()

    simulate(study, "--raters", 4)
    again = simulate(study, "--raters", 4)
    simulate(study, "--raters", 2, "--first", 5)

    assert "4 finished" in again
    assert " 0 judgements" in again
    persons = Participation.objects.filter(study=study).values_list("identity__person", flat=True)
    assert sorted(persons) == [f"sim-1-000{n}" for n in range(1, 7)]


def test_simulate_raters_measures_plausible_times(make_open_study, simulate):
    study = make_open_study()

    simulate(study, "--raters", 2)

    for judgement in Judgement.objects.all():
        assert 0 < judgement.first_answer_ms <= judgement.submit_ms
        assert 1_000 < judgement.submit_ms - judgement.hidden_ms < 120_000
        assert judgement.idle_ms == 0


def test_simulate_raters_says_when_all_places_are_taken(make_open_study, simulate):
    study = make_open_study()

    with pytest.raises(CommandError, match="All places are taken"):
        simulate(study, "--raters", 8)

    assert Judgement.objects.count() == 36


def test_simulate_raters_fails_when_the_site_does_not_answer(make_open_study, free_port):
    study = make_open_study()

    with pytest.raises(CommandError, match="sim-1-0001: ConnectError"):
        call_command(
            "simulate_raters",
            study.slug,
            "--raters",
            "9",
            "--base-url",
            f"http://127.0.0.1:{free_port}",
            stdout=StringIO(),
        )

    assert not Participation.objects.exists()


def test_simulate_raters_fails_when_the_study_is_paused_meanwhile(make_open_study, simulate, monkeypatch):
    study = make_open_study()
    studies.pause_study(study=study)
    monkeypatch.setattr("annotations.management.commands.simulate_raters.find_open_study", lambda _: study)

    with pytest.raises(CommandError, match="sim-1-0001: Unexpected: the site says"):
        simulate(study, "--raters", 2)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--effect", "steerd:originality=1"], "no system steerd; it has baseline, reference, steered"),
        (["--effect", "steered:novelty=1"], "no dimension novelty; it has creativity, originality, surprise"),
        (["--effect", "steered=1"], "is not SYSTEM:DIMENSION=VALUE"),
        (["--effect", "steered:surprise=inf"], "is not SYSTEM:DIMENSION=VALUE"),
        (["--drop-out", "1.5"], "'1.5' is not a number from 0 to 1"),
        (["--raters", "0"], "'0' is not a whole number from 1 to 1e"),
        (["--raters", "2.5"], "'2.5' is not a whole number"),
        (["--output-sd", "-1"], "is not a number from 0"),
    ],
)
def test_simulate_raters_refuses_what_makes_no_sense(make_open_study, simulate, arguments, message):
    study = make_open_study()

    with pytest.raises(CommandError, match=message):
        simulate(study, "--raters", "2", *arguments)


def test_simulate_raters_names_the_studies_that_it_could_take(make_open_study):
    study = make_open_study()

    with pytest.raises(CommandError, match=rf"no study 'nowhere'. Open ones: {study.slug} \(Ideas\)"):
        call_command("simulate_raters", "nowhere", "--raters", "1")


def test_simulate_raters_refuses_a_study_that_is_not_open(make_open_study):
    study = make_open_study()
    studies.close_study(study=study)

    with pytest.raises(CommandError, match="The study 'Ideas' is closed"):
        call_command("simulate_raters", str(study.pk), "--raters", "1")


def test_simulate_raters_starts_a_server_of_its_own(make_open_study, process_environment):
    study = make_open_study()
    command = [sys.executable, str(serve.ROOT / "manage.py"), "simulate_raters", study.slug, "--raters", "6"]

    done = subprocess.run(
        command, env=process_environment, capture_output=True, text=True, timeout=120, check=False, cwd=serve.ROOT
    )

    assert done.returncode == 0, done.stderr
    assert "6 finished" in done.stdout
    assert Judgement.objects.count() == 36
