"""Monitor: every number equals a recount in SQL that shares nothing with the domain's own statements."""

import datetime as dt
import re
import statistics

import pytest
from django.db import connection
from django.utils import timezone

from annotations.domain import assignment, studies
from annotations.models import Judgement, Lease
from tests.annotations.factories import ParticipationFactory, StudyFactory

from .conftest import address, judge


def recount(sql, *values):
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return cursor.fetchall()


def one(sql, *values):
    return recount(sql, *values)[0][0]


@pytest.fixture
def busy(db):
    """A study with raters in every state, late answers, a lapse with its re-issue, and a second study beside it."""
    study = StudyFactory(
        open=True,
        prompts=6,
        design={
            "raters_per_task": 2,
            "trials_per_rater": 4,
            "repeat_trials": 1,
            "repeat_gap": 1,
            "attention_trials": 1,
        },
    )
    judge(study, raters=3)
    judge(study, raters=2, limit=2)
    lapsing = Lease.objects.filter(plan=study.plan, state="leased").order_by("pk").first()
    Lease.objects.filter(pk=lapsing.pk).update(expires_at=timezone.now() - dt.timedelta(minutes=1))
    assignment.expire_leases()
    ParticipationFactory(study=study)
    old = Judgement.objects.filter(lease__plan=study.plan).order_by("pk")[:5]
    Judgement.objects.filter(pk__in=[row.pk for row in old[:2]]).update(
        created_at=timezone.now() - dt.timedelta(hours=3)
    )
    Judgement.objects.filter(pk=old[2].pk).update(created_at=timezone.now() - dt.timedelta(hours=40))
    Judgement.objects.filter(pk=old[3].pk).update(late=True)
    Judgement.objects.filter(pk=old[4].pk).update(submit_ms=None, hidden_ms=None, idle_ms=None)
    judge(StudyFactory(open=True), raters=2)
    return study


@pytest.fixture
def numbers(desk, busy):
    return desk.get(address(busy, "monitor_live")).json()["numbers"]


def test_raters_by_state_equal_a_recount(busy, numbers):
    rows = recount("SELECT state FROM annotations_participation WHERE study_id = %s", busy.pk)

    states = [state for (state,) in rows]
    assert numbers["raters_total"] == len(states) == 6
    assert numbers["raters"] == {name: states.count(name) for name in numbers["raters"]}
    assert {name for name, count in numbers["raters"].items() if count} == {
        "finished",
        "judging",
        "lapsed",
        "consented",
    }


def test_leases_by_state_equal_a_recount(busy, numbers):
    rows = recount("SELECT state, copy FROM annotations_lease WHERE plan_id = %s", busy.plan_id)

    states = [state for state, _ in rows]
    assert numbers["leases"] == {name: states.count(name) for name in numbers["leases"]}
    assert numbers["booklets_completed"] == states.count("completed") == 3
    assert sum(copy > 1 for _, copy in rows) == numbers["leases"]["lapsed"] == 1
    assert numbers["booklets_planned"] == one(
        "SELECT count(*) FROM annotations_booklet WHERE plan_id = %s", busy.plan_id
    )


def test_judgements_equal_a_recount(busy, numbers):
    rows = recount(
        """SELECT j.late, l.state FROM annotations_judgement j, annotations_lease l
           WHERE l.id = j.lease_id AND l.plan_id = %s""",
        busy.plan_id,
    )

    assert numbers["judgements"] == len(rows)
    assert numbers["judgements_late"] == sum(late for late, _ in rows) == 1
    assert numbers["judgements_counting"] == sum(state == "completed" for _, state in rows)


