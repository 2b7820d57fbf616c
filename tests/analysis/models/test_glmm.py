"""The logistic mixed model against lme4 and against its own limits."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from analysis.models.glmm import fit_logistic
from analysis.numerics.structure import SignedFactor

# glmer was run at tolPwrss 1e-12; its derivative-free optimiser stops 1e-5 relative from the optimum, which we reach.
ESTIMATE = 2e-5
# glmmTMB's standard errors come from an exact Hessian (automatic differentiation), at an optimum 1e-5 away.
ERROR = 2e-5
# glmer differences its deviance twice, which costs it 3e-4 in standard errors; its optimiser costs 1e-5 in spreads.
COARSE_ERROR = 1e-3
SPREAD = 2e-5


def compare(fit, expected):
    assert fit.convergence.converged
    assert fit.log_likelihood == pytest.approx(expected["log_likelihood"], rel=1e-9)
    values, errors = zip(*expected["fixed"].values(), strict=True)
    assert fit.estimate == pytest.approx(values, abs=ESTIMATE)
    assert fit.standard_errors() == pytest.approx(errors, rel=COARSE_ERROR)
    assert fit.standard_errors() == pytest.approx(list(expected["glmmTMB_se"].values()), rel=ERROR)
    for component in fit.variances:
        assert component.sd == pytest.approx(expected["sd"][component.factor], rel=SPREAD)


def test_logistic_verbagg_equals_glmer(shared, reference, intercepts):
    d = pd.read_csv(shared("reference/VerbAgg.csv"))
    columns = [d.Anger, d.Gender == "M", d.btype == "scold", d.btype == "shout", d.situ == "self"]
    x = np.column_stack([np.ones(len(d)), *columns]).astype(float)

    fit = fit_logistic((d.r2 == "Y").to_numpy(), x, intercepts(d, "id", "item"), names=tuple("iagbcs"))

    compare(fit, reference["VerbAgg"])


def test_logistic_with_weights_equals_glmer_on_binomial_counts(shared, reference, intercepts):
    d = pd.read_csv(shared("reference/cbpp.csv"))
    both = pd.concat([d.assign(y=1, w=d["incidence"]), d.assign(y=0, w=d["size"] - d["incidence"])])
    x = np.column_stack([np.ones(len(both))] + [both.period == k for k in (2, 3, 4)]).astype(float)

    fit = fit_logistic(
        both.y.to_numpy(), x, intercepts(both, "herd"), names=tuple("1234"), weights=both.w.to_numpy(dtype=float)
    )

    # glmer counts the binomial coefficients, a constant; two rows of weights do not.
    constant = reference["cbpp"]["log_likelihood"] - fit.log_likelihood
    compare(replace(fit, log_likelihood=fit.log_likelihood + constant), reference["cbpp"])
    assert constant > 0.0


def test_logistic_three_intercepts_equal_glmer(shared, reference, intercepts):
    d = pd.read_csv(shared("reference/sim72_pairs.csv"))
    x = np.column_stack([d.system == name for name in ("act", "wt", "prm")] + [d.side]).astype(float)

    fit = fit_logistic(d.choice.to_numpy(), x, intercepts(d, "pair", "rater", "prompt"), names=tuple("awps"))

    compare(fit, reference["sim72_pairs"])


def signed(frame, name, left, right):
    codes = np.unique(np.concatenate([frame[left], frame[right]]), return_inverse=True)[1].astype(np.int64)
    half = len(frame)
    return SignedFactor(name, (codes[:half], codes[half:]), (1.0, -1.0), int(codes.max()) + 1)


def test_signed_memberships_equal_lme4_with_edited_zt(shared, reference, intercepts):
    d = pd.read_csv(shared("reference/multimembership_72.csv"))
    factors = (signed(d, "out", "outL", "outR"), signed(d, "ps", "psL", "psR"), *intercepts(d, "rater"))
    x = np.column_stack([np.ones(len(d))] + [(d.sysL == k) * 1.0 - (d.sysR == k) * 1.0 for k in (1, 2, 3)])

    fit = fit_logistic(d.y.to_numpy(), x, factors, names=tuple("1awp"))

    expected = reference["multimembership_72"]
    assert -2 * fit.log_likelihood == pytest.approx(expected["deviance"], rel=1e-9)
    assert [part.sd for part in fit.variances] == pytest.approx(expected["parameter"][:3], rel=1e-4)
    assert fit.estimate == pytest.approx(expected["parameter"][3:], rel=1e-4)


def one_way(groups, per, success):
    codes = np.repeat(np.arange(groups), per)
    return (SignedFactor("group", (codes,), (1.0,), groups),), np.ones((groups * per, 1)), np.asarray(success)


def test_no_spread_between_groups_is_called_singular_and_leaves_the_plain_logit():
    factors, x, y = one_way(10, 4, np.tile([1, 1, 1, 0], 10))

    fit = fit_logistic(y, x, factors, names=("intercept",))

    assert fit.convergence.code == "singular"
    assert fit.convergence.converged
    assert fit.convergence.singular == ("group",)
    assert "no spread found for group" in fit.convergence.message
    assert fit.variances[0].sd == 0.0
    assert fit.estimate[0] == pytest.approx(np.log(3.0), rel=1e-8)
    # the Hessian may be taken up to 1e-4 standard errors away from the optimum
    assert fit.standard_errors()[0] == pytest.approx(np.sqrt(1 / (40 * 0.75 * 0.25)), rel=1e-5)


def test_groups_that_always_agree_are_called_near_separation():
    factors, x, y = one_way(30, 12, np.repeat(np.tile([1, 1, 0], 10), 12))

    fit = fit_logistic(y, x, factors, names=("intercept",))

    assert fit.convergence.code in {"near_separation", "not_converged"}
    assert "near separation" in fit.convergence.message


def test_separated_coefficient_is_named_and_the_rest_is_still_estimated():
    group = np.repeat(np.arange(10), 6)
    x = np.column_stack([np.ones(60), np.repeat([1.0, 0.0], 30)])
    y = np.concatenate([np.ones(30), np.tile([0, 1, 1], 10)])

    fit = fit_logistic(y, x, (SignedFactor("group", (group,), (1.0,), 10),), names=("intercept", "treated"))

    assert fit.convergence.code == "separation"
    assert "no finite estimate of treated" in fit.convergence.message
    assert np.abs(fit.infinite[:, 0]) == pytest.approx([0.0, 1.0])
    assert fit.rows == 30
    assert fit.estimate[0] == pytest.approx(np.log(2.0), rel=1e-6)


def test_answers_all_alike_give_no_estimate_and_say_so():
    factors, x, y = one_way(5, 4, np.ones(20))

    fit = fit_logistic(y, x, factors, names=("intercept",))

    assert not fit.convergence.converged
    assert fit.convergence.code == "not_fitted"
    assert np.isnan(fit.estimate).all()
    assert "report the raw win rates" in fit.convergence.message


def test_collinear_columns_are_dropped_and_named():
    rng = np.random.default_rng(1)
    a = rng.normal(size=200)
    x = np.column_stack([np.ones(200), a, 2.0 * a])
    factor = SignedFactor("group", (np.arange(200) % 20,), (1.0,), 20)

    fit = fit_logistic(rng.random(200) < 0.5, x, (factor,), names=("one", "a", "twice"))

    assert fit.estimate[2] == 0.0
    assert fit.notes == ("not told apart by the data, set to 0: twice",)
    assert np.abs(x @ fit.null).max() == pytest.approx(0.0, abs=1e-10)


def test_random_effect_of_one_level_is_left_out_and_said():
    rng = np.random.default_rng(2)
    factor = SignedFactor("rater", (np.zeros(50, dtype=np.int64),), (1.0,), 1)

    fit = fit_logistic(rng.random(50) < 0.4, np.ones((50, 1)), (factor,), names=("one",))

    assert fit.variances == ()
    assert fit.notes == ("random effect rater left out: it has one level",)


def test_doubling_the_data_halves_the_variance_of_the_estimate():
    rng = np.random.default_rng(4)
    group = np.repeat(np.arange(40), 10)
    y = rng.random(400) < 1 / (1 + np.exp(-0.5 - rng.normal(0, 0.8, 40)[group]))
    once = (SignedFactor("group", (group,), (1.0,), 40),)
    twice = (SignedFactor("group", (np.concatenate([group, group + 40]),), (1.0,), 80),)

    single = fit_logistic(y, np.ones((400, 1)), once, names=("one",))
    double = fit_logistic(np.tile(y, 2), np.ones((800, 1)), twice, names=("one",))

    assert double.estimate == pytest.approx(single.estimate, rel=1e-6)
    assert double.covariance[0, 0] == pytest.approx(single.covariance[0, 0] / 2, rel=1e-5)
