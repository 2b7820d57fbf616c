"""The researcher's page of the path: axe finds nothing, a field is added, and its preview is one click away."""

from __future__ import annotations

import os

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.annotations.admin.conftest import address
from tests.annotations.factories import StudyFactory, UserFactory
from tests.annotations.paths import FULL

pytestmark = pytest.mark.django_db(transaction=True)
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}  # of the admin's own frame
SHOTS = os.environ.get("SHOTS", "")


def log_in(page, live_server, client):
    client.force_login(UserFactory(superuser=True))
    cookie = client.cookies["sessionid"]
    page.context.add_cookies([{"name": "sessionid", "value": cookie.value, "url": live_server.url}])


@pytest.mark.parametrize("size", [(1280, 800), (390, 844)])
def test_path_is_read_and_changed(page, live_server, client, size):
    page.set_viewport_size({"width": size[0], "height": size[1]})
    study = StudyFactory(path=FULL)
    log_in(page, live_server, client)
    page.goto(live_server.url + address(study, "steps"))
    if SHOTS:
        page.screenshot(path=f"{SHOTS}/steps-{size[0]}.png", full_page=True)
    found = Axe().run(page, options=RULES).response["violations"]

    page.get_by_label("A break after every … trials").fill("7")
    box = page.get_by_label("Words in the break")
    box.fill("Stretch **now**.")
    page.get_by_role("button", name="Preview", exact=True).nth(3).click()
    expect(page.locator(".ev-prose strong")).to_have_text("now")
    page.get_by_role("button", name="Save the path").click()

    expect(page.get_by_text("The path is saved.")).to_be_visible()
    page.locator("#step-breaks ~ a, .ev-row:has(#step-breaks) a").click()
    expect(page.locator("strong", has_text="now")).to_be_visible()
    study.refresh_from_db()
    assert study.path["breaks"] == {"every": 7, "text": "Stretch **now**."}
    assert [f"{one['id']}: {one['nodes'][0]['html']}" for one in found] == []
