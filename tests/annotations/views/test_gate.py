"""The entrance's gate: the question for a code, the browser's token, and who may frame the pages."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from annotations.models import Participation
from tests.annotations.factories import StudyFactory


def address(study, query=""):
    return reverse("study_entrance", args=[study.slug]) + query


@pytest.fixture
def coded(db):
    return StudyFactory(open=True, recruitment_settings={"code": "kiwi"})


def test_the_code_is_asked_for_before_anything_is_shown(client, coded):
    html = client.get(address(coded, "?pid=P1&lang=de")).content.decode()

    assert '<input class="typed" id="code" name="code"' in html
    assert '<input type="hidden" name="pid" value="P1">' in html
    assert '<input type="hidden" name="lang" value="de">' in html
    assert "Go on" in html or "Weiter" in html
    assert Participation.objects.count() == 0


def test_a_wrong_code_says_so_and_stays_in_the_field(client, coded):
    response = client.get(address(coded, "?code=ki%22wi"))

    html = response.content.decode()
    assert response.status_code == 403
    assert "That code is not right." in html
    assert 'value="ki&quot;wi"' in html


def test_without_the_code_a_post_opens_nothing(client, coded):
    client.post(address(coded))
    client.post(address(coded, "?code=wrong"))

    assert Participation.objects.count() == 0


def test_with_the_code_people_come_in_and_go_on_without_it(client, coded):
    client.post(address(coded, "?code=KIWI"))

    assert Participation.objects.count() == 1
    assert client.get(address(coded)).status_code == 303


def test_a_browser_keeps_a_token_of_its_own_and_only_its_hash_is_stored(client, db):
    study = StudyFactory(open=True, recruitment_settings={"per_browser": 1})
    client.post(address(study))

    cookie = client.cookies["browser"]
    assert (len(cookie.value), bool(cookie["httponly"]), cookie["samesite"], cookie["path"]) == (32, True, "Lax", "/s/")
    assert cookie.value not in str(Participation.objects.values())


def test_the_cap_per_browser_holds_for_the_next_person_at_it_too(client, db):
    study = StudyFactory(open=True, recruitment_settings={"per_browser": 1})
    client.post(address(study))

    again = client.post(address(study, "?new"))

    assert again.status_code == 409
    assert "Somebody has taken part with this browser already" in again.content.decode()
    assert Client().post(address(study)).status_code == 303
    assert Participation.objects.count() == 2


@pytest.mark.parametrize("dest", ["iframe", "document", None])
def test_a_study_that_is_on_no_framing_platform_is_never_framed(client, db, dest):
    study = StudyFactory(open=True)
    headers = {"Sec-Fetch-Dest": dest} if dest else {}

    for path in (address(study), "/r/forged.token/"):
        page = client.get(path, headers=headers)
        assert "frame-ancestors 'none'" in page["Content-Security-Policy"]
        assert page["X-Frame-Options"] == "DENY"
