"""What the script adds: prefetch, one send per trial, drafts, keys, a network that comes and goes."""

import re

import pytest
from playwright.sync_api import expect

from annotations.domain import planning, studies
from annotations.models import Judgement, Output
from tests.annotations.factories import StudyFactory

from .conftest import LONG, Rater

pytestmark = pytest.mark.django_db(transaction=True)


def requests_of(page):
    """Collect (method, path) of what the page asks for from now on."""
    seen = []
    page.on("request", lambda request: seen.append((request.method, request.url.rsplit("/", 1)[-1])))
    return seen


def hold_answers(page):
    """Keep answers on their way until they are let go; returns the list of held routes."""
    held = []
    page.route("**/answer", lambda route: held.append(route))  # noqa: PLW0108 - a bound method has no place for a mark
    return held


def test_next_pair_is_shown_before_the_server_has_answered(rater):
    held = hold_answers(rater.page)
    rater.choose_all()

    rater.next()

    rater.expect_trial(2)
    expect(rater.page.locator("h1")).to_be_focused()
    expect(rater.page.locator("#live")).to_have_text("Pair 2 of 3")
    assert rater.judgements() == []
    while not held:
        rater.page.wait_for_timeout(50)  # the route is handed over by an event
    held[0].continue_()
    rater.sent()
    assert len(rater.judgements()) == 1


def test_one_cycle_is_one_request(rater):
    rater.choose_all()
    seen = requests_of(rater.page)

    rater.next()
    rater.expect_trial(2)
    rater.sent()

    assert seen == [("POST", "answer")]


def test_rows_are_empty_on_every_new_pair(rater):
    rater.choose_all()
    rater.next()
    rater.expect_trial(2)

    expect(rater.page.locator(".row input:checked")).to_have_count(0)
    expect(rater.page.get_by_role("button", name="Next")).to_have_class(re.compile("early"))


def test_nothing_moves_from_pair_to_pair(rater):
    before = [rater.page.locator(name).bounding_box() for name in (".texts", ".rows", "#next", "h1")]
    rater.choose_all()
    rater.next()
    rater.expect_trial(2)

    after = [rater.page.locator(name).bounding_box() for name in (".texts", ".rows", "#next", "h1")]

    assert after == before


def test_double_click_sends_once_and_says_nothing(rater):
    rater.choose_all()

    rater.page.get_by_role("button", name="Next").dblclick()

    rater.expect_trial(2)
    rater.sent()
    expect(rater.said()).to_be_empty()
    assert len(rater.judgements()) == 1


def test_enter_held_down_sends_once(rater):
    rater.choose_all()
    rater.page.locator("h1").focus()

    for _ in range(8):
        rater.page.keyboard.down("Enter")
    rater.page.keyboard.up("Enter")

    rater.expect_trial(2)
    rater.sent()
    assert len(rater.judgements()) == 1


def test_missing_rows_are_named_and_reached_by_links(rater):
    rater.choose("originality", 1)
    rater.page.wait_for_timeout(450)

    rater.next()

    expect(rater.said()).to_have_text("Please answer: surprising, creative.")
    expect(rater.page.locator("#surprise-1")).to_be_focused()
    rater.said().get_by_role("link", name="creative").click()
    expect(rater.page.locator("#creativity-1")).to_be_focused()
    assert rater.judgements() == []


def test_half_given_answer_survives_a_reload(rater):
    rater.choose("originality", 4)
    rater.choose("creativity", 1)

    rater.page.reload()

    expect(rater.page.locator("#originality-4")).to_be_checked()
    expect(rater.page.locator("#creativity-1")).to_be_checked()
    expect(rater.page.locator(".row input:checked")).to_have_count(2)


def test_half_given_answer_is_forgotten_when_it_was_sent(rater):
    rater.choose_all()
    rater.next()
    rater.expect_trial(2)
    rater.sent()

    drafts = rater.page.evaluate("Object.keys(localStorage).filter(key => key.includes(':draft:'))")

    assert all(rater.trial() in key for key in drafts)


def test_reload_after_sending_shows_the_same_trial(rater):
    rater.choose_all()
    rater.next()
    rater.expect_trial(2)
    rater.sent()
    trial = rater.trial()

    rater.page.reload()

    assert rater.trial() == trial
    assert len(rater.judgements()) == 1


def test_back_button_shows_where_the_rater_is(make_rater, study):
    rater = make_rater(study=study, begun=False).go()
    rater.page.get_by_role("button", name="Begin").click()
    rater.choose_all()
    rater.next()
    rater.expect_trial(2)
    rater.sent()

    rater.page.go_back()

    rater.expect_trial(2)
    assert len(rater.judgements()) == 1


def test_second_tab_on_the_same_trial_goes_on_with_the_first(rater):
    other = Rater(rater.page.context.new_page(), rater.participation, rater.site).go()
    for number in (1, 2):
        other.expect_trial(number)
        other.choose_all()
        other.next()
    other.expect_trial(3)
    other.sent()

    rater.choose_all()
    rater.next()

    rater.expect_trial(3)
    expect(rater.said()).to_have_text("You went on in another window. This is your place now.")
    assert len(rater.judgements()) == 2


