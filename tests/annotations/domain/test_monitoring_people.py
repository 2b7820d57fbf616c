"""The funnel, findings, sides and raters of the monitor equal a recount written here on its own."""

import datetime as dt

import pytest
from django.db import connection
from django.utils import timezone

from annotations.blind import Timing
from annotations.domain import assignment, judging, monitoring, monitoring_people, participation
from annotations.models import Exclusion, Flag, Judgement, Lease
from tests.annotations.factories import StudyFactory

from .conftest import ANSWERS, judge_all


def scalar(sql, *values):
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return cursor.fetchone()[0]


@pytest.fixture
def busy(make_open_study):
    """Two finished, one half-way, one lapsed and found wanting, one only consented."""
    study = make_open_study()
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
    Flag.objects.create(participation=gone, check_name="too_fast", key="1")
    Flag.objects.create(participation=gone, check_name="too_fast", key="2")
    Exclusion.objects.create(participation=gone, reason="too fast")
    Exclusion.objects.create(participation=person, reason="a mistake", undone_at=timezone.now())
    participation.enter_study(slug=study.slug)
    return study


def test_funnel_counts_people_by_how_far_they_came(busy):
    found = monitoring_people.funnel(study=busy)

    stages = dict(found["stages"])
    assert stages["arrived"] == busy.participations.count() == 5
    assert stages["consented" if "consented" in stages else "consent"] == 5
    assert stages["began"] == scalar(
        "SELECT count(DISTINCT participation_id) FROM annotations_lease WHERE participation_id IS NOT NULL"
    )
    assert stages["half"] == 3
    assert stages["finished"] == 2
    assert list(stages.values()) == sorted(stages.values(), reverse=True)


def test_funnel_tells_how_visits_ended(busy):
    one, two = busy.participations.all()[:2]
    type(one).objects.filter(pk=one.pk).update(outcome="declined")
    type(two).objects.filter(pk=two.pk).update(outcome="completed")

    ends = monitoring_people.funnel(study=busy)["ends"]

    assert ends["declined"] == 1
    assert sum(ends.values()) == scalar("SELECT count(*) FROM annotations_participation WHERE outcome <> ''")


def test_findings_count_raters_and_not_only_findings(busy):
    found = monitoring_people.findings(study=busy)

    assert {"check": "too_fast", "raters": 1, "findings": 2} in found["checks"]
    assert found["excluded"] == 1


def test_sides_equal_a_recount_in_python(busy):
    found = monitoring_people.sides(study=busy)

    judged = Judgement.objects.filter(trial__kind="main").select_related("trial__task", "lease")
    counting = [row for row in judged if row.lease.state == "completed"]
    assert found["shown"] == len(counting)
    assert found["first_left"] == sum(row.trial.output_ids[0] == row.trial.task.output_ids[0] for row in counting)
    for key, _, left, neither, right in found["answers"]:
        values = [row.answers[key] for row in judged]
        assert (left, neither, right) == (
            sum(value > 0 for value in values),
            sum(value == 0 for value in values),
            sum(value < 0 for value in values),
        )


def test_raters_come_in_pages_with_their_own_numbers(busy, monkeypatch):
    monkeypatch.setattr(monitoring_people, "PAGE", 2)

    pages = [monitoring_people.raters(study=busy, page=number, sort="judged") for number in (1, 2, 3, 99)]

    assert [len(page["rows"]) for page in pages] == [2, 2, 1, 1]
    assert pages[3]["page"] == pages[0]["pages"] == 3
    rows = [row for page in pages[:3] for row in page["rows"]]
    assert len({row["pseudonym"] for row in rows}) == 5
    assert [row["judged"] for row in rows] == sorted((row["judged"] for row in rows), reverse=True)
    assert sum(row["judged"] for row in rows) == Judgement.objects.filter(lease__plan=busy.plan).count()
    assert {row["seconds"] for row in rows if row["state"] == "finished"} == {3.0, 8.0}
    assert sum(row["excluded"] for row in rows) == 1


def test_an_order_that_does_not_exist_falls_back(busy):
    assert monitoring_people.raters(study=busy, sort="; drop table")["sort"] == "latest"


def test_finish_is_when_the_rest_is_done_at_the_pace_so_far(busy):
    Lease.objects.filter(plan=busy.plan, state="completed").update(leased_at=timezone.now() - dt.timedelta(hours=1))

    numbers = monitoring.monitor(study=busy)

    left = busy.plan.booklets_planned - 2
    assert numbers["per_hour"] == pytest.approx(2, rel=0.01)  # two in the hour since the first began
    finish = dt.datetime.fromisoformat(numbers["finish"])
    assert (finish - timezone.now()).total_seconds() == pytest.approx(left / 2 * 3600, rel=0.02)


def test_study_without_a_plan_has_an_empty_monitor(db):
    study = StudyFactory()

    assert monitoring_people.sides(study=study)["shown"] == 0
    assert monitoring_people.raters(study=study)["rows"] == []
    assert dict(monitoring_people.funnel(study=study)["stages"])["finished"] == 0
    assert monitoring.monitor(study=study)["finish"] is None
