"""Every type of question at a real browser: by keyboard, without JavaScript, on a phone, after a reload, for axe.

One study a type and a rater for each way: to make and to empty a database costs more than to walk.
"""

from contextlib import closing

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.annotations.factories import ParticipationFactory

from .asking import ASKED, study_asking
from .conftest import Rater

pytestmark = pytest.mark.django_db(transaction=True)

SIZES = {"wide": (1280, 800), "phone": (390, 844)}
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
PHONE = dict(zip(("width", "height"), SIZES["phone"], strict=True))
WORDS = "It turns time around: 1 or 2?"


def tab_to(selector):
    """Press Tab until such a control has the focus."""

    def press(page):
        for _ in range(40):
            page.keyboard.press("Tab")
            if page.evaluate("selector => document.activeElement.matches(selector)", selector):
                return
        pytest.fail(f"{selector} is not reached by Tab")

    return press


def typed(text):
    return lambda page: page.keyboard.type(text)


# What is pressed for the two rows, the last Enter not counted, and what is stored then.
BY_KEYBOARD = {
    "forced_choice": (["1", "3"], {"creativity": "a", "insight": "b"}),
    "graded_preference": (["5", "3"], {"creativity": -2, "insight": 0}),
    "choice_with_reasons": (
        ["1", "3", "5", "4", "4", "Enter", "2", "4"],
        {
            "creativity": {"choice": "a", "reasons": ["New idea", "Vivid detail"], "note": ""},
            "insight": {"choice": "b", "reasons": ["Unexpected turn"], "note": ""},
        },
    ),
    "likert": (["7", "2"], {"creativity": [7], "insight": [2]}),
    "likert_named": (["1", "2", "3", "5"], {"creativity": [1, 2], "insight": [3, 5]}),
    "slider": (["7", "ArrowRight", "PageDown", "Enter", "End"], {"creativity": [61], "insight": [100]}),
    "slider_bare": (
        ["0", "Enter", "5", "ArrowLeft", "Enter", "End", "Enter", "1", "Enter", "2", "Enter", "3"],
        {"creativity": [0, 49, 100], "insight": [10, 20, 30]},
    ),
    "yes_no": (["y", "2"], {"creativity": ["yes"], "insight": ["no"]}),
    "ranking": (
        [*"caebd", "Enter", *"12345", "ArrowUp", "Enter"],
        {"creativity": [2, 4, 1, 5, 3], "insight": [1, 2, 3, 5, 4]},
    ),
    "ranking_ties": (
        ["a", "b", "=", "c", "Enter", "c", "b", "a", "Backspace", "a", "Enter"],
        {"creativity": [1, 1, 3], "insight": [3, 2, 1]},
    ),
    "best_worst": (
        ["w", "1", "b", "3", "4", "1"],
        {"creativity": [3, 2, 1, 2], "insight": [3, 2, 2, 1]},
    ),
    "free_text": (
        [tab_to("textarea"), typed(WORDS), tab_to("textarea"), typed(WORDS[::-1]), tab_to("#next")],
        {"creativity": WORDS, "insight": WORDS[::-1]},
    ),
}


def press(page, keys):
    for key in keys:
        if callable(key):
            key(page)
        else:
            page.keyboard.press(key)


@pytest.mark.parametrize("name", list(ASKED))
def test_type_is_answered_by_keyboard_without_javascript_and_on_a_phone(name, page, browser, live_server):
    study = study_asking(name)

    def rater(page):
        return Rater(page, ParticipationFactory(study=study, begun=True), live_server.url).go()

    sized(page, "wide")
    answered_by_keyboard_alone(rater(page), name)
    half_given_answer_survives_a_reload(page, name)
    sized(page, "phone")
    page.emulate_media(color_scheme="dark", reduced_motion="reduce")
    rater(page)
    accessible_before_and_after_the_answer(page, name)
    with closing(browser.new_context(java_script_enabled=False, viewport=PHONE)) as plain:
        answered_without_javascript(rater(plain.new_page()), name)
    with closing(browser.new_context(viewport={"width": 320, "height": 700}, has_touch=True, is_mobile=True)) as small:
        fits_a_finger(rater(small.new_page()).page, width=320)


