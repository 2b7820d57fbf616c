"""Regression without random effects: the maximum, the patterns it works on, and its certificate of overlap."""

import numpy as np
import pytest
from scipy import optimize

from analysis.numerics.cumulative import CumulativeLink, equidistant, fixed_at_zero, flexible, symmetric
from analysis.numerics.regression import collect_patterns, fit_regression, is_overlapping, likelihood_curvature
from analysis.numerics.separation import find_separation

SHAPES = {"choice": fixed_at_zero(), "flexible": flexible(4), "symmetric": symmetric(5), "equidistant": equidistant(4)}


def build(shape, link="logit", *, rows=300, seed=0):
    rng = np.random.default_rng(seed)
    thresholds = SHAPES[shape]
    x = np.column_stack([rng.choice([-1.0, 0.0, 1.0], rows), rng.integers(4, size=rows) / 3.0])
    category = rng.integers(thresholds.fixed.size + 1, size=rows)
    return x, CumulativeLink(category, rng.integers(1, 4, size=rows).astype(float), thresholds, link)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("link", ["logit", "probit"])
def test_regression_finds_the_maximum_that_a_general_optimiser_finds(shape, link):
    x, family = build(shape, link)

    found = fit_regression(collect_patterns(x, family))

    def deviance(parameter):
        return -family.core(x @ parameter[:2], parameter[2:])[0] if family.is_admissible(parameter[2:]) else 1e9

    other = optimize.minimize(
        deviance, found.parameter + 0.05, method="Nelder-Mead", options={"xatol": 1e-7, "fatol": 1e-12, "maxiter": 4000}
    )
    assert found.finite
    assert found.log_likelihood == pytest.approx(-other.fun, abs=1e-8)
    assert found.parameter == pytest.approx(other.x, abs=1e-4)
    assert np.abs(found.gradient).max() < 1e-9


@pytest.mark.parametrize("shape", SHAPES)
def test_curvature_equals_differences_of_the_gradient(shape):
    x, family = build(shape, "probit")
    patterns = collect_patterns(x, family)
    found = fit_regression(patterns)
    h = 1e-5

    def gradient(parameter):
        terms = patterns.family.terms(patterns.fixed @ parameter[:2], parameter[2:])
        return np.concatenate([patterns.fixed.T @ terms.score, patterns.family.gather(terms.upper, terms.lower)])

    curvature = likelihood_curvature(patterns.fixed, patterns.family, found.terms)

    for j, unit in enumerate(np.eye(found.parameter.size) * h):
        change = (gradient(found.parameter - unit) - gradient(found.parameter + unit)) / (2 * h)
        # a gradient of size 100, good to 1e-14 of that, over a step of 1e-5
        assert curvature[j] == pytest.approx(change, rel=1e-6, abs=1e-5)


def test_patterns_sum_the_weights_of_equal_rows():
    x = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 0.0]])
    family = CumulativeLink(np.array([0, 1, 0, 1]), np.array([1.0, 2.0, 3.0, 4.0]), fixed_at_zero())

    patterns = collect_patterns(x, family)

    assert patterns.fixed[patterns.of_row] == pytest.approx(x)
    assert patterns.family.category[patterns.of_row].tolist() == [0, 1, 0, 1]
    assert sorted(patterns.family.weights) == [2.0, 4.0, 4.0]
    assert patterns.of_row[0] == patterns.of_row[2] != patterns.of_row[3]


def test_patterns_survive_rows_whose_projections_agree():
    """A projection is no proof: rows that differ must stay apart even if their keys collide."""
    direction = np.sqrt(np.array([2.0, 3.0]))
    x = np.array([[direction[1], -direction[0]], [0.0, 0.0], [2 * direction[1], -2 * direction[0]]])
    family = CumulativeLink(np.zeros(3, dtype=np.int64), np.ones(3), fixed_at_zero())

    patterns = collect_patterns(x, family)

    assert patterns.fixed[patterns.of_row] == pytest.approx(x)


@pytest.mark.parametrize("shape", SHAPES)
def test_overlap_is_certified_and_the_linear_programme_agrees(shape):
    x, family = build(shape, rows=60)
    patterns = collect_patterns(x, family)

    assert is_overlapping(patterns, fit_regression(patterns))
    assert find_separation(x, family) is None


@pytest.mark.parametrize("seed", range(30))
def test_certificate_never_contradicts_the_linear_programme(seed):
    rng = np.random.default_rng(seed)
    x = np.column_stack([np.ones(12), rng.normal(size=(12, 2))])
    family = CumulativeLink(
        (x @ [0.0, 2.0, -1.0] + rng.logistic(size=12) > 0).astype(int), np.ones(12), fixed_at_zero()
    )
    patterns = collect_patterns(x, family)

    certified = is_overlapping(patterns, fit_regression(patterns))

    assert certified == (find_separation(x, family) is None)


def test_quasi_separation_is_not_certified():
    x = np.column_stack([np.ones(6), [0.0, 0, 0, 1, 1, 1]])
    family = CumulativeLink(np.array([0, 1, 0, 1, 1, 1]), np.ones(6), fixed_at_zero())
    patterns = collect_patterns(x, family)

    found = fit_regression(patterns)

    assert not is_overlapping(patterns, found)


def test_start_at_the_answer_needs_no_search():
    x, family = build("symmetric")
    patterns = collect_patterns(x, family)
    cold = fit_regression(patterns)

    warm = fit_regression(patterns, cold.parameter)

    assert warm.parameter == pytest.approx(cold.parameter, rel=1e-10)


def test_inadmissible_start_is_ignored():
    x, family = build("flexible")
    patterns = collect_patterns(x, family)

    found = fit_regression(patterns, np.array([0.0, 0.0, 1.0, 0.5, 2.0]))

    assert found.finite
