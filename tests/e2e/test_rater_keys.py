"""The keyboard on a trial: what each key does, and where it does nothing."""

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def press(rater):
    return lambda *keys: [rater.page.keyboard.press(key) for key in keys]


def test_digits_answer_the_marked_row_and_mark_the_next(rater, press):
    expect(rater.page.locator(".row.current")).to_have_attribute("data-row", "originality")

    press("4")

    expect(rater.page.locator("#originality-4")).to_be_checked()
    expect(rater.page.locator(".row.current")).to_have_attribute("data-row", "surprise")
    expect(rater.page.locator(".row input:checked")).to_have_count(1)


def test_last_digit_leads_to_next(rater, press):
    press("1", "2", "3")

    expect(rater.page.get_by_role("button", name="Next")).to_be_focused()


@pytest.mark.parametrize("key", ["0", "6", "9", "x"])
def test_keys_without_a_choice_do_nothing(rater, press, key):
    press(key)

    expect(rater.page.locator(".row input:checked")).to_have_count(0)


@pytest.mark.parametrize("key", ["Control+1", "Alt+1", "Meta+1"])
def test_shortcuts_of_the_browser_are_left_alone(rater, press, key):
    press(key)

    expect(rater.page.locator(".row input:checked")).to_have_count(0)


def test_arrows_change_an_answer_and_move_between_rows(rater, press):
    press("1", "ArrowUp", "ArrowRight", "ArrowRight")

    expect(rater.page.locator("#originality-3")).to_be_checked()
    press("ArrowDown", "ArrowDown")
    expect(rater.page.locator(".row.current")).to_have_attribute("data-row", "creativity")
    expect(rater.page.locator(".row input:checked")).to_have_count(1)
    press("ArrowDown")
    expect(rater.page.get_by_role("button", name="Next")).to_be_focused()
    press("ArrowUp")
    expect(rater.page.locator(".row.current")).to_have_attribute("data-row", "creativity")


def test_enter_sends_when_every_row_is_answered(rater, press):
    press("1", "1", "1", "Enter")

    rater.expect_trial(2)
    rater.sent()
    assert len(rater.judgements()) == 1


def test_enter_from_a_row_sends_too(rater, press):
    press("1", "1", "1", "ArrowUp", "Enter")

    rater.expect_trial(2)
    rater.sent()
    assert len(rater.judgements()) == 1


def test_enter_opens_a_definition_instead_of_sending(rater, press):
    rater.choose_all()
    rater.page.locator(".row[data-row=surprise] summary").focus()

    press("Enter")

    expect(rater.page.get_by_text("It is not what you expected; it makes you look twice.").last).to_be_visible()
    rater.expect_trial(1)


def test_question_mark_shows_and_hides_the_keys(rater, press):
    press("?")
    expect(rater.page.get_by_text("goes on when every row is answered")).to_be_visible()

    press("?")

    expect(rater.page.get_by_text("goes on when every row is answered")).to_be_hidden()


def test_keys_can_be_turned_off_and_stay_off(rater, press):
    press("?")
    rater.page.get_by_label("Use these keys").uncheck()
    rater.page.reload()

    press("1")

    expect(rater.page.locator(".row input:checked")).to_have_count(0)


def test_no_key_fires_while_a_text_field_has_focus(rater, press):
    rater.page.evaluate(
        """() => {
            const field = document.createElement("textarea");
            document.querySelector("#trial").append(field);
            field.focus();
        }"""
    )

    press("1", "?", "Enter", "5")

    expect(rater.page.locator("textarea")).to_have_value("1?\n5")
    expect(rater.page.locator(".row input:checked")).to_have_count(0)
    rater.expect_trial(1)


def test_digits_are_shown_at_the_marked_row_only(rater):
    expect(rater.page.locator(".row[data-row=originality] .key").first).to_be_visible()
    expect(rater.page.locator(".row[data-row=surprise] .key").first).to_be_hidden()


def test_arrows_scroll_a_long_text_and_answer_nothing(rater, press):
    rater.page.get_by_role("region", name="Text A").focus()

    press("ArrowDown", "ArrowUp", "ArrowRight")

    expect(rater.page.get_by_role("region", name="Text A")).to_be_focused()
    expect(rater.page.locator(".row input:checked")).to_have_count(0)


def test_focus_order_follows_the_page(rater, press):
    names = []
    for _ in range(12):
        press("Tab")
        names.append(
            rater.page.evaluate(
                """() => {
                    const it = document.activeElement;
                    return it.id || it.getAttribute("aria-label") || it.textContent.match(/[a-z]+/i)[0];
                }"""
            )
        )

    assert names == [
        *("Pause", "Help", "Text A", "Text B", "Keys"),
        *("original", "originality-1", "surprising", "surprise-1", "creative", "creativity-1", "next"),
    ]
