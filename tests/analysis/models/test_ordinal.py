"""The cumulative logit mixed model against ordinal::clmm, and its thresholds."""

import numpy as np
import pandas as pd
import pytest

from analysis.models.glmm import fit_logistic
from analysis.models.ordinal import fit_cumulative
from analysis.numerics.structure import SignedFactor


def coefficients(fit):
    return np.concatenate([fit.thresholds, fit.estimate])


def test_flexible_thresholds_equal_clmm_on_grades(shared, reference, intercepts):
    d = pd.read_csv(shared("reference/sim72_pairs.csv"))
    x = np.column_stack([d.system == "wt", d.system == "prm", d.side]).astype(float)

    fit = fit_cumulative(
        d.grade.to_numpy() - 1,
        x,
        intercepts(d, "pair", "rater", "prompt"),
        levels=5,
        names=tuple("wps"),
        thresholds="flexible",
    )

    expected = reference["sim72_grade"]
    # clmm stops at a gradient of 1e-3 here, so its estimates are 1e-5 off and its likelihood is a little lower.
    assert coefficients(fit) == pytest.approx([v[0] for v in expected["coef"].values()], abs=2e-5)
    assert np.concatenate([fit.threshold_se, fit.standard_errors()]) == pytest.approx(
        [v[1] for v in expected["coef"].values()], rel=1e-4
    )
    assert [part.sd for part in fit.variances] == pytest.approx(
        [expected["sd"][p.factor] for p in fit.variances], rel=1e-4
    )
    assert fit.log_likelihood >= expected["log_likelihood"] - 1e-6


def test_flexible_thresholds_equal_clmm_on_wine(shared, reference, intercepts):
    d = pd.read_csv(shared("reference/wine.csv"))
    x = np.column_stack([d.temp == "warm", d.contact == "yes"]).astype(float)

    fit = fit_cumulative(
        d.rating.to_numpy() - 1, x, intercepts(d, "judge"), levels=5, names=("warm", "contact"), thresholds="flexible"
    )

    expected = reference["wine_judge"]
    # clmm's inner steps stop at 1e-3 of the mode, which moves its likelihood by 4e-6; hence 1e-5 here.
    assert coefficients(fit) == pytest.approx([v[0] for v in expected["coef"].values()], rel=1e-5)
    assert fit.variances[0].sd == pytest.approx(expected["sd"]["judge"], rel=1e-5)
    assert fit.log_likelihood == pytest.approx(expected["log_likelihood"], abs=1e-5)


def test_without_random_effects_equals_clm(shared, reference):
    d = pd.read_csv(shared("reference/wine.csv"))
    warm, contact = (d.temp == "warm").to_numpy(float), (d.contact == "yes").to_numpy(float)
    x = np.column_stack([warm, contact, warm * contact])

    fit = fit_cumulative(d.rating.to_numpy() - 1, x, (), levels=5, names=tuple("wcx"), thresholds="flexible")

    expected = reference["clm_wine"]["coef"].values()
    assert coefficients(fit) == pytest.approx([v[0] for v in expected], rel=1e-6)
    assert np.concatenate([fit.threshold_se, fit.standard_errors()]) == pytest.approx(
        [v[1] for v in expected], rel=1e-5
    )


def grades(levels, seed, cuts):
    rng = np.random.default_rng(seed)
    group = np.repeat(np.arange(30), 12)
    x = np.column_stack([np.ones(360), rng.choice([-1.0, 1.0], 360)])
    eta = x @ [0.2, 0.6] + rng.normal(0, 0.7, 30)[group] + rng.logistic(size=360)
    return np.searchsorted(cuts, eta), x, (SignedFactor("group", (group,), (1.0,), 30),), levels


def test_symmetric_thresholds_mirror_and_keep_the_side_as_location():
    category, x, factors, levels = grades(5, 1, [-2.0, -0.5, 0.5, 2.0])

    fit = fit_cumulative(category, x, factors, levels=levels, names=("side", "system"))

    assert fit.thresholds == pytest.approx(-fit.thresholds[::-1])
    assert fit.estimate == pytest.approx([0.2, 0.6], abs=0.4)
    assert fit.convergence.converged


def test_even_number_of_levels_has_its_middle_threshold_at_zero():
    category, x, factors, levels = grades(4, 2, [-1.5, 0.0, 1.5])

    fit = fit_cumulative(category, x, factors, levels=levels, names=("side", "system"))

    assert fit.thresholds[1] == 0.0
    assert fit.threshold_se[1] == 0.0


def test_equidistant_thresholds_are_equidistant_and_drop_the_constant():
    category, x, factors, levels = grades(5, 3, [-1.5, -0.5, 0.5, 1.5])

    fit = fit_cumulative(category, x, factors, levels=levels, names=("side", "system"), thresholds="equidistant")

    assert np.diff(fit.thresholds) == pytest.approx(np.full(3, np.diff(fit.thresholds)[0]))
    assert fit.notes == ("not told apart by the data, set to 0: side",)


def test_two_levels_are_the_logistic_model():
    category, x, factors, levels = grades(2, 4, [0.0])

    ordinal = fit_cumulative(category, x, factors, levels=levels, names=("side", "system"))
    logistic = fit_logistic(category, x, factors, names=("side", "system"))

    assert ordinal.estimate == pytest.approx(logistic.estimate, rel=1e-9)
    assert ordinal.log_likelihood == pytest.approx(logistic.log_likelihood, rel=1e-12)


def test_turning_the_scale_round_flips_signs_only():
    category, x, factors, levels = grades(5, 5, [-2.0, -0.5, 0.5, 2.0])

    one = fit_cumulative(category, x, factors, levels=levels, names=("side", "system"))
    two = fit_cumulative(4 - category, x, factors, levels=levels, names=("side", "system"))

    assert two.estimate == pytest.approx(-one.estimate, rel=1e-6)
    assert two.thresholds == pytest.approx(one.thresholds, rel=1e-6)
    # forward differences leave an error of about 1e-6 of a variance, in covariances near zero as well
    assert two.covariance == pytest.approx(one.covariance, rel=1e-5, abs=1e-6 * one.covariance.max())
