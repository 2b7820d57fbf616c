"""Constrained fits: never below the free one, equal to it at the estimate, and to the smaller model at zero."""

import numpy as np
import pytest

from analysis.modelling import fit
from analysis.models.constrained import LaplaceProfile, LinearProfile


@pytest.fixture(scope="module")
def laplace(wine_model):
    return LaplaceProfile(wine_model.specification, wine_model.fit)


@pytest.fixture(scope="module")
def linear(slope_model):
    model = slope_model.refit(reml=False)
    return model, LinearProfile(model.specification, model.fit)


def test_laplace_at_the_estimate_is_the_least_deviance(wine_model, laplace):
    for kind, index, value in (
        ("fixed", 0, wine_model.fit.estimate[0]),
        ("fixed", 1, wine_model.fit.estimate[1]),
        ("sd", 0, wine_model.fit.variances[0].sd),
    ):
        laplace.restart()
        assert laplace.deviance(kind, index, value) == pytest.approx(laplace.least, abs=1e-6)
        assert laplace.deviance(kind, index, value + 0.3) > laplace.least


def test_laplace_at_zero_is_the_smaller_model(wine, laplace):
    smaller = fit("rating ~ temp + (1 | judge)", wine, family="cumulative")
    plain = fit("rating ~ temp + contact", wine, family="cumulative")

    assert laplace.deviance("fixed", 1, 0.0) == pytest.approx(-2.0 * smaller.fit.log_likelihood, abs=1e-5)
    assert laplace.deviance("sd", 0, 0.0) == pytest.approx(-2.0 * plain.fit.log_likelihood, abs=1e-5)


def test_linear_at_the_estimate_is_the_least_deviance(linear):
    model, engine = linear
    for kind, index, value in (
        ("fixed", 1, model.fit.estimate[1]),
        ("sd", 0, model.fit.variances[0].sd),
        ("sd", 1, model.fit.variances[1].sd),
        ("residual", 0, model.fit.residual_sd),
    ):
        engine.restart()
        assert engine.deviance(kind, index, value) == pytest.approx(engine.least, abs=1e-5)
        assert engine.deviance(kind, index, 1.2 * value) > engine.least + 0.1


def test_linear_at_zero_is_the_smaller_model(sleep, linear):
    _, engine = linear

    for index, formula in ((0, "(0 + Days | Subject)"), (1, "(1 | Subject)")):
        smaller = fit(f"Reaction ~ Days + {formula}", sleep, reml=False)
        assert engine.deviance("sd", index, 0.0) == pytest.approx(-2.0 * smaller.fit.log_likelihood, rel=1e-8)


def test_reml_has_no_profile(slope_model):
    with pytest.raises(ValueError, match="reml=False"):
        LinearProfile(slope_model.specification, slope_model.fit)


def test_linear_without_random_effects_has_the_closed_form(sleep):
    model = fit("Reaction ~ Days", sleep, reml=False)
    engine = LinearProfile(model.specification, model.fit)

    ratio = (model.fit.residual_sd / 50.0) ** 2

    assert engine.deviance("residual", 0, 50.0) - engine.least == pytest.approx(180 * (ratio - np.log(ratio) - 1.0))


def test_aliased_columns_do_not_step_in(sleep):
    doubled = fit("Reaction ~ Days + I(2 * Days) + (1 | Subject)", sleep, reml=False)
    single = fit("Reaction ~ Days + (1 | Subject)", sleep, reml=False)

    one, two = (LinearProfile(model.specification, model.fit).deviance("fixed", 1, 8.0) for model in (doubled, single))

    assert one == pytest.approx(two, rel=1e-9)
    assert one > -2.0 * single.fit.log_likelihood + 1.0
