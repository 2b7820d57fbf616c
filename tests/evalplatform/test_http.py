"""What every response carries, and what no log line does."""

import logging
from datetime import timedelta

import pytest
from django.http import HttpResponse
from django.test import RequestFactory
from gunicorn.config import Config

from evalplatform import logs
from evalplatform.middleware import ADMIN, STRICT, content_security_policy


@pytest.mark.parametrize(
    ("path", "policy"),
    [
        ("/r/token/", STRICT),
        ("/", STRICT),
        ("/administration", STRICT),
        ("/accounts/login/", STRICT),
        ("/admin/", ADMIN),
    ],
)
def test_policy_is_strict_but_for_the_admin(path, policy):
    middleware = content_security_policy(lambda _: HttpResponse())

    response = middleware(RequestFactory().get(path))

    assert response["Content-Security-Policy"] == policy


def test_policy_of_a_view_stands():
    middleware = content_security_policy(lambda _: HttpResponse(headers={"Content-Security-Policy": "default-src *"}))

    response = middleware(RequestFactory().get("/"))

    assert response["Content-Security-Policy"] == "default-src *"


def test_strict_policy_allows_nothing_inline_and_nothing_foreign():
    assert "unsafe" not in STRICT
    assert "http" not in STRICT
    assert "*" not in STRICT


@pytest.mark.django_db
def test_health_page_answers_with_security_headers(client):
    response = client.get("/healthz")

    assert response.content == b"ok\n"
    assert response["Referrer-Policy"] == "same-origin"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["X-Frame-Options"] == "DENY"
    assert response.cookies == {}


def test_bare_address_leads_to_the_admin(client):
    response = client.get("/")

    assert (response.status_code, response["Location"]) == (302, "/admin/")


@pytest.mark.parametrize(
    ("line", "masked"),
    [
        ("Not Found: /r/abc:1tX-9_z/answer", "Not Found: /r/***/answer"),
        ('"GET /r/abc:1tX HTTP/1.1"', '"GET /r/*** HTTP/1.1"'),
        ("/r/abc?x=1 /r/def#y", "/r/***?x=1 /r/***#y"),
        ("/admin/r/", "/admin/r/"),
        ("Forbidden: /s/abc/?workerId=A1&assignmentId=3X", "Forbidden: /s/abc/?***"),
        ('"GET /s/abc/decline?i=k2j4 HTTP/1.1"', '"GET /s/abc/decline?*** HTTP/1.1"'),
        ("<WSGIRequest: GET '/s/abc/?PROLIFIC_PID=5f'>", "<WSGIRequest: GET '/s/abc/?***'>"),
        ("assignmentId=3X&hitId=3H&workerId=A1", "assignmentId=***&hitId=3H&workerId=***"),
        ("/s/abc/", "/s/abc/"),
        ("nothing", "nothing"),
    ],
)
def test_mask_hides_tokens_and_ids_only(line, masked):
    assert logs.mask(line) == masked


def signing_that_fails(address):
    raise ValueError(f"bad token in {address}")


def test_formatter_masks_message_and_traceback():
    with pytest.raises(ValueError, match="token") as caught:
        signing_that_fails("/r/secret/")
    cause = (caught.type, caught.value, caught.tb)
    record = logging.LogRecord("x", logging.ERROR, "", 1, "at %s", ("/r/secret/",), cause)

    line = logs.MaskingFormatter().format(record)

    assert "secret" not in line
    assert line.splitlines()[0].endswith("at /r/***/")
    assert line.splitlines()[-1] == "ValueError: bad token in /r/***/"


@pytest.mark.django_db
def test_log_of_a_missing_page_holds_no_token(client, capsys):
    formatter = logs.MaskingFormatter()
    records = []
    handler = logging.Handler()
    handler.emit = records.append
    logger = logging.getLogger("django.request")
    logger.addHandler(handler)

    client.get("/r/secret-token/nowhere/at/all")
    logger.removeHandler(handler)

    assert [("secret" in formatter.format(record)) for record in records] == [False]


def test_access_log_masks_request_and_referrer():
    logger = logs.MaskingLogger(Config())
    environ = {
        "REQUEST_METHOD": "GET",
        "RAW_URI": "/r/secret/",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "PATH_INFO": "/r/secret/",
        "HTTP_REFERER": "http://x/r/secret/",
    }
    answer = type("Answer", (), {"status": "200 OK", "sent": 3, "headers": []})
    request = type("Request", (), {"headers": []})
    atoms = logger.atoms(answer, request, environ, timedelta(0))

    assert [name for name, value in atoms.items() if "secret" in str(value)] == []
    assert atoms["r"] == "GET /r/***/ HTTP/1.1"


def test_raters_have_no_session_and_staff_have_one(client, db, django_user_model):
    django_user_model.objects.create_superuser("ada", password="s3cret")

    rater = client.get("/s/unknown/")
    client.login(username="ada", password="s3cret")
    staff = client.get("/admin/")

    assert not hasattr(rater.wsgi_request, "session")
    assert staff.wsgi_request.user.username == "ada"
