"""The cumulative logit: probabilities, derivatives and threshold shapes."""

import numpy as np
import pytest
from scipy.special import expit, log_ndtr, ndtr

from analysis.numerics.cumulative import LATENT_SD, CumulativeLink, equidistant, fixed_at_zero, flexible, symmetric

LINKS = ("logit", "probit")


def family(category, thresholds, link="logit"):
    return CumulativeLink(np.asarray(category), np.ones(len(category)), thresholds, link)


@pytest.mark.parametrize("link", LINKS)
def test_probabilities_of_all_levels_sum_to_one(link):
    eta = np.full(5, 0.7)

    terms = family(range(5), symmetric(5), link).terms(eta, np.array([0.5, 2.0]))

    assert np.exp(terms.log_likelihood).sum() == pytest.approx(1.0, rel=1e-14)


def test_forced_choice_is_the_bernoulli_logit():
    eta = np.array([-3.0, 0.4])

    terms = family([0, 1], fixed_at_zero()).terms(eta, np.zeros(0))

    assert np.exp(terms.log_likelihood) == pytest.approx([1 - expit(-3.0), expit(0.4)])
    assert terms.score == pytest.approx([-expit(-3.0), 1 - expit(0.4)])


def test_forced_choice_is_the_bernoulli_probit():
    eta = np.array([-3.0, 0.4])

    terms = family([0, 1], fixed_at_zero(), "probit").terms(eta, np.zeros(0))

    assert np.exp(terms.log_likelihood) == pytest.approx([ndtr(3.0), ndtr(0.4)], rel=1e-14)
    density = np.exp(-0.5 * eta**2) / np.sqrt(2 * np.pi)
    assert terms.score == pytest.approx([-density[0] / ndtr(3.0), density[1] / ndtr(0.4)], rel=1e-13)


@pytest.mark.parametrize("link", LINKS)
def test_extreme_predictors_stay_finite(link):
    eta = np.array([-800.0, 800.0, 800.0, -800.0, 40.0, -40.0])

    terms = family([2, 0, 1, 1, 1, 1], flexible(3), link).terms(eta, np.array([-1.0, 1.0]))

    for name in ("log_likelihood", "score", "weight", "weight_slope", "upper", "lower", "gap"):
        assert np.isfinite(getattr(terms, name)).all(), name
    assert (terms.weight >= 0).all()


@pytest.mark.parametrize("eta", [-60.0, -9.0, -7.9, 0.0, 5.0, 7.9, 8.1, 30.0])
def test_probit_tails_equal_scipy(eta):
    tau = np.array([-0.7, 0.4])
    model = family([0, 1, 2], flexible(3), "probit")

    terms = model.terms(np.full(3, eta), tau)

    below = log_ndtr(tau[0] - eta)
    # the middle level as seen from the nearer tail
    upper, lower = sorted((tau - eta) if (tau - eta).sum() < 0 else eta - tau, reverse=True)
    middle = log_ndtr(upper) + np.log1p(-np.exp(log_ndtr(lower) - log_ndtr(upper)))
    assert terms.log_likelihood == pytest.approx([below, middle, log_ndtr(eta - tau[1])], rel=1e-12, abs=1e-300)
    slope = np.exp(-0.5 * (tau[0] - eta) ** 2 - 0.5 * np.log(2 * np.pi) - below)
    assert terms.upper[0] == pytest.approx(slope, rel=1e-11)


@pytest.mark.parametrize("link", LINKS)
@pytest.mark.parametrize("eta", [0.3, -4.0, 6.0])
def test_derivatives_equal_differences(link, eta):
    """In the predictor η, the threshold above (a) and the threshold below (b), each shifted for all rows at once."""
    model, tau, h = family(range(4), flexible(4), link), np.array([-1.0, 0.2, 1.5]), 1e-5

    def at(shift, above, below):
        rows = []
        for y in range(4):
            moved = tau.copy()
            if above and y < 3:
                moved[y] += shift
            if below and y > 0:
                moved[y - 1] += shift
            rows.append(model.terms(np.full(4, eta + (0.0 if above or below else shift)), moved))
        return {
            name: np.array([getattr(terms, name)[y] for y, terms in enumerate(rows)])
            for name in ("log_likelihood", "score", "weight", "upper")
        }

    def slope(name, *, above=False, below=False):
        return (at(h, above, below)[name] - at(-h, above, below)[name]) / (2 * h)

    found = model.terms(np.full(4, eta), tau)

    close = {"rel": 1e-6, "abs": 1e-7}  # a difference of numbers near 10, good to 1e-13, over a step of 1e-5
    assert found.score == pytest.approx(slope("log_likelihood"), **close)
    assert found.weight == pytest.approx(-slope("score"), **close)
    assert found.weight_slope == pytest.approx(slope("weight"), **close)
    assert found.upper == pytest.approx(slope("log_likelihood", above=True), **close)
    assert found.lower == pytest.approx(slope("log_likelihood", below=True), **close)
    assert found.score_upper == pytest.approx(slope("score", above=True), **close)
    assert found.score_lower == pytest.approx(slope("score", below=True), **close)
    assert found.weight_upper == pytest.approx(slope("weight", above=True), **close)
    assert found.weight_lower == pytest.approx(slope("weight", below=True), **close)
    inside = np.array([0, 1, 1, 0])  # ∂²l/∂a∂b exists where both thresholds do
    assert found.gap == pytest.approx(slope("upper", below=True) * inside, **close)


@pytest.mark.parametrize("link", LINKS)
def test_derivatives_in_the_thresholds_equal_differences(link):
    model, tau, eta, h = family(range(4), flexible(4), link), np.array([-1.0, 0.2, 1.5]), np.full(4, 0.3), 1e-6
    terms = model.terms(eta, tau)

    gradient = model.gather(terms.upper, terms.lower)

    for j in range(3):
        step = np.eye(3)[j] * h
        change = model.terms(eta, tau + step).log_likelihood.sum() - model.terms(eta, tau - step).log_likelihood.sum()
        assert gradient[j] == pytest.approx(change / (2 * h), rel=1e-7)


@pytest.mark.parametrize("link", LINKS)
def test_core_agrees_with_terms(link):
    model, tau, eta = family([0, 1, 2, 2], symmetric(3), link), np.array([0.6]), np.array([0.1, -2.0, 3.0, 0.0])

    value, score, weight = model.core(eta, tau)

    terms = model.terms(eta, tau)
    assert value == pytest.approx(terms.log_likelihood.sum())
    assert score == pytest.approx(terms.score)
    assert weight == pytest.approx(terms.weight)


def test_row_weights_multiply_everything():
    once = family([0, 1, 2], symmetric(3))
    thrice = CumulativeLink(once.category, np.full(3, 3.0), once.thresholds)
    tau, eta = np.array([0.6]), np.array([0.1, -2.0, 3.0])

    one, three = once.terms(eta, tau), thrice.terms(eta, tau)

    assert three.log_likelihood == pytest.approx(3 * one.log_likelihood)
    assert three.weight_slope == pytest.approx(3 * one.weight_slope)
    assert thrice.core(eta, tau)[0] == pytest.approx(3 * once.core(eta, tau)[0])


def test_latent_errors_have_the_spread_of_their_distribution():
    grid = np.linspace(-60.0, 60.0, 400_001)
    density = expit(grid) * expit(-grid)

    assert LATENT_SD["logit"] == pytest.approx(np.sqrt((grid**2 * density).sum() * (grid[1] - grid[0])), rel=1e-6)
    assert LATENT_SD["probit"] == 1.0


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
