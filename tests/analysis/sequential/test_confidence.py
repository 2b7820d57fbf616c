"""Confidence sequences: the formula, its tuning, and the promise that holds at all times together."""

import numpy as np
import pytest
from scipy import optimize, stats

from analysis.sequential import SequentialError, confidence_bound, e_value, tuned_mixture
from analysis.sequential.confidence import normal_quantile_of_t, t_quantile_of_normal


def test_interval_is_narrowest_where_it_was_tuned():
    def half_width(log_rho):
        return 0.2 * confidence_bound(0.2, rho=float(np.exp(log_rho)), alpha=0.05)

    best = optimize.minimize_scalar(half_width, bounds=(-10.0, 10.0), method="bounded", options={"xatol": 1e-8})

    assert tuned_mixture(0.2, 0.05) == pytest.approx(np.exp(best.x), rel=1e-3)  # the minimum is flat
    # the price of looking all the time: 3.04 standard errors instead of 1.96 at the planned end
    assert best.fun / 0.2 == pytest.approx(3.04, abs=0.01)


def test_evidence_and_interval_decide_alike():
    rho = tuned_mixture(0.2, 0.05)
    for se in (0.5, 0.2, 0.1):
        edge = confidence_bound(se, rho=rho, alpha=0.05) * se
        assert e_value(edge, se, rho=rho) == pytest.approx(20.0)
        assert e_value(1.01 * edge, se, rho=rho) > 20.0
        assert e_value(0.99 * edge, se, rho=rho) < 20.0


def test_evidence_is_the_likelihood_ratio_mixed_over_the_prior():
    rho, estimate, se = 3.0, 0.7, 0.25
    theta = np.linspace(-8.0, 8.0, 40_001)
    ratio = np.exp((estimate * theta - theta**2 / 2.0) / se**2)

    mixed = np.trapezoid(ratio * stats.norm.pdf(theta, scale=rho**-0.5), theta)

    assert e_value(estimate, se, rho=rho) == pytest.approx(mixed, rel=1e-6)


def test_continuous_looking_keeps_the_level():
    rng, rho = np.random.default_rng(2), tuned_mixture(1.0, 0.05)
    time = np.linspace(0.01, 3.0, 300)
    score = np.cumsum(rng.standard_normal((4000, 300)) * np.sqrt(np.diff(time, prepend=0.0)), axis=1)
    bound = np.array([confidence_bound(t**-0.5, rho=rho, alpha=0.05) for t in time])

    crossed = np.mean((np.abs(score) / np.sqrt(time) >= bound).any(axis=1))
    fixed = np.mean((np.abs(score) / np.sqrt(time) >= 1.96).any(axis=1))

    assert crossed < 0.05
    assert crossed > 0.01  # it is no more careful than it must be: Ville's bound is reached as time goes on
    assert fixed > 0.4  # what looking 300 times at an ordinary test does


def test_small_samples_keep_the_level_by_equal_tails():
    """Means of 6 to 60 normal answers with unknown variance, looked at after each."""
    rng, rho = np.random.default_rng(3), tuned_mixture(60**-0.5, 0.05)
    data = rng.standard_normal((3000, 60))
    sizes = np.arange(6, 61, 3)
    crossed, ordinary = np.zeros(3000, dtype=bool), np.zeros(3000, dtype=bool)
    for n in sizes:
        mean, se = data[:, :n].mean(axis=1), data[:, :n].std(axis=1, ddof=1) / np.sqrt(n)
        bound = confidence_bound(n**-0.5, rho=rho, alpha=0.05)
        crossed |= np.abs(mean / se) >= t_quantile_of_normal(bound, n - 1.0)
        ordinary |= np.abs(mean / se) >= stats.t.ppf(0.975, n - 1)

    assert crossed.mean() < 0.05
    assert ordinary.mean() > 0.15


@pytest.mark.parametrize("df", [3.0, 19.0, 400.0])
@pytest.mark.parametrize("t", [-40.0, -2.0, 0.0, 0.5, 6.0])
def test_tails_are_equal_there_and_back(t, df):
    z = normal_quantile_of_t(t, df)

    assert stats.norm.logsf(abs(z)) == pytest.approx(stats.t.logsf(abs(t), df), rel=1e-9)
    if 0.0 <= t < 30.0:
        assert t_quantile_of_normal(z, df) == pytest.approx(t, rel=1e-7, abs=1e-9)


def test_evidence_beyond_all_numbers_stays_finite():
    assert np.isfinite(e_value(100.0, 0.01, rho=1.0))


def test_tuning_needs_a_positive_error():
    with pytest.raises(SequentialError, match="planned standard error must be positive"):
        tuned_mixture(0.0, 0.05)
