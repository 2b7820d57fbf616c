"""Who works on a study: there is always an owner, and every change is in the log."""

import datetime as dt

import pytest
from django.utils import timezone

from annotations.domain import members, studies
from annotations.enums import Role
from annotations.errors import NotReady
from annotations.models import ApiToken, StudyMember
from tests.annotations.factories import StudyFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def study():
    return StudyFactory(prompts=0)


@pytest.fixture
def owner(study):
    return study.members.get()


@pytest.fixture
def ada():
    return UserFactory(username="ada", email="Ada@Example.org", is_staff=True)


def events(study):
    return [(event.name, event.actor, event.data) for event in study.events.order_by("pk")][1:]


def test_author_owns_a_new_study(ada):
    study = studies.create_study(title="Bricks", template="pairwise_creativity", author=ada)

    member = StudyMember.objects.get(study=study)
    assert (member.user, member.role) == (ada, Role.OWNER)


def test_invited_twice_is_one_member_with_the_last_role(study, owner, ada):
    members.add_member(study=study, user=ada, role=Role.ANALYST, actor=owner.user)
    members.add_member(study=study, user=ada, role=Role.OBSERVER, actor=owner.user)

    assert study.members.get(user=ada).role == Role.OBSERVER
    assert events(study) == [
        ("member_added", owner.user, {"member": "ada", "role": "analyst"}),
        ("role_changed", owner.user, {"member": "ada", "role": "observer", "before": "analyst"}),
    ]


def test_same_role_again_is_no_event(study, owner):
    members.change_role(member=owner, role=Role.OWNER, actor=owner.user)

    assert events(study) == []


def test_last_owner_neither_goes_nor_steps_down(study, owner):
    with pytest.raises(NotReady, match="needs an owner"):
        members.remove_member(member=owner, actor=owner.user)
    with pytest.raises(NotReady, match="needs an owner"):
        members.change_role(member=owner, role=Role.EDITOR, actor=owner.user)

    owner.refresh_from_db()
    assert owner.role == Role.OWNER
    assert events(study) == []


def test_owner_goes_once_there_is_another(study, owner, ada):
    members.add_member(study=study, user=ada, role=Role.OWNER, actor=owner.user)

    members.remove_member(member=owner, actor=owner.user)

    assert [member.user for member in members.members_of(study=study)] == [ada]
    assert events(study)[-1] == ("member_removed", owner.user, {"member": owner.user.username, "role": "owner"})


def test_handing_over_leaves_one_owner_and_an_editor(study, owner, ada):
    member = members.add_member(study=study, user=ada, role=Role.OBSERVER, actor=owner.user)

    members.hand_over(study=study, to=member, actor=owner.user)

    assert {one.user.username: one.role for one in study.members.all()} == {
        "ada": Role.OWNER,
        owner.user.username: Role.EDITOR,
    }
    assert events(study)[-1][0] == "handed_over"


def test_members_stand_with_owners_first(study, ada):
    members.add_member(study=study, user=ada, role=Role.OBSERVER)
    members.add_member(study=study, user=UserFactory(is_staff=True), role=Role.EDITOR)

    assert [member.role for member in members.members_of(study=study)] == ["owner", "editor", "observer"]


@pytest.mark.parametrize("text", ["ada", " ada ", "ada@example.org", "ADA@EXAMPLE.ORG"])
def test_account_is_found_by_name_or_address(ada, text):
    assert members.find_account(text=text) == ada


@pytest.mark.parametrize("text", ["", "ad", "nobody@example.org", "rater"])
def test_account_that_is_not_there_is_said(ada, text):
    UserFactory(username="rater")

    with pytest.raises(NotReady, match="no researcher"):
        members.find_account(text=text)


def test_address_of_two_accounts_is_not_guessed(ada):
    UserFactory(email="ada@example.org", is_staff=True)

    with pytest.raises(NotReady, match="several accounts"):
        members.find_account(text="ada@example.org")


def test_token_is_kept_as_a_hash_and_read_again(ada):
    token, text = members.issue_token(user=ada, name="notebook", days=30)

    stored = ApiToken.objects.values_list("digest", "name").get()
    assert members.read_token(text=text) == token
    assert text not in stored
    assert members.read_token(text=text + "x") is None
    assert members.read_token(text="") is None


def test_token_ends_with_its_time_with_its_owner_and_when_taken_back(ada):
    token, text = members.issue_token(user=ada, name="notebook", days=30)

    ada.is_staff = False
    ada.save()
    without_staff = members.read_token(text=text)
    ada.is_staff = True
    ada.save()
    ApiToken.objects.update(expires_at=timezone.now() - dt.timedelta(seconds=1))
    expired = members.read_token(text=text)
    ApiToken.objects.update(expires_at=timezone.now() + dt.timedelta(days=1))
    members.revoke_token(token=token, actor=ada)

    assert (without_staff, expired, members.read_token(text=text)) == (None, None, None)


def test_token_lasts_a_year_at_most(ada):
    token, _ = members.issue_token(user=ada, name="notebook", days=10_000)

    assert token.expires_at - timezone.now() < dt.timedelta(days=members.LONGEST_DAYS + 1)
