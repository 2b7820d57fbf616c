"""What a recruiter calls people stands encrypted in its own tables, and in no export, no page and no log line."""

from __future__ import annotations

import io
import logging

import pytest
from django.test import Client
from django.urls import reverse

from annotations.domain import exporting, invitations, participation
from annotations.domain.identities import digest_of
from annotations.models import RecruiterAccount, Recruitment, Submission
from annotations.registry import Identity, exports, recruitment_platforms
from evalplatform.logs import MaskingFormatter
from tests.annotations.admin.conftest import address
from tests.annotations.domain.conftest import judge_all
from tests.annotations.factories import StudyFactory, UserFactory

WORKER, ASSIGNMENT, MAIL, TOKEN = "A1SECRETWORKER", "3SECRETASSIGNMENT", "anna.secret@example.org", "secret-token"
SECRETS = (WORKER, ASSIGNMENT, MAIL, TOKEN, "secret@")
PAGES = ("monitor", "monitor_raters", "results", "quality", "log", "members", "entrance", "recruitment", "texts")


@pytest.fixture
def studies(db):
    """A study on MTurk and one with an invitation list, each with somebody who has finished."""
    on_mturk = StudyFactory(open=True, recruitment="mturk")
    identity = Identity(person=WORKER, session=f"{ASSIGNMENT}:{WORKER}", seat=ASSIGNMENT)
    judge_all(participation=participation.enter_study(slug=on_mturk.slug, identity=identity))
    account = RecruiterAccount.objects.create(
        name="lab", platform="mturk", owner=UserFactory(), secrets={"access_key": TOKEN, "secret_key": TOKEN}
    )
    remote = Recruitment.objects.create(study=on_mturk, account=account, remote_id="3Q", reward=200, places=3)
    Submission.objects.create(
        recruitment=remote,
        participation=on_mturk.participations.get(),
        session=identity.session,
        session_digest=digest_of(identity.session),
        person=WORKER,
        state="awaiting",
    )
    listed = StudyFactory(open=True, recruitment="invitations")
    invitations.import_list(study=listed, name="people.csv", data=f"address\n{MAIL}\n".encode())
    invitation = listed.invitations.get()
    plugin = recruitment_platforms.get("invitations")
    person = participation.enter_study(slug=listed.slug, identity=plugin.identity({"i": invitation.token}))
    judge_all(participation=person)
    return on_mturk, listed


def leaks(text: str) -> list[str]:
    return [secret for secret in SECRETS if secret in text]


@pytest.mark.parametrize("name", exports.names())
def test_no_export_holds_an_id_or_an_address(studies, name):
    for study in studies:
        target = io.BytesIO()
        exporting.export(study=study, name=name, target=target, masked=False, actor=None)

        text = target.getvalue().decode("utf-8", "replace")
        assert leaks(text) == []
        assert [one.token for one in study.invitations.all() if one.token in text] == []


@pytest.mark.parametrize("page", PAGES)
def test_no_page_of_a_study_holds_an_id_or_an_address(studies, page):
    client = Client()
    client.force_login(UserFactory(superuser=True))
    for study in studies:
        response = client.get(address(study, page))

        assert response.status_code == 200
        assert leaks(response.content.decode()) == []


def test_no_log_line_holds_an_id(studies, caplog):
    """What Django logs of a request that fails, formatted as it is written."""
    caplog.set_level(logging.DEBUG)
    study = studies[0]
    query = {"assignmentId": ASSIGNMENT, "workerId": WORKER, "hitId": "3H", "turkSubmitTo": "https://www.mturk.com"}

    Client().get(reverse("study_entrance", args=[study.slug]), query)
    Client().get(f"/s/{study.slug}/nothing/here", query)
    Client().get("/s/nosuchstudy/", query)

    lines = [MaskingFormatter().format(record) for record in caplog.records]
    assert any("nosuchstudy" in line for line in lines)
    assert [line for line in lines if leaks(line)] == []


def test_the_first_page_of_somebody_who_is_known_is_the_place_and_not_the_id(studies):
    study = studies[0]
    query = {"assignmentId": ASSIGNMENT, "workerId": WORKER, "hitId": "3H"}

    response = Client().get(reverse("study_entrance", args=[study.slug]), query)

    assert response.status_code == 303
    assert leaks(response["Location"]) == []
