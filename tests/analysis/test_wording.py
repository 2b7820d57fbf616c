"""How numbers and findings read."""

import math
from dataclasses import replace

import pytest

from analysis.prepare import ONE_SAMPLE, Options
from analysis.wording import (
    equals_p,
    family_in_words,
    format_p,
    methods,
    notes,
    number,
    percent,
    sentence,
    warnings,
)


@pytest.mark.parametrize(
    ("p", "text"),
    [(0.0004, "< .001"), (0.012, ".012"), (0.5, ".500"), (0.9996, "1.000"), (1.0, "1.000"), (math.nan, "–")],
)
def test_p_reads_as_in_a_paper(p, text):
    assert format_p(p) == text


def test_p_after_a_letter_has_its_relation():
    assert [equals_p(0.0001), equals_p(0.04)] == ["< .001", "= .040"]


@pytest.mark.parametrize(
    ("value", "text"),
    [(-1.234, "−1.23"), (0.001, "0.00"), (-0.001, "0.00"), (math.nan, "–"), (math.inf, "∞"), (2e7, "2.0e+07")],
)
def test_number_has_a_true_minus_and_no_negative_zero(value, text):
    assert number(value) == text


def test_percent_of_nothing_is_a_dash():
    assert [percent(0.1234), percent(math.nan)] == ["12.3%", "–"]


def test_sentence_puts_the_better_system_first(result):
    row = replace(
        result.rows[0],
        first="A",
        second="B",
        dimension="wit",
        estimate=-1.0,
        se=0.25,
        df=17.0,
        statistic=-4.0,
        p_holm=0.004,
        win_rate=0.3,
        win_rate_low=0.2,
        win_rate_high=0.4,
    )

    text = sentence(row, confidence=0.95, family=4)

    assert text == (
        "On wit, B beat A in an estimated 70.0% of comparisons (95% CI 60.0% to 80.0%; log-odds 1.00, SE 0.25, "
        "t(17) = 4.00, Holm-corrected over 4 contrasts p = .004; 16 raters, 9 prompts, 144 judgements)."
    )


def test_sentence_without_significance_claims_nothing(result):
    text = sentence(replace(result.rows[0], p_holm=0.2), confidence=0.95, family=1)

    assert "no reliable difference was found between" in text
    assert "p = .200" in text


def test_sentence_without_estimate_gives_the_reason(result):
    row = replace(result.rows[0], converged=False, message="infinite: …", raw_win_rate=1.0, n_direct=48)

    text = sentence(row, confidence=0.95, family=4)

    assert text.endswith("against baseline (raw win rate 100.0% of 48): infinite: ….")


def test_remark_on_several_dimensions_comes_once_and_as_a_note(result):
    few = "only 3 prompts"
    dimensions = [replace(part, notes=(ONE_SAMPLE, few)) for part in result.dimensions]

    alarms = warnings(dimensions, result.data, ())

    assert notes(dimensions) == (f"originality, surprise: {ONE_SAMPLE}",)
    assert f"originality, surprise: {few}" in alarms
    assert not any(ONE_SAMPLE in text for text in alarms)


def test_remarks_that_differ_stay_apart(result):
    first, second = result.dimensions
    dimensions = [replace(first, notes=("one",)), replace(second, notes=("two", "two"))]

    alarms = warnings(dimensions, result.data, ())

    assert [text for text in alarms if text.endswith(("one", "two"))] == ["originality: one", "surprise: two"]
    assert notes(dimensions) == ()


def test_family_of_one_is_singular(result):
    text = methods(result.dimensions, result.data, Options(), family=1, rows=result.rows[:1])

    assert family_in_words(1) == "one reported contrast, nothing to correct"
    assert family_in_words(4) == "Holm over all 4 reported contrasts (dimensions × contrasts)"
    assert "One contrast is reported, so its p value needs no correction." in text
    assert "1 reported contrasts" not in text
