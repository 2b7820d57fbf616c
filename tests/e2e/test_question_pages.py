"""Pages that mix types, change their order from trial to trial, rank by mouse and finger, and note what they see."""

import pytest
from playwright.sync_api import expect

from annotations.models import Trial
from tests.annotations.factories import ParticipationFactory

from .asking import STORY, dimension, study_asking, study_of
from .conftest import Rater

pytestmark = pytest.mark.django_db(transaction=True)

SLIDER = dimension("creativity", "slider", {"start": 50}, label="creative")
LIKERT = dimension("surprise", "likert", {"points": 5}, label="surprising")
CHOICE = dimension("preference", "graded_preference", {}, label="to your liking")
WHY = dimension("why", "free_text", {"least": 5, "most": 80}, label="why")


def keys_of(page):
    return list(dict.fromkeys(row.get_attribute("data-row") for row in page.locator(".row").all()))


def answer(rater, *, order):
    """Answer a page of SLIDER, LIKERT and CHOICE by mouse and keys, whatever the order."""
    page = rater.page
    for key in order:
        for row in page.locator(f'.row[data-row="{key}"]').all():
            if key == "creativity":
                row.locator("input[type=range]").press("End")
            else:
                row.locator(".choice").nth(1).click()


def test_sliders_of_each_output_stand_above_a_choice_and_are_stored_together(make_rater):
    rater = make_rater(study=study_of(SLIDER, LIKERT, CHOICE, outputs=2)).go()

    answer(rater, order=keys_of(rater.page))
    rater.next()

    rater.expect_trial(2)
    rater.sent()
    assert rater.judgements()[0].answers == {"creativity": [100, 100], "surprise": [2, 2], "preference": 1}


def test_rows_follow_the_order_of_each_trial(make_rater):
    study = study_of(SLIDER, LIKERT, CHOICE, outputs=2)
    Trial.objects.filter(position=1).update(dimension_order=[2, 0, 1])
    Trial.objects.filter(position=2).update(dimension_order=[1, 2, 0])
    rater = make_rater(study=study).go()
    orders = []
    for number in (1, 2, 3):
        rater.expect_trial(number)
        orders.append(keys_of(rater.page))
        answer(rater, order=orders[-1])
        if number < 3:
            rater.next()

    assert orders == [
        ["preference", "creativity", "surprise"],
        ["surprise", "preference", "creativity"],
        ["creativity", "surprise", "preference"],
    ]
    rater.page.reload()
    assert keys_of(rater.page) == orders[-1]
    expect(rater.page.locator(".row input:checked")).to_have_count(3)


def test_trial_with_another_number_of_texts_brings_its_own_rows(make_rater):
    study = study_of(SLIDER, LIKERT, outputs=2)
    for trial in Trial.objects.filter(position=2):
        trial.output_ids = trial.output_ids[:1]
        trial.save()
    rater = make_rater(study=study).go()
    expect(rater.page.locator(".row")).to_have_count(4)
    answer(rater, order=keys_of(rater.page))

    rater.next()

    rater.expect_trial(2)
    expect(rater.page.locator(".row")).to_have_count(2)
    assert len(rater.judgements()) == 1
    answer(rater, order=keys_of(rater.page))
    rater.next()
    rater.expect_trial(3)
    expect(rater.page.locator(".row")).to_have_count(4)


def test_slider_that_was_not_moved_is_no_answer(make_rater):
    rater = make_rater(study=study_asking("slider")).go()
    rater.page.wait_for_timeout(450)

    rater.next()

    expect(rater.said()).to_have_text("Please answer: creative, insightful.")
    expect(rater.page.get_by_role("slider").first).to_be_focused()
    expect(rater.page.get_by_role("slider").first).to_have_attribute("aria-valuetext", "50, not answered yet")
    assert rater.judgements() == []


