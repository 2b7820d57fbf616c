"""Power of t tests against SciPy's noncentral t, and of Holm's procedure against its bounds."""

import numpy as np
import pytest
from scipy import stats

from analysis.inference.multiplicity import holm
from analysis.power.testing import holm_rejections, power_of_holm, power_of_test, required_noncentrality


@pytest.mark.parametrize("df", [5.0, 19.0, 200.0])
@pytest.mark.parametrize("delta", [0.0, 1.0, 2.8, 4.0])
def test_power_is_that_of_the_noncentral_t(df, delta):
    edge = stats.t.ppf(0.975, df)
    exact = stats.nct.sf(edge, df, delta) + stats.nct.cdf(-edge, df, delta)

    found = power_of_test(np.array([delta]), np.array([df]), alpha=0.05)[0]

    assert found == pytest.approx(exact, abs=1e-3)  # midpoints of 400 quantiles


def test_without_an_effect_the_power_is_the_level():
    assert power_of_test(np.zeros(1), np.array([19.0]), alpha=0.05)[0] == pytest.approx(0.05, abs=5e-4)


@pytest.mark.parametrize("target", [0.8, 0.9])
def test_required_noncentrality_gives_the_power_asked_for(target):
    needed = required_noncentrality(target, 19.0, alpha=0.05)

    assert power_of_test(np.array([needed]), np.array([19.0]), alpha=0.05)[0] == pytest.approx(target, abs=1e-5)


def test_rejections_are_those_of_corrected_p_values():
    p = np.random.default_rng(1).random((200, 6)) ** 3
    p[::7, 2] = np.nan

    found = holm_rejections(p, alpha=0.05)

    expected = np.array([np.nan_to_num(holm(family), nan=1.0) <= 0.05 for family in p])
    np.testing.assert_array_equal(found, expected)
    assert found.any()


def test_holm_lies_between_bonferroni_and_no_correction():
    delta, df = np.array([2.8, 2.0, 3.5, 0.0]), np.full(4, 30.0)
    dimension = np.array([0, 0, 1, 1])

    found = power_of_holm(delta, df, correlation=np.eye(4), dimension=dimension, alpha=0.05)

    alone = power_of_test(delta, df, alpha=0.05)
    bound = power_of_test(delta, df, alpha=0.05 / 4)
    noise = 0.01  # 20,000 draws: standard error at most .0035
    assert np.all(found < alone + noise)
    assert np.all(found > bound - noise)
    assert found[2] > bound[2] + 0.02


def test_holm_of_one_test_is_the_test():
    one = np.array([2.8]), np.array([19.0])

    found = power_of_holm(*one, correlation=np.eye(1), dimension=np.zeros(1, dtype=int), alpha=0.05)

    assert found[0] == pytest.approx(power_of_test(*one, alpha=0.05)[0], abs=0.01)  # 20,000 draws
