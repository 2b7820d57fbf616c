"""The page Prepare and audit at a desk and on a phone: leaks are read, decided and taken back; nothing is too wide."""

from __future__ import annotations

import os
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from annotations.domain import auditing
from annotations.models import Study
from tests.annotations.admin.conftest import address
from tests.annotations.domain.audited import leaky, study_of

WIDER = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.fixture
def audited(transactional_db: None, researcher: User) -> Study:
    study = study_of(leaky(), author=researcher)
    auditing.run_audit(run_id=auditing.request_audit(study=study).pk)
    return study


def picture(page: Page, name: str) -> None:
    """Keep what the page looks like, for whoever asks for it."""
    if folder := os.environ.get("PICTURES"):
        page.screenshot(path=f"{folder}/{name}.png", full_page=True)


@pytest.mark.parametrize("width", [1280, 390])
def test_researcher_previews_decides_and_takes_back(desk: Page, live_server: Any, audited: Study, width: int) -> None:
    desk.set_viewport_size({"width": width, "height": 900})
    desk.goto(live_server.url + address(audited, "preparation"))
    picture(desk, f"prepare-{width}")

    assert desk.evaluate(WIDER) <= 0
    assert [
        one["id"] for one in Axe().run(desk).response["violations"] if one["impact"] in {"serious", "critical"}
    ] == []
    desk.once("dialog", lambda dialog: dialog.accept())
    desk.locator(".is-leak details[open]").first.get_by_role("button", name="Exclude").click()
    expect(desk.get_by_text("left out of the design")).to_be_visible()
    expect(desk.get_by_text("have changed since")).to_be_visible()
    desk.get_by_role("button", name="Take back").click()
    expect(desk.get_by_role("heading", name="Decisions")).to_have_count(0)

    desk.get_by_label("Markdown to plain text").check()
    desk.get_by_role("button", name="Preview").click()
    expect(desk.get_by_text("Preview:")).to_be_visible()
    picture(desk, f"preview-{width}")
    assert desk.evaluate(WIDER) <= 0
    desk.get_by_role("button", name="Apply the ticked rules").click()
    expect(desk.get_by_text("The raw texts are kept.")).to_be_visible()

    told = desk.locator("details", has_text="Length tells")
    if told.get_attribute("open") is None:
        told.locator("summary").click()
    told.get_by_role("button", name="Match on length").click()
    expect(desk.get_by_text("nothing is done yet")).to_be_visible()
    picture(desk, f"match-{width}")
    assert desk.evaluate(WIDER) <= 0
