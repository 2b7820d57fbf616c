"""The optimiser on functions whose minimum is known."""

import numpy as np
import pytest

from analysis.numerics.laplace import Evaluation
from analysis.numerics.optimise import curvature_by_differences, minimise, polish


def quadratic(centre, curvature):
    centre, curvature = np.asarray(centre, float), np.asarray(curvature, float)

    def evaluate(x):
        d = x - centre
        return Evaluation(float(d @ curvature @ d), 2 * curvature @ d, 1.3 * curvature, np.zeros(0), np.zeros(0), True)

    return evaluate


def test_interior_minimum_is_found():
    evaluate = quadratic([0.5, 3.0, -1.0], [[3.0, 0.5, 0.0], [0.5, 2.0, 0.2], [0.0, 0.2, 1.0]])

    optimum, _ = polish(evaluate, minimise(evaluate, np.array([1.0, 0.0, 0.0]), variances=1), variances=1)

    assert optimum.converged
    assert optimum.parameter == pytest.approx([0.5, 3.0, -1.0], abs=1e-6)


def test_variance_that_wants_to_be_negative_ends_at_zero():
    evaluate = quadratic([-0.4, 1.0], [[2.0, 0.6], [0.6, 1.0]])

    optimum, hessian = polish(evaluate, minimise(evaluate, np.array([1.0, 0.0]), variances=1), variances=1)

    assert optimum.converged
    assert optimum.parameter[0] == 0.0
    assert optimum.free.tolist() == [False, True]
    assert optimum.parameter[1] == pytest.approx(1.0 - 0.6 * 0.4, abs=1e-6)
    assert hessian[0].tolist() == [0.0, 0.0]


def test_hessian_is_that_of_standard_deviations():
    evaluate = quadratic([0.25, 1.0], np.eye(2))

    optimum = minimise(evaluate, np.array([0.5, 0.0]), variances=1)

    hessian = curvature_by_differences(evaluate, optimum, variances=1)
    # d²/dθ² (θ² − ¼)² at θ = ½ is 8 θ² = 2
    assert hessian == pytest.approx(np.array([[2.0, 0.0], [0.0, 2.0]]), abs=1e-3)


def test_inadmissible_region_is_avoided():
    inner = quadratic([1.0], [[1.0]])

    optimum = minimise(lambda x: inner(x) if x[0] < 1.5 else None, np.array([-0.9]), variances=0)

    assert optimum.converged
    assert optimum.parameter == pytest.approx([1.0], abs=1e-4)


def test_inadmissible_start_is_refused():
    with pytest.raises(ValueError, match="starting value"):
        minimise(lambda _: None, np.zeros(1), variances=0)


def test_function_without_minimum_is_not_called_converged():
    def evaluate(x):
        return Evaluation(-float(x[0]), np.array([-1.0]), np.array([[1e-6]]), np.zeros(0), np.zeros(0), True)

    optimum = minimise(evaluate, np.zeros(1), variances=0)

    assert not optimum.converged
    assert optimum.reason == "iteration limit"
