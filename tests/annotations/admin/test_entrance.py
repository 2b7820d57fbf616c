"""The page "Entrance": limits, the invitation list, letters; addresses stand nowhere in clear."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext

from annotations.domain import admission, invitations, letters, members
from annotations.enums import Role
from annotations.models import Invitation
from tests.annotations.admin.conftest import address, said
from tests.annotations.factories import StudyFactory, UserFactory

PEOPLE = b"address,language\nanna@example.org,de\nbob@example.org,\ncode-17,\n"


@pytest.fixture
def link(researcher):
    return StudyFactory(open=True)


@pytest.fixture
def listed(researcher):
    return StudyFactory(open=True, recruitment="invitations")


def upload(desk, study, data=PEOPLE):
    file = SimpleUploadedFile("people.csv", data, content_type="text/csv")
    return desk.post(address(study, "entrance_upload"), {"file": file}, follow=True)


def test_an_open_link_is_shown_with_its_limits(desk, link):
    html = desk.get(address(link, "entrance")).content.decode()

    assert f"http://testserver/s/{link.slug}/" in html
    for label in ("Access code", "Seats", "Per browser"):
        assert label in html
    assert "Upload and check" not in html


def test_limits_are_saved_also_while_the_study_runs(desk, link):
    response = desk.post(
        address(link, "entrance_save"), {"code": " Blaubeere ", "seats": "30", "per_browser": ""}, follow=True
    )

    link.refresh_from_db()
    assert said(response) == ["Saved."]
    assert link.recruitment_settings == {
        "code": "Blaubeere",
        "seats": 30,
        "per_browser": 0,
        "exclude_participants_of": [],
    }


def test_a_wrong_limit_is_marked_and_nothing_is_saved(desk, link):
    response = desk.post(address(link, "entrance_save"), {"seats": "-1"})

    assert response.status_code == 422
    assert "greater than or equal to 0" in response.content.decode()


def test_other_studies_of_the_owner_can_be_kept_out(desk, link):
    earlier = StudyFactory(created_by=link.created_by, title="The first wave")

    html = desk.get(address(link, "entrance")).content.decode()
    desk.post(address(link, "entrance_save"), {"exclude_participants_of": [earlier.pk]})

    link.refresh_from_db()
    assert "The first wave" in html
    assert link.recruitment_settings["exclude_participants_of"] == [earlier.pk]


def test_an_editor_reads_no_title_of_the_owners_other_studies_and_undoes_no_choice_of_the_owner(client, db):
    owner, editor = UserFactory(is_staff=True), UserFactory(is_staff=True)
    study, hidden, shared = (
        StudyFactory(author=owner, title=title) for title in ("This", "Hidden wave", "Shared wave")
    )
    for one in (study, shared):
        members.add_member(study=one, user=editor, role=Role.EDITOR)
    admission.edit_entry(study=study, settings={"exclude_participants_of": [hidden.pk]})
    client.force_login(editor)

    html = client.get(address(study, "entrance")).content.decode()
    client.post(address(study, "entrance_save"), {"exclude_participants_of": [shared.pk]})
    taken = client.post(address(study, "entrance_save"), {"exclude_participants_of": [hidden.pk]})

    study.refresh_from_db()
    assert "Shared wave" in html
    assert "Hidden wave" not in html + taken.content.decode()
    assert taken.status_code == 422
    assert study.recruitment_settings["exclude_participants_of"] == sorted([hidden.pk, shared.pk])


def test_a_list_is_uploaded_and_told_by_numbers_without_addresses(desk, listed):
    response = upload(desk, listed)

    html = response.content.decode()
    assert said(response) == ["3 people have a personal link now."]
    assert "2 people have an address and no letter yet." in html
    assert "anna" not in html
    assert said(upload(desk, listed)) == ["0 people have a personal link now. 3 were there already."]


def test_a_refused_list_says_file_row_and_column(desk, listed):
    response = upload(desk, listed, b"address\ngood@example.org\nbad@\n")

    html = response.content.decode()
    assert response.status_code == 422
    assert "people.csv was refused" in html
    assert "is not a valid e-mail address" in html
    assert Invitation.objects.count() == 0


def test_letters_are_queued_with_the_address_of_this_site(desk, listed, mailoutbox):
    upload(desk, listed)

    response = desk.post(address(listed, "entrance_send"), follow=True)
    letters.send_due()

    assert said(response) == ["2 letters are on their way."]
    assert sorted(letter.to[0] for letter in mailoutbox) == ["anna@example.org", "bob@example.org"]
    assert f"http://testserver/s/{listed.slug}/?i=" in mailoutbox[0].body
    assert said(desk.post(address(listed, "entrance_send"), follow=True)) == [
        "Everybody with an address has a letter already."
    ]


def test_the_letter_is_shown_as_somebody_would_get_it(desk, listed):
    desk.post(
        address(listed, "entrance_letters"),
        {"subject": "Come", "message": "Dear all,", "reply_to": "", "reminders": "1", "reminder_days": "4"},
    )

    html = desk.get(address(listed, "entrance")).content.decode()

    listed.refresh_from_db()
    assert listed.recruitment_settings["reminder_days"] == 4
    assert "Dear all," in html
    assert f"http://testserver/s/{listed.slug}/unsubscribe?i=" in html
    assert Invitation.objects.count() == 0


def test_bounces_are_noted_and_shown_masked(desk, listed):
    upload(desk, listed)

    response = desk.post(address(listed, "entrance_bounced"), {"text": "<ANNA@example.org>: no such user"}, follow=True)

    html = response.content.decode()
    assert said(response) == ["1 addresses get no more letters."]
    assert "a…@example.org" in html
    assert "anna@" not in html


def test_links_go_out_for_codes_only(desk, listed):
    upload(desk, listed)
    token = Invitation.objects.last().token

    response = desk.get(address(listed, "entrance_links"))

    assert response.content.decode().splitlines() == [
        "code,link",
        f"code-17,http://testserver/s/{listed.slug}/?i={token}",
    ]
    assert "no-store" in response["Cache-Control"]


def test_uncertain_letters_are_sent_again_by_hand_only(desk, listed):
    upload(desk, listed)
    invitations.queue_letters(study=listed, site="http://testserver")
    Invitation.objects.filter(queued_at__isnull=False).update(sending_at="2020-01-01T00:00Z")

    html = desk.get(address(listed, "entrance")).content.decode()
    response = desk.post(address(listed, "entrance_resend"), follow=True)

    assert "nobody knows whether they went" in html
    assert said(response) == ["2 letters are sent again."]


@pytest.mark.parametrize("role", ["analyst", "observer"])
def test_who_may_not_recruit_sees_nothing_of_it(window, share, listed, role):
    share(listed, role)

    assert window.get(address(listed, "entrance")).status_code == 403
    assert window.get(address(listed, "entrance_links")).status_code == 403
    assert window.post(address(listed, "entrance_send")).status_code == 403


def test_the_number_of_queries_does_not_grow_with_the_list(desk, listed):
    def queries():
        with CaptureQueriesContext(connection) as found:
            desk.get(address(listed, "entrance"))
        return len(found)

    upload(desk, listed)
    few = queries()
    upload(desk, listed, b"address\n" + b"".join(b"p%d@example.org\n" % number for number in range(200)))

    assert few == queries() > 5
