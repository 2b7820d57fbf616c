"""Row 3 of the peers' lessons: recruiter state drifts and costs money. Each clause is a test against a real server."""

import pytest
from django.utils import timezone

from annotations.domain import recruiting, recruiting_events, recruiting_sync
from annotations.enums import LeaseState, ParticipationState, RemoteState, SubmissionState
from annotations.errors import RemoteUnreachable
from annotations.models import Lease, LedgerEntry, Participation, RecruiterEvent
from tests.standins.prolific import TooLate


def test_somebody_who_finishes_is_approved_and_paid_once_and_the_books_agree(lab):
    person = lab.person("anna").does_it_all()

    for _ in range(3):
        lab.sync()

    assert person.session.status == "APPROVED"
    assert person.paid == 150
    assert lab.ours() == lab.theirs() == {"paid": 150, "bonus": 0, "fee": 60}
    assert person.submission.state == SubmissionState.APPROVED


def test_without_any_message_the_poll_brings_everything_in_step(lab):
    finisher, leaver = lab.person("anna").does_it_all(), lab.person("ben")
    leaver.judges(1)
    leaver.returns()

    lab.sync()
    lab.sync()

    assert finisher.session.status == "APPROVED"
    assert leaver.here.state == ParticipationState.LAPSED
    assert RecruiterEvent.objects.filter(kind__startswith="hook:").count() == 0


def told(lab, person, *, event_id, state):
    """The event that the platform would send, past the signature."""
    RecruiterEvent.objects.get_or_create(
        recruitment=lab.recruitment,
        event_id=f"hook:{event_id}",
        defaults={"kind": "hook:submission.status.change", "data": {"state": state}, "session": person.session.id},
    )
    recruiting_sync.follow(recruitment_id=lab.recruitment.pk)


def test_the_same_message_three_times_pays_once(lab):
    person = lab.person("anna").does_it_all()

    for _ in range(3):
        told(lab, person, event_id="one", state="AWAITING REVIEW")
    told(lab, person, event_id="two", state="APPROVED")

    assert person.paid == 150
    assert lab.ours() == lab.theirs()


def test_messages_in_the_wrong_order_are_what_the_platform_says_now(lab):
    person = lab.person("anna").does_it_all()
    lab.sync()
    lab.sync()

    for number, state in enumerate(("AWAITING REVIEW", "ACTIVE", "RESERVED", "RETURNED")):
        told(lab, person, event_id=number, state=state)

    assert person.submission.state == SubmissionState.APPROVED
    assert person.here.state == ParticipationState.FINISHED
    assert lab.completes()[Lease.objects.get(participation=person.here).booklet_id] == 1
    assert lab.ours() == lab.theirs()


@pytest.mark.parametrize("empty_page_after_full", [False, True])
def test_a_list_of_exactly_one_full_page_is_read_to_its_end(make_lab, prolific, empty_page_after_full):
    prolific.empty_page_after_full = empty_page_after_full
    lab = make_lab(design={"raters_per_task": 100})
    for number in range(100):
        lab.person(f"p{number}")

    lab.sync()

    assert lab.recruitment.submissions.count() == 100
    asked = sum(count for (_, path), count in prolific.requests.items() if path == "/api/v1/submissions/")
    assert asked == (2 if empty_page_after_full else 1)


def test_whoever_returns_after_the_end_is_not_paid_counts_no_more_and_is_replaced(lab):
    person = lab.person("anna").does_it_all()
    person.returns()  # before anybody has looked

    lab.sync()

    lease = Lease.objects.get(participation=person.here)
    assert lease.state == LeaseState.WITHDRAWN
    assert Lease.objects.filter(booklet=lease.booklet, state=LeaseState.AVAILABLE).count() == 1
    assert person.paid == 0
    assert lab.ours() == lab.theirs() == {"paid": 0, "bonus": 0, "fee": 0}
    replacement = lab.person("ben").does_it_all()
    assert Lease.objects.get(participation=replacement.here).booklet == lease.booklet or lab.leases("available")