def test_slider_that_was_pressed_where_it_stands_says_what_it_wants(make_rater):
    rater = make_rater(study=study_asking("slider", rows=1)).go()
    handle = rater.page.get_by_role("slider").bounding_box()
    nudge = rater.page.get_by_text("Move the handle: where it stands now is no answer yet.")
    expect(nudge).to_be_hidden()

    rater.page.mouse.click(handle["x"] + handle["width"] / 2, handle["y"] + handle["height"] / 2)

    expect(nudge).to_be_visible()
    rater.page.keyboard.press("ArrowRight")
    expect(nudge).to_be_hidden()


def test_slider_moved_back_to_where_it_stood_is_an_answer(make_rater):
    rater = make_rater(study=study_asking("slider", rows=1)).go()
    handle = rater.page.get_by_role("slider").bounding_box()
    middle = handle["x"] + handle["width"] / 2, handle["y"] + handle["height"] / 2

    rater.page.mouse.move(*middle)
    rater.page.mouse.down()
    rater.page.mouse.move(middle[0] + 60, middle[1])
    rater.page.mouse.move(*middle)
    rater.page.mouse.up()
    rater.next()

    rater.expect_trial(2)
    rater.sent()
    judgement = rater.judgements()[0]
    assert judgement.answers == {"creativity": [50]}
    assert judgement.evidence["sliders"] == {"creativity.1": {"start": 50, "by": ["pointer"]}}


def test_random_start_differs_between_outputs_and_stays_after_a_reload(make_rater):
    asked = dimension("creativity", "slider", {"start": "random"}, label="creative")
    study = study_of(asked, outputs=5, text="Short.")
    rater = make_rater(study=study).go()
    starts = [slider.input_value() for slider in rater.page.get_by_role("slider").all()]

    rater.page.reload()

    assert [slider.input_value() for slider in rater.page.get_by_role("slider").all()] == starts
    assert len(set(starts)) > 2
    for slider, start in zip(rater.page.get_by_role("slider").all(), starts, strict=True):
        ways = ("ArrowLeft", "ArrowRight") if start == "100" else ("ArrowRight", "ArrowLeft")
        for way in ways:
            slider.press(way)
    rater.next()
    rater.expect_trial(2)
    rater.sent()
    judgement = rater.judgements()[0]
    assert judgement.answers["creativity"] == [int(start) for start in starts]
    assert [seen["start"] for seen in judgement.evidence["sliders"].values()] == [int(start) for start in starts]


def test_evidence_tells_of_pastes_bursts_switches_and_order(make_rater):
    rater = make_rater(study=study_of(WHY, LIKERT, outputs=1)).go()
    page = rater.page
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.evaluate("navigator.clipboard.writeText('twelve chars')")
    page.locator(".row[data-row=surprise] .choice").nth(2).click()
    page.locator("textarea").focus()
    page.keyboard.press("Control+V")
    page.keyboard.insert_text("dictated words")
    page.evaluate(
        """() => {
            Object.defineProperty(document, "visibilityState", {value: "hidden", configurable: true});
            document.dispatchEvent(new Event("visibilitychange"));
            Object.defineProperty(document, "visibilityState", {value: "visible", configurable: true});
            document.dispatchEvent(new Event("visibilitychange"));
        }"""
    )

    page.reload()
    rater.next()

    rater.expect_trial(2)
    rater.sent()
    judgement = rater.judgements()[0]
    assert judgement.answers == {"why": "twelve charsdictated words", "surprise": [3]}
    assert judgement.evidence["pastes"] == {"count": 1, "characters": 12, "fields": ["why"]}
    assert judgement.evidence["burst"] == 14
    assert judgement.evidence["switches"] >= 1
    assert judgement.evidence["order"] == ["surprise.1", "why"]


def test_typed_text_is_no_burst_and_plain_answers_leave_little(make_rater):
    rater = make_rater(study=study_of(WHY, outputs=1)).go()
    rater.page.locator("textarea").focus()
    rater.page.keyboard.type("typed by hand", delay=1)

    rater.next()

    rater.expect_trial(2)
    rater.sent()
    assert rater.judgements()[0].evidence == {"order": ["why"]}


