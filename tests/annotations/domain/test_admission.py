"""Who may come in: code, seats, cap per browser and earlier studies, also when many come at once."""

from __future__ import annotations

import datetime as dt
import threading
from collections import Counter

import pytest
from django.db import connection
from django.utils import timezone

from annotations.domain import admission, invitations, participation
from annotations.enums import ParticipationState, SubmissionState
from annotations.errors import (
    BrowserUsed,
    CodeNeeded,
    CodeWrong,
    HandedIn,
    NotReady,
    PlatformError,
    StudyFull,
    TookPart,
)
from annotations.models import Event, Invitation, Participation, Recruitment, Submission
from annotations.registry import Identity, recruitment_platforms
from tests.annotations.domain.conftest import judge_all
from tests.annotations.factories import StudyFactory, UserFactory


def open_study(**settings):
    return StudyFactory(open=True, recruitment_settings=settings)


def come(study, *, browser="", **who):
    return participation.arrive(slug=study.slug, identity=Identity(**who), browser=browser)


def all_at_once(deeds):
    """Run all deeds in threads of their own at the same moment; returns what came of them, by name of the error."""
    results, barrier = [], threading.Barrier(len(deeds))

    def run(deed):
        barrier.wait(30)
        try:
            deed()
        except PlatformError as error:
            results.append(type(error).__name__)
        else:
            results.append("in")
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(deed,)) for deed in deeds]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return Counter(results)


# The code


@pytest.mark.parametrize(("code", "error"), [("", CodeNeeded), ("wrong", CodeWrong), ("blaubeer", CodeWrong)])
def test_without_the_right_code_nobody_comes_in(db, code, error):
    study = open_study(code="Blaubeere")

    with pytest.raises(error):
        come(study, code=code)

    assert Participation.objects.count() == 0


def test_capitals_make_no_other_code(db):
    assert come(open_study(code="Blaubeere"), code="blauBEERE").state == ParticipationState.ARRIVED


def test_who_is_in_is_not_asked_for_the_code_again(db):
    study = open_study(code="Blaubeere")
    person = come(study, code="blaubeere", person="P1")

    assert come(study, person="P1") == person


# Seats


def test_thirty_people_at_once_on_twelve_seats(transactional_db):
    study = open_study(seats=12)

    results = all_at_once([lambda: come(study) for _ in range(30)])

    assert results == {"in": 12, "StudyFull": 18}
    assert Participation.objects.filter(study=study).count() == 12


def test_a_study_without_a_limit_takes_no_lock(db, django_assert_num_queries):
    study = open_study()

    with django_assert_num_queries(0):
        admission.admit(study=study, identity=Identity())


def test_who_left_or_never_began_gives_the_seat_back(db):
    study = open_study(seats=2)
    gone, slow = come(study), come(study)
    with pytest.raises(StudyFull):
        come(study)

    Participation.objects.filter(pk=gone.pk).update(state=ParticipationState.DECLINED)
    Participation.objects.filter(pk=slow.pk).update(created_at=timezone.now() - dt.timedelta(days=1))

    come(study)
    come(study)
    with pytest.raises(StudyFull):
        come(study)


def test_who_begins_after_the_seat_was_given_away_is_told(db):
    study = open_study(seats=1)
    slow = participation.enter_study(slug=study.slug)
    Participation.objects.filter(pk=slow.pk).update(created_at=timezone.now() - dt.timedelta(days=1))
    quick = participation.enter_study(slug=study.slug)

    with pytest.raises(StudyFull):
        participation.begin(public_id=slow.public_id)
    assert participation.begin(public_id=quick.public_id).trials


def test_a_seat_on_the_way_is_kept_for_a_leases_time(db):
    study = open_study(seats=1)
    person = participation.enter_study(slug=study.slug)

    with pytest.raises(StudyFull):
        come(study)
    assert participation.begin(public_id=person.public_id).trials


# Browsers


def test_one_browser_many_tabs_at_once(transactional_db):
    study = open_study(per_browser=1)

    results = all_at_once([lambda: come(study, browser="b1") for _ in range(10)])

    assert results == {"in": 1, "BrowserUsed": 9}


def test_the_cap_per_browser_counts_each_browser_by_itself(db):
    study = open_study(per_browser=2)
    for browser in ("b1", "b1", "b2"):
        come(study, browser=browser)

    with pytest.raises(BrowserUsed):
        come(study, browser="b1")
    come(study, browser="b2")


def test_the_browsers_token_is_not_stored(db):
    person = come(open_study(), browser="0123456789abcdef0123456789abcdef")

    assert len(person.browser) == 64
    assert "0123456789abcdef0123" not in person.browser


# Earlier studies


def pair(**kwargs):
    """An earlier study and a later one of the same owner, which keeps out the people of the earlier."""
    owner = UserFactory()
    first = StudyFactory(open=True, created_by=owner, **kwargs)
    second = StudyFactory(open=True, created_by=owner, **kwargs)
    admission.edit_entry(study=second, settings={"exclude_participants_of": [first.pk]})
    return first, second


def took_part(study, **who):
    person = participation.enter_study(slug=study.slug, identity=Identity(**who))
    judge_all(participation=person, limit=1)
    return person


