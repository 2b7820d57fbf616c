"""The real LAMP material, from a file to judgements in the browser, and its real rankings to a logit.

The data are not ours to copy: EVALPLATFORM_SHARED says where they lie, else they are looked for beside the repository.
"""

from __future__ import annotations

import csv
import json
import math
import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

import analysis
from analysis import rankings
from annotations.domain import planning, studies
from annotations.domain.materials import import_material, missing_cells
from annotations.enums import TrialKind
from annotations.models import Judgement, Output, Participation, Study, Trial

from .conftest import Rater

ROOT = Path(__file__).resolve().parents[2]
LAMP = Path(os.environ.get("EVALPLATFORM_SHARED", ROOT.parent / "shared")) / "data" / "lamp_preference"
ITEMS, RANKS = LAMP / "lamp_items.json", LAMP / "lamp_rankings_long.csv"
COLUMNS = ("prompt_id", "prompt", "system", "text", "task_family")
ROLES = {"AI-generated": "baseline", "AI-edited": "treatment", "Human-edited": "reference"}
PHONE = {"width": 390, "height": 844}
KEYS = ("1", "3", "5")

# lme4's glmer (Laplace) for AI-edited vs AI-generated; the SDs are of a difference: one intercept per item and rater.
LME4 = {"estimate": 1.8338, "se": 0.3024, "item": 2.447, "rater": 0.201}
# glmer stops short of the maximum at its default tolerances (our point has the higher likelihood, see test_laplace),
# and its SE is a differenced Hessian there: .003 and .004 off. A tenth of a standard error would be .03.
TOLERANCE = {"estimate": 0.01, "se": 0.008, "item": 0.01, "rater": 0.01}

pytestmark = pytest.mark.skipif(
    not (ITEMS.exists() and RANKS.exists()), reason="the LAMP data are not in EVALPLATFORM_SHARED or ../shared"
)


@pytest.fixture
def lamp(transactional_db: None, tmp_path: Path) -> Study:
    """A draft with the 603 texts, by way of a CSV file like the one a researcher would have."""
    path = tmp_path / "lamp.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for item in json.loads(ITEMS.read_text(encoding="utf-8")):
            for system, text in item["texts"].items():
                writer.writerow((item["item"], item["instruction"], system, text, item["type"] or ""))
    study = studies.create_study(title="Which reads better?", template="pairwise_creativity")
    import_material(study=study, path=path, filename=path.name, roles=ROLES)
    return study


@pytest.fixture
def opened(lamp: Study) -> Study:
    planning.freeze_study(study=lamp)
    return studies.open_study(study=lamp)


def judge(rater: Rater) -> None:
    """Answer the trial on the screen by keyboard; a second Enter sends what has not been scrolled to its end."""
    before = rater.trial()
    for key in KEYS:
        rater.page.keyboard.press(key)
    expect(rater.page.get_by_role("button", name="Next")).to_be_focused()
    rater.page.keyboard.press("Enter")
    if rater.trial() == before and rater.said().text_content():
        rater.page.keyboard.press("Enter")
    expect(rater.page.locator("form article")).not_to_have_attribute("data-trial", before)
    rater.sent()


def texts(rater: Rater) -> list[str]:
    return list(rater.page.locator("form .text").all_text_contents())


def test_lamp_texts_make_a_balanced_plan_of_three_raters_and_twenty_trials(lamp: Study) -> None:
    draft = planning.draft(study=lamp)

    plan = planning.freeze_study(study=lamp)

    assert Output.objects.filter(system__name__in=ROLES).count() == 603  # freezing adds texts of attention trials
    assert missing_cells(study=lamp).is_complete
    spec = draft.plan.spec
    assert (spec.raters_per_task, spec.trials_per_rater, spec.attention_trials, spec.repeat_trials) == (3, 20, 1, 1)
    assert plan.booklets_planned == math.ceil(201 * 3 * 3 / 20)
    assert draft.certificate.holds
    shown = Trial.objects.filter(kind=TrialKind.MAIN).values_list("booklet_id", "task_id", "task__prompt_id")
    per_task = Counter(task for _, task, _ in shown)
    assert (len(per_task), set(per_task.values())) == (603, {3})
    assert len({(booklet, prompt) for booklet, _, prompt in shown}) == len(shown)  # no prompt twice in a booklet


def test_lamp_is_rated_in_the_browser_and_gone_on_with_on_a_phone(
    page: Any, browser: Any, live_server: Any, opened: Study
) -> None:
    page.goto(f"{live_server.url}/s/{opened.slug}/")
    page.get_by_role("button", name="Go on").click()
    page.get_by_role("button", name="I agree and take part").click()
    page.get_by_role("button", name="Begin").click()
    expect(page.locator("html")).to_have_class("keys-on")
    rater = Rater(page, Participation.objects.get(), live_server.url)
    total = rater.participation.leases.get().booklet.length

    # Three trials at the desk
    pages = []
    for number in (1, 2, 3):
        rater.expect_trial(number, total)
        pages.append(page.content())  # the next trial, fetched ahead, stands in it too
        judge(rater)
    rater.expect_trial(4, total)
    trial, sides = rater.trial(), texts(rater)
    page.get_by_role("link", name="Pause").click()
    link = page.get_by_label("Your own link").text_content()

    # The same trial with the same sides on a phone, then one more
    context = browser.new_context(viewport=PHONE, has_touch=True, is_mobile=True)
    phone = Rater(context.new_page(), rater.participation, live_server.url)
    phone.page.goto(link)
    phone.expect_trial(4, total)
    assert (phone.trial(), texts(phone)) == (trial, sides)
    assert phone.page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    for row in phone.page.locator(".row").all():
        row.locator(".choice").nth(1).tap()
    phone.page.get_by_role("button", name="Next").tap()
    phone.expect_trial(5, total)
    phone.sent()
    context.close()

    # Back at the desk the phone's answer counts
    rater.go().expect_trial(5, total)
    expected = {"originality": 2, "surprise": 0, "creativity": -2}
    found = [judgement.answers for judgement in rater.judgements()]
    assert found == [expected] * 3 + [dict.fromkeys(expected, 1)]
    assert not Judgement.objects.filter(late=True).exists()
    assert set(sides) <= set(Output.objects.values_list("text", flat=True))
    assert not [name for name in ROLES for content in pages if name in content]


def test_lamp_rankings_give_the_logit_of_lme4(tmp_path: Path) -> None:
    pairs = tmp_path / "pairs.csv"
    assert rankings.main([str(RANKS), str(pairs)]) == 0

    result = analysis.analyse(analysis.read(pairs), systems=("AI-edited", "AI-generated"))

    (row,) = result.rows
    spread = {item.factor: item.sd * math.sqrt(2) for item in result.dimensions[0].fit.variances}
    found = {
        "estimate": row.estimate,
        "se": row.se_plain,
        "item": spread["prompt:system"],
        "rater": spread["rater:system"],
    }
    assert (row.first, row.second, row.converged) == ("AI-edited", "AI-generated", True)
    assert (row.n_judgements, row.n_raters, row.n_prompts) == (603, 13, 201)
    assert row.raw_win_rate == pytest.approx(0.7164, abs=5e-5)  # as the note beside the data says
    assert found == {name: pytest.approx(value, abs=TOLERANCE[name]) for name, value in LME4.items()}
