"""The page of prompts in a browser, at a desk and on a phone: from an empty study to prompts that wait for outputs."""

from __future__ import annotations

from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from annotations.domain import prompts
from annotations.models import Study
from tests.annotations.admin.conftest import address
from tests.annotations.factories import StudyFactory

WIDER = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
LOGS = Path(__file__).parent.parent / "annotations" / "plugins" / "sources" / "logs"


@pytest.fixture
def study(transactional_db: None) -> Study:
    return StudyFactory(prompts=0, systems=())


def is_clean(page: Page) -> bool:
    found = Axe().run(page, context=".ev")
    return found.violations_count == 0 or pytest.fail(found.generate_report())


def test_prompts_are_chosen_from_a_set_brought_in_a_file_and_removed(desk, study, tmp_path):
    site = desk.evaluate("() => location.origin")
    own = tmp_path / "own.csv"
    own.write_text("prompt,prompt_key,task_family\nA long prompt of one's own. " + "Word " * 60 + ",own,mine\n")
    desk.goto(site + address(study, "prompts"))
    story = desk.get_by_role("article", name="Story premises")

    story.get_by_text("Read all 24, choose some").click()
    story.get_by_role("checkbox").nth(1).check()
    story.get_by_role("checkbox").nth(4).check()
    story.get_by_role("button", name="Add the chosen").click()
    expect(desk.get_by_text("2 prompts added.")).to_be_visible()
    desk.get_by_label("CSV, JSONL or text").set_input_files(own)
    desk.get_by_role("button", name="Add the prompts").click()
    expect(desk.get_by_text("own.csv: 1 prompt added.")).to_be_visible()
    desk.get_by_role("checkbox", name="Choose own").check()
    desk.once("dialog", lambda dialog: dialog.accept())
    desk.get_by_role("button", name="Remove the chosen").click()

    expect(desk.get_by_text("1 prompt removed.")).to_be_visible()
    assert study.prompts.count() == 2


def test_log_of_a_tool_is_uploaded_with_its_format_and_a_name(desk, study):
    desk.goto(desk.evaluate("() => location.origin") + address(study, "material"))

    desk.get_by_label("A table (CSV, JSONL, Parquet) or a log").set_input_files(LOGS / "helm" / "scenario_state.json")
    desk.get_by_label("Format").select_option("HELM scenario_state.json")
    desk.get_by_text("For the log of an evaluation tool").click()
    desk.get_by_label("Name of the system").fill("steered")
    desk.get_by_role("button", name="Upload and check").click()

    expect(desk.get_by_text("6 outputs added (3 new prompts, 1 new system).").first).to_be_visible()


def test_page_fits_a_desk_and_a_phone_and_is_accessible_with_everything_open(desk, study, tmp_path):
    prompts.add_prompt_set(study=study, name="challenges")
    prompts.add_prompt_set(study=study, name="metaphors_and_mottos", keys=["motto-quiet-carriage"])
    desk.goto(desk.evaluate("() => location.origin") + address(study, "prompts"))
    for width in (1280, 390):
        desk.set_viewport_size({"width": width, "height": 900})
        desk.screenshot(path=tmp_path / f"prompts-{width}.png", full_page=True)
        assert desk.evaluate(WIDER) <= 0
    desk.evaluate("() => document.querySelectorAll('main details').forEach(one => { one.open = true })")

    assert desk.evaluate(WIDER) <= 0
    assert is_clean(desk)
