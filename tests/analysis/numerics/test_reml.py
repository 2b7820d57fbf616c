"""The linear model's deviance, gradient and second derivatives against dense algebra on V itself."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.numerics.reml import LinearModel
from analysis.numerics.reml_information import (
    curvature_by_differences,
    exact_curvature,
    expected_traces,
    full_curvature,
    local_covariance,
)
from analysis.numerics.reml_large import LargeLinearModel, is_large
from analysis.numerics.reml_optimise import minimise
from analysis.numerics.reml_start import starting_roots
from analysis.numerics.reml_terms import lengths, square_root
from analysis.numerics.structure import SignedFactor, build_structure


def design(seed, *, rows=120, slopes=True):
    """Signed outputs, raters with correlated slopes, prompts; unequal weights."""
    random = np.random.default_rng(seed)
    rater, prompt, left = (random.integers(size, size=rows) for size in (9, 6, 10))
    right = (left + random.integers(1, 10, size=rows)) % 10
    x = random.normal(size=rows)
    columns = (None, x, np.abs(x)) if slopes else (None,)
    names = ("(Intercept)", "x", "abs")[: len(columns)]
    factors = (
        SignedFactor("output", (left, right), (1.0, -1.0), 10),
        SignedFactor("rater", (rater,), (1.0,), 9, (), columns, names),
        SignedFactor("prompt", (prompt,), (1.0,), 6),
    )
    y = random.normal(size=rows) + 0.8 * random.normal(size=9)[rater] + 0.5 * random.normal(size=10)[left]
    fixed = np.column_stack([np.ones(rows), x, random.normal(size=rows)])
    return y, fixed, factors, random.uniform(0.3, 2.0, size=rows), random


def roots_of(factors, random):
    roots = []
    for factor in factors:
        half = random.normal(size=(len(factor.slopes),) * 2)
        roots.append(square_root(0.1 * half @ half.T + 0.1 * np.eye(half.shape[0]), np.ones(half.shape[0])))
    return roots


class Dense:
    """−2 log L with σ² profiled out, written down from V."""

    def __init__(self, y, fixed, factors, weights, *, reml):
        self.y, self.fixed, self.weights, self.reml = y, fixed, weights, reml
        structure = build_structure(factors, y.size)
        z, self.z, start = structure.z.toarray(), [], 0
        for factor in factors:
            stop = start + factor.levels * len(factor.slopes)
            self.z.append(z[:, start:stop])
            start = stop
        self.levels = [factor.levels for factor in factors]

    def covariance(self, matrices):
        pieces = [
            part @ np.kron(np.eye(count), matrix) @ part.T
            for part, count, matrix in zip(self.z, self.levels, matrices, strict=True)
        ]
        return np.diag(1.0 / self.weights) + sum(pieces)

    def projection(self, matrices):
        inverse = np.linalg.inv(self.covariance(matrices))
        middle = self.fixed.T @ inverse @ self.fixed
        return inverse - inverse @ self.fixed @ np.linalg.solve(middle, self.fixed.T @ inverse), inverse, middle

    def deviance(self, matrices):
        inside, _, middle = self.projection(matrices)
        n, p = self.fixed.shape
        count = n - p if self.reml else n
        rest = float(self.y @ inside @ self.y)
        value = np.linalg.slogdet(self.covariance(matrices))[1] + count * (1.0 + np.log(2.0 * np.pi * rest / count))
        return value + (np.linalg.slogdet(middle)[1] if self.reml else 0.0)


def shifted(model, roots, step):
    """G = T(I + Ω)T' of every factor at local coordinates Ω."""
    changes = [np.eye(root.shape[0]) for root in roots]
    for c, value in zip(model.coordinates, step, strict=True):
        changes[c.term][c.first, c.second] += value
        if c.first != c.second:
            changes[c.term][c.second, c.first] += value
    return [root @ change @ root.T for root, change in zip(roots, changes, strict=True)]


