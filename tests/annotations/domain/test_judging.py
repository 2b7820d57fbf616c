"""Record and show next: written once, never lost, constant cost."""

import datetime as dt

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from annotations.blind import Timing
from annotations.domain import assignment, judging, participation, studies
from annotations.domain.booklets import booklet_of, forget_booklets
from annotations.enums import LeaseState, ParticipationState, Step
from annotations.errors import AnswerError, BadToken
from annotations.models import Judgement, Lease, Participation

from .conftest import ANSWERS, judge_all, open_study


def joined(study):
    return participation.enter_study(slug=study.slug)


def begun(study):
    person = joined(study)
    return person, participation.begin(public_id=person.public_id)


def test_rater_passes_from_instructions_to_the_completion_code(make_open_study):
    study = make_open_study()
    person = joined(study)

    before = judging.where_is(public_id=person.public_id)
    first = participation.begin(public_id=person.public_id)
    done = judge_all(participation=person)
    after = judging.where_is(public_id=person.public_id)

    assert (before.step, first.step, after.step) == (Step.INSTRUCTIONS, Step.TRIAL, Step.FINISHED)
    assert done == first.total == 4
    assert after.completion_code == person.completion_code
    person.refresh_from_db()
    assert person.state == ParticipationState.FINISHED
    assert Lease.objects.get(participation=person).state == LeaseState.COMPLETED


def test_view_shows_this_trial_and_the_one_after_it(make_open_study):
    person, view = begun(make_open_study())

    after = judging.record_judgement(public_id=person.public_id, trial=view.trials[0].token, answers=ANSWERS)

    assert [trial.number for trial in view.trials] == [1, 2]
    assert [trial.number for trial in after.trials] == [2, 3]
    assert after.trials[0] == view.trials[1]


def test_judgement_stores_signed_answers_and_times(make_open_study):
    person, view = begun(make_open_study())
    timing = Timing(first_answer_ms=900, submit_ms=4000, hidden_ms=500, idle_ms=0)

    judging.record_judgement(public_id=person.public_id, trial=view.trials[0].token, answers=ANSWERS, timing=timing)

    judgement = Judgement.objects.get()
    assert judgement.answers == {"originality": 2, "surprise": 0, "creativity": -2}
    assert (judgement.first_answer_ms, judgement.submit_ms, judgement.hidden_ms, judgement.idle_ms) == (
        900,
        4000,
        500,
        0,
    )
    assert judgement.late is False


def test_same_post_twice_is_one_judgement_and_goes_on(make_open_study):
    person, view = begun(make_open_study())
    first = judging.record_judgement(public_id=person.public_id, trial=view.trials[0].token, answers=ANSWERS)

    changed = ANSWERS | {"originality": "5"}
    second = judging.record_judgement(public_id=person.public_id, trial=view.trials[0].token, answers=changed)

    assert (first.duplicate, second.duplicate) == (False, True)
    assert second.trials == first.trials
    assert Judgement.objects.get().answers["originality"] == 2


def test_incomplete_answer_stores_nothing_and_names_the_row(make_open_study):
    person, view = begun(make_open_study())

    with pytest.raises(AnswerError, match=r"Please answer: surprising\."):
        judging.record_judgement(
            public_id=person.public_id, trial=view.trials[0].token, answers=ANSWERS | {"surprise": ""}
        )

    assert Judgement.objects.count() == 0


@pytest.mark.parametrize("raw", ["0", "6", "-1", "²", "1.0", "x", " 1"])
def test_impossible_answer_is_refused(make_open_study, raw):
    person, view = begun(make_open_study())

    with pytest.raises(AnswerError):
        judging.record_judgement(
            public_id=person.public_id, trial=view.trials[0].token, answers=ANSWERS | {"surprise": raw}
        )


@pytest.mark.parametrize("token", ["", "1", "1.2", "x.y.z", "1.2.3.4", "0.0.0", "-1.1.1", "f" * 40 + ".1.1"])
def test_malformed_trial_token_is_refused(make_open_study, token):
    person, _ = begun(make_open_study())

    with pytest.raises(BadToken):
        judging.record_judgement(public_id=person.public_id, trial=token, answers=ANSWERS)


def test_trial_of_somebody_else_changes_nothing_and_shows_the_own_place(make_open_study):
    study = make_open_study()
    _, theirs = begun(study)
    person, mine = begun(study)

    view = judging.record_judgement(public_id=person.public_id, trial=theirs.trials[0].token, answers=ANSWERS)

    assert view.trials == mine.trials
    assert Judgement.objects.count() == 0


