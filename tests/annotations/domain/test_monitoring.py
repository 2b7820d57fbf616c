"""Every number on the monitor equals a recount, written here independently of the domain."""

import datetime as dt

from django.db import connection
from django.utils import timezone

from annotations.blind import Timing
from annotations.domain import assignment, judging, monitoring, participation
from annotations.models import Judgement, Lease

from .conftest import ANSWERS, judge_all


def scalar(sql: str, *values):
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return cursor.fetchone()[0]


def busy_study(make_open_study):
    """Two finished, one under way, one lapsed, one who only consented, one late answer; times on some judgements."""
    study = make_open_study(design={"attention_trials": 1})
    for seconds in (4, 9):
        person = participation.enter_study(slug=study.slug)
        view = participation.begin(public_id=person.public_id)
        while view.trials:
            timing = Timing(first_answer_ms=500, submit_ms=seconds * 1000, hidden_ms=1000, idle_ms=0)
            view = judging.record_judgement(
                public_id=person.public_id, trial=view.trials[0].token, answers=ANSWERS, timing=timing
            )
    judge_all(participation=participation.enter_study(slug=study.slug), limit=2)
    gone = participation.enter_study(slug=study.slug)
    judge_all(participation=gone, limit=1)
    Lease.objects.filter(participation=gone).update(expires_at=timezone.now() - dt.timedelta(minutes=1))
    assignment.expire_leases()
    participation.enter_study(slug=study.slug)
    study.participations.filter(pk=person.pk).update(simulated=True)
    Judgement.objects.filter(lease__participation=gone).update(late=True)
    return study


def test_every_number_equals_a_recount_in_sql(make_open_study):
    study = busy_study(make_open_study)

    numbers = monitoring.monitor(study=study)

    for state in ("consented", "judging", "finished", "lapsed", "turned_away"):
        assert numbers["raters"][state] == scalar(
            "SELECT count(*) FROM annotations_participation WHERE study_id = %s AND state = %s", study.pk, state
        )
    for state in ("available", "leased", "completed", "lapsed", "withdrawn"):
        assert numbers["leases"][state] == scalar(
            "SELECT count(*) FROM annotations_lease l JOIN annotations_booklet b ON b.id = l.booklet_id "
            "WHERE b.plan_id = %s AND l.state = %s",
            study.plan_id,
            state,
        )
    assert numbers["judgements"] == scalar("SELECT count(*) FROM annotations_judgement") == 13
    assert numbers["judgements_late"] == scalar("SELECT count(*) FROM annotations_judgement WHERE late") == 1
    assert numbers["judgements_counting"] == 10
    assert numbers["raters_total"] == 5
    assert numbers["simulated"] == scalar(
        "SELECT count(*) FROM annotations_participation WHERE simulated AND state = 'finished'"
    )
    assert numbers["booklets_completed"] == 2
    assert numbers["progress"] == 2 / scalar("SELECT count(*) FROM annotations_booklet")
    assert numbers["dropout"] == 1 / 3
    assert sum(hour["judgements"] for hour in numbers["by_hour"]) == 13
    assert len(numbers["by_hour"]) == 24


def test_completion_per_task_counts_main_judgements_of_complete_booklets(make_open_study):
    study = busy_study(make_open_study)

    numbers = monitoring.monitor(study=study)

    tasks = "SELECT count(*) FROM annotations_task WHERE plan_id = %s AND kind = 'main'"
    assert sum(numbers["by_task"].values()) == scalar(tasks, study.plan_id)
    assert sum(judged * count for judged, count in numbers["by_task"].items()) == 8


def test_median_time_is_active_time_of_main_trials(make_open_study):
    study = busy_study(make_open_study)

    assert monitoring.monitor(study=study)["median_seconds"] == (3 + 8) / 2


def test_draft_has_a_monitor_of_zeros(make_study):
    numbers = monitoring.monitor(study=make_study())

    assert (numbers["judgements"], numbers["progress"], numbers["dropout"], numbers["sha256"]) == (0, 0.0, None, "")
