"""Predictions per prompt, output and rater: dense algebra, the fit's own standard deviations, and shrinkage."""

import numpy as np
import pytest
from scipy import sparse

from analysis.inference.bordered import Bordered
from analysis.inference.prediction import shrunken_estimates
from analysis.inference.working import information
from analysis.prepare import Options, prepare, select
from analysis.study import fit_dimension


@pytest.fixture(scope="module", params=["originality", "surprise", "fluency", "wit"])
def fitted(request, every_measure):
    options = Options()
    data = prepare(select(every_measure, options)[0], request.param, options)
    return data, fit_dimension(data)


def dense_variance(data, fit, k, fixed):
    """The prediction error by one dense inverse of Henderson's equations."""
    z = data.structure.z.toarray()
    sds = {one.factor: one.sd for one in fit.variances}
    sd = np.concatenate([np.full(factor.levels, sds.get(factor.name, 0.0)) for factor in data.factors])
    kept = sd > 0
    weight = information(fit, fit.linear_predictor)
    design = np.column_stack([data.fixed, z[:, kept]])
    left = design.T @ (weight[:, None] * design)
    left[data.fixed.shape[1] :, data.fixed.shape[1] :] += np.diag(1.0 / sd[kept] ** 2)
    row = np.concatenate([fixed, k[kept]])
    return float(row @ np.linalg.solve(left, row))


def test_contrast_within_a_prompt_has_the_error_of_the_mixed_model_equations(fitted):
    data, fit = fitted

    found = {one.unit: one for one in shrunken_estimates(data, fit, [("steered", "baseline")], confidence=0.95)}

    offset = np.cumsum([0, *(factor.levels for factor in data.factors)])
    for unit in ("prompt", "rater"):
        names = [factor.name for factor in data.factors]
        factor = data.factors[names.index(f"{unit}:system")]
        label = found[unit].labels[3]
        k = np.zeros(offset[-1])
        for sign, system in ((1.0, "steered"), (-1.0, "baseline")):
            k[offset[names.index(factor.name)] + factor.labels.index(f"{label}:{system}")] = sign
        expected = dense_variance(data, fit, k, data.contrast("steered", "baseline"))
        modes = {one.factor: one for one in fit.random_effects}
        # one symmetric solve of a few hundred equations
        assert found[unit].sd[3] == pytest.approx(np.sqrt(expected), rel=1e-8)
        if factor.name in modes:
            mode = modes[factor.name].mode @ k[offset[names.index(factor.name)] :][: factor.levels]
            assert found[unit].estimate[3] == pytest.approx(
                data.contrast("steered", "baseline") @ fit.estimate + mode, rel=1e-10
            )


def test_estimates_lie_between_the_pooled_contrast_and_the_extremes(fitted):
    data, fit = fitted

    found = shrunken_estimates(data, fit, [("steered", "baseline")], confidence=0.9)

    prompts = next(one for one in found if one.unit == "prompt")
    outputs = next(one for one in found if one.unit == "output")
    assert prompts.labels == tuple(sorted(set(data.frame["prompt"])))
    assert (prompts.low <= prompts.estimate).all()
    assert (prompts.high - prompts.estimate)[0] == pytest.approx(1.644854 * prompts.sd[0], rel=1e-6)
    assert prompts.counts.sum() == len(data.frame)
    assert len(outputs.labels) == data.outputs
    assert outputs.counts.sum() == len(data.frame) * (2 if data.paired else 1)
    # predictions of zero-mean effects average to nearly nothing
    assert abs(outputs.estimate.mean()) < 0.2 * max(outputs.estimate.std(), 1e-9) + 1e-9


def test_a_fit_that_did_not_converge_predicts_nothing(fitted):
    from dataclasses import replace

    data, fit = fitted
    lost = replace(fit, convergence=replace(fit.convergence, converged=False))

    assert shrunken_estimates(data, lost, [("steered", "baseline")], confidence=0.95) == ()


def test_bordered_inverse_equals_the_dense_one():
    rng = np.random.default_rng(1)
    z = np.zeros((60, 12))
    z[np.arange(60), rng.integers(8, size=60)] = 1.0
    z[np.arange(60), 8 + rng.integers(4, size=60)] = rng.normal(size=60)
    matrix = z.T @ z + np.eye(12)
    first = np.arange(12) < 8
    k = sparse.random_array((12, 5), density=0.5, rng=rng).tocsc()

    found = Bordered(sparse.csc_array(matrix), first)

    inverse = np.linalg.inv(matrix)
    assert found.possible
    assert found.quadratic(k) == pytest.approx(np.diag(k.toarray().T @ inverse @ k.toarray()), rel=1e-10)
    assert found.solve(np.eye(12)) == pytest.approx(inverse, abs=1e-12)


def test_two_large_crossed_sides_are_left_alone(monkeypatch):
    from analysis.inference import bordered

    monkeypatch.setattr(bordered, "LARGEST_BORDER", 3)
    matrix = sparse.csc_array(np.eye(12))

    assert not Bordered(matrix, np.arange(12) < 6).possible