def test_unknown_rater_is_told_so(db):
    with pytest.raises(BadToken):
        judging.where_is(public_id="nobody")


def test_two_tabs_answering_in_another_order_lose_nothing(make_open_study):
    person, view = begun(make_open_study())
    now, ahead = view.trials

    judging.record_judgement(public_id=person.public_id, trial=ahead.token, answers=ANSWERS)
    after = judging.record_judgement(public_id=person.public_id, trial=now.token, answers=ANSWERS)

    assert [trial.number for trial in after.trials] == [3, 4]
    assert Judgement.objects.count() == 2


def lapse(person):
    Lease.objects.filter(participation=person).update(expires_at=timezone.now() - dt.timedelta(seconds=1))
    assert assignment.expire_leases() == 1


def test_late_answer_takes_the_booklet_up_again_when_nobody_took_it(make_open_study):
    study = make_open_study()
    person, view = begun(study)
    lapse(person)

    after = judging.record_judgement(public_id=person.public_id, trial=view.trials[0].token, answers=ANSWERS)

    assert after.step == Step.TRIAL
    assert after.trials[0].number == 2
    assert Judgement.objects.get().late is False
    assert Lease.objects.filter(state=LeaseState.AVAILABLE, copy=2).count() == 0


def test_late_answer_is_kept_as_surplus_when_the_copy_is_taken(make_open_study):
    study = make_open_study(prompts=4, systems=2, design={"raters_per_task": 1})
    person, view = begun(study)
    lapse(person)
    other = joined(study)
    participation.begin(public_id=other.public_id)

    after = judging.record_judgement(public_id=person.public_id, trial=view.trials[0].token, answers=ANSWERS)

    assert (after.step, after.late) == (Step.LAPSED, True)
    assert Judgement.objects.get().late is True


def judged_but_for_the_last(study):
    person, view = begun(study)
    while len(view.trials) > 1:
        view = judging.record_judgement(public_id=person.public_id, trial=view.trials[0].token, answers=ANSWERS)
    return person, view


def test_last_answer_after_a_lapse_finishes_the_booklet(make_open_study):
    person, view = judged_but_for_the_last(make_open_study())
    lapse(person)

    end = judging.record_judgement(public_id=person.public_id, trial=view.trials[0].token, answers=ANSWERS)

    assert (end.step, end.completion_code) == (Step.FINISHED, person.completion_code)
    assert Lease.objects.get(participation=person).state == LeaseState.COMPLETED


def test_last_answer_too_late_for_the_place_still_earns_the_code(make_open_study):
    study = make_open_study(prompts=4, systems=2, design={"raters_per_task": 1})
    person, view = judged_but_for_the_last(study)
    lapse(person)
    begun(study)

    end = judging.record_judgement(public_id=person.public_id, trial=view.trials[0].token, answers=ANSWERS)

    assert (end.step, end.completion_code) == (Step.FINISHED, person.completion_code)
    assert Lease.objects.get(participation=person).state == LeaseState.LAPSED


def undo_completion(person):
    """As if the worker had died between the last answer and the completion."""
    Lease.objects.filter(participation=person).update(state=LeaseState.LEASED, ended_at=None)
    Participation.objects.filter(pk=person.pk).update(state=ParticipationState.JUDGING, finished_at=None)


def test_lost_completion_is_made_up_when_the_rater_reloads(make_open_study):
    person = joined(make_open_study())
    judge_all(participation=person)
    undo_completion(person)

    assert judging.where_is(public_id=person.public_id).step == Step.FINISHED


def test_lost_completion_is_made_up_by_expiry_and_nothing_is_issued_again(make_open_study):
    person = joined(make_open_study())
    judge_all(participation=person)
    undo_completion(person)

    lapsed = assignment.expire_leases(now=timezone.now() + dt.timedelta(days=1))

    assert lapsed == 0
    assert Lease.objects.get(participation=person).state == LeaseState.COMPLETED
    assert not Lease.objects.filter(copy=2).exists()


def test_answer_after_closing_is_kept_and_marked_late(make_open_study):
    study = make_open_study()
    person, view = begun(study)
    studies.close_study(study=study)

    after = judging.record_judgement(public_id=person.public_id, trial=view.trials[0].token, answers=ANSWERS)

    assert after.step == Step.CLOSED
    assert Judgement.objects.get().late is True


