"""Every type of question at a real browser: by keyboard, without JavaScript, on a phone, after a reload, for axe."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from annotations.models import Judgement
from tests.annotations.factories import ParticipationFactory

from .asking import ASKED, study_asking
from .conftest import Rater

pytestmark = pytest.mark.django_db(transaction=True)

SIZES = {"wide": (1280, 800), "phone": (390, 844)}
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
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


@pytest.fixture
def rater_of(make_rater):
    """`rater_of("slider")`: a rater at the first trial of a study that asks so."""
    return lambda name, **kwargs: make_rater(study=study_asking(name, **kwargs)).go()


def sized(page, size):
    page.set_viewport_size(dict(zip(("width", "height"), SIZES[size], strict=True)))


@pytest.mark.parametrize("name", list(ASKED))
def test_type_is_answered_by_keyboard_alone(page, rater_of, name):
    sized(page, "wide")
    rater = rater_of(name)
    keys, stored = BY_KEYBOARD[name]

    press(page, [*keys, "Enter"])

    rater.expect_trial(2)
    rater.sent()
    assert [judgement.answers for judgement in rater.judgements()] == [stored]
    expect(page.locator("h1")).to_be_focused()
    assert page.locator("#next").evaluate("button => button.classList.contains('early')")


@pytest.mark.parametrize("size", [pytest.param(size, marks=[pytest.mark.long] * (size == "wide")) for size in SIZES])
@pytest.mark.parametrize("name", list(ASKED))
def test_axe_finds_nothing_before_and_after_the_answer(page, rater_of, name, size):
    sized(page, size)
    page.emulate_media(color_scheme="dark" if size == "phone" else "light", reduced_motion="reduce")
    rater_of(name)
    for summary in page.locator("summary:visible").all():
        summary.click()
    before = findings(page)
    page.locator("h1").focus()

    press(page, BY_KEYBOARD[name][0])

    assert before + findings(page) == []


def findings(page):
    results = Axe().run(page, options=RULES)
    return [f"{item['id']}: {node['html']}" for item in results.response["violations"] for node in item["nodes"]]


@pytest.mark.parametrize("name", list(ASKED))
def test_half_given_answer_survives_a_reload(page, rater_of, name):
    rater_of(name)
    keys, _ = BY_KEYBOARD[name]
    press(page, keys[: len(keys) // 2])
    given = page.evaluate(GIVEN)

    page.reload()

    assert given
    assert page.evaluate(GIVEN) == given


GIVEN = """() => [...document.querySelectorAll("#trial .row [name]")]
    .filter(it => it.type === "radio" || it.type === "checkbox" ? it.checked : it.value !== "")
    .map(it => [it.name, it.value]).sort()"""


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


@pytest.mark.parametrize("name", list(ASKED))
def test_plain_form_works_without_javascript_and_keeps_what_was_given(browser, live_server, transactional_db, name):
    study = study_asking(name)
    context = browser.new_context(java_script_enabled=False, viewport={"width": 390, "height": 844})
    rater = Rater(context.new_page(), ParticipationFactory(study=study, begun=True), live_server.url).go()
    page = rater.page
    for row in page.locator(".row[data-row=creativity]").all():
        fill(page, row, name=name)
    before = values(page, "creativity")

    rater.next()

    expect(page.locator("#said")).to_contain_text("Please answer: ")
    expect(page.locator("#said")).to_contain_text("insightful")
    assert values(page, "creativity") == before
    assert Judgement.objects.count() == 0
    page.locator("#said a").first.click()
    for row in page.locator(".row[data-row=insight]").all():
        fill(page, row, name=name, second=True)
    rater.next()
    rater.expect_trial(2)
    assert [set(judgement.answers) for judgement in rater.judgements()] == [{"creativity", "insight"}]
    context.close()


def values(page, key):
    found = []
    for control in page.locator(f'.row[data-row="{key}"] [name]').all():
        ticks = control.get_attribute("type") in {"radio", "checkbox"}
        found.append(control.is_checked() if ticks else control.input_value())
    assert any(found)
    return found


@pytest.mark.usefixtures("transactional_db")
@pytest.mark.parametrize("width", [320])
@pytest.mark.parametrize("name", list(ASKED))
def test_type_fits_a_phone_and_a_finger(browser, live_server, name, width):
    study = study_asking(name)
    context = browser.new_context(viewport={"width": width, "height": 700}, has_touch=True, is_mobile=True)
    rater = Rater(context.new_page(), ParticipationFactory(study=study, begun=True), live_server.url).go()
    page = rater.page

    page.evaluate("document.documentElement.dir = 'ltr'")
    wide = [page.evaluate("document.documentElement.scrollWidth")]
    page.evaluate("document.documentElement.dir = 'rtl'")
    wide.append(page.evaluate("document.documentElement.scrollWidth"))
    targets = page.locator(
        ".row .choice, .row .tick, .row .pick, .row .tool:visible, .row textarea, .row input[type=range]"
    )
    boxes = [box for box in (target.bounding_box() for target in targets.all()) if box]

    assert wide == [width, width]
    assert boxes
    assert min(box["height"] for box in boxes) >= 44
    assert min(box["width"] for box in boxes) >= 32
    assert all(box["x"] >= 0 and box["x"] + box["width"] <= width for box in boxes)
    context.close()