def test_returned_after_it_was_noted_as_earned_is_owed_no_more(lab):
    person = lab.person("anna")
    person.judges()
    lab.sync()
    assert LedgerEntry.objects.get(reference=f"earned:{person.here.pk}").amount == 150

    person.returns()
    lab.sync()

    assert sum(LedgerEntry.objects.filter(kind="earned").values_list("amount", flat=True)) == 0
    assert lab.fresh().committed == 0


def times_out(lab, person):
    person.field.site.platform.clock.advance(lab.remote.maximum_time + 1)
    person.field.site.platform.settle()


def test_a_time_out_gives_the_booklet_to_the_next_one_at_once(make_lab):
    lab = make_lab(settings={"late_patience": 600})
    person = lab.person("anna")
    person.judges(1)
    times_out(lab, person)

    lab.sync()

    lease = Lease.objects.get(participation=person.here)
    assert lease.state == LeaseState.LAPSED
    assert Lease.objects.get(booklet=lease.booklet, copy=2).state == LeaseState.AVAILABLE


def test_a_booklet_taken_up_after_the_time_out_and_left_lying_goes_on_again(lab):
    person = lab.person("anna")
    person.judges(1)
    times_out(lab, person)
    lab.sync()
    person.opens()  # takes it up again
    assert lab.leases("leased") == 1

    lab.sync()

    assert lab.leases("leased") == 0
    assert Lease.objects.filter(booklet=Lease.objects.filter(participation=person.here)[0].booklet).count() == 3


def test_timed_out_then_completes_while_the_place_is_free_counts_and_is_paid_the_usual_way(lab):
    person = lab.person("anna")
    person.judges(1)
    times_out(lab, person)
    lab.sync()

    person.judges()  # takes the booklet up again
    person.submits()
    lab.sync()
    lab.sync()

    lease = Lease.objects.get(participation=person.here, state=LeaseState.COMPLETED)
    assert lab.completes()[lease.booklet_id] == 1
    assert person.paid == 150
    assert lab.ours() == lab.theirs() == {"paid": 150, "bonus": 0, "fee": 60}


@pytest.mark.parametrize("approves_ended", [False, True])
def test_timed_out_and_replaced_then_completes_is_surplus_and_paid_all_the_same(make_lab, prolific, approves_ended):
    prolific.platform.approves_ended = approves_ended
    lab = make_lab()
    booklets = lab.leases("available")
    slow = lab.person("slow")
    last_in_hand = slow.judges(2)
    times_out(lab, slow)
    lab.sync()
    others = [lab.person(f"p{number}").does_it_all() for number in range(booklets)]

    assert slow.answers(last_in_hand).step == "finished"
    with pytest.raises(TooLate):
        slow.submits()
    for _ in range(3):
        lab.sync()

    assert set(lab.completes().values()) == {1}  # each booklet once: k raters for every task, exactly
    assert slow.paid == 150
    assert [other.paid for other in others] == [150] * booklets
    assert lab.ours() == lab.theirs()
    assert lab.ours()["bonus"] == (0 if approves_ended else 150)


def test_the_link_in_another_browser_is_the_same_person_trial_and_sides(lab, client):
    person = lab.person("anna")
    first = person.judges(1)

    again = person.opens()

    assert again.trials[0] == first.trials[0]  # token, number, texts from left to right
    assert Participation.objects.filter(study=lab.study).count() == 1
    assert Lease.objects.filter(participation=person.here).count() == 1


def test_no_code_is_no_matter_the_session_says_who_it_was(lab):
    person = lab.person("anna")
    person.judges()
    person.submits(None)

    lab.sync()
    lab.sync()

    assert person.session.entered_code == "NOCODE"
    assert person.session.status == "APPROVED"
    assert lab.ours() == lab.theirs()


def test_the_right_code_without_the_answers_is_not_approved(lab):
    person = lab.person("anna")
    person.judges(1)
    person.submits()

    lab.sync()
    lab.sync()

    assert person.session.status == "AWAITING REVIEW"
    assert person.paid == 0
    lease = Lease.objects.get(participation=person.here)
    assert lease.state == LeaseState.LAPSED  # left there, so somebody else gets the booklet
    assert lab.fresh().places == lab.remote.places == 1 + lab.study.plan.booklets_planned


