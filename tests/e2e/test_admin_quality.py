"""The page Quality at a desk and on a phone: read without help, decided by keyboard, nothing that axe would find."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from annotations.domain import quality
from annotations.models import Participation, Study
from tests.annotations.admin.conftest import address
from tests.annotations.domain.test_quality import DESIGN, SPEEDER, one_side, rater
from tests.annotations.factories import StudyFactory

WIDTHS = pytest.mark.parametrize("width", [1280, 390])
WIDER = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.fixture
def judged(transactional_db: None) -> tuple[Study, list[Participation]]:
    study = StudyFactory(open=True, prompts=12, design=DESIGN)
    raters = [rater(study), rater(study, timing=SPEEDER), rater(study, mind=one_side), rater(study, timing=SPEEDER)]
    quality.examine_due()
    return study, raters


def site(page: Page) -> str:
    """Where the browser is: scheme, host and port."""
    return str(page.evaluate("() => location.origin"))


def is_clean(page: Page) -> bool:
    """No violation inside our own part of the page; the menu around it is unfold's."""
    found = Axe().run(page, context=".ev")
    return found.violations_count == 0 or pytest.fail(found.generate_report())


@WIDTHS
def test_the_page_and_a_rater_are_accessible_and_fit(desk, judged, width, tmp_path):
    study, raters = judged
    desk.set_viewport_size({"width": width, "height": 900})

    for name, more in (("quality", ()), ("quality_rater", (raters[1].pk,))):
        desk.goto(site(desk) + address(study, name, *more))
        desk.screenshot(path=str(tmp_path / f"{name}-{width}.png"), full_page=True)
        assert desk.evaluate(WIDER) <= 0
        assert is_clean(desk)


@WIDTHS
def test_the_rules_of_a_draft_are_accessible_and_fit(desk, width, tmp_path):
    draft = StudyFactory(prompts=12, design=DESIGN)
    desk.set_viewport_size({"width": width, "height": 900})

    desk.goto(site(desk) + address(draft, "quality"))
    desk.screenshot(path=str(tmp_path / f"rules-{width}.png"), full_page=True)

    assert desk.evaluate(WIDER) <= 0
    assert is_clean(desk)
    desk.get_by_role("button", name="Save the rules").click()
    expect(desk.get_by_text("Saved: these rules are frozen with the design.")).to_be_visible()
    draft.refresh_from_db()
    assert draft.quality["together"]["on"] is True


def test_an_exclusion_is_taken_back_by_keyboard(desk, judged):
    study, raters = judged
    desk.goto(site(desk) + address(study, "quality_rater", raters[1].pk))
    standing = raters[1].exclusions.filter(undone_at=None).count()

    desk.get_by_text("Take this back").first.focus()
    desk.keyboard.press("Enter")
    desk.keyboard.press("Tab")
    desk.keyboard.type("He knows these texts by heart.")
    desk.keyboard.press("Enter")

    expect(desk.get_by_text("Taken back. The rule does not exclude this rater again.")).to_be_visible()
    assert raters[1].exclusions.filter(undone_at=None).count() == standing - 1
