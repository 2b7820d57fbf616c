"""The log: what is written, what is found in it, and that the database itself lets nobody change it."""

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, connection, transaction

from annotations.domain.events import event_row, events_of, from_address, log_event
from annotations.models import Event, Participation, RecruitmentIdentity
from tests.annotations.factories import ParticipationFactory, StudyFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def study():
    return StudyFactory(prompts=0)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE annotations_event SET name = 'nothing'",
        "UPDATE annotations_event SET data = '{}'",
        "UPDATE annotations_event SET at = now() - interval '1 day'",
        "UPDATE annotations_event SET actor_id = (SELECT max(id) FROM auth_user)",
        "UPDATE annotations_event SET actor_id = NULL, name = 'nothing'",
        "UPDATE annotations_event SET study_id = NULL",
        "DELETE FROM annotations_event",
    ],
)
def test_database_refuses_to_change_the_log(study, statement):
    UserFactory()
    log_event(study=study, name="edited", data={"fields": ["lead"]}, actor=study.created_by)
    before = list(Event.objects.values())

    refused = pytest.raises(IntegrityError, match="annotations_event only grows")
    with refused, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)

    assert list(Event.objects.values()) == before


def test_database_refuses_to_empty_the_log(study):
    with connection.cursor() as cursor:  # the tests' own database has it off (tests/conftest.py)
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE annotations_event ENABLE TRIGGER event_only_grows_truncate")

        with pytest.raises(IntegrityError, match="only grows"), transaction.atomic():
            cursor.execute("TRUNCATE annotations_event")

        cursor.execute("ALTER TABLE annotations_event DISABLE TRIGGER event_only_grows_truncate")


def test_verbs_of_the_orm_are_refused_too(study):
    event = study.events.get()

    with pytest.raises(IntegrityError, match="only grows"), transaction.atomic():
        event.delete()
    with pytest.raises(IntegrityError, match="only grows"), transaction.atomic():
        Event.objects.filter(pk=event.pk).update(name="other")


def test_account_and_participation_may_go_and_the_event_stays(study):
    user = UserFactory()
    who = ParticipationFactory()
    log_event(study=who.study, name="noted", participation=who, actor=user)

    User.objects.filter(pk=user.pk).delete()
    RecruitmentIdentity.objects.filter(participation=who).delete()
    Participation.objects.filter(pk=who.pk).delete()

    event = Event.objects.get(name="noted")
    assert (event.actor, event.participation) == (None, None)


def test_address_is_that_of_the_request_and_never_a_raters():
    who = ParticipationFactory()
    with from_address("192.0.2.7"):
        by_researcher = log_event(study=who.study, name="a", actor=UserFactory())
        by_rater = log_event(study=who.study, name="b", participation=who)
    outside = log_event(study=who.study, name="c")

    assert [event.address for event in (by_researcher, by_rater, outside)] == ["192.0.2.7", None, None]


def test_log_is_narrowed_by_name_person_and_text(study):
    ada = UserFactory(username="ada")
    log_event(study=study, name="edited", data={"fields": ["lead"]}, actor=ada)
    log_event(study=study, name="edited", data={"fields": ["welcome"]})
    log_event(study=StudyFactory(prompts=0), name="edited", data={"fields": ["lead"]}, actor=ada)

    assert events_of(study=study).count() == 3
    assert events_of(study=study, name="edited").count() == 2
    assert [event.data for event in events_of(study=study, actor=ada.pk)] == [{"fields": ["lead"]}]
    assert [event.data for event in events_of(study=study, text="welcome")] == [{"fields": ["welcome"]}]


def test_row_for_a_file_names_account_and_pseudonym():
    who = ParticipationFactory()
    event = who.study.events.get(name="consented")

    row = event_row(event)

    assert (row["study"], row["event"], row["actor"], row["rater"]) == (
        who.study.slug,
        "consented",
        "",
        who.rater.pseudonym,
    )
