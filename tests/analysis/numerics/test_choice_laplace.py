"""Laplace for choices from sets against a dense oracle, against differences, and against the engine for pairs."""

from itertools import pairwise

import numpy as np
import pytest
from scipy import sparse

from analysis.numerics.choice import ChoiceSets
from analysis.numerics.choice_laplace import ChoiceLaplace


def build(seed=0, *, sets=60):
    """Sets of two to four systems, each with a text and a taste of the rater; the first set was seen twice."""
    rng = np.random.default_rng(seed)
    size = rng.integers(2, 5, size=sets)
    start = np.concatenate([[0], np.cumsum(size)])
    n = start[-1]
    system = np.concatenate([rng.permutation(4)[:count] for count in size])
    rater = np.repeat(rng.integers(5, size=sets), size)
    text = np.repeat(rng.integers(4, size=sets), size) * 4 + system
    fixed = sparse.csr_array(np.column_stack([system == 1, system == 2, rng.normal(size=n)]).astype(float))
    z = np.zeros((n, 16 + 20))
    z[np.arange(n), text] = 1.0
    z[np.arange(n), 16 + rater * 4 + system] = 1.0
    chosen = np.zeros(n)
    chosen[start[:-1] + rng.integers(size)] = 1.0
    chosen[:2] = 1.0
    choices = ChoiceSets(fixed, start, chosen, np.arange(sets))
    return ChoiceLaplace(choices, sparse.csr_array(z), np.repeat([0, 1], [16, 20])), np.array(
        [0.6, 0.3, 0.4, -0.2, 0.1]
    )


def dense(model, parameter):
    """Deviance and inverse of H by plain algebra; nothing is shared with the engine but the formula."""
    theta, beta = np.sqrt(parameter[:2]), parameter[2:]
    scaled = model.z.toarray() * theta[model.factor_of]
    x, start, u = model.fixed.toarray(), model.sets.start, np.zeros(model.factor_of.size)
    for _ in range(100):
        eta = x @ beta + scaled @ u
        value, score, weight = 0.0, np.zeros(eta.size), np.zeros((eta.size,) * 2)
        for begin, end in pairwise(start):
            p = np.exp(eta[begin:end]) / np.exp(eta[begin:end]).sum()
            chosen = model.sets.chosen[begin:end]
            value += chosen @ np.log(p)
            score[begin:end] = chosen - chosen.sum() * p
            weight[begin:end, begin:end] = chosen.sum() * (np.diag(p) - np.outer(p, p))
        h = np.eye(u.size) + scaled.T @ weight @ scaled
        step = np.linalg.solve(h, scaled.T @ score - u)
        u = u + step
        if np.abs(step).max() < 1e-13:
            break
    return -2 * value + u @ u + np.linalg.slogdet(h)[1], np.linalg.inv(h)


def test_deviance_equals_the_dense_oracle():
    model, parameter = build()

    found = model.evaluate(parameter)

    assert found.settled
    assert found.deviance == pytest.approx(dense(model, parameter)[0], rel=1e-11)


@pytest.mark.parametrize("seed", [0, 1])
def test_gradient_equals_differences_of_the_deviance(seed):
    model, parameter = build(seed)
    step = 1e-5

    gradient = model.evaluate(parameter).gradient

    for j, unit in enumerate(np.eye(parameter.size) * step):
        sides = [model.evaluate(parameter + sign * unit).deviance for sign in (1, -1)]
        # central differences of a number near 150 are good to about 1e-13 * 150 / 1e-5
        assert gradient[j] == pytest.approx((sides[0] - sides[1]) / (2 * step), rel=1e-6, abs=1e-5)


def test_conditional_variances_equal_dense_algebra():
    model, parameter = build()

    found = model.conditional_variances(parameter, model.evaluate(parameter))

    scale = np.sqrt(parameter[:2])[model.factor_of]
    assert found == pytest.approx(scale**2 * np.diag(dense(model, parameter)[1]), rel=1e-9)


def test_spreads_of_zero_leave_the_plain_likelihood():
    model, parameter = build()
    parameter[:2] = 0.0

    found = model.evaluate(parameter)

    log_p, _ = model.sets.probabilities(model.fixed @ parameter[2:])
    assert found.deviance == pytest.approx(-2 * model.sets.chosen @ log_p, rel=1e-13)
    assert (found.gradient[:2] == 0.0).all()


def test_information_is_near_the_curvature_of_the_fixed_effects():
    """Working information leaves out what the mode's own movement adds to the determinant: a tenth here."""
    model, parameter = build()
    step = 1e-4

    information = model.evaluate(parameter).information

    sides = [model.evaluate(parameter + sign * step * np.eye(5)[4]).gradient[4] for sign in (1, -1)]
    assert information[4, 4] == pytest.approx((sides[0] - sides[1]) / (2 * step), rel=0.2)
    assert np.linalg.eigvalsh(information).min() > 0.0
