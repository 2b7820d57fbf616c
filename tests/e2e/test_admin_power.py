"""Power on the design page in a browser: readable on a phone, and what is asked for is shown."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from annotations.domain import foresight
from annotations.models import PowerCheck, Study
from tests.annotations.admin.conftest import address
from tests.annotations.factories import StudyFactory, UserFactory

PHONE, LAPTOP = 390, 1280
SMALLEST = 11.4  # CSS pixels
TYPE = """() => Math.min(...[...document.querySelectorAll('.ev-curve')].map(plot => {
    const scale = plot.getBoundingClientRect().width / plot.viewBox.baseVal.width;
    const sizes = [...plot.querySelectorAll('text')].map(text => parseFloat(getComputedStyle(text).fontSize));
    return Math.min(...sizes) * scale;
}))"""


@pytest.fixture
def desk(page: Page, live_server: Any, client: Any, transactional_db: None) -> Page:
    """The browser of somebody who has logged in."""
    researcher: User = UserFactory(superuser=True)
    client.force_login(researcher)
    cookie = client.cookies["sessionid"]
    page.context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": live_server.url}])
    return page


@pytest.fixture
def draft(transactional_db: None) -> Study:
    return StudyFactory(prompts=20, design={"raters_per_task": 8, "trials_per_rater": 12})


def picture(desk: Page, name: str) -> None:
    """Keep a picture where ``EVALPLATFORM_PICTURES`` says, for people to look at."""
    if folder := os.environ.get("EVALPLATFORM_PICTURES"):
        desk.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


@pytest.mark.e2e
@pytest.mark.parametrize("width", [PHONE, LAPTOP])
def test_curves_are_readable_and_nothing_is_wider_than_the_page(
    desk: Page, live_server: Any, draft: Study, width: int
) -> None:
    foresight.run_check(check_id=foresight.request_check(study=draft).pk, simulations=6)
    desk.set_viewport_size({"width": width, "height": 844})

    desk.goto(live_server.url + address(draft, "design"))

    expect(desk.get_by_test_id("detectable")).to_contain_text("is found with 80% power")
    assert desk.evaluate(TYPE) >= SMALLEST
    assert desk.evaluate("document.documentElement.scrollWidth") <= width
    expect(desk.get_by_text("6 studies on these booklets")).to_be_visible()
    picture(desk, f"power-{width}")


@pytest.mark.e2e
def test_scenario_looks_and_check_work_from_the_page(
    desk: Page, live_server: Any, draft: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[Any] = []
    monkeypatch.setattr(
        "annotations.admin.frame.current_app.send_task", lambda *args, **kwargs: sent.append((args, kwargs))
    )
    desk.set_viewport_size({"width": LAPTOP, "height": 844})
    desk.goto(live_server.url + address(draft, "design"))

    desk.get_by_label("Effect to find").fill("0.9")
    desk.get_by_role("button", name="Compute", exact=True).click()
    expect(desk.get_by_role("columnheader", name="Power at 0.90")).to_be_visible()
    expect(desk.get_by_label("Looks at")).to_be_hidden()
    desk.get_by_label("At fixed times, strict early").check()
    desk.get_by_label("Looks at").fill("40, 100")
    desk.locator("#looks").get_by_role("button", name="Save").click()
    expect(desk.locator("#looks").get_by_role("rowheader", name="40%")).to_be_visible()
    desk.get_by_label("Effect to find").fill("0.9")
    desk.get_by_role("button", name="Compute", exact=True).click()
    desk.get_by_role("button", name="Check by simulation").click()

    expect(desk.get_by_text("waits for the background worker")).to_be_visible()
    assert len(sent) == 1
    assert PowerCheck.objects.get().wanted["assumed"]["effect"] == 0.9
    draft.refresh_from_db()
    assert draft.analysis["looks"]["times"] == [0.4, 1.0]
    picture(desk, "power-asked")
