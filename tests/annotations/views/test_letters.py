"""No more letters: a button for people, one click for mail programs, nothing for scanners that open every link."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from annotations.domain import invitations
from annotations.models import Invitation
from tests.annotations.factories import StudyFactory


@pytest.fixture
def address(db):
    study = StudyFactory(open=True, recruitment="invitations")
    invitations.import_list(study=study, name="a.csv", data=b"address\nanna@example.org\n")
    return f"{reverse('study_unsubscribe', args=[study.slug])}?i={Invitation.objects.get().token}"


def test_opening_the_link_changes_nothing(client, address):
    html = client.get(address).content.decode()

    assert "Do you want no more letters about this study?" in html
    assert "anna@" not in html
    assert "/withdraw" not in html
    assert Invitation.objects.get().unsubscribed_at is None


def test_one_click_from_a_mail_program_counts(address):
    response = Client(enforce_csrf_checks=True).post(address, {"List-Unsubscribe": "One-Click"})

    assert response.status_code == 303
    assert Invitation.objects.get().unsubscribed_at is not None


def test_afterwards_the_page_says_so_and_leads_back_to_the_study(client, address):
    client.post(address)

    html = client.get(address).content.decode()

    assert "You will get no more letters about this study." in html
    assert f"?i={Invitation.objects.get().token}" in html


def test_a_wrong_link_says_nothing_about_anybody(client, address):
    response = client.get(address[:-3] + "xyz")

    assert response.status_code == 404
