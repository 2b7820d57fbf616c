"""Whole studies in the browser: by mouse, by keyboard alone, without JavaScript, by touch."""

import pytest
from playwright.sync_api import expect

from annotations.domain import planning, studies
from annotations.models import Judgement, Output, Participation
from tests.annotations.factories import StudyFactory

from .conftest import Rater

pytestmark = pytest.mark.django_db(transaction=True)


def enter(page, live_server, study):
    page.goto(f"{live_server.url}/s/{study.slug}/")
    page.get_by_role("button", name="Go on").click()
    page.get_by_role("button", name="I agree and take part").click()
    expect(page.get_by_role("heading", name="How it works")).to_be_visible()
    page.get_by_role("button", name="Begin").click()
    return Rater(page, Participation.objects.get(), live_server.url)


def expect_end(rater):
    expect(rater.page.get_by_role("heading", name="Thank you")).to_be_visible()
    rater.participation.refresh_from_db()
    expect(rater.page.get_by_label("Your completion code")).to_have_text(rater.participation.completion_code)
    assert len(rater.judgements()) == 3


def test_study_is_rated_by_mouse(page, live_server, study):
    rater = enter(page, live_server, study)

    for number in range(1, 4):
        rater.expect_trial(number)
        rater.choose("originality", 1)
        rater.choose("surprise", 3)
        rater.choose("creativity", 5)
        rater.next()

    expect_end(rater)
    assert [judgement.answers for judgement in rater.judgements()] == [
        {"originality": 2, "surprise": 0, "creativity": -2}
    ] * 3


def test_study_is_rated_by_keyboard_alone(page, live_server, study):
    page.goto(f"{live_server.url}/s/{study.slug}/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Go on")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Before you agree")).to_be_visible()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="I agree and take part")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="How it works")).to_be_visible()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("html")).to_have_class("keys-on")  # the script is there
    rater = Rater(page, Participation.objects.get(), live_server.url)

    for number in range(1, 4):
        rater.expect_trial(number)
        for key in ("1", "3", "5"):
            page.keyboard.press(key)
        expect(page.get_by_role("button", name="Next")).to_be_focused()
        page.keyboard.press("Enter")

    expect_end(rater)
    assert rater.judgements()[2].answers == {"originality": 2, "surprise": 0, "creativity": -2}


@pytest.mark.parametrize("width", [1280, 390])
def test_study_is_rated_without_javascript(browser, live_server, study, width):
    context = browser.new_context(java_script_enabled=False, viewport={"width": width, "height": 800})
    page = context.new_page()
    rater = enter(page, live_server, study)

    for number in range(1, 4):
        rater.expect_trial(number)
        rater.choose("originality", 2)
        rater.choose("surprise", 2)
        rater.next()
        expect(rater.said()).to_have_text("Please answer: creative.")
        rater.said().get_by_role("link", name="creative").click()
        assert page.url.endswith("#creativity-1")
        expect(page.locator("#originality-2")).to_be_checked()
        rater.choose("creativity", 4)
        rater.next()

    expect_end(rater)
    assert rater.judgements()[0].answers == {"originality": 1, "surprise": 1, "creativity": -1}
    assert rater.judgements()[0].submit_ms is None
    context.close()


def test_study_is_rated_by_touch(browser, live_server, study):
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    page = context.new_page()
    rater = enter(page, live_server, study)

    for number in range(1, 4):
        rater.expect_trial(number)
        for row in page.locator(".row").all():
            row.locator(".choice").nth(1).tap()
        page.get_by_role("button", name="Next").tap()

    expect_end(rater)
    context.close()


@pytest.mark.parametrize(
    ("asked", "key", "expected"),
    [
        (("forced_choice", {"tie": False}), "2", "b"),
        (("forced_choice", {"tie": True}), "2", "tie"),
        (("graded_preference", {"levels": 7, "midpoint": True}), "7", -3),
        (("graded_preference", {"levels": 5, "midpoint": False}), "2", 1),
    ],
)
def test_every_question_type_is_answered(make_rater, asked, key, expected):
    kind, options = asked
    dimension = {"key": "novelty", "label": "novel", "question_type": kind, "options": options}
    rater = make_rater(study=StudyFactory(open=True, dimensions=[dimension])).go()

    rater.page.keyboard.press(key)
    rater.page.keyboard.press("Enter")

    rater.expect_trial(2)
    rater.sent()
    assert Judgement.objects.get().answers == {"novelty": expected}


def test_pause_and_another_device_lead_to_the_same_trial(rater, browser):
    rater.choose_all()
    rater.next()
    rater.expect_trial(2)
    rater.sent()
    trial = rater.trial()
    rater.page.get_by_role("link", name="Pause").click()
    link = rater.page.get_by_label("Your own link").text_content()

    context = browser.new_context(viewport={"width": 390, "height": 844})
    elsewhere = context.new_page()
    elsewhere.goto(link)

    expect(elsewhere.locator("form article")).to_have_attribute("data-trial", trial)
    assert (
        elsewhere.locator("form .text").all_text_contents() == rater.go().page.locator("form .text").all_text_contents()
    )
    context.close()


def test_completion_code_is_copied(rater, browser_problems):
    rater.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    for number in range(1, 4):
        rater.expect_trial(number)
        rater.choose_all()
        rater.next()

    rater.page.get_by_role("button", name="Copy").click()

    expect(rater.said()).to_have_text("Copied.")
    rater.participation.refresh_from_db()
    assert rater.page.evaluate("navigator.clipboard.readText()") == rater.participation.completion_code


def test_nothing_stays_in_the_browser_after_the_end(rater):
    for number in range(1, 4):
        rater.expect_trial(number)
        rater.choose_all()
        rater.next()

    expect(rater.page.get_by_role("heading", name="Thank you")).to_be_visible()
    rater.page.wait_for_function("Object.keys(localStorage).length === 0")


def test_texts_are_shown_as_they_were_written(make_rater):
    study = StudyFactory()
    written = '<b>not bold</b> & "quoted"\n\n  indented\nשלום עולם'
    Output.objects.filter(prompt__study=study).update(text=written)
    planning.freeze_study(study=study)
    rater = make_rater(study=studies.open_study(study=study)).go()

    boxes = rater.page.locator("form .text")

    assert [box.text_content() for box in boxes.all()] == [written, written]
    assert boxes.first.evaluate("box => getComputedStyle(box).whiteSpace") == "pre-wrap"
    assert boxes.first.get_attribute("dir") == "auto"


def test_consent_declined_is_the_end_until_one_thinks_again(page, live_server, study):
    page.goto(f"{live_server.url}/s/{study.slug}/")
    page.get_by_role("button", name="Go on").click()

    page.get_by_role("button", name="No, thank you").click()

    expect(page.get_by_role("heading", name="That is fine")).to_be_visible()
    page.get_by_role("button", name="I have changed my mind").click()
    expect(page.get_by_role("button", name="I agree and take part")).to_be_visible()
