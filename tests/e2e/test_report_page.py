"""The report as a file in a browser: the answer on the first screen, nothing that shuts anybody out or is cut off."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

import analysis
from analysis.declaration import canonical_json, parse_plan
from analysis.simulate import PlantedTruth, simulate_answers

WIDTHS = (1280, 390)
SYSTEMS = ("baseline", "reference", "steered")
QUESTIONS = {"originality": ("pairwise_choice", 3), "surprise": ("pairwise_graded", 5)}
PLAN = {
    "title": "Wit & steering",
    "lead": "Which is more …",
    "dimensions": [
        {"key": key, "label": key, "definition": "New.", "question_type": kind} for key, (kind, _) in QUESTIONS.items()
    ],
    "systems": [{"name": name, "role": "baseline" if name == "baseline" else "treatment"} for name in SYSTEMS],
    "design": {"raters_per_task": 3, "trials_per_rater": 9},
    "analysis": {"contrasts": "against_baseline", "alpha": 0.05},
    "plan": {"tasks": 27, "booklets": 14, "trials": 126},
}
CERTIFICATE = {"guarantees": [{"name": "a", "statement": "Balanced.", "required": 1, "worst": 0, "holds": True}]}


def trials() -> list[dict[str, Any]]:
    pairs, rows = list(combinations(SYSTEMS, 2)), []
    for rater in range(14):
        for prompt in range(9):
            a, b = pairs[(rater + prompt) % 3][:: 1 if (rater + prompt) % 2 else -1]
            outputs = {f"output_{side}": f"{prompt}/{name}/{rater % 2}" for side, name in (("a", a), ("b", b))}
            place = {"rater": f"r{rater}", "prompt": f"p{prompt}", "position": prompt + 1, "system_a": a, "system_b": b}
            rows += [
                {**place, **outputs, "dimension": name, "measure": measure, "levels": levels}
                for name, (measure, levels) in QUESTIONS.items()
            ]
    return rows


@pytest.fixture(scope="module")
def report(once: Callable[[str, Callable[[], str]], str], tmp_path_factory: pytest.TempPathFactory) -> str:
    """A page with every section, from simulated raters."""
    return once("report_page", lambda: write_page(tmp_path_factory.mktemp("report") / "report"))


def write_page(folder: Path) -> str:
    plan = parse_plan(canonical_json(PLAN), certificate=json.dumps(CERTIFICATE))
    truth = PlantedTruth(effects={name: {"steered": 1.2} for name in QUESTIONS})
    table = simulate_answers(trials(), truth, seed=4).assign(design_hash=plan.sha256, simulated=True)
    return analysis.write_report(table, folder, plan=plan).page.read_text(encoding="utf-8")


@pytest.fixture(params=WIDTHS)
def shown(request: Any, page: Page, report: str) -> Page:
    page.set_viewport_size({"width": request.param, "height": 800})
    page.set_content(report)
    return page


def test_page_shuts_nobody_out(shown: Page) -> None:
    violations = Axe().run(shown).response["violations"]

    assert [(item["id"], [node["target"] for node in item["nodes"]]) for item in violations] == []


def test_page_does_not_scroll_sideways_and_wide_things_do(shown: Page) -> None:
    width = shown.viewport_size["width"] if shown.viewport_size else 0

    assert shown.evaluate("document.documentElement.scrollWidth") <= width
    wide = shown.locator(".scroll, .picture").evaluate_all(
        "all => all.filter(one => one.scrollWidth > one.clientWidth"
        " && getComputedStyle(one).overflowX !== 'auto').length"
    )
    assert wide == 0


def test_answer_stands_on_the_first_screen(shown: Page) -> None:
    answer = shown.locator(".lead")

    expect(answer).to_contain_text("contrasts are significant after Holm correction")
    place = answer.bounding_box()
    assert place is not None
    assert place["y"] + place["height"] < 400
    expect(shown.locator(".warning")).to_contain_text("14 of 14 raters are simulated")
    assert shown.locator("figure svg").first.bounding_box()["y"] < 800  # type: ignore[index]


def test_contents_lead_to_every_section(shown: Page) -> None:
    links = shown.locator("nav a")

    targets = [link.get_attribute("href") for link in links.all()]
    assert len(targets) == shown.locator("section").count() >= 11
    links.filter(has_text="Sensitivity").click()
    expect(shown.get_by_role("heading", name="Sensitivity to each declared choice")).to_be_in_viewport()


def test_certificate_opens_without_a_script(shown: Page) -> None:
    shown.get_by_text("Certificate: every guarantee holds").click()

    expect(
        shown.get_by_role("cell", name="Balanced.").or_(shown.get_by_role("rowheader", name="Balanced."))
    ).to_be_visible()
    assert shown.locator("script").count() == 0
