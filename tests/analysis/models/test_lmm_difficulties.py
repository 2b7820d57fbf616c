"""What the linear mixed model says of designs and answers that it cannot fit as asked, and what must not matter."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.models.lmm import fit_linear
from analysis.numerics.structure import SignedFactor, build_structure

NAMES = ("(Intercept)", "x")
# Two optima of one smooth deviance, both polished to a predicted gain of 1e-12: 1e-6 standard errors.
SAME = 1e-6


def study(*, raters=12, prompts=8, seed=0, spread=(0.8, 0.5), noise=1.0):
    """Every rater rates every prompt once."""
    random = np.random.default_rng(seed)
    rater, prompt = (part.ravel().astype(np.int64) for part in np.indices((raters, prompts)))
    x = random.normal(size=rater.size)
    effects = random.normal(size=raters) * spread[0], random.normal(size=prompts) * spread[1]
    y = 3.0 + 0.5 * x + effects[0][rater] + effects[1][prompt] + noise * random.normal(size=rater.size)
    factors = SignedFactor("rater", (rater,), (1.0,), raters), SignedFactor("prompt", (prompt,), (1.0,), prompts)
    return y, np.column_stack([np.ones(x.size), x]), factors


def sds(fit):
    return [part.sd for part in fit.variances] + [fit.residual_sd]


def test_aliased_columns_are_dropped_and_named():
    y, x, factors = study()
    wide = np.column_stack([x, 2.0 * x[:, 1] - 1.0, np.zeros(y.size)])

    fit = fit_linear(y, wide, factors, names=(*NAMES, "copy", "empty"))

    plain = fit_linear(y, x, factors, names=NAMES)
    assert "not told apart by the data, set to 0: copy, empty" in fit.notes
    assert fit.estimate == pytest.approx([*plain.estimate, 0.0, 0.0])
    assert fit.log_likelihood == pytest.approx(plain.log_likelihood)
    assert fit.parameters == plain.parameters == 5
    assert fit.null.shape == (4, 2)
    assert wide @ fit.null == pytest.approx(np.zeros((y.size, 2)), abs=1e-12)
    assert fit.small_sample.gradient.shape == (3, 4, 4)


def test_factor_with_one_level_is_left_out():
    y, x, factors = study()
    single = SignedFactor("site", (np.zeros(y.size, dtype=np.int64),), (1.0,), 1)

    fit = fit_linear(y, x, (*factors, single), names=NAMES)

    assert fit.notes == ("random effect site left out: it has one level",)
    assert [part.factor for part in fit.variances] == ["rater", "prompt"]


def test_factor_with_one_row_per_level_is_the_residual():
    y, x, factors = study()
    every = SignedFactor("judgement", (np.arange(y.size),), (1.0,), y.size)

    fit = fit_linear(y, x, (every, *factors), names=NAMES)

    assert "judgement left out: it has one row per level and cannot be told from the residual" in fit.notes[0]
    assert sds(fit) == pytest.approx(sds(fit_linear(y, x, factors, names=NAMES)))


def test_the_same_grouping_under_another_name_is_kept_once():
    y, x, factors = study()
    twin = SignedFactor("booklet", ((factors[0].codes[0] * 7) % 12,), (1.0,), 12)

    fit = fit_linear(y, x, (*factors, twin), names=NAMES)

    assert fit.notes == ("random effect booklet left out: it is the same grouping as rater",)


def test_few_levels_are_mentioned():
    y, x, factors = study(raters=3, prompts=20)

    fit = fit_linear(y, x, factors, names=NAMES)

    assert fit.notes == ("random effect rater has only 3 levels: its spread is hardly determined",)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            lambda y, x, f: (y[[0, 1, 8, 9]], x[[0, 1, 8, 9]], _some(f, [0, 1, 8, 9])),
            "4 rows cannot determine 5 parameters",
        ),
        (lambda y, x, f: (np.full(y.size, 3.7), x, f), "the fixed effects explain every answer exactly"),
        (lambda y, x, f: (4.0 + 2.0 * x[:, 1], x, f), "the fixed effects explain every answer exactly"),
        (lambda y, x, f: (f[0].codes[0] ** 2.0, x, f), "the random effects explain every answer"),
        (lambda y, x, f: (y, x, (_constant(f[0], y),)), "the slope flat of rater is zero or a combination"),
        (lambda y, x, f: (y, x, (_sloped(f[0], x, y),)), "144 random effects of rater for 96 rows"),
    ],
    ids=["few rows", "constant", "linear", "replicates", "flat slope", "slopes"],
)
def test_what_cannot_be_fitted_is_said_in_words(change, words):
    y, x, factors = change(*study())

    fit = fit_linear(y, x, factors, names=NAMES)

    assert not fit.convergence.converged
    assert words in fit.convergence.message
    assert fit.small_sample is None


def _some(factors, rows):
    return tuple(SignedFactor(f.name, (f.codes[0][rows],), f.signs, f.levels) for f in factors)


def _constant(factor, y):
    slopes = (None, np.full(y.size, 3.0))
    return SignedFactor(factor.name, factor.codes, factor.signs, factor.levels, (), slopes, ("(Intercept)", "flat"))


def _sloped(factor, x, y):
    slopes = (None, x[:, 1], x[:, 1] ** 2, *(np.sin(k * y) for k in range(1, 10)))
    names = tuple(f"s{k}" for k in range(12))
    return SignedFactor(factor.name, factor.codes, factor.signs, factor.levels, (), slopes, names)


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("response", "response: row 7 is missing or infinite"),
        ("fixed", "fixed effects: row 7 is missing"),
        ("weights", "weights: row 7 is negative"),
        ("codes", "codes of rater: outside -1 … 11"),
        ("length", "codes of prompt: 95 rows, but the response has 96"),
    ],
)
def test_bad_arrays_are_named(place, words):
    y, x, (rater, prompt) = study()
    weights = np.ones(y.size)
    if place == "response":
        y[7] = np.nan
    elif place == "fixed":
        x[7, 1] = np.inf
    elif place == "weights":
        weights[7] = -1.0
    elif place == "codes":
        rater.codes[0][3] = 12
    else:
        prompt = SignedFactor("prompt", (prompt.codes[0][1:],), (1.0,), 8)

    with pytest.raises(ValueError, match=words):
        fit_linear(y, x, (rater, prompt), names=NAMES, weights=weights)


def test_a_spread_of_zero_is_called_singular_and_named():
    y, x, factors = study(spread=(0.0, 0.0), seed=4)
    y = y - np.array([y[factors[0].codes[0] == k].mean() for k in range(12)])[factors[0].codes[0]]

    fit = fit_linear(y, x, factors, names=NAMES)

    assert fit.convergence.code == "singular"
    assert "rater" in fit.convergence.singular
    assert fit.variances[0].sd == fit.variances[0].se == 0.0
    assert np.all(fit.random_effects[0].mode == 0.0)
    assert "no spread found for rater" in fit.convergence.message


def test_no_random_effects_is_least_squares():
    y, x, _ = study()

    fit = fit_linear(y, x, (), names=NAMES)

    beta, rest, *_ = np.linalg.lstsq(x, y)
    assert fit.estimate == pytest.approx(beta)
    assert fit.residual_sd == pytest.approx(np.sqrt(rest[0] / (y.size - 2)))
    assert fit.covariance == pytest.approx(fit.residual_sd**2 * np.linalg.inv(x.T @ x))
    assert fit.convergence.code == "ok"


def test_no_fixed_effects_is_a_model_too():
    y, _, factors = study()

    fit = fit_linear(y - y.mean(), np.zeros((y.size, 0)), factors, names=())

    assert fit.convergence.code == "ok"
    assert fit.estimate.shape == (0,)
    assert fit.small_sample is None
    assert fit.log_likelihood == pytest.approx(
        fit_linear(y - y.mean(), np.zeros((y.size, 0)), factors, names=(), reml=False).log_likelihood
    )


def test_a_row_of_weight_zero_is_no_row():
    y, x, factors = study()
    weights = np.where(np.arange(y.size) % 9 == 0, 0.0, 1.5)
    there = weights > 0.0
    fewer = tuple(SignedFactor(f.name, (f.codes[0][there],), f.signs, f.levels) for f in factors)

    fit = fit_linear(np.where(there, y, 1e3), x, factors, names=NAMES, weights=weights)

    plain = fit_linear(y[there], x[there], fewer, names=NAMES, weights=weights[there])
    assert fit.rows == int(there.sum())
    assert fit.log_likelihood == pytest.approx(plain.log_likelihood)
    assert fit.estimate == pytest.approx(plain.estimate)
    assert sds(fit) == pytest.approx(sds(plain))


@pytest.mark.parametrize("correlated", [False, True])
def test_an_earlier_fit_is_a_start_and_changes_nothing(correlated):
    y, x, (rater, prompt) = study(raters=30)
    if correlated:
        rater = SignedFactor("rater", rater.codes, rater.signs, 30, (), (None, x[:, 1]), ("(Intercept)", "x"))
    cold = fit_linear(y, x, (rater, prompt), names=NAMES)
    structure = build_structure((rater, prompt), y.size)
    other = fit_linear(y + np.sin(np.arange(y.size)), x, (rater, prompt), names=NAMES, structure=structure)

    warm = fit_linear(y, x, (rater, prompt), names=NAMES, structure=structure, start=other)
    again = fit_linear(y, x, (rater, prompt), names=NAMES, structure=structure, start=cold)

    assert warm.log_likelihood == pytest.approx(cold.log_likelihood, abs=1e-9)
    assert warm.estimate == pytest.approx(cold.estimate, rel=SAME)
    # A slope without spread is found as zero from anywhere; others to the accuracy of the optimum.
    assert sds(warm) == pytest.approx(sds(cold), rel=1e-5, abs=1e-5)
    assert again.convergence.evaluations <= cold.convergence.evaluations


def test_a_constant_moves_only_the_intercept():
    y, x, factors = study()

    fit, moved = (fit_linear(z, x, factors, names=NAMES) for z in (y, y + 1e6))

    assert moved.estimate - fit.estimate == pytest.approx([1e6, 0.0], abs=1e-6)
    # Seven digits are lost to the constant before the fit begins.
    assert moved.log_likelihood == pytest.approx(fit.log_likelihood, rel=1e-9)
    assert sds(moved) == pytest.approx(sds(fit), rel=1e-6)


def test_units_of_a_covariate_do_not_matter():
    y, x, (rater, prompt) = study(raters=30)
    fits = []
    for unit in (1.0, 1e6):
        scaled = x * [1.0, unit]
        factor = SignedFactor("rater", rater.codes, (1.0,), 30, (), (None, scaled[:, 1]), ("(Intercept)", "x"))
        fits.append(fit_linear(y, scaled, (factor, prompt), names=NAMES))

    one, other = fits
    # The restricted likelihood counts the units of X: log 1e6 per column.
    assert other.log_likelihood + np.log(1e6) == pytest.approx(one.log_likelihood, abs=1e-8)
    assert other.estimate * [1.0, 1e6] == pytest.approx(one.estimate)
    assert other.variances[1].sd * 1e6 == pytest.approx(one.variances[1].sd, rel=SAME)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6), raters=st.integers(4, 15), prompts=st.integers(4, 12))
def test_order_of_rows_and_labels_of_levels_do_not_matter(seed, raters, prompts):
    y, x, factors = study(raters=raters, prompts=prompts, seed=seed)
    random = np.random.default_rng(seed)
    order = random.permutation(y.size)
    renamed = [random.permutation(f.levels) for f in factors]
    mixed = tuple(
        SignedFactor(f.name, (new[f.codes[0]][order],), f.signs, f.levels)
        for f, new in zip(factors, renamed, strict=True)
    )

    fit, again = fit_linear(y, x, factors, names=NAMES), fit_linear(y[order], x[order], mixed, names=NAMES)

    assert fit.convergence.converged
    assert again.log_likelihood == pytest.approx(fit.log_likelihood, abs=1e-9)
    assert again.estimate == pytest.approx(fit.estimate, rel=SAME, abs=1e-9)
    assert sds(again) == pytest.approx(sds(fit), rel=1e-5, abs=1e-9)
    for part, other, new in zip(fit.random_effects, again.random_effects, renamed, strict=True):
        assert other.mode[new] == pytest.approx(part.mode, rel=1e-5, abs=1e-8)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_swapping_the_sides_of_a_pair_flips_signs_only(seed):
    random = np.random.default_rng(seed)
    rater, left = random.integers(10, size=150), random.integers(8, size=150)
    right = (left + random.integers(1, 8, size=150)) % 8
    outputs = random.normal(size=8)
    y = 0.4 + outputs[left] - outputs[right] + 0.5 * random.normal(size=10)[rater] + random.normal(size=150)
    one = SignedFactor("output", (left, right), (1.0, -1.0), 8), SignedFactor("rater", (rater,), (1.0,), 10)
    two = SignedFactor("output", (right, left), (1.0, -1.0), 8), one[1]

    fit, swapped = (fit_linear(z, np.ones((150, 1)), f, names=("side",)) for z, f in ((y, one), (-y, two)))

    assert swapped.estimate == pytest.approx(-fit.estimate, rel=SAME, abs=1e-9)
    assert sds(swapped) == pytest.approx(sds(fit), rel=1e-5, abs=1e-9)
    assert swapped.random_effects[0].mode == pytest.approx(fit.random_effects[0].mode, rel=1e-5, abs=1e-8)


def test_predictors_are_those_of_the_modes():
    y, x, factors = study()

    fit = fit_linear(y, x, factors, names=NAMES)

    modes = [part.mode[factor.codes[0]] for part, factor in zip(fit.random_effects, factors, strict=True)]
    assert fit.fixed_predictor == pytest.approx(x @ fit.estimate)
    assert fit.linear_predictor == pytest.approx(x @ fit.estimate + modes[0] + modes[1])
    assert (fit.family, fit.link, fit.method) == ("gaussian", "identity", "REML")


def test_ten_thousand_correlated_ratings_recover_their_spreads():
    random = np.random.default_rng(8)
    rater = np.repeat(np.arange(400), 25)
    x = np.tile(np.linspace(-1.0, 1.0, 25), 400)
    effects = random.multivariate_normal([0.0, 0.0], [[1.0, 0.3], [0.3, 0.25]], size=400)
    y = 1.0 + x + effects[rater, 0] + effects[rater, 1] * x + random.normal(size=rater.size)
    factor = SignedFactor("rater", (rater,), (1.0,), 400, (), (None, x), ("(Intercept)", "x"))

    fit = fit_linear(y, np.column_stack([np.ones(x.size), x]), (factor,), names=NAMES)

    # Planted 1, .5, correlation .6, residual 1; four standard errors either way.
    for part, truth in zip(fit.variances, (1.0, 0.5), strict=True):
        assert abs(part.sd - truth) < 4.0 * part.se
        assert 0.01 < part.se < 0.06
    assert fit.correlations[0].value == pytest.approx(0.6, abs=0.2)
    assert abs(fit.residual_sd - 1.0) < 4.0 * fit.residual_se
