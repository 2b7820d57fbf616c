"""Intraclass correlations against psych and Shrout and Fleiss; split halves and raters needed against planted truth."""

import json
import math

import numpy as np
import pytest

from analysis.agreement import (
    AgreementError,
    from_matrix,
    intraclass_correlations,
    raters_needed,
    single_rater_reliability,
    spearman_brown,
    split_half,
)

SHROUT_FLEISS = np.array([[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]], float)


def test_six_coefficients_equal_psych(shared):
    reference = json.loads(shared("reference/icc_psych_shrout_fleiss.json").read_text(encoding="utf-8"))
    found = intraclass_correlations(SHROUT_FLEISS)
    for row in reference["ICC"]:
        mine = found[row["type"]]
        # psych fits by lme4, so it stops short of the analysis of variance by up to 1e-6
        assert mine.value == pytest.approx(row["ICC"], abs=2e-6)
        assert (mine.low, mine.high) == pytest.approx((row["lower bound"], row["upper bound"]), abs=1e-5)


def test_published_values():
    found = intraclass_correlations(SHROUT_FLEISS)
    published = {"ICC1": 0.17, "ICC2": 0.29, "ICC3": 0.71, "ICC1k": 0.44, "ICC2k": 0.62, "ICC3k": 0.91}
    assert {name: round(found[name].value, 2) for name in published} == published


def test_incomplete_data_are_refused_and_have_a_way():
    matrix = SHROUT_FLEISS.copy()
    matrix[0, 0] = np.nan
    with pytest.raises(AgreementError, match="single_rater_reliability"):
        intraclass_correlations(matrix)
    assert -1.0 < single_rater_reliability(from_matrix(matrix), resamples=20).value < 1.0


def test_one_rating_equals_icc1_on_complete_data():
    found = single_rater_reliability(from_matrix(SHROUT_FLEISS), resamples=20).value
    assert found == pytest.approx(intraclass_correlations(SHROUT_FLEISS)["ICC1"].value, abs=1e-12)


def test_one_rating_finds_a_planted_reliability_in_unequal_data():
    rng = np.random.default_rng(4)
    matrix = rng.normal(size=(3000, 1)) * 2.0 + rng.normal(size=(3000, 6)) * 3.0
    matrix[rng.random(matrix.shape) < 0.4] = np.nan
    found = single_rater_reliability(from_matrix(matrix), resamples=100)
    assert found.value == pytest.approx(4.0 / 13.0, abs=0.03)  # three standard errors
    assert found.low < 4.0 / 13.0 < found.high


@pytest.mark.parametrize(("reliability", "needed"), [(0.5, 4), (0.2, 16), (0.8, 1), (0.9, 1), (1.0, 1)])
def test_raters_needed(reliability, needed):
    assert raters_needed(reliability) == needed
    assert spearman_brown(reliability, needed) >= 0.8 - 1e-12
    if needed > 1:
        assert spearman_brown(reliability, needed - 1) < 0.8


def test_raters_needed_without_reliability():
    assert math.isinf(raters_needed(0.0))
    assert math.isinf(raters_needed(-0.1))
    assert math.isnan(raters_needed(float("nan")))


def test_split_half_finds_the_reliability_of_the_mean():
    rng = np.random.default_rng(5)
    things, people = 400, 16
    scores = rng.normal(size=(things, 1)) + 2.0 * rng.normal(size=(things, people))
    thing, person = np.meshgrid(np.arange(things), np.arange(people), indexing="ij")
    found = split_half(person.ravel(), thing.ravel(), scores.ravel(), splits=50)
    assert found.value == pytest.approx(spearman_brown(1.0 / 5.0, people), abs=0.05)  # three standard errors at 400
    assert found.low <= found.value <= found.high
    assert found.units == things


def test_reliability_of_perfect_disagreement_has_no_number():
    assert math.isnan(spearman_brown(-1.0, 2.0))

    # whatever halves: what one half puts first the other puts last
    rater, thing = np.repeat([0, 1], 3), np.tile([0, 1, 2], 2)
    found = split_half(rater, thing, np.array([1.0, 2.0, 3.0, 3.0, 2.0, 1.0]))

    assert math.isnan(found.value)


def test_split_half_needs_things_seen_by_both_halves():
    with pytest.raises(AgreementError, match="three things"):
        split_half(np.array([0, 1]), np.array([0, 1]), np.array([1.0, 2.0]))
    rater = np.repeat(np.arange(6), 1)
    with pytest.raises(AgreementError, match="more ratings per output"):
        split_half(rater, np.arange(6), np.arange(6.0))
