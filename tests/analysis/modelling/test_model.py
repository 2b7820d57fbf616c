"""The notebook's door: what it recognises, and that its parts agree with one another."""

import json

import numpy as np
import pandas as pd
import pytest

import analysis
from analysis.design import FormulaError
from analysis.modelling import MixedModel, fit
from analysis.prepare import Options, select
from analysis.report import analyse

RANDOM = "(1 | output) + (1 | prompt:system) + (1 | rater:system)"


@pytest.fixture(scope="module")
def pair_model(study):
    return fit(f"answer ~ system + {RANDOM}", study, dimension="originality")


def test_door_is_public():
    assert analysis.fit is fit
    assert analysis.MixedModel is MixedModel


def test_long_table_of_choices_equals_the_report(study, pair_model):
    rows = {(row.dimension, row.first): row for row in analyse(study, baseline="baseline").rows}

    contrasts = pair_model.contrasts("system", "control", adjust="none")

    assert pair_model.fit.family == "binomial"
    for k, name in enumerate(("reference", "steered")):
        row = rows["originality", name]
        # the same estimates and small-sample rules by two ways; the optimisers stop within rounding
        assert contrasts.estimate[k] == pytest.approx(row.estimate, rel=1e-5)
        assert contrasts.se[k] == pytest.approx(row.se, rel=1e-5)
        assert contrasts.df[k] == row.df == 8
        assert contrasts.p[k] == pytest.approx(row.p, rel=1e-4)


def test_graded_answers_take_symmetric_thresholds(study):
    model = fit(f"answer ~ system + {RANDOM}", study, dimension="surprise")

    assert model.fit.family == "cumulative"
    assert model.specification.labels == ("-2", "-1", "0", "1", "2")
    assert model.fit.thresholds == pytest.approx(-model.fit.thresholds[::-1])


def test_utilities_are_relative_to_the_average_system(pair_model):
    means = pair_model.emmeans("system")

    assert means.names == ("baseline", "reference", "steered")
    assert means.estimate.sum() == pytest.approx(0.0, abs=1e-12)
    pairwise = pair_model.contrasts("system")
    assert pairwise.estimate[0] == pytest.approx(means.estimate[0] - means.estimate[1])


def test_swapping_sides_flips_the_side_only(study, pair_model, swap_sides):
    swapped = fit(f"answer ~ system + {RANDOM}", swap_sides(study), dimension="originality")

    sign = np.array([-1.0, 1.0, 1.0])
    assert swapped.fit.estimate == pytest.approx(sign * pair_model.fit.estimate, rel=1e-5)


def test_systems_within_a_task_family(study):
    families = study.assign(task_family=np.where(study["prompt"] < "p05", "story", "poem"))

    model = fit(
        "answer ~ system * task_family + (1 | prompt:system) + (1 | rater:system)", families, dimension="surprise"
    )
    within = model.contrasts("system", "control", by="task_family")

    assert within.names == ("reference - baseline", "steered - baseline") * 2
    assert within.groups == (("poem",), ("poem",), ("story",), ("story",))
    pooled = model.contrasts("system", "control", adjust="none")
    assert pooled.estimate[0] == pytest.approx((within.estimate[0] + within.estimate[2]) / 2)


def test_several_dimensions_ask_for_one(study):
    with pytest.raises(FormulaError, match="choose with dimension= one of originality, surprise"):
        fit("answer ~ system", study)
    with pytest.raises(FormulaError, match="there is no dimension 'wit'"):
        fit("answer ~ system", study, dimension="wit")


def test_practice_and_excluded_judgements_are_left_out_and_said(study):
    marked = study.copy()
    marked.loc[marked["rater"] == "r00", "excluded"] = True
    rows, _ = select(marked, Options(dimensions=("originality",)))

    model = fit(f"answer ~ system + {RANDOM}", marked, dimension="originality")

    assert model.fit.rows == len(rows) == 135
    assert model.fit.notes[0] == "9 of 144 judgements left out: practice, attention, repeats or excluded"


