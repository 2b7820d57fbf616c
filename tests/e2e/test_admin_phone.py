"""The researcher's pages on a phone: what a picture says can be read there."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Page

from annotations.domain import studies
from annotations.enums import JobState
from annotations.models import Report, Study
from tests.annotations.admin.conftest import address
from tests.annotations.factories import StudyFactory

PHONE, LAPTOP = 390, 1280
SMALLEST = 11.9  # CSS pixels: the style says 12, less what layout rounds
TYPE = """() => {
    const plot = document.querySelector('.ev-forest');
    const scale = plot.getBoundingClientRect().width / plot.viewBox.baseVal.width;
    const sizes = [...plot.querySelectorAll('text')].map(text => parseFloat(getComputedStyle(text).fontSize));
    return Math.min(...sizes) * scale;
}"""


def row(dimension: str, second: str) -> dict[str, Any]:
    """A row of the table as a report stores it."""
    ratios = {"odds_ratio": 1.4, "odds_ratio_low": 1.1, "odds_ratio_high": 1.8}
    others = dict.fromkeys(("estimate", "se", "low", "high", "p", "p_holm", "win_rate", "effect_size", "naive_p"), 0.3)
    counts = dict.fromkeys(("n_raters", "n_prompts", "n_judgements"), 12)
    names = {"dimension": dimension, "first": "steered-by-activation", "second": second}
    return {**names, **ratios, **others, **counts, "converged": True, "message": "converged"}


@pytest.fixture
def reported(transactional_db: None) -> Study:
    study = studies.close_study(study=StudyFactory(open=True))
    rows = [row(dimension, second) for dimension in ("creativity", "surprise") for second in ("baseline", "reference")]
    summary = {"rows": rows, "sentences": ["It was preferred."], "warnings": ["12 of 12 raters were simulated."]}
    Report.objects.create(study=study, state=JobState.DONE, summary=summary, finished_at=timezone.now())
    return study


@pytest.mark.parametrize("width", [PHONE, LAPTOP])
def test_type_of_the_forest_plot_is_readable(desk: Page, live_server: Any, reported: Study, width: int) -> None:
    desk.set_viewport_size({"width": width, "height": 844})

    desk.goto(live_server.url + address(reported, "results"))

    assert desk.evaluate(TYPE) >= SMALLEST
    assert desk.evaluate("document.documentElement.scrollWidth") <= width


def test_forest_plot_scrolls_in_its_own_frame_on_a_phone(desk: Page, live_server: Any, reported: Study) -> None:
    desk.set_viewport_size({"width": PHONE, "height": 844})
    desk.goto(live_server.url + address(reported, "results"))
    frame = desk.locator(".ev-scroll", has=desk.locator(".ev-forest"))

    frame.evaluate("frame => frame.scrollTo(frame.scrollWidth, 0)")

    assert frame.evaluate("frame => frame.scrollLeft") > 0
    assert desk.get_by_text("scroll sideways for all of it").is_visible()
    assert frame.evaluate("frame => frame.clientWidth") <= PHONE
