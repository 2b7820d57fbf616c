"""A model as a value: refits, other answers, a coefficient held."""

import numpy as np
import pytest


def test_refit_of_the_same_answers_is_the_same_fit(cake_model):
    again = cake_model.specification.fit(start=cake_model.fit)

    assert again.estimate == pytest.approx(cake_model.fit.estimate, rel=1e-8)
    assert again.log_likelihood == pytest.approx(cake_model.fit.log_likelihood, rel=1e-10)


def test_other_answers_move_the_fit_as_they_must(cake_model):
    specification = cake_model.specification

    shifted = specification.with_answers(specification.response + 10.0).fit()

    assert shifted.estimate - cake_model.fit.estimate == pytest.approx([10.0] + [0.0] * 17, abs=1e-6)
    with pytest.raises(ValueError, match="3 answers do not fit a design of 270 rows"):
        specification.with_answers(np.zeros(3))


def test_counts_change_their_weights(cbpp_model):
    specification = cbpp_model.specification
    successes = specification.trials - specification.weights[: specification.trials.size]

    turned = specification.with_answers(successes).fit()

    assert turned.estimate == pytest.approx(-cbpp_model.fit.estimate, rel=1e-5)


def test_coefficient_held_at_its_estimate_costs_nothing(cake_model):
    model = cake_model.refit(reml=False)
    value = float(model.fit.estimate[1])

    held = model.specification.without_column(1, value=value).fit()
    elsewhere = model.specification.without_column(1, value=value + 1.0).fit()

    assert held.names == model.fit.names[:1] + model.fit.names[2:]
    assert held.log_likelihood == pytest.approx(model.fit.log_likelihood, abs=1e-8)
    assert elsewhere.log_likelihood < model.fit.log_likelihood


def test_only_linear_models_move_a_coefficient_to_the_left(wine_model):
    with pytest.raises(ValueError, match="only the linear model"):
        wine_model.specification.without_column(0, value=1.0)
