"""The one table of permissions: what each role may do, before and after the names are shown."""

import pytest
from django.contrib.auth.models import AnonymousUser
from django.utils import timezone

from annotations.access import TABLE, Action, allowed, is_masked, may, role_in, studies_of, within
from annotations.domain import members
from annotations.enums import Role
from annotations.models import Output
from tests.annotations.factories import StudyFactory, UserFactory

LOOKING = {Action.LOOK}
ANALYSING = LOOKING | {Action.DOWNLOAD, Action.REPORT}
ALL = set(Action)


@pytest.fixture
def study(db):
    return StudyFactory(prompts=1)


@pytest.fixture
def somebody(db):
    return UserFactory(is_staff=True)


def test_every_role_has_a_row():
    assert set(TABLE) == set(Role)


@pytest.mark.parametrize(
    ("role", "before", "after"),
    [
        (Role.OWNER, ALL, ALL),
        (Role.EDITOR, ALL - {Action.SHARE, Action.UNBLIND}, ALL - {Action.SHARE, Action.UNBLIND}),
        (Role.ANALYST, ANALYSING, ANALYSING | {Action.READ}),
        (Role.OBSERVER, LOOKING, LOOKING),
        (None, set(), set()),
    ],
)
def test_role_may_what_the_table_says(role, before, after):
    assert allowed(role, unblinded=False) == before
    assert allowed(role, unblinded=True) == after


@pytest.mark.parametrize("role", Role)
def test_studies_of_somebody_agree_with_what_he_may_in_each(study, somebody, role):
    StudyFactory(prompts=0)
    members.add_member(study=study, user=somebody, role=role)

    for unblinded in (None, timezone.now()):
        study.unblinded_at = unblinded
        study.save()
        for action in Action:
            expected = [study] if may(somebody, action, study) else []
            assert list(studies_of(somebody, action)) == expected


def test_superuser_is_an_owner_everywhere(study):
    root = UserFactory(superuser=True)

    assert role_in(root, study) == Role.OWNER
    assert list(studies_of(root, Action.UNBLIND)) == [study]


@pytest.mark.parametrize("fields", [{"is_staff": False}, {"is_active": False}])
def test_account_that_is_no_researcher_may_nothing(study, fields):
    user = UserFactory(**{"is_staff": True, **fields})
    members.add_member(study=study, user=user, role=Role.OWNER)

    assert role_in(user, study) is None
    assert list(studies_of(user)) == []


def test_nobody_may_nothing(study):
    assert role_in(AnonymousUser(), study) is None
    assert list(studies_of(AnonymousUser())) == []


@pytest.mark.parametrize(
    ("role", "masked"), [("owner", False), ("editor", False), ("analyst", True), ("observer", True)]
)
def test_names_are_masked_until_the_study_is_unblinded(study, role, masked):
    assert is_masked(Role(role), study) is masked

    study.unblinded_at = timezone.now()

    assert is_masked(Role(role), study) is False


def test_rows_are_those_of_own_studies(study, somebody):
    StudyFactory(prompts=2)
    members.add_member(study=study, user=somebody, role=Role.EDITOR)

    found = within(Output.objects.all(), "prompt__study", user=somebody, action=Action.READ)

    assert {output.prompt.study for output in found} == {study}
    assert found.count() == 3