@pytest.mark.parametrize("reml", [True, False])
@pytest.mark.parametrize("slopes", [True, False])
def test_deviance_gradient_and_estimates_equal_dense_algebra(reml, slopes):
    y, fixed, factors, weights, random = design(1, slopes=slopes)
    model = LinearModel(y, fixed, build_structure(factors, y.size), weights=weights, reml=reml)
    dense = Dense(y, fixed, factors, weights, reml=reml)
    roots = roots_of(factors, random)

    point = model.at(roots)
    slope = model.slope(point)

    matrices = [root @ root.T for root in roots]
    inside, inverse, middle = dense.projection(matrices)
    assert point.deviance == pytest.approx(dense.deviance(matrices), rel=1e-12)
    beta, covariance = model.estimate(point)
    assert beta == pytest.approx(np.linalg.solve(middle, fixed.T @ inverse @ y), rel=1e-10)
    assert point.scale == pytest.approx(y @ inside @ y / (y.size - (3 if reml else 0)), rel=1e-12)
    assert covariance == pytest.approx(point.scale * np.linalg.inv(middle), rel=1e-9)
    step = 1e-5
    numeric = [
        (dense.deviance(shifted(model, roots, step * e)) - dense.deviance(shifted(model, roots, -step * e))) / step / 2
        for e in np.eye(len(model.coordinates))
    ]
    # Central differences of a deviance of size 400: 400 × 1e-16 / 1e-5.
    assert slope.gradient == pytest.approx(numeric, abs=1e-7, rel=1e-7)


@pytest.mark.parametrize("reml", [True, False])
def test_information_equals_dense_algebra(reml):
    y, fixed, factors, weights, random = design(2)
    model = LinearModel(y, fixed, build_structure(factors, y.size), weights=weights, reml=reml)
    dense = Dense(y, fixed, factors, weights, reml=reml)
    roots = roots_of(factors, random)
    point = model.at(roots)

    slope, traces = model.slope(point), expected_traces(model, point)

    inside, inverse, _ = dense.projection([root @ root.T for root in roots])
    zero = np.zeros(len(model.coordinates))
    parts = []
    for index in range(zero.size):
        step = zero.copy()
        step[index] = 1.0
        change = [
            g - root @ root.T for g, root in zip(shifted(model, roots, step), roots, strict=True)
        ]  # exact: G is linear in Ω
        parts.append(dense.covariance(change) - np.diag(1.0 / weights))
    middle = inside if reml else inverse
    assert traces == pytest.approx(
        np.array([[np.trace(middle @ a @ middle @ b) for b in parts] for a in parts]), rel=1e-9, abs=1e-10
    )
    joint = np.array([[y @ inside @ a @ inside @ b @ inside @ y for b in parts] for a in parts]) / point.scale
    assert slope.joint == pytest.approx(joint, rel=1e-9, abs=1e-10)
    assert slope.along == pytest.approx([y @ inside @ a @ inside @ y / point.scale for a in parts], rel=1e-9, abs=1e-10)


@pytest.mark.parametrize("slopes", [True, False])
def test_exact_curvature_equals_differences_of_the_gradient(slopes, monkeypatch):
    y, fixed, factors, weights, random = design(3, slopes=slopes)
    model = LinearModel(y, fixed, build_structure(factors, y.size), weights=weights, reml=True)
    point = model.at(roots_of(factors, random))
    slope = model.slope(point)

    exact = exact_curvature(model, point, slope)
    central = curvature_by_differences(model, point)
    monkeypatch.setattr("analysis.numerics.reml_information.DENSE_LIMIT", 0)
    chosen = exact_curvature(model, point, slope)

    size = np.abs(exact).max()
    assert central == pytest.approx(exact, abs=1e-6 * size)
    # Forward differences with the average information's bend: a fraction of the step, 1e-4.
    assert chosen == pytest.approx(exact, abs=(1e-6 if slopes else 1e-4) * size)


