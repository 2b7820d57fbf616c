"""How numbers and findings read."""

import math
from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest

from analysis.prepare import ONE_SAMPLE
from analysis.wording import (
    chance,
    degrees,
    equals_p,
    family_in_words,
    format_p,
    formulas_of,
    interval,
    join,
    methods_of,
    notes_of,
    number,
    percent,
    sentence,
    sentences_of,
    speaks_of_wins,
    verdict_of,
    warnings_of,
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


@pytest.mark.parametrize(
    ("df", "text"), [(17.0, "17"), (23.456, "23.5"), (23.99, "24"), (math.inf, "∞"), (math.nan, "–")]
)
def test_degrees_of_freedom_are_whole_where_they_are(df, text):
    assert degrees(df) == text


def test_percent_and_interval_of_nothing_are_a_dash():
    assert [percent(0.1234), percent(math.nan), interval(0.5, math.nan)] == ["12.3%", "–", "–"]


def test_words_are_joined_as_in_a_sentence():
    assert [join([]), join(["a"]), join(["a", "b"]), join(["a", "b", "c"], "or")] == ["", "a", "a and b", "a, b or c"]


@pytest.fixture
def row(result):
    return replace(
        result.rows[0],
        first="A",
        second="B",
        dimension="wit",
        estimate=-1.0,
        se=0.25,
        df=17.0,
        statistic=-4.0,
        win_rate=0.3,
        win_rate_low=0.2,
        win_rate_high=0.4,
    )


def test_sentence_puts_the_better_system_first(row):
    text = sentence(row, confidence=0.95, family=4, p=0.004)

    assert text == (
        "On wit, B beat A in an estimated 70.0% of comparisons (95% CI 60.0% to 80.0%; log-odds 1.00, SE 0.25, "
        "t(17) = 4.00, Holm-corrected over 4 contrasts p = .004; 16 raters, 9 prompts, 144 judgements)."
    )


@pytest.mark.parametrize(
    ("correction", "words"),
    [
        ("bh", "Benjamini–Hochberg-corrected over 4 contrasts p = .004;"),
        ("single-step", "corrected by multivariate t p = .004;"),
        ("none", "= 4.00, p = .004;"),
    ],
)
def test_sentence_names_the_declared_correction(row, correction, words):
    assert words in sentence(row, confidence=0.95, family=4, correction=correction, p=0.004)


def test_sentence_of_single_stimuli_speaks_of_ratings(row):
    single = replace(
        row,
        win_rate=math.nan,
        win_rate_low=math.nan,
        win_rate_high=math.nan,
        superiority=0.3,
        superiority_low=0.2,
        superiority_high=0.4,
        scale="points",
        task_family="AUT",
    )

    sure = sentence(single, confidence=0.95, family=1, p=0.004)
    unsure = sentence(single, confidence=0.95, family=1, p=0.4)

    assert sure.startswith("On wit in AUT, B was rated above A in an estimated 70.0% of cases (95% CI 60.0% to 80.0%; ")
    assert "difference in points 1.00" in sure
    assert "no reliable difference was found between B and A: the former was rated above in an estimated" in unsure
    assert chance(single) == (0.3, 0.2, 0.4)


def test_sentence_without_significance_claims_nothing(result):
    text = sentence(result.rows[0], confidence=0.95, family=1, p=0.2)

    assert "no reliable difference was found between" in text
    assert "p = .200" in text


def test_sentence_without_estimate_gives_the_reason(result):
    row = replace(result.rows[0], converged=False, message="infinite: …", raw_win_rate=1.0, n_direct=48)

    text = sentence(row, confidence=0.95, family=4, p=math.nan)

    assert text.endswith("against baseline (raw win rate 100.0% of 48): infinite: ….")


def test_sentences_follow_the_decisive_p(result):
    rows = tuple(replace(row, p_holm=0.2, p_bh=0.001) for row in result.rows)

    by_holm = sentences_of(replace(result, rows=rows))
    by_bh = sentences_of(replace(result, rows=rows, correction="bh"))

    assert all("no reliable difference" in text for text in by_holm)
    assert all(" beat " in text for text in by_bh)


def test_remark_on_several_dimensions_comes_once_and_as_a_note(result):
    few = "only 3 prompts"
    dimensions = tuple(replace(part, notes=(ONE_SAMPLE, few)) for part in result.dimensions)
    noted = replace(result, dimensions=dimensions)

    alarms = warnings_of(noted)

    assert f"originality, surprise: {ONE_SAMPLE}" in notes_of(noted)
    assert f"originality, surprise: {few}" in alarms
    assert not any(ONE_SAMPLE in text for text in alarms)


def test_remarks_that_differ_stay_apart(result):
    first, second = result.dimensions
    dimensions = (replace(first, notes=("one",)), replace(second, notes=("two", "two")))

    alarms = warnings_of(replace(result, dimensions=dimensions))

    assert [text for text in alarms if text.endswith(("one", "two"))] == ["originality: one", "surprise: two"]


def test_spread_of_zero_is_a_note_and_near_separation_a_warning(result):
    states = [
        ("singular", "converged; no spread found for output"),
        ("near_separation", "converged; near separation: x"),
    ]
    dimensions = tuple(
        replace(
            part, notes=(), fit=replace(part.fit, convergence=replace(part.fit.convergence, code=code, message=text))
        )
        for part, (code, text) in zip(result.dimensions, states, strict=True)
    )
    judged = replace(result, dimensions=dimensions)

    assert notes_of(judged) == ("originality: no spread found for output",)
    assert warnings_of(judged) == ("surprise: near separation: x",)


def test_family_of_one_is_singular(result):
    one = replace(result, rows=result.rows[:1])

    text = methods_of(one)

    assert family_in_words(1) == "one reported contrast, nothing to correct"
    assert family_in_words(4) == "Holm over all 4 reported contrasts (dimensions × contrasts)"
    assert "One contrast is reported, so its p value needs no correction." in text
    assert "1 reported contrasts" not in text


def test_methods_name_every_model_effect_and_test(result):
    text = methods_of(result)

    assert "Answers on originality were described by a logistic mixed model, fitted by maximum likelihood" in text
    assert "Answers on surprise were described by a cumulative logit mixed model with symmetric thresholds" in text
    assert "Random effects were output, prompt:system and rater:system" in text
    assert "min(raters, prompts) − 1 (8) degrees of freedom" in text
    assert "Holm's method over the family of all 4 reported contrasts" in text


def test_formulas_are_well_formed_and_name_the_effects(result):
    formulas = formulas_of(result)

    assert [names for names, _, _ in formulas] == ["originality", "surprise"]
    assert (
        "P(a wins) = logit⁻¹(η); η = side + β[system a] − β[system b] + u[output, a] − u[output, b]" in formulas[0][1]
    )
    assert "P(Y ≤ j) = logit⁻¹(τ_j − η)" in formulas[1][1]
    for _, _, markup in formulas:
        root = ET.fromstring(markup)
        assert root.tag == "math"
        assert "output(a)" in "".join(root.itertext())


def test_formula_of_a_linear_model_has_a_residual(result):
    part = result.dimensions[0]
    variances = tuple(replace(one, signed=False) for one in part.fit.variances)
    fit = replace(part.fit, family="gaussian", link="identity", variances=variances)

    ((_, text, markup),) = formulas_of(replace(result, dimensions=(replace(part, fit=fit, paired=False),)))

    assert text.startswith("y = μ + β[system] + u[output] + ")
    assert "ε ~ N(0, σ²)" in text
    assert "".join(ET.fromstring(markup).itertext()).startswith("y=μ+βs+uoutput")


def test_verdict_counts_and_names_the_better_system(result):
    low, high = 0.001, 0.4
    rows = [replace(row, p_holm=p) for row, p in zip(result.rows, (high, low, high, low), strict=True)]
    rows[3] = replace(rows[3], estimate=-abs(rows[3].estimate))

    some = verdict_of(replace(result, rows=tuple(rows)))
    none = verdict_of(replace(result, rows=tuple(replace(row, p_holm=high) for row in rows)))
    lost = verdict_of(replace(result, rows=(replace(rows[0], converged=False), rows[1])))
    one = verdict_of(replace(result, rows=(rows[1],), correction="holm"))

    assert some == (
        "2 of 4 contrasts are significant after Holm correction: steered over baseline on originality; "
        "baseline over steered on surprise."
    )
    assert none == "0 of 4 contrasts are significant after Holm correction."
    assert lost.endswith("on originality. 1 could not be estimated.")
    assert one == "1 of 1 contrast is significant at the 5% level: steered over baseline on originality."


def test_wins_are_spoken_of_where_rows_have_them(result):
    ratings = tuple(replace(row, win_rate=math.nan) for row in result.rows)
    failed = tuple(replace(row, converged=False, win_rate=math.nan) for row in result.rows)

    assert [speaks_of_wins(replace(result, rows=rows)) for rows in (result.rows, ratings, failed)] == [
        True,
        False,
        True,
    ]


def test_methods_leave_out_a_robust_test_that_was_not_made(result):
    rows = tuple(replace(row, robust_estimate=math.nan, robust_method="not computed") for row in result.rows)

    assert "For robustness" in methods_of(result)
    assert "For robustness" not in methods_of(replace(result, rows=rows))


def test_methods_say_whether_standard_errors_were_corrected(result):
    corrected = tuple(replace(row, se_plain=0.9 * row.se) for row in result.rows)
    plain = tuple(replace(row, se_plain=row.se) for row in result.rows)

    words = ", at spreads corrected for the bias"
    assert [words in methods_of(replace(result, rows=rows)) for rows in (corrected, plain)] == [True, False]
