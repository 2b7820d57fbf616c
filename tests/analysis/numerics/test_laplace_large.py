"""The Laplace approximation without its dense part against the one that factors it."""

import numpy as np
import pytest

from analysis.models.glmm import fit_logistic
from analysis.models.ordinal import fit_cumulative
from analysis.numerics import laplace_large, partition
from analysis.numerics.cumulative import CumulativeLink, fixed_at_zero, symmetric
from analysis.numerics.laplace import LaplaceModel
from analysis.numerics.laplace_large import LargeLaplaceModel, is_large
from analysis.numerics.probes import Probes
from analysis.numerics.structure import SignedFactor, build_structure

NAMES = ("(Intercept)", "b", "c")


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    """A study of this size would else be one block, and nothing left to estimate."""
    monkeypatch.setattr(partition, "BLOCK_LIMIT", 20)


def study(*, raters=60, prompts=30, per=15, seed=3):
    """Pairs of three systems with two outputs per prompt: factors, fixed effects and the planted η."""
    rng = np.random.default_rng(seed)
    rater = np.repeat(np.arange(raters), per)
    prompt = np.concatenate([rng.permutation(prompts)[:per] for _ in range(raters)])
    a = rng.integers(3, size=rater.size)
    b = (a + rng.integers(1, 3, size=rater.size)) % 3
    sides = []
    for system in (a, b):
        cell = prompt * 3 + system
        sides.append((cell * 2 + rng.integers(2, size=rater.size), cell, rater * 3 + system))
    factors = tuple(
        SignedFactor(name, (left, right), (1.0, -1.0), levels)
        for name, left, right, levels in zip(
            ("output", "prompt:system", "rater:system"), *sides, (prompts * 6, prompts * 3, raters * 3), strict=True
        )
    )
    fixed = np.column_stack([np.ones(rater.size), *((a == k) * 1.0 - (b == k) for k in (1, 2))])
    eta = fixed @ [0.1, 0.4, 0.2]
    for factor, sd in zip(factors, (0.6, 0.4, 0.5), strict=True):
        effect = rng.normal(0, sd, factor.levels)
        eta = eta + effect[factor.codes[0]] - effect[factor.codes[1]]
    return factors, fixed, eta + rng.logistic(size=rater.size)


def model_pair(levels):
    factors, fixed, latent = study()
    structure = build_structure(factors, latent.size)
    thresholds = fixed_at_zero() if levels == 2 else symmetric(levels)
    cuts = [0.0] if levels == 2 else [-1.5, -0.4, 0.4, 1.5]
    family = CumulativeLink(np.searchsorted(cuts, latent), np.ones(latent.size), thresholds)
    parameter = np.array([0.3, 0.2, 0.25, 0.1, 0.4, 0.2, *([] if levels == 2 else [0.4, 1.5])])
    return LargeLaplaceModel(fixed, structure, family), LaplaceModel(fixed, structure, family), parameter


@pytest.mark.parametrize("levels", [2, 5])
def test_with_a_whole_basis_of_probes_it_is_the_direct_laplace(levels, monkeypatch):
    large, direct, parameter = model_pair(levels)
    size = large.partition.kept.columns.size
    monkeypatch.setattr(laplace_large, "draw_probes", lambda _: Probes(np.eye(size), size))

    found, expected = large.evaluate(parameter), direct.evaluate(parameter)

    # solutions stop at 1e-7 in the norm of the preconditioner
    assert found.deviance == pytest.approx(expected.deviance, rel=1e-10)
    assert found.gradient == pytest.approx(expected.gradient, rel=1e-6, abs=1e-5)
    assert found.information == pytest.approx(expected.information, rel=1e-6, abs=1e-5)
    assert found.mode == pytest.approx(expected.mode, abs=1e-7)


@pytest.mark.parametrize("levels", [2, 5])
def test_probes_tell_their_own_error(levels):
    large, direct, parameter = model_pair(levels)
    expected = direct.evaluate(parameter)

    found, precision = large.evaluate(parameter), large.precision(parameter)

    # about twenty probes: five of their standard errors are never left by chance
    assert abs(found.deviance - expected.deviance) < 5 * precision.deviance
    gap = (found.gradient - expected.gradient) * np.append(2 * np.sqrt(parameter[:3]), np.ones(parameter.size - 3))
    assert (np.abs(gap) < 5 * np.sqrt(np.diag(precision.gradient)) + 1e-4).all()


