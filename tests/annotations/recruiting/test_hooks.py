"""Signed messages: who may speak, what is kept, how fast it is answered."""

import json
import time
from urllib.parse import urlsplit

import pytest
from django.urls import reverse

from annotations.domain import recruiting, recruiting_events, recruiting_sync
from annotations.models import RecruiterAccount, RecruiterEvent, Recruitment
from tests.standins.prolific.hooks import signature

SECRET = "a-secret-of-the-workspace"


@pytest.fixture
def hooked(lab):
    """A recruitment whose account knows the secret."""
    account = RecruiterAccount.objects.get()
    account.secrets = {**account.secrets, "hook_secret": SECRET}
    account.save()
    return lab


@pytest.fixture
def send(hooked, client):
    def post(*, event_id="e1", secret=SECRET, timestamp=None, body=None, where=None, signed=None, **more):
        content = {"event_type": "submission.status.change", "resource_id": "s1", "status": "ACTIVE", **more}
        raw = json.dumps(content).encode() if body is None else body
        stamp = str(int(time.time()) if timestamp is None else timestamp)
        address = where or reverse("platform_hook", args=["prolific", hooked.recruitment.public_id])
        return client.post(
            address,
            raw,
            content_type="application/json",
            headers={
                "X-Prolific-Request-Timestamp": stamp,
                "X-Prolific-Request-Signature": signed or signature(secret, stamp, raw),
                "X-Event-ID": event_id,
            },
        )

    return post


@pytest.fixture(autouse=True)
def _no_broker(monkeypatch):
    """Tasks are asked for, not run."""
    from celery import current_app

    monkeypatch.setattr(current_app, "send_task", lambda *args, **kwargs: None)


def kept():
    return RecruiterEvent.objects.filter(kind__startswith="hook:").count()


def test_a_signed_message_is_kept_once_however_often_it_comes(send):
    answers = [send().status_code for _ in range(13)]

    assert answers == [204] * 13
    assert kept() == 1


def test_the_session_that_it_names_is_encrypted(send):
    from django.db import connection

    send(resource_id="0123456789abcdef01234567")
    with connection.cursor() as cursor:
        cursor.execute("SELECT session, data::text FROM annotations_recruiterevent")
        (stored,) = cursor.fetchall()

    assert not any("0123456789abcdef01234567" in (text or "") for text in stored)


@pytest.mark.parametrize(
    "forged",
    [
        {"secret": "another"},
        {"signed": "AAAA"},
        {"signed": "not base64 at all"},
        {"timestamp": 1_600_000_000},
        {"timestamp": int(time.time()) + 3600},
        {"body": b"not json"},
        {"body": b"[]"},
    ],
    ids=["secret", "signature", "no base64", "old", "from the future", "no json", "no object"],
)
def test_what_is_not_signed_now_by_the_platform_is_refused(send, forged):
    assert send(**forged).status_code == 403
    assert kept() == 0


def test_an_account_without_a_secret_believes_nobody(lab, client):
    where = reverse("platform_hook", args=["prolific", lab.recruitment.public_id])
    stamp, raw = str(int(time.time())), b"{}"
    headers = {"X-Prolific-Request-Timestamp": stamp, "X-Prolific-Request-Signature": signature("", stamp, raw)}

    assert client.post(where, raw, content_type="application/json", headers=headers).status_code == 403


def test_nobody_listens_at_another_address(send):
    for args in (["prolific", "unknown"], ["mturk", Recruitment.objects.get().public_id]):
        assert send(where=reverse("platform_hook", args=args)).status_code == 404


def test_a_long_message_is_refused_before_it_is_read(send):
    assert send(body=b"x" * (recruiting_events.LONGEST + 1)).status_code == 413


def test_only_posts_are_answered(hooked, client):
    where = reverse("platform_hook", args=["prolific", hooked.recruitment.public_id])

    assert client.get(where).status_code == 405


def test_a_message_costs_few_queries_and_asks_nobody(send, hooked, prolific, django_assert_max_num_queries):
    before = prolific.requests.total()

    with django_assert_max_num_queries(5):
        send(event_id="one")
    with django_assert_max_num_queries(5):
        send(event_id="two")

    assert prolific.requests.total() == before


def test_a_message_of_another_study_in_the_workspace_changes_nothing(send, hooked, prolific):
    other = prolific.platform.create(dict(hooked.remote.fields))
    prolific.platform.transition(other, "PUBLISH")
    stranger = prolific.platform.reserve(other, "stranger")

    send(resource_id=stranger.id)
    recruiting_sync.follow(recruitment_id=hooked.recruitment.pk)

    assert hooked.recruitment.submissions.count() == 0
    assert RecruiterEvent.objects.filter(handled_at=None).count() == 0


def test_publishing_subscribes_with_the_secret_that_is_there_already(make_lab, prolific):
    there = prolific.hooks.make_secret(prolific.platform.workspace)["value"]
    lab = make_lab(publish=False)
    Recruitment.objects.update(site="https://eval.example.org")

    recruiting.publish(recruitment=lab.fresh())
    recruiting.pause(recruitment=lab.fresh())
    recruiting.publish(recruitment=lab.fresh())

    targets = [urlsplit(one.target_url).path for one in prolific.hooks.subscriptions.values() if one.confirmed]
    assert targets == [f"/hooks/prolific/{lab.recruitment.public_id}"] * 2
    assert RecruiterAccount.objects.get().secrets["hook_secret"] == there
    assert lab.fresh().listens
