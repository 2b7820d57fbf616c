"""The page Generate in a browser, at a desk and on a phone: from a system's form to outputs that come by themselves."""

from __future__ import annotations

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from annotations.domain import generating, generating_systems
from annotations.models import Output, Prompt, Study
from tests.annotations.admin.conftest import address
from tests.annotations.factories import StudyFactory
from tests.standins.chat import chat_server

WIDER = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
KEY = "sk-Potoroo-0123456789abcdef"


@pytest.fixture
def server() -> Any:
    with chat_server() as running:
        yield running


@pytest.fixture
def study(transactional_db: None) -> Study:
    made = StudyFactory(prompts=0, systems=())
    for number in range(30):
        Prompt.objects.create(study=made, key=f"use-{number}", text=f"Unusual uses for thing {number}", declared=True)
    return made


def is_clean(page: Page) -> bool:
    """No violation inside our own part of the page."""
    found = Axe().run(page, context=".ev")
    return found.violations_count == 0 or pytest.fail(found.generate_report())


def test_system_is_added_and_its_outputs_come_while_one_looks(desk, study, server, *, celery_worker, tmp_path):
    server.slow = 0.3
    site = desk.evaluate("() => location.origin")
    desk.set_viewport_size({"width": 1280, "height": 900})
    desk.goto(site + address(study, "generate"))
    desk.get_by_role("link", name="OpenAI-compatible endpoint").click()
    desk.get_by_label("Name of the system").fill("steered")
    desk.get_by_label("Address").fill(server.base_url)
    desk.get_by_label("Model", exact=True).fill("model-steered")
    desk.get_by_label("Key", exact=True).fill(KEY)
    desk.get_by_label("Price of a million output tokens").fill("8")
    desk.screenshot(path=tmp_path / "form.png", full_page=True)
    assert is_clean(desk)
    desk.get_by_role("button", name="Save the system").click()
    expect(desk.get_by_text("steered is saved.")).to_be_visible()
    desk.get_by_label("A prompt for steered").fill("What is a bridge good for?")
    desk.get_by_role("button", name="Ask", exact=True).click()
    expect(desk.get_by_text("A leap no. 0 on what is a bridge good for.")).to_be_visible()

    desk.get_by_label("Samples of each system").fill("3")
    desk.get_by_role("button", name="See what that asks for").click()
    expect(desk.get_by_text("90 samples in 90 requests")).to_be_visible()
    desk.screenshot(path=tmp_path / "plan.png", full_page=True)
    desk.get_by_role("button", name="Ask for 90 samples").click()

    expect(desk.get_by_text("Outputs are coming")).to_be_visible(timeout=15_000)
    desk.screenshot(path=tmp_path / "running.png", full_page=True)
    assert is_clean(desk)
    expect(desk.get_by_text("90 of 90 arrived")).to_be_visible(timeout=60_000)
    assert Output.objects.filter(prompt__study=study).count() == 90
    assert KEY not in desk.content()


@pytest.mark.parametrize("width", [1280, 390])
def test_stopped_generation_reads_and_fits(desk, study, server, *, width, tmp_path):
    desk.set_viewport_size({"width": width, "height": 900})
    for name in ("baseline", "steered at 0.5"):
        generating_systems.save_system(
            study=study,
            name=name,
            role="treatment",
            generator="openai_compatible",
            settings={"base_url": server.base_url, "model": "model-plain", "temperature": 1.2},
            secrets={"api_key": KEY},
        )
    server.failures = [400, 200, 200, 401]
    made = generating.request_generation(study=study, samples=2, budget="3.5")
    generating.run_generation(generation_id=made.pk)

    desk.goto(desk.evaluate("() => location.origin") + address(study, "generate"))

    expect(desk.get_by_role("button", name="Resume", exact=True)).to_be_visible()
    expect(desk.get_by_text("The server refused the key (code 401).").first).to_be_visible()
    desk.screenshot(path=tmp_path / f"stopped-{width}.png", full_page=True)
    assert desk.evaluate(WIDER) <= 0
    assert is_clean(desk)