def test_covariance_of_spreads_profiles_to_the_same_inverse():
    y, fixed, factors, weights, _ = design(4, slopes=False)
    model = LinearModel(y, fixed, build_structure(factors, y.size), weights=weights, reml=True)
    optimum = minimise(model, starting_roots(model), curvature=lambda p, s: exact_curvature(model, p, s))

    found = local_covariance(model, optimum.slope, optimum.curvature, free=optimum.free)

    assert found[:-1, :-1][np.ix_(optimum.free, optimum.free)] == pytest.approx(
        2.0 * np.linalg.inv(optimum.curvature[np.ix_(optimum.free, optimum.free)]), rel=1e-9
    )
    whole = full_curvature(model, optimum.slope, optimum.curvature)
    assert whole[-1, -1] == model.freedom


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6), slopes=st.booleans(), reml=st.booleans())
def test_any_optimum_is_stationary_or_at_the_boundary(seed, slopes, reml):
    y, fixed, factors, weights, random = design(seed, slopes=slopes)
    model = LinearModel(y, fixed, build_structure(factors, y.size), weights=weights, reml=reml)

    optimum = minimise(model, starting_roots(model), curvature=lambda p, s: exact_curvature(model, p, s))

    assert optimum.reason == "converged"
    assert optimum.decrement < 1e-9
    for roots in ([1.2 * r for r in optimum.point.roots], roots_of(factors, random)):
        assert model.at(roots).deviance >= optimum.point.deviance - 1e-9
    for part, pull in zip(optimum.frozen, optimum.slope.pull, strict=True):
        assert np.all(np.diag(pull)[part] >= -1e-9)


def test_square_root_is_sorted_and_floored():
    covariance = np.array([[1.0, 2.0], [2.0, 4.0]])

    root = square_root(covariance, np.array([1.0, 3.0]))

    assert root @ root.T == pytest.approx(covariance, abs=1e-9)
    one, two = lengths(root, np.array([1.0, 3.0]))
    assert one == pytest.approx(37.0)
    assert two == pytest.approx(1e-11)


def wide_design(seed=0, *, raters=700, prompts=30, trials=10):
    random = np.random.default_rng(seed)
    rater = np.repeat(np.arange(raters), trials)
    prompt = np.concatenate([random.permutation(prompts)[:trials] for _ in range(raters)])
    output = prompt * 6 + random.integers(6, size=rater.size)
    effects = [random.normal(size=size) * sd for size, sd in ((raters, 0.5), (prompts, 0.4), (prompts * 6, 0.6))]
    y = effects[0][rater] + effects[1][prompt] + effects[2][output] + random.normal(size=rater.size)
    names = zip(("output", "rater", "prompt"), (output, rater, prompt), strict=True)
    factors = tuple(SignedFactor(name, (code,), (1.0,), int(code.max()) + 1) for name, code in names)
    return y, np.column_stack([np.ones(y.size), output % 6 < 3]).astype(float), factors


def test_probed_model_is_the_exact_one_within_its_monte_carlo_error():
    y, fixed, factors = wide_design()
    structure = build_structure(factors, y.size)
    exact, large = (
        kind(y, fixed, structure, weights=np.ones(y.size), reml=True) for kind in (LinearModel, LargeLinearModel)
    )

    one = minimise(exact, starting_roots(exact), curvature=None)
    two = minimise(large, starting_roots(large), curvature=None)

    assert two.reason == one.reason == "converged"
    deviance, error = large.settled(two.point)
    assert 0.0 < error < 0.1
    assert deviance == pytest.approx(exact.at(two.point.roots).deviance, abs=5.0 * error)
    beta, covariance = large.estimate(two.point)
    # Eight probes leave less than a hundredth of a standard error, which is some 5% of each spread here.
    sizes = [np.array([root[0, 0] for root in found.point.roots]) for found in (one, two)]
    assert sizes[1] == pytest.approx(sizes[0], rel=5e-4)
    assert beta == pytest.approx(exact.estimate(one.point)[0], abs=1e-4)
    assert covariance == pytest.approx(exact.estimate(one.point)[1], rel=2e-3)


def test_only_wide_designs_of_single_columns_are_large(monkeypatch):
    _, _, factors = wide_design()
    monkeypatch.setattr("analysis.numerics.reml_large.KEPT_LIMIT", 20)
    x = np.ones(factors[0].codes[0].size)
    slope = SignedFactor("rater", factors[1].codes, (1.0,), factors[1].levels, (), (None, x), ("(Intercept)", "x"))

    assert is_large(build_structure(factors, x.size))
    assert not is_large(build_structure(factors[:1], x.size))
    assert not is_large(build_structure((factors[0], slope, factors[2]), x.size))
