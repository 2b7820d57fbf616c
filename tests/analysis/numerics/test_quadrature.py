"""Adaptive quadrature against brute integration and against differences of its own deviance."""

import numpy as np
import pytest
from scipy.stats import norm

from analysis.numerics.cumulative import CumulativeLink, fixed_at_zero, symmetric
from analysis.numerics.laplace import LaplaceModel
from analysis.numerics.quadrature import QuadratureModel
from analysis.numerics.structure import SignedFactor, build_structure

KINDS = {
    ("choice", "logit"): (fixed_at_zero(), []),
    ("choice", "probit"): (fixed_at_zero(), []),
    ("graded", "logit"): (symmetric(4), [1.1]),
    ("graded", "probit"): (symmetric(5), [0.4, 1.3]),
}


def build(kind, points, *, seed=1):
    rng = np.random.default_rng(seed)
    thresholds, free = KINDS[kind]
    rows, groups = 90, 15
    code = rng.integers(groups, size=rows)
    code[:5] = -1  # rows that belong to no level
    x = np.column_stack([np.ones(rows), rng.normal(size=rows)])
    levels = thresholds.fixed.size + 1
    family = CumulativeLink(
        rng.integers(levels, size=rows), rng.integers(1, 3, size=rows).astype(float), thresholds, kind[1]
    )
    structure = build_structure((SignedFactor("group", (code,), (1.0,), groups),), rows)
    return QuadratureModel(x, structure, family, points=points), np.array([1.7, 0.2, -0.3, *free])


def brute(model, parameter):
    """−2 log L by the trapezium rule, level by level."""
    theta, beta, free = model.split(parameter)
    grid = np.linspace(-9.0, 9.0, 4001)
    code, offset = model.structure.factors[0].codes[0], model.fixed @ beta
    rows = np.array([model.family.terms(offset + theta[0] * (code >= 0) * u, free).log_likelihood for u in grid])
    total = rows[0, code < 0].sum()
    for level in range(model.structure.factors[0].levels):
        total += np.log(np.trapezoid(np.exp(rows[:, code == level].sum(axis=1)) * norm.pdf(grid), grid))
    return -2.0 * total


@pytest.mark.parametrize("kind", KINDS)
def test_quadrature_converges_to_the_integral(kind):
    model, parameter = build(kind, 31)

    found = model.evaluate(parameter).deviance

    assert found == pytest.approx(brute(model, parameter), rel=1e-9)


@pytest.mark.parametrize("kind", KINDS)
def test_one_node_is_laplace(kind):
    model, parameter = build(kind, 1)
    laplace = LaplaceModel(model.fixed, model.structure, model.family)

    one, other = model.evaluate(parameter), laplace.evaluate(parameter)

    assert one.deviance == pytest.approx(other.deviance, rel=1e-12)
    assert one.gradient == pytest.approx(other.gradient, rel=1e-8, abs=1e-9)


@pytest.mark.parametrize("points", [2, 5])
@pytest.mark.parametrize("kind", KINDS)
def test_gradient_equals_differences_of_the_deviance(kind, points):
    model, parameter = build(kind, points)
    step = 1e-5

    gradient = model.evaluate(parameter).gradient

    for j, unit in enumerate(np.eye(parameter.size) * step):
        sides = [model.evaluate(parameter + sign * unit).deviance for sign in (1.0, -1.0)]
        # central differences of a number near 300 are good to about 1e-13 * 300 / 1e-5
        assert gradient[j] == pytest.approx((sides[0] - sides[1]) / (2 * step), rel=1e-6, abs=1e-5)


def test_spread_of_zero_has_the_likelihood_without_random_effects():
    model, parameter = build(("choice", "logit"), 7)
    parameter[0] = 0.0
    plain = LaplaceModel(model.fixed, build_structure((), model.fixed.shape[0]), model.family)

    assert model.evaluate(parameter).deviance == pytest.approx(plain.evaluate(parameter[1:]).deviance, rel=1e-12)
