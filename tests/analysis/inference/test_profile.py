"""Profile intervals against R's confint, and where there is none."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import minimize

from analysis.inference.profile import profile_intervals
from analysis.modelling import fit


def agree(ours, theirs, order):
    """Compare with R's rows in another order; R interpolates its profile, hence 3e-4 of the estimate's scale."""
    scale = np.maximum(np.abs(ours.high - ours.low), 1e-12)
    for end in ("low", "high"):
        expected = np.array([theirs[end][theirs["name"].index(name)] for name in order])
        np.testing.assert_array_less(np.abs(getattr(ours, end) - expected), 3e-4 * scale)


def test_correlated_slopes_equal_lme4(slope_model, r_numbers):
    ours = slope_model.profile()

    assert ours.names == ("(Intercept)", "Days", "sd(Subject)", "sd(Subject, Days)", "sd(residual)")
    agree(ours, r_numbers["profile"]["sleepstudy_block"], ("(Intercept)", "Days", ".sig01", ".sig03", ".sigma"))


def test_uncorrelated_slopes_equal_lme4(sleep, r_numbers):
    ours = fit("Reaction ~ Days + (Days || Subject)", sleep).profile()

    agree(ours, r_numbers["profile"]["sleepstudy_uncorrelated"], ("(Intercept)", "Days", ".sig01", ".sig02", ".sigma"))


def test_crossed_factors_equal_lme4(table, r_numbers):
    ours = fit("diameter ~ 1 + (1 | plate) + (1 | sample)", table("Penicillin")).profile()

    agree(ours, r_numbers["profile"]["Penicillin"], ("(Intercept)", ".sig01", ".sig02", ".sigma"))


def test_counts_equal_glmer(cbpp_model, r_numbers):
    ours = cbpp_model.profile()

    assert ours.names[-1] == "sd(herd)"
    names = ("(Intercept)", "period2", "period3", "period4", ".sig01")
    agree(ours, r_numbers["profile"]["cbpp"], names)


def test_ordered_answers_equal_clm(wine, r_numbers):
    ours = fit("rating ~ temp + contact", wine, family="cumulative").profile()

    agree(ours, r_numbers["profile"]["wine_clm"], ("tempwarm", "contactyes"))


def test_chosen_parameters_and_confidence(wine_model):
    whole = wine_model.profile(["sd(judge)"])
    narrow = wine_model.profile(["sd(judge)"], confidence=0.5)

    assert whole.names == ("sd(judge)",)
    assert whole.low[0] < narrow.low[0] < narrow.estimate[0] < narrow.high[0] < whole.high[0]


def test_profile_equals_a_search_by_brute_force(wine_model, oracle):
    """All other parameters searched without derivatives' help, by an oracle that shares nothing but the formula."""
    specification, fitted = wine_model.specification, wine_model.fit
    value = wine_model.profile(["contact[yes]"]).high[0]
    z = np.eye(9)[specification.factors[0].codes[0]]
    category = specification.response.astype(int)

    def deviance(free):
        sd, beta, *thresholds = free
        return oracle(
            x=specification.fixed,
            z=z,
            sd=np.full(9, sd),
            beta=np.array([beta, value]),
            thresholds=np.array(thresholds),
            category=category,
        )

    start = np.concatenate([[fitted.variances[0].sd, fitted.estimate[0]], fitted.thresholds])
    least = minimize(deviance, start, method="BFGS").fun

    # the definition of the end point: χ²(1, .95) above the least deviance; the end is found to 1e-4 of its distance
    assert least + 2.0 * fitted.log_likelihood == pytest.approx(3.8415, abs=2e-3)


def test_spread_at_zero_begins_at_zero(table):
    ours = fit("Yield ~ 1 + (1 | Batch)", table("Dyestuff2")).profile(["sd(Batch)"])

    assert ours.estimate[0] == ours.low[0] == 0.0
    assert ours.high[0] > 0.0


def test_unknown_parameter_is_refused_with_the_known_ones(wine_model):
    with pytest.raises(
        ValueError, match=r"no parameter 'judge': choose from temp\[warm\], contact\[yes\], sd\(judge\)"
    ):
        wine_model.profile(["judge"])


def test_estimated_likelihood_is_not_profiled(wine_model):
    noisy = replace(wine_model.fit, notes=("Monte-Carlo error of −2 log L 0.1",))

    with pytest.raises(ValueError, match="carries a Monte-Carlo error"):
        profile_intervals(wine_model.specification, noisy)


def test_aliased_column_says_so(wine):
    model = fit("rating ~ temp + C(temp) + contact", wine, family="cumulative")

    ours = profile_intervals(model.specification, model.fit)

    assert ours.messages[1] == "not estimable"
    assert np.isfinite(ours.low[[0, 2]]).all()


def test_frame_and_text(wine_model):
    ours = wine_model.profile(["sd(judge)"])

    assert list(ours.frame().columns) == ["name", "estimate", "low", "high", "message"]
    assert "sd(judge)" in str(ours)