def test_who_took_part_in_the_earlier_study_is_kept_out(db):
    first, second = pair()
    took_part(first, person="P1")

    with pytest.raises(TookPart):
        come(second, person="P1")
    come(second, person="P2")
    come(second)


def test_who_said_no_to_the_earlier_study_may_come(db):
    first, second = pair()
    person = come(first, person="P1")
    Participation.objects.filter(pk=person.pk).update(state=ParticipationState.DECLINED)

    come(second, person="P1")


def test_the_same_browser_is_kept_out_too(db):
    first, second = pair()
    person = participation.arrive(slug=first.slug, browser="b1")
    Participation.objects.filter(pk=person.pk).update(state=ParticipationState.FINISHED)

    with pytest.raises(TookPart):
        come(second, browser="b1")


def test_the_same_address_is_kept_out_under_another_link(db):
    first, second = pair(recruitment="invitations")
    for study in (first, second):
        invitations.import_list(study=study, name="a.csv", data=b"address\nanna@example.org\nbob@example.org\n")
    plugin = recruitment_platforms.get("invitations")
    links = {study: [plugin.identity({"i": one.token}) for one in study.invitations.all()] for study in (first, second)}
    person = participation.enter_study(slug=first.slug, identity=links[first][0])
    judge_all(participation=person, limit=1)

    with pytest.raises(TookPart):
        participation.arrive(slug=second.slug, identity=links[second][0])
    participation.arrive(slug=second.slug, identity=links[second][1])
    assert Invitation.objects.filter(participation__isnull=False).count() == 2


def test_only_studies_of_the_same_owner_can_be_excluded(db):
    study, foreign = StudyFactory(created_by=UserFactory()), StudyFactory(created_by=UserFactory())

    for wanted in ([foreign.pk], [study.pk], [999_999]):
        with pytest.raises(NotReady, match="same owner"):
            admission.edit_entry(study=study, settings={"exclude_participants_of": wanted})


# Settings


@pytest.mark.parametrize(
    "settings", [{"seats": -1}, {"seats": "many"}, {"per_browser": 1.5}, {"code": 7}, {"code": "x" * 61}]
)
def test_a_wrong_setting_is_named(db, settings):
    with pytest.raises(NotReady, match=next(iter(settings))):
        admission.edit_entry(study=StudyFactory(), settings=settings)


def test_the_code_does_not_stand_in_the_log(db):
    study = admission.edit_entry(study=StudyFactory(), settings={"code": "Blaubeere", "seats": 30})

    event = Event.objects.get(study=study, name="edited")
    assert event.data["seats"] == 30
    assert "Blaubeere" not in str(event.data)


def test_saving_the_same_settings_logs_nothing(db):
    study = admission.edit_entry(study=StudyFactory(), settings={"seats": 30})
    before = Event.objects.count()

    admission.edit_entry(study=study, settings={"seats": 30})

    assert Event.objects.count() == before


# Coming again


@pytest.fixture
def returning(db):
    """Somebody of MTurk, here with a first session."""
    study = StudyFactory(open=True, recruitment="mturk")
    return study, come(study, person="A1", session="3A:A1", seat="3A")


def submission(study, person, state):
    from annotations.domain.identities import digest_of
    from annotations.models import RecruiterAccount

    account = RecruiterAccount.objects.create(name="lab", platform="mturk", owner=UserFactory(), secrets={})
    remote = Recruitment.objects.create(study=study, account=account)
    return Submission.objects.create(
        recruitment=remote, participation=person, session="3A:A1", session_digest=digest_of("3A:A1"), state=state
    )


def test_a_new_session_of_the_same_person_takes_the_place_of_the_old(returning):
    study, person = returning

    again = come(study, person="A1", session="3B:A1", seat="3B", submit_to="https://www.mturk.com")

    person.identity.refresh_from_db()
    assert again == person
    assert (person.identity.session, person.identity.extra) == ("3B:A1", "https://www.mturk.com")
    assert Participation.objects.count() == 1


@pytest.mark.parametrize("state", [SubmissionState.AWAITING, SubmissionState.APPROVED, SubmissionState.REJECTED])
def test_who_has_handed_in_cannot_come_with_another_session(returning, state):
    study, person = returning
    submission(study, person, state)

    with pytest.raises(HandedIn):
        come(study, person="A1", session="3B:A1", seat="3B")

    person.identity.refresh_from_db()
    assert person.identity.session == "3A:A1"
    assert come(study, person="A1", session="3A:A1", seat="3A") == person


@pytest.mark.parametrize("state", [SubmissionState.RETURNED, SubmissionState.TIMED_OUT])
def test_who_gave_a_session_back_may_come_with_another(returning, state):
    study, person = returning
    submission(study, person, state)

    assert come(study, person="A1", session="3B:A1", seat="3B") == person


def test_the_same_person_in_twenty_browsers_at_once_is_one_participation(transactional_db):
    study = open_study()

    results = all_at_once([lambda: come(study, person="P1") for _ in range(20)])

    assert results == {"in": 20}
    assert Participation.objects.count() == 1
