"""People of a study and its log: what the pages show to whom, and what they do."""

import pytest
from django.urls import reverse

from annotations.domain import members
from annotations.domain.events import log_event
from annotations.enums import Role
from annotations.models import Event, StudyMember
from tests.annotations.factories import StudyFactory, UserFactory

from .conftest import address, judge, said


@pytest.fixture
def study(researcher):
    return StudyFactory(prompts=0)


@pytest.fixture
def ada(db):
    return UserFactory(username="ada", email="ada@example.org", is_staff=True)


def test_owner_invites_changes_and_removes(desk, study, ada):
    invited = desk.post(address(study, "members_invite"), {"person": "ada@example.org", "role": "editor"}, follow=True)
    member = StudyMember.objects.get(user=ada)
    changed = desk.post(address(study, "members_change", member.pk), {"role": "analyst"}, follow=True)
    removed = desk.post(address(study, "members_remove", member.pk), follow=True)

    assert said(invited) == ["ada now works on this study as editor."]
    assert said(changed)[-1] == "ada is now blinded analyst."
    assert said(removed)[-1] == "ada does not work on this study any more."
    assert not StudyMember.objects.filter(user=ada).exists()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"person": "nobody", "role": "editor"}, "There is no researcher"),
        ({"person": "ada", "role": "king"}, "Nobody was invited"),
        ({}, "Nobody was invited"),
    ],
)
def test_wrong_invitation_is_said(desk, study, ada, data, words):  # noqa: PLR0917
    response = desk.post(address(study, "members_invite"), data, follow=True)

    assert words in said(response)[0]
    assert study.members.count() == 1


def test_last_owner_cannot_leave(desk, study):
    response = desk.post(address(study, "members_leave"), follow=True)

    assert "A study needs an owner" in said(response)[0]
    assert study.members.count() == 1


def test_handing_over_makes_the_giver_an_editor(desk, study, ada, researcher):
    member = members.add_member(study=study, user=ada, role=Role.EDITOR)

    desk.post(address(study, "members_hand_over", member.pk))
    page = desk.post(address(study, "members_invite"), {"person": "ada", "role": "owner"})

    assert study.members.get(user=researcher).role == Role.EDITOR
    assert study.members.get(user=ada).role == Role.OWNER
    assert page.status_code == 403


def test_who_leaves_sees_the_study_no_more(window, study, share):
    share(study, "observer")

    answer = window.post(address(study, "members_leave"))

    assert answer.headers["Location"] == reverse("admin:index")
    assert window.get(address(study, "members")).status_code == 404


def test_editor_sees_the_people_and_changes_none(window, study, share, ada):
    share(study, "editor")

    html = window.get(address(study, "members")).content.decode()

    assert "Invite a researcher" not in html
    assert window.post(address(study, "members_invite"), {"person": "ada", "role": "editor"}).status_code == 403
    assert window.post(address(study, "members_unblind"), {"reason": "x"}).status_code == 403


def test_unblinding_takes_a_reason_and_opens_the_names(desk, window, share):
    study = StudyFactory(open=True)
    judge(study)
    share(study, "analyst")
    closed = window.get(address(study, "material")).status_code

    without = desk.post(address(study, "members_unblind"), {"reason": " "}, follow=True)
    given = desk.post(address(study, "members_unblind"), {"reason": "The analysis is done."}, follow=True)

    assert (closed, window.get(address(study, "material")).status_code) == (403, 200)
    assert "say why" in said(without)[0]
    assert "unblinded" in said(given)[-1]
    assert Event.objects.get(name="unblinded").data["reason"] == "The analysis is done."


def test_page_shows_what_each_role_may(desk, study):
    html = desk.get(address(study, "members")).content.decode()

    assert "Blinded analyst" in html
    assert "once unblinded" in html


def test_log_shows_who_did_what_from_where(desk, study):
    desk.post(address(study, "members_invite"), {"person": "nobody", "role": "editor"})
    desk.post(address(study, "texts_save"), {}, REMOTE_ADDR="192.0.2.1")
    log_event(study=study, name="odd_thing", data={"why": "<b>because</b>", "many": list(range(200))})

    html = desk.get(address(study, "log")).content.decode()

    assert "Odd thing" in html
    assert "&lt;b&gt;because&lt;/b&gt;" in html
    assert "the platform" in html


def test_log_is_narrowed_and_paged(desk, study, researcher):
    for number in range(60):
        log_event(study=study, name="counted", data={"number": number})

    first = desk.get(address(study, "log"))
    second = desk.get(address(study, "log"), {"page": "2"})
    narrowed = desk.get(address(study, "log"), {"name": "created", "actor": str(researcher.pk)})
    wrong = desk.get(address(study, "log"), {"name": "nothing", "actor": "x", "page": "y"})

    assert (len(first.context["page"].object_list), len(second.context["page"].object_list)) == (50, 11)
    assert [event.name for event in narrowed.context["page"]] == ["created"]
    assert wrong.status_code == 200


def test_looking_at_recruiters_ids_is_noted(root, running):
    root.get(reverse("admin:annotations_recruitmentidentity_changelist"), {"q": "x"}, REMOTE_ADDR="192.0.2.5")

    event = Event.objects.get(name="viewed")
    assert event.data == {"list": "recruitmentidentity", "search": "x"}
    assert (event.address, event.actor.is_superuser) == ("192.0.2.5", True)


def test_lists_and_filters_hold_own_studies_only(window, share, running):
    mine = StudyFactory(title="Mine", prompts=1)
    StudyFactory(title="Not mine at all", prompts=1)
    share(mine, "editor")

    page = window.get(reverse("admin:annotations_output_changelist"))

    assert {output.prompt.study for output in page.context["cl"].queryset} == {mine}
    assert "Not mine at all" not in page.content.decode()
    assert running.title not in page.content.decode()
