"""Corrections for many comparisons, against statsmodels, mvtnorm and emmeans."""

import gc
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.multitest import multipletests

from analysis.inference.multiplicity import SingleStep, benjamini_hochberg, bonferroni, holm, single_step

NUMBERS = json.loads(
    (Path(__file__).parents[2] / "reference" / "multiplicity.json").read_text(encoding="utf-8")
)  # made by tests/reference/make_multiplicity.R
FAMILIES = ("pairs3", "pairs5", "control", "normal")


@pytest.fixture
def few_to_collect():
    """Statsmodels collects garbage in each call, which takes a second where many libraries are loaded."""
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.mark.usefixtures("few_to_collect")
@pytest.mark.parametrize(
    ("ours", "theirs"), [(holm, "holm"), (benjamini_hochberg, "fdr_bh"), (bonferroni, "bonferroni")]
)
@settings(max_examples=25, deadline=None)
@given(p=st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_stepwise_corrections_equal_statsmodels(ours, theirs, p):
    expected = multipletests(p, method=theirs)[1]

    assert ours(np.array(p)) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("correction", "expected"), [(holm, [0.03, 0.08]), (bonferroni, [0.03, 0.12]), (benjamini_hochberg, [0.03, 0.06])]
)
def test_missing_p_counts_in_the_family_and_stays_missing(correction, expected):
    corrected = correction(np.array([0.01, np.nan, 0.04]))

    assert corrected[[0, 2]] == pytest.approx(expected)
    assert np.isnan(corrected[1])


@pytest.mark.parametrize("name", FAMILIES)
def test_single_step_equals_mvtnorm(name):
    case = NUMBERS[name]
    df = case["df"] or np.inf

    family = SingleStep(np.array(case["covariance"]))

    # both are quasi-Monte-Carlo: mvtnorm was run at 2e-6, the documented error of ours at these ranks is 1e-4
    assert [family.exceedance(t, df) for t in case["t"]] == pytest.approx(case["p"], abs=1e-4)
    # qmvt solves for the quantile with a tolerance of its own
    assert family.critical(0.95, df) == pytest.approx(case["critical"], abs=5e-3)


def test_critical_value_is_where_the_corrected_p_is_alpha():
    family = SingleStep(np.array(NUMBERS["pairs5"]["covariance"]))

    assert family.exceedance(family.critical(0.9, 17.0), 17.0) == pytest.approx(0.1, abs=1e-9)


@pytest.mark.parametrize("t", [1.0, 2.0, 3.0, 4.0])
def test_independent_statistics_have_a_closed_form(t):
    expected = 1.0 - (1.0 - 2.0 * stats.norm.sf(t)) ** 12

    assert SingleStep(np.eye(12)).exceedance(t, np.inf) == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("df", [5.0, np.inf])
def test_one_contrast_or_several_copies_need_no_correction(df):
    alone = 2.0 * (stats.t(df).sf(2.2) if np.isfinite(df) else stats.norm.sf(2.2))

    assert SingleStep(np.full((3, 3), 4.0)).exceedance(2.2, df) == pytest.approx(alone, rel=1e-12)
    assert single_step(np.array([2.2]), np.array([[4.0]]), np.array([df])) == pytest.approx([alone], rel=1e-12)


def test_all_pairs_of_equal_groups_are_tukeys_range():
    difference = np.array([[1, -1, 0, 0], [1, 0, -1, 0], [1, 0, 0, -1], [0, 1, -1, 0], [0, 1, 0, -1], [0, 0, 1, -1.0]])
    family = SingleStep(difference @ difference.T)

    for t in (1.0, 2.5, 3.5):
        expected = stats.studentized_range.sf(t * np.sqrt(2.0), 4, 15)
        assert family.exceedance(t, 15.0) == pytest.approx(expected, abs=1e-4)


def test_single_step_lies_between_no_correction_and_bonferroni():
    statistic = np.array([0.5, -1.9, 2.6, 3.3])
    covariance = np.full((4, 4), 0.5) + np.eye(4)
    df = np.array([9.0, 12.0, 20.0, np.inf])

    corrected = single_step(statistic, covariance, df)

    alone = np.array([2.0 * stats.t(v).sf(abs(t)) for t, v in zip(statistic[:3], df[:3], strict=True)])
    assert np.all(corrected[:3] > alone)
    assert np.all(corrected[:3] < np.minimum(4.0 * alone, 1.0) + 1e-12)
    assert 2.0 * stats.norm.sf(3.3) < corrected[3] < 8.0 * stats.norm.sf(3.3)


def test_missing_statistic_widens_the_family():
    covariance = np.full((3, 3), 0.5) + 0.5 * np.eye(3)
    df = np.full(3, 20.0)

    whole = single_step(np.array([2.4, 1.0, 0.3]), covariance, df)
    part = single_step(np.array([2.4, np.nan, 0.3]), np.where(np.eye(3)[1] > 0, np.nan, covariance), df)

    assert np.isnan(part[1])
    assert whole[0] <= part[0] + 1e-4
    assert np.isnan(single_step(np.array([np.nan]), np.array([[np.nan]]), np.array([5.0]))).all()


def test_contrast_without_spread_is_refused():
    with pytest.raises(ValueError, match="standard error above zero"):
        SingleStep(np.zeros((2, 2)))
