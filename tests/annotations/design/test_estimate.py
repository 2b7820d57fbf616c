"""Length and cost."""

import pytest

from annotations.design import (
    DesignError,
    DesignSpec,
    OutputRef,
    Pace,
    Rate,
    booklet_words,
    estimate,
    estimate_plan,
    plan,
)


def test_estimate_adds_reading_answering_and_overhead():
    pace = Pace(words_per_minute=200, seconds_per_answer=5, answers_per_trial=3, overhead_minutes=2)

    found = estimate([4000, 2000, 3000], [20, 20, 20], pace=pace, rate=Rate(hourly=12, fee=0.25))

    # 20 trials x 3 answers x 5 s = 5 min; 10, 15, 20 min of reading; 2 min around it
    assert (found.shortest_minutes, found.median_minutes, found.longest_minutes) == (17, 22, 27)
    assert found.total_hours == pytest.approx(66 / 60)
    assert (found.raters, found.pay_per_rater) == (3, 4.4)
    assert (found.pay, found.fee, found.cost) == pytest.approx((13.2, 3.3, 16.5))


def test_estimate_reads_at_230_words_a_minute_and_pays_nothing_by_default():
    found = estimate([2300], [0])

    assert (found.median_minutes, found.cost) == (10, 0)


def test_booklet_words_counts_prompt_and_both_texts_of_every_trial():
    outputs = [OutputRef(f"{system}{at}", f"p{at}", system) for at in range(4) for system in "ab"]
    made = plan(outputs, DesignSpec(raters_per_task=1, trials_per_rater=4, attention_trials=1), attention=("x",))
    words = {output.id: 100 for output in outputs} | {"p0": 7}

    assert booklet_words(made, words, attention_words=50) == [4 * 200 + 7 + 50]
    assert estimate_plan(made, words).longest_minutes == pytest.approx(807 / 230 + 5 * 6 / 60)


def test_booklet_words_says_which_output_has_no_count():
    outputs = [OutputRef(f"{system}{at}", f"p{at}", system) for at in range(2) for system in "ab"]

    with pytest.raises(DesignError, match="no word count for output 'a0'"):
        booklet_words(plan(outputs, DesignSpec(trials_per_rater=2)), {})


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Pace(words_per_minute=0), "words_per_minute must be positive"),
        (lambda: Pace(seconds_per_answer=-1), "seconds_per_answer must not be negative"),
        (lambda: Rate(fee=-0.1), "must not be negative"),
        (lambda: estimate([1], []), "1 counts of words for 0 booklets"),
    ],
)
def test_estimate_refuses_what_makes_no_sense(make, message):
    with pytest.raises(DesignError, match=message):
        make()
