"""Changing a draft: locked, checked, logged, and refused from a stale page or after the freeze."""

import threading

import pytest
from django.db import connection, transaction

from annotations.design import DesignSpec
from annotations.domain import editing, planning
from annotations.errors import NotReady, WrongState
from annotations.models import Event, Study
from annotations.registry import DimensionDraft
from tests.annotations.factories import StudyFactory

GOOD = DimensionDraft("use", "useful", "One could use it.", "graded_preference", {"levels": 7})
CHANGES = [
    lambda study: editing.edit_texts(study=study, values={"title": "New"}),
    lambda study: editing.edit_design(study=study, spec=DesignSpec(seed=5)),
    lambda study: editing.edit_dimensions(study=study, dimensions=[GOOD]),
    lambda study: editing.assign_roles(study=study, roles={study.systems.first().pk: "baseline"}),
]


@pytest.fixture
def study(db):
    return StudyFactory()


@pytest.mark.parametrize("change", CHANGES)
def test_change_of_a_draft_is_one_event_and_a_new_stamp(study, change):
    before, events = editing.stamp(study=study), Event.objects.count()

    change(study)

    assert editing.stamp(study=study) != before
    assert Event.objects.count() == events + 1


@pytest.mark.parametrize("change", CHANGES)
def test_change_of_a_frozen_study_is_refused(study, change):
    planning.freeze_study(study=study)
    before = editing.stamp(study=study)

    with pytest.raises(WrongState, match="frozen"):
        change(study)

    assert editing.stamp(study=study) == before


def test_stale_stamp_is_refused_and_a_fresh_one_is_taken(study):
    stale = editing.stamp(study=study)
    editing.edit_texts(study=study, values={"title": "First"}, seen=stale)

    with pytest.raises(WrongState, match="another window"):
        editing.edit_texts(study=study, values={"title": "Second"}, seen=stale)
    editing.edit_texts(study=study, values={"title": "Third"}, seen=editing.stamp(study=study))

    assert Study.objects.get().title == "Third"


def test_settings_that_are_not_hashed_can_be_changed_after_the_freeze(study):
    plan = planning.freeze_study(study=study)

    editing.edit_texts(study=study, values={"lease_minutes": 90, "completion_code": "ABC"})

    assert (study.lease_minutes, study.completion_code) == (90, "ABC")
    assert not {"lease_minutes", "completion_code", "ABC"} & set(plan.canonical.split('"'))


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"lease_minutes": 1}, "Lease minutes"),
        ({"currency": "euro"}, "Currency"),
        ({"title": "x" * 121}, "Title"),
        ({"contact": "nobody"}, "Contact"),
        ({"state": "open"}, "cannot be edited: state"),
        ({"slug": "mine"}, "cannot be edited: slug"),
    ],
)
def test_impossible_setting_is_refused_by_name(study, values, words):
    before = Study.objects.values().get()

    with pytest.raises((NotReady, WrongState), match=words):
        editing.edit_texts(study=study, values={"description": "New", **values})

    assert Study.objects.values().get() == before


@pytest.mark.parametrize(
    ("draft", "words"),
    [
        (DimensionDraft("fun", "funny", "…", "telepathy", {}), "no 'telepathy'"),
        (DimensionDraft("fun", "funny", "…", "graded_preference", {"levels": 6}), "'levels' takes one of 5, 7"),
        (DimensionDraft("two words", "useful", "…", "graded_preference", {}), "Key"),
        (DimensionDraft("fun", "", "…", "graded_preference", {}), "Label"),
    ],
)
def test_impossible_dimension_leaves_all_as_they_were(study, draft, words):
    before = list(study.dimensions.values())

    with pytest.raises(NotReady, match=words):
        editing.edit_dimensions(study=study, dimensions=[GOOD, draft])

    assert list(study.dimensions.values()) == before


def test_dimensions_are_stored_complete_and_in_order(study):
    other = DimensionDraft("fun", "funny", "It makes one laugh.", "forced_choice", {})

    editing.edit_dimensions(study=study, dimensions=[other, GOOD])

    assert list(study.dimensions.values_list("order", "key", "options")) == [
        (0, "fun", {"tie": False}),
        (1, "use", {"levels": 7, "midpoint": True}),
    ]


def test_roles_of_checks_and_of_other_studies_cannot_be_assigned(study):
    planning.freeze_study(study=StudyFactory(design={"attention_trials": 1}))
    check = Study.objects.exclude(pk=study.pk).get().systems.get(role="check")

    editing.assign_roles(study=study, roles={check.pk: "baseline"})

    check.refresh_from_db()
    assert check.role == "check"


@pytest.mark.django_db(transaction=True)
def test_edit_waits_for_a_freeze_under_way_and_is_then_refused():
    study = StudyFactory()
    outcome = []

    def edit() -> None:
        try:
            editing.edit_texts(study=study, values={"title": "Late"})
        except WrongState as error:
            outcome.append(str(error))
        finally:
            connection.close()

    with transaction.atomic():
        planning.freeze_study(study=Study.objects.get(pk=study.pk))
        thread = threading.Thread(target=edit)
        thread.start()
        thread.join(0.3)
        still_waiting = thread.is_alive()
    thread.join(30)

    assert still_waiting
    assert outcome == ["The design is frozen, so this cannot be changed any more."]
    assert Study.objects.get().title != "Late"