def test_the_error_is_a_trifle_beside_the_exact_blocks_alone():
    large, direct, parameter = model_pair(2)

    found = large.evaluate(parameter).deviance - direct.evaluate(parameter).deviance

    factor = large.evaluate(parameter).derivative.factor
    assert abs(found) < 0.1 * abs(factor.log_determinant - factor.factor.log_determinant)


def test_conditional_variances_are_right_to_a_hundredth():
    large, direct, parameter = model_pair(2)
    at = direct.evaluate(parameter)

    found = large.conditional_variances(parameter, at)

    assert found == pytest.approx(direct.conditional_variances(parameter, at), rel=0.01)


def test_conditional_variances_of_few_levels_are_exact():
    rng = np.random.default_rng(8)
    factors = tuple(
        SignedFactor(name, (rng.integers(levels, size=2000),), (1.0,), levels)
        for name, levels in (("rater", 200), ("prompt", 100), ("booklet", 6))
    )
    family = CumulativeLink(rng.integers(2, size=2000), np.ones(2000), fixed_at_zero())
    parts = np.ones((2000, 1)), build_structure(factors, 2000), family
    large, direct, parameter = LargeLaplaceModel(*parts), LaplaceModel(*parts), np.array([0.3, 0.3, 0.3, 0.1])
    at = direct.evaluate(parameter)

    found = large.conditional_variances(parameter, at)

    assert found[-6:] == pytest.approx(direct.conditional_variances(parameter, at)[-6:], rel=1e-8)


@pytest.mark.parametrize("graded", [False, True])
def test_fits_by_probes_equal_direct_fits(graded, monkeypatch):
    factors, fixed, latent = study()

    def fit():
        if graded:
            category = np.searchsorted([-1.5, -0.4, 0.4, 1.5], latent)
            return fit_cumulative(category, fixed, factors, levels=5, names=NAMES)
        return fit_logistic((latent > 0).astype(int), fixed, factors, names=NAMES)

    direct = fit()
    monkeypatch.setattr(laplace_large, "LARGE", 50)
    probed = fit()

    se = direct.standard_errors()
    # the Monte-Carlo error of so small a study: below a thousandth of a standard error
    assert np.abs(probed.estimate - direct.estimate).max() < 1e-3 * se.min()
    assert probed.standard_errors() == pytest.approx(se, rel=1e-4)
    for one, two in zip(probed.variances, direct.variances, strict=True):
        assert one.sd == pytest.approx(two.sd, abs=3e-3 * two.se)
        assert one.se == pytest.approx(two.se, rel=1e-3)
    assert probed.log_likelihood == pytest.approx(direct.log_likelihood, abs=0.05)
    assert probed.convergence.converged
    assert not any("probes" in note for note in direct.notes)
    assert "Monte-Carlo error of −2 log L" in probed.notes[-1]


def test_a_spread_of_zero_is_found_and_left_out(monkeypatch):
    monkeypatch.setattr(laplace_large, "LARGE", 50)
    factors, fixed, _ = study()
    rng = np.random.default_rng(1)
    latent = fixed @ [0.1, 0.4, 0.2] + rng.logistic(size=fixed.shape[0])

    fit = fit_logistic((latent > 0).astype(int), fixed, factors, names=NAMES)

    assert fit.convergence.converged
    assert fit.convergence.singular
    assert [part.factor for part in fit.variances if part.sd == 0.0] == list(fit.convergence.singular)


def test_the_same_study_gives_the_same_numbers(monkeypatch):
    monkeypatch.setattr(laplace_large, "LARGE", 50)
    factors, fixed, latent = study()

    one, two = (fit_logistic((latent > 0).astype(int), fixed, factors, names=NAMES) for _ in range(2))

    assert np.array_equal(one.estimate, two.estimate)
    assert np.array_equal(one.covariance, two.covariance)


def test_only_a_large_dense_part_is_large(monkeypatch):
    factors, fixed, _ = study()
    structure = build_structure(factors, fixed.shape[0])

    assert not is_large(structure)
    monkeypatch.setattr(laplace_large, "LARGE", 120)
    assert is_large(structure)  # 60 raters of two contrasts each, against prompts with more columns
    monkeypatch.setattr(laplace_large, "LARGE", 121)
    assert not is_large(structure)


def test_correlated_slopes_are_never_large(monkeypatch):
    monkeypatch.setattr(laplace_large, "LARGE", 10)
    rng = np.random.default_rng(0)
    factor = SignedFactor("g", (rng.integers(30, size=90),), (1.0,), 30, slopes=(None, rng.normal(size=90)))

    assert not is_large(build_structure((factor,), 90))
