"""Django's own errors come in the same frame, say what to do and that answers are safe."""

import pytest
from django.template.loader import render_to_string
from django.test import Client, override_settings


@pytest.mark.parametrize("name", ["400", "403", "403_csrf", "404", "500"])
def test_page_of_last_resort_needs_no_context(name):
    html = render_to_string(f"{name}.html")

    assert html.count("<h1>") == 1
    assert "<h1></h1>" not in html
    assert "Please" in html or "please" in html
    assert "annotations/page.css" in html
    assert "<script" not in html


@pytest.mark.parametrize("path", ["/nothing/here", "/r/", "/s/", "/r/a/b/c", "/s/with space/"])
def test_unknown_address_is_a_friendly_404(db, client, path):
    response = client.get(path)

    assert response.status_code == 404
    assert "There is nothing at this address" in response.content.decode()


def test_failure_of_ours_is_a_friendly_500(person, monkeypatch):
    monkeypatch.setattr("annotations.domain.judging.WHERE_IS", "SELECT no_such_column")
    client = Client(raise_request_exception=False)

    response = client.get(person.url())

    html = response.content.decode()
    assert response.status_code == 500
    assert "on our side" in html
    assert "is saved" in html
    assert "no_such_column" not in html


def test_foreign_host_is_a_friendly_400(client, db):
    with override_settings(ALLOWED_HOSTS=["example.org"]):
        response = client.get("/s/whatever/")

    assert response.status_code == 400
    assert "This did not work" in response.content.decode()