def test_paused_study_keeps_the_answer_and_goes_on_after_resuming(make_open_study):
    study = make_open_study()
    person, view = begun(study)
    studies.pause_study(study=study)

    paused = judging.record_judgement(public_id=person.public_id, trial=view.trials[0].token, answers=ANSWERS)
    studies.resume_study(study=study)
    again = judging.where_is(public_id=person.public_id)

    assert paused.step == Step.PAUSED
    assert (again.step, again.trials[0].number) == (Step.TRIAL, 2)


def test_finished_rater_gets_the_code_even_when_the_study_is_closed(make_open_study):
    study = make_open_study()
    person = joined(study)
    judge_all(participation=person)
    studies.close_study(study=study)

    assert judging.where_is(public_id=person.public_id).step == Step.FINISHED


def test_each_judgement_renews_the_lease(make_open_study):
    person, view = begun(make_open_study())
    Lease.objects.filter(participation=person).update(expires_at=timezone.now() + dt.timedelta(minutes=5))

    judging.record_judgement(public_id=person.public_id, trial=view.trials[0].token, answers=ANSWERS)

    left = Lease.objects.get(participation=person).expires_at - timezone.now()
    assert dt.timedelta(minutes=59) < left <= dt.timedelta(minutes=60)


def queries_of_one_cycle(study) -> int:
    person, view = begun(study)
    view = judging.record_judgement(public_id=person.public_id, trial=view.trials[0].token, answers=ANSWERS)
    with CaptureQueriesContext(
        connection,
    ) as captured:
        judging.record_judgement(public_id=person.public_id, trial=view.trials[0].token, answers=ANSWERS)
    return len(captured)


def test_cycle_takes_one_query_at_any_length_of_booklet(make_open_study):
    short = make_open_study(prompts=3, design={"trials_per_rater": 3})
    long = make_open_study(prompts=20, design={"trials_per_rater": 20})

    assert queries_of_one_cycle(short) == 1
    assert queries_of_one_cycle(long) == 1


def test_process_that_has_not_seen_the_booklet_takes_one_query_more(make_open_study):
    person, view = begun(make_open_study())
    forget_booklets()

    with CaptureQueriesContext(connection) as captured:
        judging.record_judgement(public_id=person.public_id, trial=view.trials[0].token, answers=ANSWERS)

    assert len(captured) == 2


def test_last_trial_takes_few_queries(make_open_study):
    person, view = begun(make_open_study())
    while len(view.trials) > 1:
        view = judging.record_judgement(public_id=person.public_id, trial=view.trials[0].token, answers=ANSWERS)

    with CaptureQueriesContext(connection) as captured:
        end = judging.record_judgement(public_id=person.public_id, trial=view.trials[0].token, answers=ANSWERS)

    assert end.step == Step.FINISHED
    assert len(captured) == 4  # the judgement, the completion, the end page and its way out


@pytest.mark.slow
def test_cycle_takes_one_query_and_touches_few_rows_at_10_and_10_000_booklets(db):
    plans = {}
    for booklets, raters in ((10, 1), (10_000, 1000)):
        study = open_study(prompts=50, systems=2, design={"raters_per_task": raters, "trials_per_rater": 5})
        assert study.plan.booklets_planned == booklets

        assert queries_of_one_cycle(study) == 1

        person, view = begun(study)
        _, lease_id, _ = judging.read_trial_token(view.trials[0].token)
        values = {
            "public_id": person.public_id,
            "lease": str(lease_id),
            "trial": str(booklet_of(lease_id).trial_ids[0]),
            "answers": "{}",
            "evidence": "{}",
            **dict.fromkeys(("first_answer_ms", "submit_ms", "hidden_ms", "idle_ms")),
        }
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE annotations_participation, annotations_lease, annotations_judgement")
            cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {judging.RECORD}", values)
            plans[booklets] = rows_read(cursor.fetchone()[0][0]["Plan"])
    # The statement reads the rater's own rows and nothing else. How the planner reads a handful of them may differ by a
    # few; of 50,000 trials and 10,000 leases none comes in.
    assert max(plans.values()) <= 40


def rows_read(node) -> int:
    own = node["Actual Rows"] * node["Actual Loops"] + node.get("Rows Removed by Filter", 0) * node["Actual Loops"]
    return own + sum(rows_read(child) for child in node.get("Plans", []))


def test_participation_of_one_identity_is_one(make_open_study):
    from annotations.registry import Identity

    study = make_open_study()

    first = participation.enter_study(slug=study.slug, identity=Identity(person="abc"))
    second = participation.enter_study(slug=study.slug, identity=Identity(person="abc"))

    assert first == second
    assert Participation.objects.count() == 1
