"""The pages of measures and of automatic judges at a desk and on a phone: they fit, and axe finds nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from annotations.domain import scoring
from annotations.models import Study
from tests.annotations.admin.conftest import address
from tests.annotations.measured import measured, repetitive_study

WIDER = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
DRAWN = (
    "() => [...document.querySelectorAll('img.ev-drawn')].filter(one => one.complete && one.naturalWidth > 0).length"
)


@pytest.fixture
def study(transactional_db: None, settings: Any, tmp_path: Path) -> Study:
    settings.MEDIA_ROOT, settings.MEASURES_CACHE = tmp_path / "media", tmp_path / "cache"
    made = repetitive_study()
    measured(made)
    for name in ("length", "semantic_distance"):
        judge = scoring.add_judge(study=made, name=name.replace("_", " "), scorer=name, settings={})
        scoring.compute(judge_id=judge.pk)
    return made


def test_both_pages_fit_and_are_accessible(desk: Page, live_server: Any, study: Study, tmp_path: Path) -> None:
    for width in (1280, 390):
        desk.set_viewport_size({"width": width, "height": 900})
        for name in ("measures", "judges"):
            desk.goto(live_server.url + address(study, name))
            desk.evaluate("() => document.querySelectorAll('img').forEach(one => { one.loading = 'eager'; })")
            if name == "measures":
                desk.wait_for_function(f"() => ({DRAWN})() === 3")
            assert desk.evaluate(WIDER) <= 0, (name, width)
            desk.screenshot(path=tmp_path / f"{name}-{width}.png", full_page=True)
            found = Axe().run(desk, context=".ev")  # the menu around it is unfold's
            assert found.violations_count == 0, found.generate_report()


def test_another_prompt_is_drawn_and_a_file_is_looked_at_and_kept(desk: Page, live_server: Any, study: Study) -> None:
    desk.goto(live_server.url + address(study, "measures"))
    desk.get_by_label("Prompt", exact=True).select_option("p2")
    desk.get_by_role("button", name="Show", exact=True).click()
    expect(desk.get_by_label("Prompt", exact=True)).to_have_value("p2")

    desk.goto(live_server.url + address(study, "judges"))
    rows = "".join(f"p{at},steered,0,{at}\n" for at in range(4))
    content = f"prompt_key,system,sample,reward\n{rows}".encode()
    desk.get_by_label("CSV, JSONL or Parquet").set_input_files(
        {"name": "scores.csv", "mimeType": "text/csv", "buffer": content}
    )
    desk.get_by_role("button", name="Look at the file").click()
    expect(desk.get_by_text("4 of the study’s 32 outputs were found in it.")).to_be_visible()
    desk.get_by_role("button", name="Import these scores").click()

    expect(desk.get_by_role("row", name="reward")).to_contain_text("4 of 32")
