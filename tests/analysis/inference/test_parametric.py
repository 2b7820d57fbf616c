"""Simulated answers have the moments that the model says."""

import numpy as np
import pytest

from analysis.inference.parametric import simulate
from analysis.modelling import fit


def draws(model, count):
    return np.array([simulate(model.specification, model.fit, np.random.default_rng([7, k])) for k in range(count)])


def test_linear_answers_have_mean_and_covariance_of_the_model(slope_model):
    many = draws(slope_model, 3000)

    days = slope_model.specification.fixed[:, 1]
    assert many.mean(axis=0) == pytest.approx(slope_model.fit.fixed_predictor, abs=3.5)
    sd = {v.term: v.sd for v in slope_model.fit.variances}
    link = slope_model.fit.correlations[0].value * sd["(Intercept)"] * sd["Days"]
    same = np.outer(days, days) * sd["Days"] ** 2 + sd["(Intercept)"] ** 2 + link * np.add.outer(days, days)
    block = slice(0, 10)
    expected = same[block, block] + slope_model.fit.residual_sd**2 * np.eye(10)
    # 3,000 draws: covariances are known to about 3% of the largest variance
    assert np.cov(many[:, block].T) == pytest.approx(expected, abs=0.08 * expected.max())
    assert abs(np.cov(many[:, 0], many[:, 10])[0, 1]) < 0.08 * expected[0, 0]


def test_ordered_answers_have_the_marginal_shares(wine_model):
    many = draws(wine_model, 1500)

    nodes, weights = np.polynomial.hermite_e.hermegauss(41)
    eta = wine_model.fit.fixed_predictor[:, None] + wine_model.fit.variances[0].sd * nodes
    below = 1.0 / (1.0 + np.exp(-(wine_model.fit.thresholds[1] - eta)))
    expected = below @ weights / weights.sum()
    assert (many <= 1).mean(axis=0) == pytest.approx(expected, abs=0.06)


def test_counts_stay_within_their_trials(cbpp_model):
    many = draws(cbpp_model, 300)

    trials = cbpp_model.specification.trials
    assert many.shape == (300, trials.size)
    assert ((many >= 0) & (many <= trials) & (many == np.round(many))).all()
    share = (many.sum(axis=1) / trials.sum()).mean()
    observed = cbpp_model.specification.weights[: trials.size].sum() / trials.sum()
    assert share == pytest.approx(observed, abs=0.02)


def test_signed_effects_of_a_pair_cancel_for_equal_levels(study):
    model = fit("answer ~ system + (1 | rater:system)", study, dimension="surprise")

    answers = simulate(model.specification, model.fit, np.random.default_rng(1))

    assert set(np.unique(answers)) <= {0.0, 1.0, 2.0, 3.0, 4.0}
    assert model.specification.with_answers(answers).fit().convergence.converged
