"""Alerts are told once an occasion, through a real mail box and a real HTTP server."""

import hashlib
import hmac
import json
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from django.core import mail
from django.utils import timezone

from annotations.domain import alerts
from annotations.errors import NotReady
from annotations.models import Alert, Flag, Lease
from tests.annotations.factories import ParticipationFactory
from tests.standins.running import running

from .conftest import judge_all


@pytest.fixture
def listener():
    """A server that keeps what it is sent; `status` is what it answers."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.server.got.append((dict(self.headers), body))
            self.send_response(self.server.status)
            self.end_headers()

        def log_message(self, *args):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    server.got, server.status = [], 204
    with running(server):
        yield server


def full_study(make_open_study):
    study = make_open_study()
    while Lease.objects.filter(plan=study.plan, state="available").exists():
        judge_all(participation=ParticipationFactory(study=study))
    return study


def test_full_study_is_told_once(make_open_study):
    study = full_study(make_open_study)

    first, second = alerts.watch(study=study), alerts.watch(study=study)

    assert [alert.kind for alert in first] == ["full"]
    assert second == []
    assert study.events.filter(name="alert").count() == 1


def test_study_under_way_tells_nothing(make_open_study):
    study = make_open_study()
    judge_all(participation=ParticipationFactory(study=study))

    assert alerts.watch(study=study) == []


def test_failed_attention_is_told_from_enough_raters_on(make_open_study, monkeypatch):
    study = full_study(make_open_study)
    finished = study.participations.filter(state="finished")
    for person in finished[:2]:
        Flag.objects.create(participation=person, check_name=alerts.ATTENTION, key="1")
    alerts.edit_alerts(study=study, values={"full": False})

    quiet = alerts.watch(study=study)
    monkeypatch.setattr(alerts, "ENOUGH", 2)
    told = alerts.watch(study=study)

    assert quiet == []
    assert [alert.kind for alert in told] == ["attention"]
    assert f"2 of {finished.count()} raters" in told[0].text


def test_drop_out_speaks_again_when_it_grows_by_a_tenth(make_open_study, monkeypatch):
    monkeypatch.setattr(alerts, "ENOUGH", 1)
    study = full_study(make_open_study)
    alerts.edit_alerts(study=study, values={"full": False})
    leases = list(Lease.objects.filter(plan=study.plan, state="completed"))
    keys = []
    for lease in leases[: len(leases) - 1]:
        Lease.objects.filter(pk=lease.pk).update(state="lapsed", ended_at=timezone.now())
        keys += [alert.key for alert in alerts.watch(study=study)]

    assert len(keys) == len(set(keys)) > 1


def test_alert_goes_out_by_mail_and_signed_webhook_once(make_open_study, listener):
    study = full_study(make_open_study)
    address = f"http://127.0.0.1:{listener.server_port}/hook"
    alerts.edit_alerts(study=study, values={"emails": ["lab@example.org"], "webhook": address})

    for alert_id in [*alerts.watch_all(), *alerts.watch_all()]:
        alerts.send(alert_id=alert_id)

    assert [(letter.to, study.title in letter.subject) for letter in mail.outbox] == [(["lab@example.org"], True)]
    ((headers, body),) = listener.got
    wanted = hmac.digest(alerts.webhook_secret(study=study).encode(), body, hashlib.sha256).hex()
    assert headers["X-Signature-SHA256"] == wanted
    assert json.loads(body)["kind"] == "full"
    assert alerts.watch_all() == []


def test_webhook_that_fails_is_tried_again_and_given_up_at_last(make_open_study, listener):
    study = full_study(make_open_study)
    alerts.edit_alerts(study=study, values={"webhook": f"http://127.0.0.1:{listener.server_port}/"})
    listener.status = 500

    for _ in range(alerts.MOST_TRIES + 3):
        for alert_id in alerts.watch_all():
            alerts.send(alert_id=alert_id)

    assert len(listener.got) == alerts.MOST_TRIES
    assert "500" in Alert.objects.get().sent["webhook"]["error"]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"emails": ["nobody"]}, "'nobody' is not an e-mail"),
        ({"webhook": "ftp://example.org"}, "webhook"),
        ({"dropout": 2}, "dropout"),
        ({"colour": 1}, "colour"),
    ],
)
def test_wrong_setting_is_refused_by_name(make_open_study, values, words):
    study = make_open_study()

    with pytest.raises(NotReady, match=words):
        alerts.edit_alerts(study=study, values=values)

    study.refresh_from_db()
    assert study.alerts == {}
