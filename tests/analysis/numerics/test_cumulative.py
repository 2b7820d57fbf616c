"""The cumulative logit: probabilities, derivatives and threshold shapes."""

import numpy as np
import pytest
from scipy.special import expit

from analysis.numerics.cumulative import CumulativeLogit, equidistant, fixed_at_zero, flexible, symmetric


def family(category, thresholds):
    return CumulativeLogit(np.asarray(category), np.ones(len(category)), thresholds)


def test_probabilities_of_all_levels_sum_to_one():
    eta = np.full(5, 0.7)

    terms = family(range(5), symmetric(5)).terms(eta, np.array([0.5, 2.0]))

    assert np.exp(terms.log_likelihood).sum() == pytest.approx(1.0, rel=1e-14)


def test_forced_choice_is_the_bernoulli_logit():
    eta = np.array([-3.0, 0.4])

    terms = family([0, 1], fixed_at_zero()).terms(eta, np.zeros(0))

    assert np.exp(terms.log_likelihood) == pytest.approx([1 - expit(-3.0), expit(0.4)])
    assert terms.score == pytest.approx([-expit(-3.0), 1 - expit(0.4)])


def test_extreme_predictors_stay_finite():
    eta = np.array([-800.0, 800.0, 800.0])

    terms = family([2, 0, 1], flexible(3)).terms(eta, np.array([-1.0, 1.0]))

    assert np.isfinite(terms.log_likelihood).all()
    assert np.isfinite(terms.score).all()
    assert (terms.weight >= 0).all()


@pytest.mark.parametrize("name", ["score", "weight"])
def test_derivatives_in_the_predictor_equal_differences(name):
    model, tau, eta, h = family(range(4), flexible(4)), np.array([-1.0, 0.2, 1.5]), np.full(4, 0.3), 1e-6
    up, down = model.terms(eta + h, tau), model.terms(eta - h, tau)
    below = {"score": "log_likelihood", "weight": "score"}[name]
    sign = {"score": 1.0, "weight": -1.0}[name]

    found = getattr(model.terms(eta, tau), name)

    assert found == pytest.approx(sign * (getattr(up, below) - getattr(down, below)) / (2 * h), rel=1e-7)


def test_derivatives_in_the_thresholds_equal_differences():
    model, tau, eta, h = family(range(4), flexible(4)), np.array([-1.0, 0.2, 1.5]), np.full(4, 0.3), 1e-6
    terms = model.terms(eta, tau)

    gradient = model.gather(terms.upper, terms.lower)

    for j in range(3):
        step = np.eye(3)[j] * h
        change = model.terms(eta, tau + step).log_likelihood.sum() - model.terms(eta, tau - step).log_likelihood.sum()
        assert gradient[j] == pytest.approx(change / (2 * h), rel=1e-7)


def test_core_agrees_with_terms():
    model, tau, eta = family([0, 1, 2, 2], symmetric(3)), np.array([0.6]), np.array([0.1, -2.0, 3.0, 0.0])

    value, score, weight = model.core(eta, tau)

    terms = model.terms(eta, tau)
    assert value == pytest.approx(terms.log_likelihood.sum())
    assert score == pytest.approx(terms.score)
    assert weight == pytest.approx(terms.weight)


@pytest.mark.parametrize(
    ("thresholds", "free", "expected"),
    [
        (symmetric(5), [0.5, 2.0], [-2.0, -0.5, 0.5, 2.0]),
        (symmetric(4), [1.0], [-1.0, 0.0, 1.0]),
        (symmetric(3), [0.3], [-0.3, 0.3]),
        (equidistant(4), [-1.0, 0.5], [-1.0, -0.5, 0.0]),
        (flexible(3), [-0.2, 0.9], [-0.2, 0.9]),
    ],
)
def test_threshold_shapes(thresholds, free, expected):
    assert thresholds.at(np.array(free)) == pytest.approx(expected)


def test_thresholds_out_of_order_are_not_admissible():
    model = family([0, 1], symmetric(5))

    assert model.is_admissible(np.array([0.5, 1.0]))
    assert not model.is_admissible(np.array([1.0, 0.5]))
