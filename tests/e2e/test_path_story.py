"""The whole path in a browser, by keyboard alone, wide and on a phone; axe finds nothing on any of its pages."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from annotations.models import Participation, PathAnswer
from tests.annotations.factories import StudyFactory
from tests.annotations.paths import FULL

from .test_rater_pages import RULES

pytestmark = pytest.mark.django_db(transaction=True)

SIZES = {"wide": (1280, 800), "phone": (390, 844)}
SHOTS = os.environ.get("SHOTS", "")  # a folder for pictures of every page, for people to look at
GERMAN = {"title": "Ungewöhnliche Ideen", "welcome": "Willkommen."}
ARABIC = {
    "title": "استعمالات غير مألوفة",
    "welcome": "شكرا لقدومك. ستقرأ نصوصا قصيرة.",
    "consent": "المشاركة **طوعية** ويمكنك التوقف في أي وقت.",
    "instructions": "اقرأ النصين حتى النهاية ثم اختر.",
    "path.questionnaire.gender.label": "الجنس",
}


class Walker:
    """Somebody with a keyboard and nothing else; every page is held against axe."""

    def __init__(self, page, size):
        self.page, self.size, self.seen, self.found = page, size, [], {}

    def arrive(self, name):
        """Look at a page."""
        self.page.wait_for_load_state()
        self.seen.append(name)
        if SHOTS:
            self.page.screenshot(path=Path(SHOTS) / f"{self.size}-{len(self.seen):02}-{name}.png", full_page=True)
        wide = self.page.evaluate("document.documentElement.scrollWidth")
        if wide > self.page.viewport_size["width"]:
            self.found[f"{name} is {wide} wide"] = []
        results = Axe().run(self.page, options=RULES)
        if problems := [
            f"{one['id']}: {node['html']}" for one in results.response["violations"] for node in one["nodes"]
        ]:
            self.found[name] = problems

    def tab_to(self, locator):
        """Press Tab until it has the focus."""
        for _ in range(60):
            if locator.evaluate("element => element === document.activeElement"):
                return
            self.page.keyboard.press("Tab")
        pytest.fail(f"the keyboard does not reach {locator}")

    def press(self, label, key="Space"):
        self.tab_to(self.page.get_by_label(label, exact=True).first)
        self.page.keyboard.press(key)

    def write(self, label, text):
        self.tab_to(self.page.get_by_label(label).first)
        self.page.keyboard.type(text)

    def go(self):
        self.tab_to(self.page.locator("main .go").first)
        with self.page.expect_navigation():
            self.page.keyboard.press("Enter")

    def answer(self):
        """The keys of a trial."""
        expect(self.page.locator("html")).to_have_class("keys-on")
        for key in ("1", "3", "5"):
            self.page.keyboard.press(key)
        self.page.keyboard.press("Enter")


def heading(page, text):
    expect(page.get_by_role("heading", name=text, level=1)).to_be_visible()


def before_consent(walker):
    heading(walker.page, "Is this study for you?")
    walker.arrive("eligibility")
    walker.write("How old are you?", "34")
    walker.press("Yes")
    walker.go()
    heading(walker.page, "Before you agree")
    walker.arrive("consent")
    walker.go()
    expect(walker.page.get_by_role("alert")).to_be_visible()
    walker.arrive("consent-missing")
    walker.press("I am 18 or older.")
    walker.press("I have read the text above.")
    walker.go()


def questionnaire(walker):
    heading(walker.page, "About you")
    walker.arrive("questionnaire")
    walker.go()
    expect(walker.page.get_by_role("alert")).to_be_visible()
    walker.arrive("questionnaire-missing")
    walker.press("I prefer not to say")
    walker.press("English")
    walker.press("German")
    walker.write("Years of writing", "12")
    walker.write("What do you do?", "lighthouse keeper")
    walker.tab_to(walker.page.locator("#f-creative-1"))
    walker.page.keyboard.press("Space")
    for _ in range(5):
        walker.page.keyboard.press("ArrowRight")
    walker.go()


def learning(walker):
    page = walker.page
    heading(page, "How it works")
    walker.arrive("instructions")
    walker.go()
    heading(page, "A few questions about the instructions")
    walker.arrive("quiz")
    walker.press("The ideas", "ArrowDown")
    walker.go()
    expect(page.get_by_text("Only the ideas count.")).to_be_visible()
    walker.arrive("quiz-again")
    walker.press("The ideas")
    walker.go()
    expect(page.locator(".strip")).to_be_visible()
    walker.arrive("practice")
    walker.answer()
    heading(page, "Have another look")
    walker.arrive("feedback")
    walker.go()


def trials(walker):
    page = walker.page
    for number in (1, 2):
        expect(page.locator("#count")).to_have_text(f"{number} of 3")
        walker.answer()
    heading(page, "A short break")
    walker.arrive("break")
    walker.go()
    expect(page.locator("#count")).to_have_text("3 of 3")
    walker.answer()


def to_the_end(walker):
    page = walker.page
    heading(page, "Anything to add?")
    walker.arrive("comments")
    walker.write("What would you like to tell the researchers?", "The mast was lovely.")
    walker.go()
    heading(page, "What this was about")
    walker.arrive("debriefing")
    walker.go()
    heading(page, "Thank you")
    walker.arrive("finished")


@pytest.mark.parametrize("size", [pytest.param(size, marks=[pytest.mark.long] * (size == "phone")) for size in SIZES])
def test_whole_path_is_walked_by_keyboard(page, live_server, transactional_db, size):
    page.set_viewport_size(dict(zip(("width", "height"), SIZES[size], strict=True)))
    page.emulate_media(reduced_motion="reduce")
    study = StudyFactory(open=True, path=FULL, contact="lab@example.org", translations={"de": GERMAN})
    walker = Walker(page, size)
    page.goto(f"{live_server.url}/s/{study.slug}/")
    walker.arrive("welcome")
    walker.go()

    for part in (before_consent, questionnaire, learning, trials, to_the_end):
        part(walker)

    assert walker.found == {}
    person = Participation.objects.get()
    assert (person.state, person.outcome) == ("finished", "completed")
    assert PathAnswer.objects.get(step="questionnaire").answers == {
        "gender": None,
        "tongues": ["en", "de"],
        "years": 12,
        "job": "lighthouse keeper",
        "creative": 6,
    }


@pytest.mark.parametrize("size", list(SIZES))
def test_data_are_withdrawn_by_keyboard(page, live_server, transactional_db, size):
    page.set_viewport_size(dict(zip(("width", "height"), SIZES[size], strict=True)))
    walker = Walker(page, size)
    page.goto(f"{live_server.url}/s/{StudyFactory(open=True, path=FULL).slug}/")
    walker.go()
    walker.tab_to(page.get_by_role("link", name="Withdraw my data"))
    page.keyboard.press("Enter")
    heading(page, "Withdraw my data")
    walker.arrive("withdraw")

    walker.press("I am sure.")
    walker.go()

    heading(page, "Your data are withdrawn")
    walker.arrive("withdrawn")
    assert walker.found == {}
    assert Participation.objects.get().state == "withdrawn"


ENDS = {
    "declined": "That is fine",
    "screened_out": "This study is for other people",
    "failed_quiz": "Thank you for trying",
}


@pytest.mark.parametrize("size", list(SIZES))
def test_endings_before_the_trials(page, live_server, transactional_db, size):
    page.set_viewport_size(dict(zip(("width", "height"), SIZES[size], strict=True)))
    study = StudyFactory(open=True, path=FULL)
    walker = Walker(page, size)

    for ending, words in ENDS.items():
        page.goto(f"{live_server.url}/s/{study.slug}/?new")
        walker.go()
        walker.write("How old are you?", "17" if ending == "screened_out" else "34")
        walker.press("Yes")
        walker.go()
        if ending == "declined":
            walker.tab_to(page.get_by_role("button", name="No, thank you"))
            page.keyboard.press("Enter")
        elif ending == "failed_quiz":
            walker.press("I am 18 or older.")
            walker.press("I have read the text above.")
            walker.go()
            walker.press("I prefer not to say")
            walker.press("English")
            walker.tab_to(page.locator("#f-creative-1"))
            page.keyboard.press("Space")
            walker.go()
            walker.go()
            for _ in range(2):
                walker.press("The ideas", "ArrowDown")
                walker.go()
        heading(page, words)
        walker.arrive(ending)

    assert walker.found == {}
    assert set(Participation.objects.values_list("outcome", flat=True)) == set(ENDS)


def test_consent_prints_as_a_plain_text(page, live_server, transactional_db, tmp_path):
    study = StudyFactory(open=True, path=FULL)
    walker = Walker(page, "wide")
    page.goto(f"{live_server.url}/s/{study.slug}/")
    walker.go()
    walker.write("How old are you?", "34")
    walker.press("Yes")
    walker.go()
    page.get_by_role("link", name="Print or save this text").click()
    expect(page.get_by_role("button", name="Print or save as PDF")).to_be_visible()
    walker.arrive("consent-print")

    page.emulate_media(media="print")

    expect(page.get_by_role("button", name="Print or save as PDF")).to_be_hidden()
    expect(page.get_by_role("link", name="Withdraw my data")).to_be_hidden()
    expect(page.get_by_text("Taking part is voluntary.")).to_be_visible()
    assert page.pdf(path=tmp_path / "consent.pdf")[:5] == b"%PDF-"
    assert walker.found == {}


@pytest.mark.parametrize("size", list(SIZES))
def test_arabic_reads_from_the_right(page, live_server, transactional_db, size):
    page.set_viewport_size(dict(zip(("width", "height"), SIZES[size], strict=True)))
    study = StudyFactory(open=True, path=FULL, translations={"ar": ARABIC})
    walker = Walker(page, size)
    page.goto(f"{live_server.url}/s/{study.slug}/")
    with page.expect_navigation():
        page.get_by_role("link", name="العربية").click()
    walker.arrive("welcome-ar")
    walker.go()
    expect(page.locator("html")).to_have_attribute("dir", "rtl")
    walker.arrive("eligibility-ar")
    walker.write("How old are you?", "34")
    walker.press("Yes")
    walker.go()
    walker.arrive("consent-ar")
    walker.press("I am 18 or older.")
    walker.press("I have read the text above.")
    walker.go()
    expect(page.locator("legend").first).to_contain_text("الجنس")
    walker.arrive("questionnaire-ar")

    box, legend = page.locator("main").bounding_box(), page.locator(".options input").first.bounding_box()
    assert legend["x"] > box["x"] + box["width"] / 2
    assert walker.found == {}