def test_judgements_per_hour_equal_a_recount(busy, numbers):
    rows = recount(
        """SELECT extract(epoch FROM j.created_at) FROM annotations_judgement j
           WHERE j.lease_id IN (SELECT id FROM annotations_lease WHERE plan_id = %s)""",
        busy.plan_id,
    )

    hours = [int(seconds // 3600) for (seconds,) in rows]
    shown = {
        int(dt.datetime.fromisoformat(row["hour"]).timestamp() // 3600): row["judgements"] for row in numbers["by_hour"]
    }
    assert len(shown) == 24
    assert shown == {hour: hours.count(hour) for hour in shown}
    assert sum(shown.values()) == len(hours) - 1  # one is forty hours old


def test_completion_per_task_equals_a_recount(busy, numbers):
    tasks = recount("SELECT id FROM annotations_task WHERE plan_id = %s AND kind = 'main'", busy.plan_id)
    done = recount(
        """SELECT t.task_id FROM annotations_judgement j JOIN annotations_trial t ON t.id = j.trial_id
           WHERE t.kind = 'main' AND (SELECT state FROM annotations_lease l WHERE l.id = j.lease_id) = 'completed'""",
    )

    judged = [task for (task,) in done]
    counts = [judged.count(task) for (task,) in tasks]
    assert numbers["by_task"] == {str(count): counts.count(count) for count in sorted(set(counts))}
    assert sum(numbers["by_task"].values()) == len(tasks) == 18


def test_median_time_equals_a_recount(busy, numbers):
    rows = recount(
        """SELECT j.submit_ms - j.hidden_ms - j.idle_ms FROM annotations_judgement j
           JOIN annotations_trial t ON t.id = j.trial_id JOIN annotations_booklet b ON b.id = t.booklet_id
           WHERE b.plan_id = %s AND t.kind = 'main' AND j.submit_ms IS NOT NULL""",
        busy.plan_id,
    )

    assert numbers["median_seconds"] == pytest.approx(statistics.median(ms for (ms,) in rows) / 1000, abs=1e-9)


def test_dropout_and_progress_equal_a_recount(busy, numbers):
    states = [state for (state,) in recount("SELECT state FROM annotations_lease WHERE plan_id = %s", busy.plan_id)]
    lapsed, completed = states.count("lapsed"), states.count("completed")

    assert numbers["dropout"] == pytest.approx(lapsed / (lapsed + completed), abs=1e-12)
    assert numbers["progress"] == pytest.approx(completed / busy.plan.booklets_planned, abs=1e-12)


def test_page_shows_the_numbers_and_the_hash(desk, busy, numbers):
    html = desk.get(address(busy, "monitor")).content.decode()

    assert busy.plan.sha256 in html
    assert re.search(rf'data-number="judgements">{numbers["judgements"]}<', html)
    assert re.search(rf'data-number="booklets_completed">{numbers["booklets_completed"]}<', html)


def test_panels_of_the_refresh_are_those_of_the_page(desk, busy):
    page = desk.get(address(busy, "monitor"))

    live = desk.get(address(busy, "monitor_live")).json()

    assert live["panels"] == page.context["panels"]


def test_refresh_follows_new_judgements(desk, running):
    before = desk.get(address(running, "monitor_live")).json()["numbers"]

    judge(running, raters=1)

    after = desk.get(address(running, "monitor_live")).json()["numbers"]
    assert (before["judgements"], after["judgements"]) == (0, 3)
    assert (before["raters"]["finished"], after["raters"]["finished"]) == (0, 1)


@pytest.mark.parametrize(("close", "rest"), [(False, False), (True, True)])
def test_refresh_rests_when_the_study_is_closed(desk, running, close, rest):
    if close:
        studies.close_study(study=running)

    assert desk.get(address(running, "monitor_live")).json()["rest"] is rest


def test_refresh_costs_the_same_queries_for_any_number_of_judgements(desk, running, django_assert_max_num_queries):
    with django_assert_max_num_queries(24):
        desk.get(address(running, "monitor_live"))
    judge(running, raters=4)

    with django_assert_max_num_queries(24):
        desk.get(address(running, "monitor_live"))


def test_simulated_raters_are_named(desk, running):
    judge(running, raters=2, simulated=True)

    html = desk.get(address(running, "monitor")).content.decode()

    assert re.search(r'of which simulated: <span data-number="simulated">2</span>', html)


def test_people_are_not_called_simulated(desk, running):
    judge(running, raters=2)

    assert "simulated" not in desk.get(address(running, "monitor_live")).json()["panels"]["progress"]


def test_leases_that_ran_out_can_be_looked_for_at_once(desk, running):
    ParticipationFactory(study=running, begun=True)
    Lease.objects.filter(state="leased").update(expires_at=timezone.now() - dt.timedelta(minutes=1))

    response = desk.post(address(running, "monitor_expire"), follow=True)

    assert [str(message) for message in response.context["messages"]] == ["1 lease had run out and was re-issued."]
    assert Lease.objects.filter(plan=running.plan, state="lapsed").count() == 1


def test_monitor_before_the_study_runs_says_so(desk, draft):
    html = desk.get(address(draft, "monitor")).content.decode()

    assert "There is nothing to watch before" in html
    assert desk.get(address(draft, "monitor_live")).json()["numbers"]["judgements"] == 0


def test_people_s_panels_are_on_the_page(desk, busy):
    page = desk.get(address(busy, "monitor")).content.decode()

    for words in ("How far people came", "Sides", "Findings of the checks", "All done"):
        assert words in page
    assert "unknown" not in page


def test_raters_are_listed_with_their_progress(desk, busy):
    page = desk.get(address(busy, "monitor_raters"), {"sort": "judged", "page": "1"}).content.decode()

    for person in busy.participations.select_related("rater"):
        assert person.rater.pseudonym in page
        assert person.public_id not in page


@pytest.mark.parametrize("number", ["0", "-1", "x", "99999999999", "²"])
def test_a_page_that_does_not_exist_is_the_nearest(desk, busy, number):
    assert desk.get(address(busy, "monitor_raters"), {"page": number}).status_code == 200


def test_alerts_are_saved_and_refused_by_name(desk, busy):
    good = {"emails": "a@example.org, b@example.org", "full": "on", "dropout": "0.4", "webhook": "", "attention": ""}
    desk.post(address(busy, "monitor_alerts_save"), good)
    busy.refresh_from_db()
    kept = dict(busy.alerts)

    refused = desk.post(address(busy, "monitor_alerts_save"), {"emails": "nobody"}, follow=True)

    busy.refresh_from_db()
    assert busy.alerts == kept
    assert kept["emails"] == ["a@example.org", "b@example.org"]
    assert (kept["dropout"], kept["attention"], kept["recruiter"]) == (0.4, None, False)
    assert "nobody" in refused.content.decode()
    assert "a@example.org" in desk.get(address(busy, "monitor_alerts")).content.decode()
