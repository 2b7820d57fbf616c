"""Logging in with a second factor, the people of a study and its log, at a real browser, wide and narrow."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from axe_playwright_python.sync_playwright import Axe
from django.core.cache import cache
from playwright.sync_api import Page, expect

from annotations.domain import members
from annotations.domain.events import log_event
from annotations.enums import Role
from tests.annotations.admin.conftest import judge
from tests.annotations.factories import StudyFactory, UserFactory

pytestmark = pytest.mark.django_db(transaction=True)
PASSWORD = "correct horse battery"
SIZES = {"wide": (1280, 900), "narrow": (390, 844)}
PICTURES = os.environ.get("EVALPLATFORM_PICTURES")  # where to keep pictures, for people to look at


@pytest.fixture(params=SIZES)
def size(request: Any, page: Page) -> str:
    width, height = SIZES[request.param]
    page.set_viewport_size({"width": width, "height": height})
    return str(request.param)


def looked_at(page: Page, name: str, size: str) -> None:
    """Nothing sticks out, axe finds nothing; and a picture, if somebody wants to look."""
    if PICTURES:
        page.screenshot(path=Path(PICTURES) / f"{name}-{size}.png", full_page=True)
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"), name
    found = Axe().run(page, context=None if "accounts" in page.url else "main.ev")
    assert [(one["id"], one["nodes"][0]["html"]) for one in found.response["violations"]] == [], name


def test_second_factor_from_the_first_login_to_the_second(page: Page, live_server: Any, settings: Any, size: str):
    cache.clear()
    settings.REQUIRE_TWO_FACTOR = True
    UserFactory(username="ada", email="ada@example.org", is_staff=True)

    page.goto(f"{live_server.url}/admin/")
    looked_at(page, "login", size)
    log_in(page)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Confirm").click()
    looked_at(page, "activate", size)
    secret = page.get_by_label("Authenticator secret").input_value()
    page.get_by_label("Authenticator code").fill(code_of(secret))
    page.get_by_role("button", name="Activate").click()
    expect(page.get_by_role("heading", name="Recovery Codes")).to_be_visible()
    looked_at(page, "codes", size)
    page.goto(f"{live_server.url}/accounts/2fa/")
    looked_at(page, "factors", size)
    page.goto(f"{live_server.url}/accounts/logout/")
    page.get_by_role("button", name="Sign Out").click()
    log_in(page)
    looked_at(page, "authenticate", size)
    page.get_by_label("Code").fill(code_of(secret, step=1))
    page.get_by_role("button", name="Sign In").click()

    expect(page).to_have_url(f"{live_server.url}/admin/")


def log_in(page: Page) -> None:
    page.get_by_label("User name or e-mail address").fill("ada")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()


def code_of(secret: str, *, step: int = 0) -> str:
    """The code now; `step` 1 is the next one, since a code is good once."""
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30 + step))


def test_people_log_and_results_of_a_study(page: Page, live_server: Any, client: Any, size: str):
    owner = UserFactory(username="ada", first_name="Ada", last_name="Lovelace", is_staff=True)
    study = StudyFactory(title="Unusual uses of everyday things", author=owner, open=True)
    judge(study, raters=2)
    for name, role in (("grace", Role.EDITOR), ("annie-easley", Role.ANALYST), ("hedy", Role.OBSERVER)):
        user = UserFactory(username=name, is_staff=True)
        members.add_member(study=study, user=user, role=role, actor=owner)
    log_event(study=study, name="edited", data={"fields": ["lead", "welcome"]}, actor=owner)
    client.force_login(owner)
    cookie = client.cookies["sessionid"]
    page.context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": live_server.url}])
    at = f"{live_server.url}/admin/annotations/study/{study.pk}"

    for name in ("members", "log", "results"):
        page.goto(f"{at}/{name}/")
        looked_at(page, name, size)
    page.goto(f"{live_server.url}/admin/annotations/apitoken/add/")
    if PICTURES:
        page.screenshot(path=Path(PICTURES) / f"token-{size}.png", full_page=True)
    page.goto(f"{at}/members/")
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_label("Reason").fill("The analysis is done.")
    page.get_by_role("button", name="Unblind the study").click()

    expect(page.get_by_text("every member sees the names of the systems").first).to_be_visible()
    analyst = members.members_of(study=study)[2].user
    client.force_login(analyst)
    cookie = client.cookies["sessionid"]
    page.context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": live_server.url}])
    page.goto(f"{at}/material/")
    looked_at(page, "material-analyst", size)
