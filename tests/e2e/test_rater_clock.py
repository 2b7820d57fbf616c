"""Time on trial with a clock of the test's own: what counts as reading and what does not."""

import pytest

pytestmark = pytest.mark.django_db(transaction=True)

SLACK = 30_000  # ms: the fake clock also runs while the browser works, and that may be slow


@pytest.fixture
def timed(make_rater, study):
    """A rater at the first trial whose browser has a clock that the test moves."""
    rater = make_rater(study=study)
    rater.page.clock.install()
    return rater.go()


def finish(rater):
    rater.choose_all()
    rater.next()
    rater.expect_trial(2)
    rater.sent()
    return rater.judgements()[0]


def hide(rater, state):
    rater.page.evaluate(
        """state => {
            Object.defineProperty(document, "visibilityState", {value: state, configurable: true});
            document.dispatchEvent(new Event("visibilitychange"));
        }""",
        state,
    )


def near(value, expected):
    return expected <= value <= expected + SLACK


def test_reading_time_is_counted_from_first_paint(timed):
    timed.page.clock.run_for(20_000)
    timed.choose("originality", 1)
    timed.page.clock.run_for(5_000)

    judgement = finish(timed)

    assert near(judgement.first_answer_ms, 20_000)
    assert near(judgement.submit_ms, 25_000)
    assert (judgement.hidden_ms, judgement.idle_ms) == (0, 0)


def test_first_minute_of_silence_is_reading_and_the_rest_is_idle(timed):
    timed.page.clock.run_for(200_000)

    judgement = finish(timed)

    assert near(judgement.submit_ms, 200_000)
    assert near(judgement.idle_ms, 140_000)


@pytest.mark.parametrize("sign", ["mouse", "wheel", "key"])
def test_signs_of_life_keep_reading_from_being_idle(timed, sign):
    for step in range(6):
        timed.page.clock.run_for(35_000)  # silence is idle from a minute on
        if sign == "mouse":
            timed.page.mouse.move(100 + step, 200)
        elif sign == "wheel":
            timed.page.mouse.wheel(0, 10)
            timed.page.wait_for_timeout(50)
        else:
            timed.page.keyboard.press("Shift")

    judgement = finish(timed)

    assert judgement.submit_ms >= 210_000
    assert judgement.idle_ms == 0


def test_hidden_time_is_counted_apart_and_is_not_idle(timed):
    timed.page.clock.run_for(10_000)
    hide(timed, "hidden")
    timed.page.clock.run_for(300_000)
    hide(timed, "visible")

    judgement = finish(timed)

    assert near(judgement.hidden_ms, 300_000)
    assert judgement.idle_ms == 0
    assert near(judgement.submit_ms, 310_000)


def test_reload_goes_on_counting_and_the_gap_counts_as_hidden(timed):
    timed.page.clock.run_for(30_000)
    timed.choose("originality", 1)
    timed.page.clock.run_for(10_000)
    timed.page.reload()
    timed.page.clock.run_for(5_000)

    judgement = finish(timed)

    assert near(judgement.first_answer_ms, 30_000)
    assert near(judgement.submit_ms - judgement.hidden_ms, 45_000)


def test_every_trial_has_a_clock_of_its_own(timed):
    timed.page.clock.run_for(90_000)
    finish(timed)
    timed.page.clock.run_for(7_000)
    timed.choose_all()
    timed.next()
    timed.expect_trial(3)
    timed.sent()

    second = timed.judgements()[1]

    assert near(second.submit_ms, 7_000)
    assert second.idle_ms == 0


def test_times_are_plausible_without_a_clock_of_the_test(rater):
    judgement = finish(rater)

    assert 0 <= judgement.first_answer_ms <= judgement.submit_ms
    assert 0 <= judgement.hidden_ms + judgement.idle_ms <= judgement.submit_ms
