"""Likelihood ratios: R's statistics, the right mixture, and refusals."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from analysis.inference.likelihood import NotNestedError, chi_bar_weights, likelihood_ratio
from analysis.modelling import fit


@pytest.fixture(scope="module")
def intercept_model(sleep):
    return fit("Reaction ~ Days + (1 | Subject)", sleep)


@pytest.fixture(scope="module")
def uncorrelated_model(sleep):
    return fit("Reaction ~ Days + (Days || Subject)", sleep)


def test_added_variance_has_half_the_plain_p(intercept_model, uncorrelated_model, r_numbers):
    test = uncorrelated_model.likelihood_ratio(intercept_model)

    assert test.statistic == pytest.approx(r_numbers["ratios"]["slope_added"], rel=1e-5)
    assert test.mixture == ((0.5, 0), (0.5, 1))
    assert test.p == pytest.approx(test.p_plain / 2)
    assert test.boundary == ("Subject (Days)",)


def test_added_correlation_is_regular(uncorrelated_model, slope_model, r_numbers):
    test = slope_model.likelihood_ratio(uncorrelated_model)

    assert test.statistic == pytest.approx(r_numbers["ratios"]["correlation_added"], rel=1e-3)
    assert test.mixture == ((1.0, 1),)
    assert test.boundary == ()


def test_added_correlated_slope_has_stram_and_lees_mixture(intercept_model, slope_model, r_numbers):
    test = intercept_model.likelihood_ratio(slope_model)

    assert test.statistic == pytest.approx(r_numbers["ratios"]["block_added"], rel=1e-5)
    assert test.mixture == ((0.5, 1), (0.5, 2))
    assert test.p == pytest.approx((stats.chi2.sf(test.statistic, 1) + stats.chi2.sf(test.statistic, 2)) / 2)


def test_fixed_effects_need_maximum_likelihood(sleep, slope_model, r_numbers):
    without = fit("Reaction ~ 1 + (Days | Subject)", sleep)

    with pytest.raises(NotNestedError, match=r"by maximum likelihood, \.refit\(reml=False\)"):
        slope_model.likelihood_ratio(without)
    with pytest.raises(NotNestedError, match="one model is fitted by REML"):
        slope_model.refit(reml=False).likelihood_ratio(without)
    test = slope_model.refit(reml=False).likelihood_ratio(without.refit(reml=False))

    assert test.statistic == pytest.approx(r_numbers["ratios"]["fixed_added"], rel=1e-5)
    assert test.mixture == ((1.0, 1),)


def test_logistic_and_cumulative_ratios_equal_r(cbpp_model, wine, wine_model, table, r_numbers):  # noqa: PLR0917
    numbers = r_numbers["ratios"]
    herds = table("cbpp", herd=str, period=str)
    constant = fit("cbind(incidence, size - incidence) ~ 1 + (1 | herd)", herds, family="binomial")
    plain = fit("rating ~ temp + contact", wine, family="cumulative")
    even = fit("rating ~ temp + contact + (1 | judge)", wine, family="cumulative", thresholds="equidistant")

    assert cbpp_model.likelihood_ratio(constant).statistic == pytest.approx(numbers["cbpp_period"], rel=1e-4)
    assert wine_model.likelihood_ratio(plain).statistic == pytest.approx(numbers["wine_judge"], rel=1e-4)
    thresholds = wine_model.likelihood_ratio(even)
    assert thresholds.statistic == pytest.approx(numbers["wine_equidistant"], rel=1e-4)
    assert thresholds.mixture == ((1.0, 2),)


def test_two_variances_take_the_weights_of_their_correlation(table):
    plates = table("Penicillin")
    whole, none = fit("diameter ~ 1 + (1 | plate) + (1 | sample)", plates), fit("diameter ~ 1", plates)

    test = whole.likelihood_ratio(none)
    orthogonal = likelihood_ratio(none.fit, whole.fit, correlation=np.eye(2))

    assert test.boundary == ("plate", "sample")
    assert sum(weight for weight, _ in test.mixture) == pytest.approx(1.0)
    # plates and samples are crossed in full: their variances are nearly orthogonal
    assert {df: weight for weight, df in test.mixture} == pytest.approx({0: 0.25, 1: 0.5, 2: 0.25}, abs=0.01)
    assert {df: weight for weight, df in orthogonal.mixture} == pytest.approx({0: 0.25, 1: 0.5, 2: 0.25})


@pytest.mark.parametrize("k", [1, 2, 3, 4])
def test_weights_of_independent_variances_are_binomial(k):
    assert chi_bar_weights(np.eye(k)) == pytest.approx(stats.binom.pmf(np.arange(k + 1), k, 0.5), abs=1e-6)


def test_weights_of_dependent_variances_equal_a_simulation():
    covariance = np.array([[1.0, 0.6, -0.2], [0.6, 2.0, 0.3], [-0.2, 0.3, 0.5]])
    inverse = np.linalg.inv(covariance)
    draws = np.random.default_rng(1).multivariate_normal(np.zeros(3), covariance, size=4000)
    sides = np.array([[bool(pattern & 1 << j) for j in range(3)] for pattern in range(8)])
    positive = np.zeros(4)
    for z in draws:
        best = np.inf
        for free in sides:
            # least distance on the face where only these are above zero
            theta = np.zeros(3)
            if free.any():
                theta[free] = np.linalg.solve(inverse[np.ix_(free, free)], (inverse @ z)[free])
            distance = (z - theta) @ inverse @ (z - theta)
            if (theta >= 0.0).all() and distance < best:
                best, count = distance, int(free.sum())
        positive[count] += 1.0

    # 4,000 draws: a standard error of 0.008
    assert chi_bar_weights(covariance) == pytest.approx(positive / 4000, abs=0.025)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda table: table[:-5], "180 and 175|175 and 180"),
        (lambda table: table.assign(Reaction=table["Reaction"] + 1.0), "different answers"),
        (lambda table: table[::-1], "different answers"),
    ],
)
def test_other_rows_or_answers_are_refused(sleep, slope_model, change, reason):
    other = fit("Reaction ~ Days + (1 | Subject)", change(sleep))

    with pytest.raises(NotNestedError, match=reason):
        slope_model.likelihood_ratio(other)


def test_models_that_are_not_nested_are_refused(sleep, cake, cake_model, wine, wine_model):  # noqa: PLR0917
    with pytest.raises(NotNestedError, match="no random effect Subject"):
        likelihood_ratio(fit("Reaction ~ Days + (0 + Days | Subject)", sleep).fit, fit_twice(sleep))
    recipe = fit("angle ~ recipe + (1 | recipe:replicate)", cake, reml=False)
    temp = fit("angle ~ temp + (1 | replicate)", cake, reml=False)
    with pytest.raises(NotNestedError, match="not nested: the fixed effects"):
        recipe.likelihood_ratio(temp)
    with pytest.raises(NotNestedError, match="nothing to test"):
        cake_model.likelihood_ratio(cake_model)
    with pytest.raises(NotNestedError, match="different laws"):
        wine_model.likelihood_ratio(fit("Reaction ~ Days", sleep))
    quadrature = fit("rating ~ temp + (1 | judge)", wine, family="cumulative", quadrature=7)
    with pytest.raises(NotNestedError, match=r"AGQ\(7\) and Laplace: fit both by one method"):
        wine_model.likelihood_ratio(quadrature)


def fit_twice(sleep):
    """A model with more parameters and other groups."""
    return fit("Reaction ~ Days + (1 | Days) + (1 | Subject)", sleep).fit


def test_test_reads_as_a_line(intercept_model, slope_model):
    text = str(slope_model.likelihood_ratio(intercept_model))

    assert text.startswith("likelihood ratio 42.83")
    assert "0.5 χ²(1) + 0.5 χ²(2)" in text


def test_estimated_log_likelihoods_are_told(intercept_model, slope_model):
    note = "log-likelihood by 64 random probes, Monte-Carlo error 0.1"
    estimated = replace(slope_model.fit, notes=(note,))

    assert likelihood_ratio(intercept_model.fit, estimated).note.endswith(note)
    assert note not in likelihood_ratio(intercept_model.fit, slope_model.fit).note
