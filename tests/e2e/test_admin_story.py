"""The researcher's whole story in a browser, from a template to a significance table; every page of it accessible."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib.auth.models import Permission, User
from playwright.sync_api import Page, expect

from annotations.models import Judgement, Output, Study
from tests.annotations.admin.conftest import address, judge
from tests.annotations.factories import StudyFactory, the_researcher

PASSWORD = "correct horse battery"  # of UserFactory
STATIONS = ("material", "design", "preview", "freeze", "open", "monitor", "results", "texts")
SYSTEMS = ("baseline", "steered", "reference")
PROMPTS = 8


@pytest.fixture
def researcher(transactional_db: None) -> User:
    user = the_researcher()
    user.user_permissions.set(Permission.objects.filter(codename__in=("add_study", "change_study", "view_study")))
    return user


@pytest.fixture
def desk(page: Page, live_server: Any, researcher: User) -> Page:
    """The browser of a researcher who has logged in."""
    page.goto(f"{live_server.url}/admin/")
    page.get_by_label("User name or e-mail address").fill(researcher.username)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("heading", name="Your studies")).to_be_visible()
    return page


@pytest.fixture
def go(desk: Page, live_server: Any) -> Callable[..., Page]:
    def to(study: Study, station: str) -> Page:
        desk.goto(live_server.url + address(study, station))
        return desk

    return to


def material(folder: Path) -> tuple[Path, Path]:
    """A file with a fault in it, and the corrected one."""
    rows = [
        {"prompt": f"Think of unusual uses for thing {number}.", "system": system, "text": f"Use {number} by way {at}."}
        for number in range(PROMPTS)
        for at, system in enumerate(SYSTEMS)
    ]
    good, bad = folder / "outputs.jsonl", folder / "outputs-with-a-fault.jsonl"
    good.write_text("\n".join(map(json.dumps, rows)))
    bad.write_text("\n".join(map(json.dumps, [*rows, {**rows[0], "text": ""}])))
    return bad, good


def heading(page: Page, name: str) -> None:
    expect(page.get_by_role("heading", level=2).filter(has_text=re.compile(rf"of 7\s+{name}$"))).to_be_visible()


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def follow(page: Page, name: str) -> None:
    page.get_by_role("link", name=name).click()


def test_study_from_template_to_significance_table(
    desk: Page, tmp_path: Path, settings: Any, celery_worker: Any
) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"

    bring_material(desk, *material(tmp_path))
    raters = settle_the_design(desk)
    look_at_the_preview(desk)
    study = freeze(desk)
    watch_raters_come(desk, study, raters=raters)
    close_and_report(desk)


def bring_material(desk: Page, bad: Path, good: Path) -> None:
    """A new study; a fault in its file is named by file, row and column; then all comes in."""
    follow(desk, "New study from template")
    desk.get_by_label("Title").fill("Unusual uses")
    expect(desk.get_by_text("Source.").first).to_be_visible()
    press(desk, "Create the study")
    heading(desk, "Material")
    desk.locator("#id_file").set_input_files(bad)
    press(desk, "Upload and check")
    row = desk.get_by_role("row").filter(has_text="is empty")
    expect(row).to_contain_text("outputs-with-a-fault.jsonl")
    expect(row).to_contain_text(str(PROMPTS * 3 + 1))
    desk.locator("#id_file").set_input_files(good)
    press(desk, "Upload and check")
    expect(desk.get_by_text(f"{PROMPTS * 3} outputs added")).to_have_count(2)
    desk.get_by_label("Role of baseline").select_option("baseline")
    desk.get_by_label("Role of reference").select_option("reference")
    press(desk, "Save the roles")
    expect(desk.get_by_label("Role of baseline")).to_have_value("baseline")
    follow(desk, "Go to design")


def settle_the_design(desk: Page) -> int:
    """The template asks for too much; one click makes it feasible."""
    heading(desk, "Design")
    expect(desk.get_by_role("heading", name="This design cannot be made")).to_be_visible()
    press(desk, f"Use this: use at most {PROMPTS}")
    desk.get_by_label("Raters per pair").fill("2")
    press(desk, "Save and compute")
    raters = int(desk.get_by_test_id("raters-needed").inner_text())
    assert raters == PROMPTS * 3 * 2 // PROMPTS
    expect(desk.get_by_role("heading", name=re.compile("Certificate of balance.*guarantees hold"))).to_be_visible()
    follow(desk, "Go to preview")
    return raters


def look_at_the_preview(desk: Page) -> None:
    heading(desk, "Preview")
    follow(desk, "See the first trial")
    expect(desk.locator("#count")).to_contain_text("1 of")
    desk.get_by_role("link", name="Next trial").click()
    expect(desk.locator("#count")).to_contain_text("2 of")
    desk.get_by_role("link", name="Back to the study").click()
    follow(desk, "Go to freeze")


def freeze(desk: Page) -> Study:
    """A hash appears, and the file that it is the hash of can be had."""
    heading(desk, "Freeze")
    press(desk, "Freeze the design")
    study = Study.objects.select_related("plan").get()
    assert study.plan is not None
    expect(desk.get_by_test_id("sha256")).to_have_text(study.plan.sha256)
    with desk.expect_download() as download:
        follow(desk, "Download the canonical JSON")
    assert download.value.path().read_text() == study.plan.canonical
    follow(desk, "Go to open")
    return study


def watch_raters_come(desk: Page, study: Study, *, raters: int) -> None:
    """The numbers follow without a reload."""
    heading(desk, "Open")
    press(desk, "Open the study")
    expect(desk.locator(".ev-head .ev-pill")).to_have_text("Open")
    follow(desk, "Go to monitor")
    heading(desk, "Monitor")
    finished = desk.locator('[data-number="booklets_completed"]')
    expect(finished).to_have_text("0")
    study.refresh_from_db()
    judge(study, raters=raters)
    expect(finished).to_have_text(str(raters), timeout=20_000)


def close_and_report(desk: Page) -> None:
    follow(desk, "5. Open")
    desk.on("dialog", lambda dialog: dialog.accept())
    press(desk, "Close")
    expect(desk.locator(".ev-head .ev-pill")).to_have_text("Closed")
    follow(desk, "7. Results")
    press(desk, "Make the report")
    expect(desk.get_by_test_id("sentence")).to_be_visible(timeout=120_000)
    expect(desk.get_by_role("heading", name="Significance table")).to_be_visible()
    expect(desk.locator("table.ev-significance tbody tr:not(.ev-grouprow)")).to_have_count(9)
    with desk.expect_download() as download:
        follow(desk, "Everything as a bundle (zip)")
    names = zipfile.ZipFile(download.value.path()).namelist()
    assert {"significance.csv", "significance.tex", "significance.md", "significance.html"} <= set(names)


@pytest.mark.parametrize(("width", "scheme"), [pytest.param(1280, "light", marks=pytest.mark.long), (390, "dark")])
def test_every_station_is_accessible(go: Callable[..., Page], live_server: Any, scheme: Any, width: int) -> None:
    study = StudyFactory(open=True)
    draft = StudyFactory(design={"trials_per_rater": 20})
    judge(study, raters=2)
    found = {}

    for one, stations in ((study, STATIONS), (draft, ("material", "design", "preview", "freeze"))):
        for station in stations:
            page = go(one, station)
            page.set_viewport_size({"width": width, "height": 844})
            page.emulate_media(color_scheme=scheme)
            page.wait_for_function("() => !document.documentElement.hasAttribute('x-cloak')")
            found[one.state, station] = grave(page)
            assert page.evaluate("document.documentElement.scrollWidth") <= width, station
    for path in ("/admin/", "/admin/annotations/study/add/"):
        page.goto(live_server.url + path)
        found[path, ""] = grave(page)

    assert {place: what for place, what in found.items() if what} == {}


def grave(page: Page) -> list[str]:
    """The violations of axe-core that shut somebody out, with the place of each."""
    violations = Axe().run(page).response["violations"]
    return [
        f"{item['id']}: {node['target']}"
        for item in violations
        if item["impact"] in ("serious", "critical")
        for node in item["nodes"]
    ]


def test_double_click_freezes_once(go: Callable[..., Page]) -> None:
    study = StudyFactory()
    page = go(study, "freeze")

    page.get_by_role("button", name="Freeze the design").dblclick()

    expect(page.get_by_test_id("sha256")).to_be_visible()
    assert study.plans.count() == 1


def test_stale_tab_cannot_undo_what_another_saved(go: Callable[..., Page], live_server: Any) -> None:
    study = StudyFactory()
    page = go(study, "design")
    other = page.context.new_page()
    other.goto(live_server.url + address(study, "design"))
    other.get_by_label("Seed").fill("21")
    other.get_by_role("button", name="Save and compute").click()
    expect(other.get_by_label("Seed")).to_have_value("21")

    page.get_by_label("Seed").fill("22")
    page.get_by_role("button", name="Save and compute").click()

    expect(page.get_by_text("changed in another window")).to_be_visible()
    expect(page.get_by_label("Seed")).to_have_value("21")


def test_monitor_stops_asking_when_nobody_looks(go: Callable[..., Page]) -> None:
    study = StudyFactory(open=True)
    page = go(study, "monitor")
    expect(page.locator("[data-live-state]")).to_have_text("Live")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if request.url.endswith("live.json") else None)

    page.evaluate(
        "() => { Object.defineProperty(document, 'hidden', {value: true, configurable: true});"
        " document.dispatchEvent(new Event('visibilitychange')); }"
    )
    before = len(asked)  # one that was on its way
    judge(study, raters=1)
    page.wait_for_timeout(4500)  # longer than the shortest pause between two questions
    hidden = len(asked) - before
    page.evaluate(
        "() => { Object.defineProperty(document, 'hidden', {value: false, configurable: true});"
        " document.dispatchEvent(new Event('visibilitychange')); }"
    )

    expect(page.locator('[data-number="judgements"]')).to_have_text(str(Judgement.objects.count()))
    assert hidden == 0


def test_answers_of_a_preview_are_not_stored(go: Callable[..., Page]) -> None:
    study = StudyFactory()
    page = go(study, "preview_trial")

    for row in page.locator(".row").all():
        row.locator(".choice").nth(1).click()

    expect(page.get_by_role("button", name="Next")).to_be_disabled()
    assert Judgement.objects.count() == 0
    assert Output.objects.filter(system__study=study).count() == 18
