"""A worker of MTurk at a real browser: our pages in the frame of another site, from the preview to handing in."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.urls import reverse
from playwright.sync_api import Page, expect

from annotations.domain import recruiting
from annotations.models import Participation, Study
from tests.annotations.factories import StudyFactory, UserFactory
from tests.standins.mturk.fixtures import SECRETS
from tests.standins.mturk.market import Market
from tests.standins.mturk.server import StandIn, serve

pytestmark = pytest.mark.e2e
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}


@pytest.fixture
def mturk(settings) -> Iterator[StandIn]:
    with serve(Market(https_only=False)) as server:
        settings.MTURK_WORKER_SITE = server.url
        yield server


@pytest.fixture
def study(transactional_db, live_server, mturk) -> Study:
    made = StudyFactory(open=True, recruitment="mturk", title="Unusual uses", contact="lab@example.org")
    account = recruiting.save_account(
        owner=UserFactory(), name="lab", platform="mturk", base_url=mturk.url, secrets=SECRETS
    )
    remote = recruiting.configure(study=made, account=account, reward=200, minutes=10, settings={}, auto_approve=True)
    entrance = live_server.url + reverse("study_entrance", args=[made.slug])
    remote = recruiting.create_remote(recruitment=remote, site=live_server.url, entrance=entrance)
    recruiting.publish(recruitment=remote)
    return made


@pytest.fixture(params=[1280, 390])
def tab(browser: Any, request) -> Iterator[Page]:
    """A page of its own context that notes what the browser complains about; the frame is a foreign site's."""
    context = browser.new_context(viewport={"width": request.param, "height": 900})
    page = context.new_page()
    problems: list[str] = []

    def note(message: Any) -> None:
        if message.type == "error" and not message.text.startswith("Failed to load resource"):
            problems.append(message.text)

    page.on("console", note)
    page.on("pageerror", lambda error: problems.append(str(error)))
    yield page
    context.close()
    assert problems == []


def picture(page: Page, name: str) -> None:
    """Keep a picture for people to look at, when a folder for it is named."""
    folder = os.environ.get("SCREENSHOTS")
    if folder:
        page.screenshot(path=Path(folder) / f"mturk-{name}-{page.viewport_size['width']}.png", full_page=True)


def accessible(page: Page) -> list[str]:
    found = Axe().run(page, options={"runOnly": {"type": "tag", "values": RULES["runOnly"]}})
    # The stand-in's own frame page is not ours.
    return [one["id"] for one in found.response["violations"] if one["id"] not in ("html-has-lang", "region")]


def test_a_worker_previews_accepts_works_and_hands_in(tab, study, mturk):
    hit = next(iter(mturk.market.hits))
    tab.goto(f"{mturk.url}/preview?hit={hit}&worker=A1")
    frame = tab.frame_locator("iframe")
    expect(frame.get_by_role("note")).to_contain_text("This is a preview. Accept the task to begin")
    picture(tab, "preview")
    assert Participation.objects.count() == 0

    tab.goto(f"{mturk.url}/accept?hit={hit}&worker=A1")
    frame.get_by_role("button", name="Go on").click()
    frame.get_by_role("button", name="I agree and take part").click()
    frame.get_by_role("button", name="Begin").click()
    for number in range(1, 4):
        expect(frame.locator("#count")).to_have_text(f"{number} of 3")
        for row in frame.locator(".row").all():
            row.locator(".choice").nth(1).click()
        frame.get_by_role("button", name="Next").click()
    expect(frame.get_by_role("heading", name="Thank you")).to_be_visible()
    picture(tab, "end")
    frame.get_by_role("button", name="Finish and go back").click()

    expect(frame.locator("body")).to_contain_text("Your results have been submitted")
    assert [one.status for one in mturk.market.hits[hit].assignments] == ["Submitted"]


def test_another_site_cannot_frame_a_study_that_is_not_on_mturk(browser, transactional_db, live_server, mturk):
    other = StudyFactory(open=True)
    page = browser.new_page()
    address = live_server.url + reverse("study_entrance", args=[other.slug])

    page.set_content(f'<iframe src="{address}"></iframe>')
    page.wait_for_timeout(300)

    assert "Unusual uses" not in page.frames[1].content()
    page.close()


def test_the_pages_at_the_entrance_are_accessible_and_look_right(tab, live_server, transactional_db):
    study = StudyFactory(
        open=True, title="Unusual uses", contact="lab@example.org", recruitment_settings={"code": "kiwi"}
    )
    tab.goto(live_server.url + reverse("study_entrance", args=[study.slug]) + "?pid=P1")

    picture(tab, "code")
    assert accessible(tab) == []
    tab.get_by_label("Please type the code that you were given.").fill("apple")
    tab.keyboard.press("Enter")
    expect(tab.get_by_role("alert")).to_contain_text("That code is not right")
    picture(tab, "wrong-code")
    assert accessible(tab) == []
    tab.get_by_label("Please type the code that you were given.").fill("KIWI")
    tab.keyboard.press("Enter")
    tab.get_by_role("button", name="Go on").click()

    assert Participation.objects.get().identity.person == "P1"