def test_answer_waits_while_there_is_no_network(rater):
    rater.page.context.set_offline(True)
    rater.choose_all()
    rater.next()
    rater.expect_trial(2)
    expect(rater.said()).to_contain_text("Your answer is kept on this page")
    rater.choose_all(4)
    rater.next()
    assert rater.judgements() == []

    rater.page.context.set_offline(False)

    rater.expect_trial(3)
    rater.sent()
    expect(rater.said()).to_be_empty()
    assert [judgement.answers["originality"] for judgement in rater.judgements()] == [1, -1]


def test_never_more_than_two_answers_wait(rater):
    rater.page.context.set_offline(True)
    for number in (1, 2):
        rater.expect_trial(number)
        rater.choose_all()
        rater.next()
        rater.page.wait_for_timeout(450)

    rater.next()

    rater.expect_trial(2)
    assert rater.page.evaluate("rater.store.outbox().length") == 2


def test_answers_that_waited_survive_a_closed_tab(rater):
    rater.page.context.set_offline(True)
    for number in (1, 2):
        rater.expect_trial(number)
        rater.choose_all()
        rater.next()
    rater.page.wait_for_function("rater.store.outbox().length == 2")
    rater.page.context.set_offline(False)

    rater.page.close()
    again = Rater(rater.page.context.new_page(), rater.participation, rater.site).go()

    again.expect_trial(3)
    again.sent()
    assert len(again.judgements()) == 2


@pytest.mark.parametrize("status", [500, 502, 503, 429])
def test_server_in_trouble_is_tried_again(rater, status):
    failures = iter([status, status])
    rater.page.route(
        "**/answer",
        lambda route: route.fulfill(status=code) if (code := next(failures, None)) else route.continue_(),
    )
    rater.page.clock.install()
    rater.go()
    rater.choose_all()
    rater.next()
    expect(rater.said()).to_contain_text("Your answer is kept")

    rater.page.clock.run_for(1500)
    rater.page.wait_for_timeout(100)
    rater.page.clock.run_for(2500)

    rater.sent()
    assert len(rater.judgements()) == 1


def test_login_page_of_a_wireless_network_is_no_acknowledgement(rater):
    away = [
        {"status": 302, "headers": {"Location": f"{rater.site}/hotel/login"}},
        {"status": 200, "body": "<h1>Welcome to our hotel</h1>"},
    ]
    asked = []
    rater.page.route("**/answer", lambda route: (asked.append(1), route.fulfill(**away[min(len(asked), 2) - 1])))
    rater.choose_all()

    rater.next()

    expect(rater.said()).to_contain_text("Your answer is kept")
    rater.expect_trial(2)
    rater.page.evaluate("dispatchEvent(new Event('online'))")
    rater.page.wait_for_timeout(100)
    assert len(asked) == len(away)
    assert rater.page.evaluate("rater.store.outbox().length") == 1
    rater.page.unroute("**/answer")
    rater.page.evaluate("dispatchEvent(new Event('online'))")
    rater.sent()
    assert len(rater.judgements()) == 1


def test_study_that_pauses_meanwhile_shows_its_page_and_loses_nothing(rater, study):
    studies.pause_study(study=study)
    rater.choose_all()

    rater.next()

    expect(rater.page.get_by_role("heading", name="The study is taking a break")).to_be_visible()
    assert len(rater.judgements()) == 1


def test_storage_that_is_refused_is_no_obstacle(make_rater, study, page):
    page.add_init_script("Object.defineProperty(window, 'localStorage', {get() { throw new Error('refused'); }})")
    rater = make_rater(study=study).go()

    for number in range(1, 4):
        rater.expect_trial(number)
        rater.choose_all()
        rater.next()

    expect(page.get_by_role("heading", name="Thank you")).to_be_visible()
    assert len(rater.judgements()) == 3


def test_long_texts_scroll_and_a_hint_says_so_once(make_rater):
    study = StudyFactory()
    Output.objects.filter(prompt__study=study).update(text=LONG)
    planning.freeze_study(study=study)
    rater = make_rater(study=studies.open_study(study=study)).go()
    rater.choose_all()

    rater.next()

    expect(rater.said()).to_contain_text("Text A goes on below.")
    rater.expect_trial(1)
    rater.next()
    rater.expect_trial(2)
    rater.sent()
    assert Judgement.objects.count() == 1


def test_texts_that_were_scrolled_to_their_end_need_no_hint(make_rater):
    study = StudyFactory()
    Output.objects.filter(prompt__study=study).update(text=LONG)
    planning.freeze_study(study=study)
    rater = make_rater(study=studies.open_study(study=study)).go()
    for name in ("Text A", "Text B"):
        rater.page.get_by_role("region", name=name).focus()
        rater.page.keyboard.press("End")
        rater.page.wait_for_function(
            "name => document.querySelector(`form [aria-label='${name}']`).dataset.seen === 'yes'", arg=name
        )
    rater.choose_all()

    rater.next()

    rater.expect_trial(2)


def test_both_boxes_are_alike(make_rater):
    study = StudyFactory()
    for output in Output.objects.filter(prompt__study=study, system__name="baseline"):
        output.text = LONG
        output.save()
    planning.freeze_study(study=study)
    rater = make_rater(study=studies.open_study(study=study)).go()

    left, right = [box.bounding_box() for box in rater.page.locator("form .text").all()]

    assert (left["width"], left["height"], left["y"]) == (right["width"], right["height"], right["y"])
    assert left["height"] < 600