@pytest.mark.long
@pytest.mark.parametrize("name", list(ASKED))
def test_axe_finds_nothing_on_a_wide_page(name, page, make_rater):
    sized(page, "wide")

    accessible_before_and_after_the_answer(make_rater(study=study_asking(name)).go().page, name)


def answered_by_keyboard_alone(rater, name):
    keys, stored = BY_KEYBOARD[name]
    page = rater.page

    press(page, [*keys, "Enter"])

    rater.expect_trial(2)
    rater.sent()
    assert [judgement.answers for judgement in rater.judgements()] == [stored]
    expect(page.locator("h1")).to_be_focused()
    assert page.locator("#next").evaluate("button => button.classList.contains('early')")


def half_given_answer_survives_a_reload(page, name):
    keys, _ = BY_KEYBOARD[name]
    press(page, keys[: len(keys) // 2])
    given = page.evaluate(GIVEN)

    page.reload()

    assert given
    assert page.evaluate(GIVEN) == given


def accessible_before_and_after_the_answer(page, name):
    for summary in page.locator("summary:visible").all():
        summary.click()
    before = Axe().run(page, options=RULES).response
    page.locator("h1").focus()

    press(page, BY_KEYBOARD[name][0])

    after = page.evaluate("options => axe.run('#trial', options)", RULES)  # the rest of the page is as it was
    assert findings(before) + findings(after) == []


def findings(results):
    return [f"{item['id']}: {node['html']}" for item in results["violations"] for node in item["nodes"]]


GIVEN = """() => [...document.querySelectorAll("#trial .row [name]")]
    .filter(it => it.type === "radio" || it.type === "checkbox" ? it.checked : it.value !== "")
    .map(it => [it.name, it.value]).sort()"""


def answered_without_javascript(rater, name):
    page = rater.page
    for row in page.locator(".row[data-row=creativity]").all():
        fill(page, row, name=name)
    before = values(page, "creativity")

    rater.next()

    expect(page.locator("#said")).to_contain_text("Please answer: ")
    expect(page.locator("#said")).to_contain_text("insightful")
    assert values(page, "creativity") == before
    assert rater.judgements() == []
    page.locator("#said a").first.click()
    for row in page.locator(".row[data-row=insight]").all():
        fill(page, row, name=name, second=True)
    rater.next()
    rater.expect_trial(2)
    assert [set(judgement.answers) for judgement in rater.judgements()] == [{"creativity", "insight"}]


def fill(page, row, *, name, second=False):
    """Answer one row of a page without JavaScript."""
    for field in row.locator("input[type=number]").all():
        number = field.get_attribute("name").rpartition(".")[2]
        field.fill(number if name.startswith("ranking") else "30")
    for group in dict.fromkeys(it.get_attribute("name") for it in row.locator("input[type=radio]").all()):
        place = int(group.endswith(".worst")) + int(second)
        row.locator(f'input[name="{group}"]').nth(place).check(force=True)
    if row.locator("input[type=checkbox]").count():
        row.locator("input[type=checkbox]").first.check()
    for area in row.locator("textarea").all():
        area.fill("Zeile <eins>\nline & two")


def values(page, key):
    found = []
    for control in page.locator(f'.row[data-row="{key}"] [name]').all():
        ticks = control.get_attribute("type") in {"radio", "checkbox"}
        found.append(control.is_checked() if ticks else control.input_value())
    assert any(found)
    return found


def fits_a_finger(page, *, width):
    page.evaluate("document.documentElement.dir = 'ltr'")
    wide = [page.evaluate("document.documentElement.scrollWidth")]
    page.evaluate("document.documentElement.dir = 'rtl'")
    wide.append(page.evaluate("document.documentElement.scrollWidth"))
    boxes = page.evaluate(BOXES)

    assert wide == [width, width]
    assert boxes
    assert min(box["height"] for box in boxes) >= 44
    assert min(box["width"] for box in boxes) >= 32
    assert all(box["x"] >= 0 and box["x"] + box["width"] <= width for box in boxes)


BOXES = """() => [...document.querySelectorAll(
    ".row .choice, .row .tick, .row .pick, .row .tool, .row textarea, .row input[type=range]")]
    .map(it => it.getBoundingClientRect().toJSON()).filter(box => box.width && box.height)"""


def sized(page, size):
    page.set_viewport_size(dict(zip(("width", "height"), SIZES[size], strict=True)))
