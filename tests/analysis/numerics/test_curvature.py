"""The Hessian in fixed effects and thresholds against differences of the gradient, and its trace against algebra."""

import numpy as np
import pytest

from analysis.numerics import curvature, laplace
from analysis.numerics.cumulative import CumulativeLink, symmetric
from analysis.numerics.curvature import fixed_curvature
from analysis.numerics.laplace import LaplaceModel
from analysis.numerics.structure import SignedFactor, build_structure


@pytest.fixture
def model():
    rng = np.random.default_rng(4)
    rows = 400
    left = rng.integers(12, size=rows)
    right = (left + rng.integers(1, 12, size=rows)) % 12
    factors = (
        SignedFactor("output", (left, right), (1.0, -1.0), 12),
        SignedFactor("rater", (rng.integers(30, size=rows),), (1.0,), 30),
    )
    x = np.column_stack([np.ones(rows), rng.normal(size=rows)])
    family = CumulativeLink(rng.integers(5, size=rows), np.ones(rows), symmetric(5))
    return LaplaceModel(x, build_structure(factors, rows), family)


PARAMETER = np.array([0.3, 0.5, 0.1, -0.2, 0.5, 1.6])


def differences(model, parameter, step=1e-4):
    columns = []
    for j in range(2, parameter.size):
        up, down = parameter.copy(), parameter.copy()
        up[j] += step
        down[j] -= step
        columns.append((model.evaluate(up).gradient[2:] - model.evaluate(down).gradient[2:]) / (2 * step))
    return np.array(columns)


def exact_trace(derivative):
    core, scale = derivative.core, derivative.scale
    z = core.z.toarray() * scale
    inverse = np.linalg.inv(np.eye(core.size) + z.T @ (derivative.terms.weight[:, None] * z))
    squared = (z @ inverse @ z.T) ** 2
    change = derivative.weight_changes()
    return change.T @ squared @ change


def test_curvature_with_the_exact_trace_equals_differences_of_the_gradient(model, monkeypatch):
    expected = differences(model, PARAMETER)
    monkeypatch.setattr(curvature, "_second_trace", exact_trace)

    found = fixed_curvature(model.evaluate(PARAMETER).derivative)

    # forward differences of 3e-6 standard errors
    assert found == pytest.approx(expected, rel=1e-5, abs=1e-5 * np.diag(expected).max())


def test_probed_trace_nears_the_exact_one(model, monkeypatch):
    monkeypatch.setattr(curvature, "PROBES", 4000)
    derivative = model.evaluate(PARAMETER).derivative

    found, exact = curvature._second_trace(derivative), exact_trace(derivative)

    # 4000 probes of about 40 columns: about 1% of the largest
    assert found == pytest.approx(exact, abs=0.02 * np.diag(exact).max())


def test_trace_is_so_small_that_few_probes_do(model):
    derivative = model.evaluate(PARAMETER).derivative
    hessian = np.diag(differences(model, PARAMETER))

    error = np.diag(curvature._second_trace(derivative) - exact_trace(derivative))

    # 400 rows are few: at 720 raters the same probes leave 1e-5
    assert np.abs(error / hessian).max() < 2e-3


def test_large_dense_parts_use_it(model, monkeypatch):
    assert model.evaluate(PARAMETER).fixed_curvature() is None
    monkeypatch.setattr(laplace, "CHEAP_CURVATURE", 1)

    assert model.evaluate(PARAMETER).fixed_curvature() == pytest.approx(
        differences(model, PARAMETER), rel=2e-3, abs=2e-3 * 400
    )