def test_paste_is_refused_only_where_the_study_says_so(make_rater):
    why = dimension("why", "free_text", {"least": 0, "most": 80, "block_paste": True}, label="why")
    rater = make_rater(study=study_of(why, outputs=1)).go()
    page = rater.page
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.evaluate("navigator.clipboard.writeText('from elsewhere')")
    page.locator("textarea").focus()

    page.keyboard.press("Control+V")

    expect(page.locator("textarea")).to_have_value("")
    expect(rater.said()).to_have_text("Pasting is off here: please write it in your own words.")
    page.keyboard.type("own")
    expect(rater.said()).to_be_empty()


def test_no_shortcut_fires_while_somebody_writes(make_rater):
    rater = make_rater(study=study_of(WHY, LIKERT, outputs=1)).go()
    page = rater.page
    page.locator("textarea").focus()

    for key in ("1", "2", "?", "y", "Enter", "ArrowUp", "b"):
        page.keyboard.press(key)

    expect(page.locator("textarea")).to_have_value("b12?y\n")
    expect(page.locator(".row input:checked")).to_have_count(0)
    expect(page.locator("details.keys")).not_to_have_attribute("open", "")
    rater.expect_trial(1)


def test_counter_says_how_much_is_written(make_rater):
    rater = make_rater(study=study_of(WHY, outputs=1)).go()

    rater.page.locator("textarea").fill("x" * 90)

    expect(rater.page.locator(".count")).to_have_text("90 / 80")
    rater.page.wait_for_timeout(450)
    rater.next()
    expect(rater.said()).to_have_text("Please answer: why.")


def letters(page):
    return "".join(item.get_attribute("data-letter") for item in page.locator(".place").all())


def ranks(page):
    return [field.input_value() for field in page.locator(".place input").all()]


def test_ranking_by_clicks_and_buttons_says_every_place(make_rater):
    rater = make_rater(study=study_asking("ranking", rows=1)).go()
    page = rater.page
    for letter in "CAB":
        page.locator(f'.place[data-letter="{letter}"] .pick').click()

    page.get_by_role("button", name="Move B up").click()

    expect(page.locator("#live")).to_have_text("B: rank 2 of 5")
    assert letters(page) == "CBADE"
    assert ranks(page) == ["1", "2", "3", "", ""]
    page.get_by_role("button", name="Take C out of the ranking").click()
    expect(page.locator("#live")).to_have_text("C: not ranked")
    assert letters(page) == "BACDE"
    for letter in "CDE":
        page.locator(f'.place[data-letter="{letter}"] .pick').click()
    expect(page.locator("#live")).to_have_text("E: rank 5 of 5 All texts are ranked.")
    rater.next()
    rater.expect_trial(2)
    rater.sent()
    assert rater.judgements()[0].answers == {"creativity": [2, 1, 3, 4, 5]}
    assert letters(page) == "ABCDE"


def test_ranking_by_dragging(make_rater):
    rater = make_rater(study=study_asking("ranking", rows=1)).go()
    page = rater.page

    for letter, target in (("D", "A"), ("E", "D"), ("A", "D")):
        drag(page, letter, onto=target)

    assert letters(page) == "EADBC"
    assert ranks(page) == ["1", "2", "3", "", ""]


def drag(page, letter, *, onto):
    grip = page.locator(f'.place[data-letter="{letter}"] .grip').bounding_box()
    target = page.locator(f'.place[data-letter="{onto}"]').bounding_box()
    page.mouse.move(grip["x"] + 8, grip["y"] + 12)
    page.mouse.down()
    page.mouse.move(grip["x"] + 8, target["y"] + 30, steps=4)
    page.mouse.move(grip["x"] + 8, target["y"] + 3, steps=2)
    page.mouse.up()


