"""Deviance and gradient of the Laplace approximation against a plain dense oracle and against differences."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from analysis.numerics import laplace
from analysis.numerics.cumulative import CumulativeLink, equidistant, fixed_at_zero, flexible, symmetric
from analysis.numerics.laplace import LaplaceModel
from analysis.numerics.optimise import minimise, polish
from analysis.numerics.structure import SignedFactor, build_structure

KINDS = {
    "choice": (fixed_at_zero(), []),
    "flexible": (flexible(4), [-1.0, 0.1, 1.2]),
    "symmetric": (symmetric(5), [0.4, 1.5]),
    "symmetric, even": (symmetric(4), [1.1]),
    "equidistant": (equidistant(4), [-1.0, 0.9]),
}


def build(kind, *, rows=150, seed=1):
    rng = np.random.default_rng(seed)
    thresholds, free = KINDS[kind]
    left = rng.integers(10, size=rows)
    right = (left + rng.integers(1, 10, size=rows)) % 10
    factors = (
        SignedFactor("output", (left, right), (1.0, -1.0), 10),
        SignedFactor("rater", (rng.integers(8, size=rows),), (1.0,), 8),
    )
    first = rng.choice([-1.0, 1.0], rows) if kind in {"flexible", "equidistant"} else np.ones(rows)
    x = np.column_stack([first, rng.normal(size=rows)])
    levels = thresholds.fixed.size + 1
    family = CumulativeLink(rng.integers(levels, size=rows), rng.integers(1, 3, size=rows).astype(float), thresholds)
    model = LaplaceModel(x, build_structure(factors, rows), family)
    return model, np.array([0.4, 0.9, 0.2, -0.3, *free])


@pytest.mark.parametrize("kind", KINDS)
def test_deviance_equals_the_dense_oracle(kind, oracle):
    model, parameter = build(kind)
    theta, beta, free = model.split(parameter)
    times = model.family.weights.astype(int)

    found = model.evaluate(parameter)

    expected = oracle(
        x=np.repeat(model.fixed, times, axis=0),
        z=np.repeat(model.structure.z.toarray(), times, axis=0),
        sd=theta[model.structure.factor_of],
        beta=beta,
        thresholds=model.family.thresholds.at(free),
        category=np.repeat(model.family.category, times),
    )
    assert found.deviance == pytest.approx(expected, rel=1e-11)


@pytest.mark.parametrize("kind", KINDS)
def test_gradient_equals_differences_of_the_deviance(kind):
    model, parameter = build(kind)
    step = 1e-5

    gradient = model.evaluate(parameter).gradient

    for j in range(parameter.size):
        sides = []
        for sign in (1, -1):
            moved = parameter.copy()
            moved[j] += sign * step
            sides.append(model.evaluate(moved).deviance)
        # central differences of a number near 1000 are good to about 1e-13 * 1000 / 1e-5
        assert gradient[j] == pytest.approx((sides[0] - sides[1]) / (2 * step), rel=1e-6, abs=1e-5)


def test_spread_of_zero_has_the_deviance_of_the_model_without_it():
    model, parameter = build("choice")
    parameter[:2] = 0.0
    plain = LaplaceModel(model.fixed, build_structure((), model.fixed.shape[0]), model.family)

    assert model.evaluate(parameter).deviance == pytest.approx(plain.evaluate(parameter[2:]).deviance, rel=1e-13)


def test_new_factors_in_every_inner_step_give_the_same_numbers(monkeypatch):
    model, parameter = build("symmetric")
    exact = [model.evaluate(parameter * scale) for scale in (1.0, 1.3)]
    monkeypatch.setattr(laplace, "STALE", -1.0)

    model, _ = build("symmetric")
    again = [model.evaluate(parameter * scale) for scale in (1.0, 1.3)]

    for one, two in zip(exact, again, strict=True):
        assert two.deviance == pytest.approx(one.deviance, rel=1e-12)
        assert two.gradient == pytest.approx(one.gradient, rel=1e-7, abs=1e-8)


def test_warm_start_does_not_change_the_value():
    model, parameter = build("choice")
    fresh = model.evaluate(parameter).deviance
    model.evaluate(parameter * 3.0)

    assert model.evaluate(parameter).deviance == pytest.approx(fresh, rel=1e-13)


def test_evaluation_nears_the_integral_when_groups_are_large():
    rng = np.random.default_rng(3)
    y = (rng.random(2000) < 0.6).astype(int)
    factor = SignedFactor("rater", (np.zeros(2000, dtype=np.int64),), (1.0,), 1)
    family = CumulativeLink(y, np.ones(2000), fixed_at_zero())
    model = LaplaceModel(np.ones((2000, 1)), build_structure((factor,), 2000), family)
    nodes = np.linspace(-8, 8, 200001)
    loglik = y.sum() * -np.log1p(np.exp(-(0.2 + nodes))) + (2000 - y.sum()) * -np.log1p(np.exp(0.2 + nodes))
    top = loglik.max()
    integral = top + np.log((np.exp(loglik - top) * norm.pdf(nodes)).sum() * (nodes[1] - nodes[0]))

    found = model.evaluate(np.array([1.0, 0.2])).deviance

    # the error of Laplace's method is of order 1/n: about 1e-3 with 2000 rows
    assert found == pytest.approx(-2 * integral, abs=1e-3)


def test_lamp_estimate_has_a_higher_likelihood_than_lme4s(shared, reference, oracle):
    """lme4 at its default tolerances stops at 1.8338; the oracle, not our engine, says which likelihood is higher."""
    d = pd.read_csv(shared("data/lamp_preference/lamp_rankings_long.csv"))
    wide = d.pivot_table(
        index=["item", "rater", "instruction_id"], columns="system", values=["rank", "display_slot"]
    ).reset_index()
    win = (wide["rank"]["AI-edited"] < wide["rank"]["AI-generated"]).to_numpy().astype(int)
    first = np.where(wide["display_slot"]["AI-edited"] < wide["display_slot"]["AI-generated"], 0.5, -0.5)
    codes = [pd.factorize(wide[name])[0].astype(np.int64) for name in ("item", "rater")]
    factors = tuple(
        SignedFactor(name, (code,), (1.0,), int(code.max()) + 1)
        for name, code in zip(("item", "rater"), codes, strict=True)
    )
    x = np.column_stack([np.ones(win.size), first])
    model = LaplaceModel(x, build_structure(factors, win.size), CumulativeLink(win, np.ones(win.size), fixed_at_zero()))

    optimum, _ = polish(
        model.evaluate, minimise(model.evaluate, np.array([1.0, 1.0, 0.0, 0.0]), variances=2), variances=2
    )

    def deviance(sd, beta):
        spread = np.asarray(sd)[model.structure.factor_of]
        z = model.structure.z.toarray()
        return oracle(x=x, z=z, sd=spread, beta=np.asarray(beta), thresholds=np.zeros(1), category=win)

    lme4 = reference["lamp"]["AI-edited vs AI-generated"]
    theirs = deviance(list(lme4["sd"].values()), [lme4["intercept"][0], lme4["first"][0]])
    ours = deviance(np.sqrt(optimum.parameter[:2]), optimum.parameter[2:])
    assert optimum.parameter[2:] == pytest.approx([1.83688, 0.04494], abs=2e-5)
    assert ours < theirs
    assert theirs - ours < 1e-3
