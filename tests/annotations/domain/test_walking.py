"""Many tabs at once: a step is left once, kept once, and brings one booklet."""

from __future__ import annotations

import threading
from functools import partial

import pytest
from django.db import connection

from annotations.domain import participation, walking
from annotations.enums import Step
from annotations.models import ConsentVersion, Lease, Participation, PathAnswer
from tests.annotations.factories import StudyFactory
from tests.annotations.paths import FULL, GIVEN

pytestmark = pytest.mark.django_db(transaction=True)
TABS = 6
SHORT = {"questionnaire": FULL["questionnaire"], "quiz": FULL["quiz"]}


def sent(step):
    """The fields of a form as the pages read them."""
    return {
        name.removeprefix("field-"): tuple(value if isinstance(value, list) else [value])
        for name, value in GIVEN[step].items()
    }


def at_once(deeds):
    """Run all at the same moment; returns what went wrong."""
    gate, wrong = threading.Barrier(len(deeds)), []

    def run(deed):
        try:
            gate.wait(timeout=30)
            deed()
        except Exception as error:  # noqa: BLE001 - shown by the test
            wrong.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(deed,)) for deed in deeds]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    return wrong


def leave(person, step):
    return partial(walking.take_step, public_id=person.public_id, step=step, sent=sent(step.value))


def test_every_step_in_many_tabs_is_one():
    study = StudyFactory(open=True, path=SHORT)
    person = participation.arrive(slug=study.slug)
    walking.take_step(public_id=person.public_id, step=Step.CONSENT, sent={})

    wrong = at_once([leave(person, Step.QUESTIONNAIRE)] * TABS)
    participation.begin(public_id=person.public_id)
    wrong += at_once([leave(person, Step.QUIZ)] * TABS)

    person.refresh_from_db()
    assert wrong == []
    assert person.steps_done == ["consent", "questionnaire", "instructions", "quiz"]
    assert sorted(PathAnswer.objects.values_list("step", "attempt")) == [("questionnaire", 1), ("quiz", 1)]
    assert Lease.objects.filter(participation=person).count() == 1


def test_many_people_agreeing_at_once_are_one_version():
    study = StudyFactory(open=True)
    people = [participation.arrive(slug=study.slug) for _ in range(TABS)]

    wrong = at_once([partial(walking.take_step, public_id=one.public_id, step=Step.CONSENT, sent={}) for one in people])

    assert wrong == []
    assert ConsentVersion.objects.get().number == 1
    assert set(Participation.objects.values_list("state", flat=True)) == {"consented"}


def test_saying_no_and_yes_at_once_is_one_of_them():
    study = StudyFactory(open=True)
    person = participation.arrive(slug=study.slug)

    wrong = at_once([leave_consent(person), partial(walking.decline, public_id=person.public_id)])

    person.refresh_from_db()
    assert wrong == []
    assert (person.state, person.consented_at is None) in {("consented", False), ("declined", True)}


def leave_consent(person):
    return partial(walking.take_step, public_id=person.public_id, step=Step.CONSENT, sent={})