def test_a_person_who_never_opened_the_link_is_not_paid(lab):
    person = lab.person("anna")
    person.submits()

    lab.sync()

    assert person.submission.participation is None
    assert person.session.status == "AWAITING REVIEW"


def test_a_refilled_place_finds_its_booklet_although_nobody_told_us(make_lab, transactional_db):
    lab = make_lab()
    booklets = lab.leases("available")
    people = [lab.person(f"p{number}") for number in range(booklets)]
    for person in people:
        person.opens()
    assert lab.leases("available") == 0

    people[0].returns()
    late = lab.person("late")

    assert late.opens().step == "trial"
    assert Lease.objects.get(participation=people[0].here).state == LeaseState.WITHDRAWN


def test_nobody_takes_a_booklet_who_has_returned_the_session(lab):
    person = lab.person("anna")
    person.judges(1)
    person.returns()
    lab.sync()

    view = person.opens()

    assert view.step == "lapsed"
    assert Lease.objects.get(participation=person.here).state == LeaseState.WITHDRAWN


def test_when_every_booklet_is_taken_nobody_more_is_let_in(make_lab):
    lab = make_lab()
    booklets = lab.leases("available")
    slow = lab.person("slow")
    slow.judges(1)
    times_out(lab, slow)  # the platform opens the place again, but he takes his booklet up before anybody comes
    for number in range(booklets - 1):
        lab.person(f"p{number}").does_it_all()
    slow.judges()

    lab.sync()

    assert lab.remote.status == "PAUSED"
    assert lab.recruitment.state == RemoteState.PAUSED
    assert lab.recruitment.pause_reason == recruiting_sync.ENOUGH


def test_a_pause_that_we_made_ends_when_somebody_is_needed_again(make_lab):
    lab = make_lab()
    booklets = lab.leases("available")
    slow = lab.person("slow")
    slow.judges(1)
    times_out(lab, slow)
    others = [lab.person(f"p{number}") for number in range(booklets - 1)]
    for other in others:
        other.opens()
    slow.judges()
    lab.sync()
    assert lab.remote.status == "PAUSED"

    others[0].returns()
    lab.sync()

    assert lab.remote.status == "ACTIVE"
    assert lab.recruitment.pause_reason == ""


def test_a_study_that_somebody_stopped_there_is_not_started_again_until_somebody_publishes_it_here(make_lab):
    lab = make_lab()
    places = lab.remote.places
    lab.site.platform.transition(lab.remote, "STOP")

    lab.sync()
    lab.sync()

    assert (lab.remote.status, lab.remote.places) == ("COMPLETED", places)
    assert (lab.recruitment.state, lab.recruitment.pause_reason) == (RemoteState.ENDED, recruiting_sync.STOPPED)
    recruiting.publish(recruitment=lab.recruitment)
    lab.sync()
    assert (lab.remote.status, lab.recruitment.state, lab.recruitment.pause_reason) == ("ACTIVE", "published", "")


def test_an_outage_changes_nothing_and_is_said(lab, prolific):
    person = lab.person("anna").does_it_all()
    with prolific.outage(), pytest.raises(RemoteUnreachable):
        lab.sync()
    assert "does not answer" in lab.fresh().message

    lab.sync()
    lab.sync()

    assert lab.fresh().message == ""
    assert person.paid == 150
    assert lab.ours() == lab.theirs()


def test_an_approval_whose_answer_got_lost_is_booked_when_it_is_seen(lab, prolific):
    person = lab.person("anna").does_it_all()
    prolific.swallow.append("/transition/")

    for _ in range(2):
        lab.sync()

    assert person.paid == 150
    assert lab.ours() == lab.theirs()


def test_a_message_is_kept_once_and_forgets_the_session_when_it_was_asked_for(lab):
    person = lab.person("anna")
    told(lab, person, event_id="one", state="ACTIVE")

    event = RecruiterEvent.objects.get(event_id="hook:one")

    assert event.handled_at is not None
    assert event.handled_at <= timezone.now()
    assert event.session is None
    assert recruiting_events.LONGEST == 65536
