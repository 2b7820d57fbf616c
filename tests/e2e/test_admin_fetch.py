"""The page Fetch in a browser, at a desk and on a phone: look at the first rows, fetch, see what came."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from annotations.domain import fetching, fetching_run
from annotations.domain.fetching_run import Progress
from annotations.enums import JobState
from annotations.models import MaterialImport, Output, Study
from tests.annotations.admin.conftest import address
from tests.annotations.factories import StudyFactory

WIDER = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.fixture
def study(transactional_db: None) -> Study:
    return StudyFactory(prompts=0, systems=())


def is_clean(page: Page) -> bool:
    """No violation inside our own part of the page."""
    found = Axe().run(page, context=".ev")
    return found.violations_count == 0 or pytest.fail(found.generate_report())


def test_rows_are_looked_at_and_fetched(
    desk: Page, study: Study, *, celery_worker: Any, tmp_path: Path, settings: Any
) -> None:
    settings.FETCH_ROOTS = [str(tmp_path)]
    text = "The brick is ground to pigment, and the dust is what the painter signs with. " * 4
    rows = [
        {"object": f"A brick {n // 2}", "model": f"m{n % 2}", "story": f"{n}. {text}", "heat": 0.7} for n in range(8)
    ]
    (tmp_path / "outputs.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    shots = tmp_path
    site = desk.evaluate("() => location.origin")
    desk.set_viewport_size({"width": 1280, "height": 900})
    desk.goto(site + address(study, "fetch"))
    desk.get_by_role("textbox", name="Addresses").fill(str(tmp_path / "outputs.jsonl"))
    desk.get_by_role("button", name="Look at the first rows").click()
    expect(desk.get_by_text("there are: 'object', 'model', 'story', 'heat'").first).to_be_visible()
    desk.screenshot(path=shots / "wrong.png", full_page=True)
    desk.get_by_label("Column of the prompt", exact=True).fill("object")
    desk.get_by_label("Column of the text").fill("story")
    desk.get_by_label("Column of the system").fill("model")
    desk.get_by_label("Further columns to keep with each output").fill("*")
    desk.get_by_role("button", name="Look at the first rows").click()
    expect(desk.get_by_text("The first rows, as they would come")).to_be_visible()
    desk.screenshot(path=shots / "looked.png", full_page=True)
    assert is_clean(desk)

    desk.get_by_role("button", name="Fetch", exact=True).click()

    expect(desk.get_by_text("8 outputs added")).to_be_visible(timeout=30_000)
    assert Output.objects.filter(metadata={"heat": 0.7}).count() == 8
    broken = fetching.queue_fetch(
        study=study, source="addresses", settings={"addresses": [str(tmp_path / "outputs.jsonl")]}
    )
    fetching.run_fetch(material_import_id=broken.pk)
    busy = fetching.queue_fetch(study=study, source="addresses", settings={"addresses": [str(tmp_path / "*.jsonl")]})
    MaterialImport.objects.filter(pk=busy.pk).update(state=JobState.RUNNING)
    fetching_run.tell(busy.pk, Progress(61_000, 7.5, 200_000))
    desk.goto(site + address(study, "fetch") + "?source=hugging_face")
    expect(desk.get_by_text("61,000", exact=True)).to_be_visible()
    assert is_clean(desk)
    desk.screenshot(path=shots / "running.png", full_page=True)
    desk.set_viewport_size({"width": 390, "height": 800})
    desk.reload()
    desk.screenshot(path=shots / "phone.png", full_page=True)
    assert desk.evaluate(WIDER) <= 0
