"""Tests and intervals of linear functions: consistent in themselves, and silent about nothing."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from analysis.inference.statements import on_response_scale, state


@pytest.fixture(scope="module")
def rows(wine_model):
    return np.array([[1.0, 0.0], [0.0, 1.0], [1.0, -1.0]])


def table(wine_model, rows, **options):
    return state(wine_model.fit, rows, ("temp", "contact", "difference"), **options)


def test_interval_and_p_follow_from_estimate_and_degrees(wine_model, rows):
    found = table(wine_model, rows, degrees=8.0, confidence=0.9)

    assert found.estimate[2] == pytest.approx(wine_model.fit.estimate[0] - wine_model.fit.estimate[1])
    assert found.se[0] == pytest.approx(np.sqrt(wine_model.fit.covariance[0, 0]))
    assert found.high - found.estimate == pytest.approx(stats.t.ppf(0.95, 8) * found.se)
    assert found.p == pytest.approx(2 * stats.t.sf(np.abs(found.statistic), 8))


@pytest.mark.parametrize("adjust", ["none", "holm", "bh", "bonferroni", "single-step"])
def test_correction_never_lowers_p_nor_narrows_intervals(wine_model, rows, adjust):
    plain, corrected = table(wine_model, rows, degrees=8.0), table(wine_model, rows, degrees=8.0, adjust=adjust)

    assert (corrected.p >= plain.p - 1e-12).all()
    assert (corrected.high - corrected.low >= plain.high - plain.low - 1e-12).all()


def test_simultaneous_interval_and_p_agree_at_the_boundary(wine_model, rows):
    found = table(wine_model, rows, degrees=8.0, adjust="single-step")
    level = 1.0 - found.p[2]

    at_the_boundary = table(wine_model, rows, degrees=8.0, adjust="single-step", confidence=level)

    assert at_the_boundary.low[2] == pytest.approx(0.0, abs=1e-6)


def test_families_are_groups_or_everything(wine_model, rows):
    groups = (("g",), ("g",), ("h",))

    apart = table(wine_model, rows, degrees=8.0, adjust="bonferroni", groups=groups, by=("x",))
    together = table(wine_model, rows, degrees=8.0, adjust="bonferroni", groups=groups, by=("x",), across=True)
    plain = table(wine_model, rows, degrees=8.0)

    assert apart.p == pytest.approx(np.minimum(1.0, plain.p * [2, 2, 1]))
    assert together.p == pytest.approx(np.minimum(1.0, plain.p * 3))


def test_what_cannot_be_stated_says_why_and_keeps_its_place_in_the_family(wine_model, rows):
    fit = replace(wine_model.fit, null=np.array([[0.0], [1.0]]))

    found = state(fit, rows, ("temp", "contact", "difference"), degrees=8.0, adjust="bonferroni")

    assert np.isnan(found.estimate).tolist() == [False, True, True]
    assert found.messages[1].startswith("not estimable")
    plain = state(wine_model.fit, rows[:1], ("temp",), degrees=8.0)
    assert found.p[0] == pytest.approx(3.0 * plain.p[0])


def test_infinite_and_unconverged_say_so(wine_model, rows):
    infinite = replace(wine_model.fit, infinite=np.array([[1.0], [0.0]]))
    failed = replace(
        wine_model.fit, convergence=replace(wine_model.fit.convergence, converged=False, message="no maximum")
    )

    assert state(infinite, rows, ("a", "b", "c"), degrees=8.0).messages[0].startswith("infinite")
    assert state(failed, rows, ("a", "b", "c"), degrees=8.0).messages == ("no maximum",) * 3


def test_odds_ratios_transform_ends_and_keep_tests(wine_model, rows):
    logit = table(wine_model, rows, degrees=8.0)

    odds = on_response_scale(logit, differences=True)

    assert odds.low == pytest.approx(np.exp(logit.low))
    assert odds.se == pytest.approx(np.exp(logit.estimate) * logit.se)
    np.testing.assert_array_equal(odds.p, logit.p)


def test_probit_differences_have_no_response_scale(wine_model, rows):
    probit = replace(table(wine_model, rows, degrees=8.0), scale="probit")

    assert on_response_scale(probit, differences=False).estimate == pytest.approx(stats.norm.cdf(probit.estimate))
    with pytest.raises(ValueError, match="probit"):
        on_response_scale(probit, differences=True)


def test_default_standard_errors_are_corrected_and_asymptotic_ones_are_rs(wine_model):
    ours, plain = wine_model.contrasts("temp"), wine_model.contrasts("temp", df="asymptotic")

    row = plain.matrix[0]
    assert plain.se[0] == pytest.approx(np.sqrt(row @ wine_model.fit.covariance @ row))
    assert ours.se[0] == pytest.approx(np.sqrt(row @ wine_model.fit.covariance_for_tests @ row))
    covariance = wine_model.emmeans("temp").covariance
    assert covariance[0, 0] + covariance[1, 1] - 2.0 * covariance[0, 1] == pytest.approx(ours.se[0] ** 2)