def test_ties_ask_for_three_levels(study):
    tied = study[study["dimension"] == "originality"].copy()
    tied.loc[tied.index[::5], "answer"] = 0.5
    tied["levels"] = 3

    assert fit("answer ~ system + (1 | rater:system)", tied).specification.labels == ("0", "0.5", "1")
    with pytest.raises(FormulaError, match=r"ties \(0.5\): model them with family='cumulative'"):
        fit("answer ~ system", tied, family="binomial")


def test_default_degrees_of_freedom_follow_the_family(cake_model, cbpp_model):
    assert cake_model.coefficients().degrees == "satterthwaite"
    assert cbpp_model.coefficients().df == pytest.approx(14.0)
    assert np.isinf(cbpp_model.coefficients(df="asymptotic").df).all()


def test_coefficients_are_those_of_the_fit(cake_model):
    table = cake_model.coefficients(df="asymptotic")

    assert table.names == cake_model.fit.names
    assert table.estimate == pytest.approx(cake_model.fit.estimate)
    assert table.se == pytest.approx(cake_model.fit.standard_errors())


def test_summary_shows_what_a_reader_of_lme4_looks_for(slope_model, wine_model, cake_model):
    text = slope_model.summary()

    for part in (
        "linear mixed model (REML)",
        "(1 + Days | Subject)",
        "Subject",
        "residual",
        "0.07 with Days",
        "ok (converged)",
    ):
        assert part in text
    assert "Thresholds" not in text
    assert "1|2" in str(wine_model)
    assert "recipe[B]:temperature[185]" in cake_model.summary(df="kenward-roger")


def test_random_effects_name_level_and_term(slope_model):
    effects = slope_model.random_effects()

    assert len(effects) == 36
    assert set(effects["term"]) == {"(Intercept)", "Days"}
    first = effects[(effects["level"] == "308") & (effects["term"] == "Days")]
    # lme4: ranef(lmer(Reaction ~ Days + (Days | Subject), sleepstudy))$Subject["308", "Days"]
    assert first["mode"].item() == pytest.approx(9.1989758, rel=1e-5)


def test_no_random_effects_give_the_regression(wine):
    model = fit("rating ~ temp + contact", wine, family="cumulative")

    assert model.random_effects().empty
    assert model.fit.method == "ML"
    assert np.isinf(model.coefficients().df).all()


def test_refit_changes_the_criterion_only_for_linear_models(cake_model, wine_model):
    by_likelihood = cake_model.refit(reml=False)

    assert by_likelihood.fit.method == "ML"
    assert by_likelihood.fit.residual_sd < cake_model.fit.residual_sd
    with pytest.raises(ValueError, match="only a linear model"):
        wine_model.refit(reml=False)


def test_weights_by_name_and_by_value_agree(cake):
    weighted = cake.assign(w=np.resize([1.0, 2.0], len(cake)))
    formula = "angle ~ recipe + (1 | recipe:replicate)"

    named, given = fit(formula, weighted, weights="w"), fit(formula, weighted, weights=weighted["w"].to_numpy())

    assert named.fit.log_likelihood == given.fit.log_likelihood
    assert named.fit.log_likelihood != fit(formula, weighted).fit.log_likelihood
    with pytest.raises(FormulaError, match="there is no column 'v'"):
        fit(formula, weighted, weights="v")
    with pytest.raises(FormulaError, match="2 numbers for 270 rows"):
        fit(formula, weighted, weights=np.ones(2))
    with pytest.raises(FormulaError, match="not negative"):
        fit(formula, weighted.assign(w=-1.0), weights="w")


def test_frequencies_repeat_rows(wine):
    counted = wine.groupby(["rating", "temp", "contact", "judge"]).size().reset_index(name="n")
    formula = "rating ~ temp + contact + (1 | judge)"

    one, two = (fit(formula, frame, family="cumulative", weights=w) for frame, w in ((wine, None), (counted, "n")))

    assert two.fit.log_likelihood == pytest.approx(one.fit.log_likelihood, rel=1e-9)
    assert two.fit.estimate == pytest.approx(one.fit.estimate, rel=1e-6)