def test_ranking_of_twenty_on_a_phone_opens_texts_in_the_list(browser, live_server, transactional_db):
    study = study_of(dimension("creativity", "ranking", {}, label="creative"), outputs=20, text=STORY * 3)
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    rater = Rater(context.new_page(), ParticipationFactory(study=study, begun=True), live_server.url).go()
    page = rater.page

    page.get_by_role("button", name="Whole text T").tap()

    expect(page.get_by_role("region", name="Whole text T")).to_contain_text(STORY)
    expect(page.locator(".texts")).to_be_hidden()
    for item in page.locator(".place").all():
        item.locator(".pick").tap()
    rater.next()
    rater.expect_trial(2)
    rater.sent()
    assert rater.judgements()[0].answers == {"creativity": list(range(1, 21))}
    expect(page.locator(".whole:visible")).to_have_count(0)
    context.close()


def test_texts_stay_above_the_rows_on_a_phone_when_more_than_a_ranking_is_asked(make_rater, page):
    page.set_viewport_size({"width": 390, "height": 844})
    mixed = study_of(dimension("best", "best_worst", {}), dimension("order", "ranking", {}), outputs=3)

    make_rater(study=mixed).go()

    expect(page.locator(".texts")).to_be_visible()
    expect(page.get_by_role("region", name="Text C")).to_be_visible()


def test_best_and_worst_cannot_be_the_same_text(make_rater):
    rater = make_rater(study=study_asking("best_worst", rows=1)).go()
    best, worst = (rater.page.locator(f'.row[data-part="{part}"]') for part in ("best", "worst"))
    best.locator(".choice").nth(1).click()

    worst.locator(".choice").nth(1).click()

    expect(best.locator("input:checked")).to_have_count(0)
    expect(worst.locator("input:checked")).to_have_value("2")


def test_list_of_keys_shows_those_of_the_page_only(make_rater):
    rater = make_rater(study=study_of(SLIDER, WHY, outputs=1)).go()

    rater.page.keyboard.press("?")

    expect(rater.page.get_by_text("move the marked slider by one step")).to_be_visible()
    expect(rater.page.get_by_text("answer the marked row")).to_have_count(0)
    expect(rater.page.get_by_text("rank a text next")).to_have_count(0)


def test_fourteen_verdicts_stand_beside_the_text_and_take_fourteen_keys(make_rater):
    rows = [dimension(f"aspect-{n}", "yes_no", {"show_definition": True}, label=f"Aspect {n}") for n in range(1, 15)]
    rater = make_rater(study=study_of(*rows, outputs=1, text=STORY * 9)).go()
    page = rater.page
    assert page.evaluate("document.documentElement.scrollHeight") <= page.viewport_size["height"]

    for key in "ynynynynynynyn":
        page.keyboard.press(key)

    expect(page.locator("#next")).to_be_focused()
    expect(page.locator("#next")).to_be_in_viewport(ratio=1)
    page.keyboard.press("Enter")  # the text goes on below: the hint comes first
    page.keyboard.press("Enter")
    rater.expect_trial(2)
    rater.sent()
    assert list(rater.judgements()[0].answers.values()) == [["yes"], ["no"]] * 7


def test_answers_of_every_shape_wait_while_there_is_no_network(make_rater):
    reasons = {"reasons": ["new", "vivid"], "note": True}
    study = study_of(SLIDER, WHY, dimension("pick", "choice_with_reasons", reasons, label="better"), outputs=2)
    rater = make_rater(study=study).go()
    page = rater.page
    page.context.set_offline(True)
    answer(rater, order=["creativity"])
    page.locator(".row[data-row=why] textarea").fill("two\nlines")
    page.locator(".row[data-row=pick] .choice").first.click()
    page.get_by_label("new").check()
    page.get_by_label("vivid").check()
    rater.next()
    rater.expect_trial(2)

    page.context.set_offline(False)

    rater.sent()
    assert rater.judgements()[0].answers == {
        "creativity": [100, 100],
        "why": "two\nlines",
        "pick": {"choice": "a", "reasons": ["new", "vivid"], "note": ""},
    }