def test_correlated_slopes_of_choices_are_refused_with_the_way_out(study):
    with pytest.raises(FormulaError, match=r"are for the linear model: write them uncorrelated"):
        fit("answer ~ system + (1 + position | rater)", study, dimension="originality")


@pytest.mark.parametrize(
    ("formula", "options", "reason"),
    [
        ("angle ~ recipe", {"family": "poisson"}, "'poisson' is not known"),
        ("~ recipe", {}, "has no response"),
        ("recipe ~ temperature", {}, "recipe holds categories, not numbers"),
        ("recipe ~ temperature", {"family": "binomial"}, "recipe has 3 categories"),
        ("angle ~ recipe", {"family": "binomial"}, "angle must be 0 or 1"),
        ("cbind(angle, temp) ~ recipe", {}, "is for family='binomial'"),
        ("cbind(angle - 100, temp) ~ recipe", {"family": "binomial"}, "whole numbers that are not negative"),
        ("cbind(angle, temp) ~ recipe", {"family": "binomial", "weights": "temp"}, "do not go together"),
        ("I(angle * 0) ~ recipe", {"family": "cumulative"}, "one level only"),
        ("angle ~ recipe", {"dimension": "taste"}, "is for a long table"),
    ],
)
def test_wrong_requests_are_refused_in_words(cake, formula, options, reason):
    with pytest.raises(FormulaError, match=reason):
        fit(formula, cake, **options)


def test_second_of_two_categories_is_success(wine):
    model = fit("contact ~ temp + rating + (1 | judge)", wine, family="binomial")

    np.testing.assert_array_equal(model.specification.response, wine["contact"] == "yes")


def test_categories_that_are_numbers_keep_numerical_order(wine):
    renamed = wine.assign(rating=wine["rating"].map({"1": "2", "2": "9", "3": "10", "4": "11", "5": "100"}))

    model = fit("rating ~ temp + contact", renamed, family="cumulative")

    assert model.specification.labels == ("2", "9", "10", "11", "100")
    assert model.fit.log_likelihood == pytest.approx(
        fit("rating ~ temp + contact", wine, family="cumulative").fit.log_likelihood
    )


def test_given_order_of_categories_wins(wine):
    turned = wine.assign(rating=pd.Categorical(wine["rating"], list("54321"), ordered=True))

    one, two = (fit("rating ~ temp + contact", frame, family="cumulative").fit for frame in (wine, turned))

    assert two.estimate == pytest.approx(-one.estimate, rel=1e-6)


def test_transformed_response(cake):
    logs, given = fit("log(angle) ~ recipe", cake), fit("y ~ recipe", cake.assign(y=np.log(cake["angle"])))

    assert logs.fit.log_likelihood == pytest.approx(given.fit.log_likelihood)


def test_signed_memberships_equal_lme4_with_an_edited_zt(table, shared):
    numbers = json.loads(shared("reference/fit_glmm_multimembership_72.json").read_text(encoding="utf-8"))
    sides = {
        "sysL": "system_a",
        "sysR": "system_b",
        "outL": "output_a",
        "outR": "output_b",
        "psL": "ps_a",
        "psR": "ps_b",
    }
    pairs = table("multimembership_72", **dict.fromkeys(["rater", *sides], str)).rename(columns=sides)

    model = fit("y ~ system + (1 | output) + (1 | ps) + (1 | rater)", pairs, family="binomial")

    spreads = [part.sd for part in model.fit.variances]
    assert model.design.pairs
    # bobyqa stops at 1e-9 of its trust region; the deviance is the sharper comparison
    assert [*spreads, *model.fit.estimate] == pytest.approx(numbers["par"], abs=2e-4)
    assert -2.0 * model.fit.log_likelihood <= numbers["dev"] + 1e-6
