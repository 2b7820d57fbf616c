"""Marginal means and contrasts through the door, against emmeans on the reference fits."""

import json

import numpy as np
import pandas as pd
import pytest

from analysis.design import FormulaError
from analysis.modelling import fit

COLUMNS = {"estimate": "estimate", "SE": "se", "df": "df", "low": "low", "high": "high", "p": "p"}
STORED = {
    "emmean": "estimate",
    "lower.CL": "low",
    "asymp.LCL": "low",
    "upper.CL": "high",
    "asymp.UCL": "high",
    "p.value": "p",
}


def agree(ours, theirs, *, tolerance=1e-6):
    """Compare every column that R stored."""
    compared = 0
    for name in theirs[0]:
        column = COLUMNS.get(STORED.get(name, name))
        if column is None or theirs[0][name] is None:
            continue
        expected = np.array([row[name] for row in theirs], dtype=float)
        assert getattr(ours, column) == pytest.approx(expected, rel=tolerance, abs=tolerance), column
        compared += 1
    assert compared >= 4


@pytest.fixture(scope="module")
def stored(shared):
    return lambda name: json.loads(shared(f"reference/{name}.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def part(cake):
    """The unbalanced part of the cakes of make_inference.R."""
    return cake[(np.arange(len(cake)) + 1) % 7 != 0]


@pytest.fixture(scope="module")
def part_model(part):
    return fit("angle ~ recipe * temperature + (1 | recipe:replicate)", part)


@pytest.mark.parametrize("spec", ["recipe", "temperature"])
@pytest.mark.parametrize("df", ["satterthwaite", "asymptotic", "kenward-roger"])
def test_linear_means_and_pairs_equal_emmeans(cake_model, stored, spec, df):
    key = "emmeans_" + {"kenward-roger": "kr"}.get(df, df)
    numbers = stored("fit_lmm_cake")["REML"][key][spec]

    agree(cake_model.emmeans(spec, df=df), numbers["means"])
    agree(cake_model.contrasts(spec, df=df, adjust="holm"), numbers["pairs_holm"])
    agree(cake_model.contrasts(spec, df=df, adjust="none"), numbers["pairs_none"])


def test_crossed_random_effects_equal_emmeans(table, stored):
    numbers = stored("fit_lmm_sim72_ratings")
    expected = numbers["REML"]["emmeans_satterthwaite"]["system"]
    ratings = table("sim72_ratings", rater=str, prompt=str, output=str)
    ratings["system"] = pd.Categorical(ratings["system"], [row["system"] for row in expected["means"]])

    model = fit(numbers["formula"], ratings)

    # degrees of freedom rest on a differenced Hessian in R: 1e-4 relative
    agree(model.emmeans("system"), expected["means"], tolerance=1e-4)
    agree(model.contrasts("system"), expected["pairs_holm"], tolerance=1e-4)


@pytest.mark.parametrize("spec", ["btype", "situ"])
def test_logistic_means_and_pairs_equal_emmeans(table, stored, spec):
    verbs = table("VerbAgg", id=str)

    model = fit("r2 ~ Anger + Gender + btype + situ + (1 | id) + (1 | item)", verbs, family="binomial")

    # glmer's standard errors are differenced from deviances: 1e-3 is the acceptance
    expected = stored("fit_glmm_VerbAgg")["nAGQ1"]["emmeans"][spec]
    agree(model.emmeans(spec, df="asymptotic"), expected["means"], tolerance=1e-3)
    agree(model.contrasts(spec, df="asymptotic"), expected["pairs_holm"], tolerance=1e-3)


def test_counts_equal_emmeans_on_both_scales(cbpp_model, stored, r_numbers):
    expected = stored("fit_glmm_cbpp")["nAGQ1"]["emmeans"]["period"]

    agree(cbpp_model.emmeans("period", df="asymptotic"), expected["means"], tolerance=1e-5)
    agree(cbpp_model.contrasts("period", df="asymptotic"), expected["pairs_holm"], tolerance=1e-5)
    probability = cbpp_model.emmeans("period", df="asymptotic", scale="response")
    agree(probability, r_numbers["cbpp"]["probability"], tolerance=1e-5)
    odds = cbpp_model.contrasts("period", df="asymptotic", scale="response")
    agree(odds, r_numbers["cbpp"]["odds"], tolerance=1e-5)
    assert (probability.scale, odds.scale) == ("probability", "odds ratio")


@pytest.mark.parametrize("spec", ["temp", "contact"])
def test_latent_means_of_a_cumulative_model_equal_emmeans(wine_model, stored, spec):
    expected = stored("fit_clmm_wine_judge")["emmeans"][spec]

    # clmm stops at a gradient of 1e-5 or so
    agree(wine_model.emmeans(spec, df="asymptotic"), expected["means"], tolerance=1e-4)
    agree(wine_model.contrasts(spec, df="asymptotic"), expected["pairs_holm"], tolerance=1e-4)


def test_graded_answers_with_a_two_valued_covariate_equal_emmeans(table, stored):
    numbers = stored("fit_clmm_sim72_grade")
    pairs = table("sim72_pairs", rater=str, prompt=str, pair=str, grade=str)
    pairs["system"] = pd.Categorical(pairs["system"], [row["system"] for row in numbers["emmeans"]["system"]["means"]])

    model = fit(numbers["formula"], pairs, family="cumulative")

    agree(model.emmeans("system", df="asymptotic"), numbers["emmeans"]["system"]["means"], tolerance=1e-4)
    agree(model.contrasts("system", df="asymptotic"), numbers["emmeans"]["system"]["pairs_holm"], tolerance=1e-3)


def test_groups_and_families_equal_emmeans_on_unbalanced_data(part_model, r_numbers):
    numbers = r_numbers["cake"]

    agree(part_model.emmeans("recipe | temperature"), numbers["by"])
    agree(part_model.contrasts("recipe", by="temperature"), numbers["by_pairs"])
    agree(part_model.contrasts("recipe | temperature", across=True), numbers["by_across"])


@pytest.mark.parametrize(
    ("key", "spec", "options"),
    [
        ("effects", "temperature", {"method": "effects", "adjust": "none"}),
        ("control", "temperature", {"method": "control", "reference": "195", "adjust": "bonferroni"}),
        ("custom", "recipe", {"method": {"A against the rest": [1, -0.5, -0.5]}, "adjust": "none"}),
        ("custom", "recipe", {"method": {"A against the rest": {"A": 1, "B": -0.5, "C": -0.5}}, "adjust": "none"}),
        ("tukey", "recipe", {"adjust": "tukey"}),
        ("bh", "temperature", {"adjust": "bh"}),
    ],
)
def test_methods_and_corrections_equal_emmeans(part_model, r_numbers, key, spec, options):  # noqa: PLR0917
    agree(part_model.contrasts(spec, **options), r_numbers["cake"][key])


def test_single_step_equals_emmeans_mvt(part_model, r_numbers):
    # emmeans integrates by Monte Carlo with an error of about 1e-3
    expected = r_numbers["cake"]["mvt"]
    ours = part_model.contrasts("temperature", adjust="single-step")

    assert ours.p == pytest.approx([row["p"] for row in expected], abs=2e-3)
    assert ours.high == pytest.approx([row["high"] for row in expected], abs=0.02)


def test_proportional_weights_equal_emmeans(part_model, r_numbers):
    agree(part_model.emmeans("recipe", weights="proportional"), r_numbers["cake"]["proportional"])


def test_covariates_are_held_at_their_mean_or_where_told(part, r_numbers):
    model = fit("angle ~ recipe + temp + (1 | recipe:replicate)", part)

    agree(model.emmeans("recipe"), r_numbers["cake"]["covariate"])
    agree(model.emmeans("recipe", at={"temp": [200.0]}), r_numbers["cake"]["at"])


def test_pairs_of_levels_can_be_listed(cake_model):
    whole = cake_model.contrasts("recipe", adjust="none")

    listed = cake_model.contrasts("recipe", [("C", "B"), ("A", "C")], adjust="none")

    assert listed.names == ("C - B", "A - C")
    assert listed.estimate == pytest.approx([-whole.estimate[2], whole.estimate[1]])
    assert listed.p == pytest.approx([whole.p[2], whole.p[1]])


@pytest.mark.parametrize(
    ("call", "reason"),
    [
        (lambda m: m.emmeans("flour"), "'flour' is not in the fixed effects \\(recipe, temperature\\)"),
        (lambda m: m.emmeans("recipe", at={"oven": [1]}), "at: 'oven' is not in the fixed effects"),
        (lambda m: m.emmeans("recipe", at={"temperature": ["7"]}), "temperature has no level '7'"),
        (lambda m: m.contrasts("recipe", "helmert"), "'helmert' are not known"),
        (lambda m: m.contrasts("recipe", [("A", "D")]), "no level 'D': choose from A, B, C"),
        (lambda m: m.contrasts("recipe", {"x": [1, -1]}), "has 2 weights for 3 levels"),
        (lambda m: m.contrasts("recipe", "control", reference="Z"), "no level 'Z'"),
    ],
)
def test_wrong_requests_are_refused_in_words(cake_model, call, reason):
    with pytest.raises(FormulaError, match=reason):
        call(cake_model)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"adjust": "scheffe"}, "'scheffe' is not known"),
        ({"adjust": "tukey", "method": "control"}, "use 'single-step'"),
        ({"adjust": "tukey", "across": True}, "corrects within groups"),
        ({"df": "between"}, "df = 'between'"),
        ({"df": -1.0}, "a number above 0"),
        ({"confidence": 1.5}, "between 0.5 and 1"),
    ],
)
def test_wrong_options_are_refused_in_words(cake_model, options, reason):
    with pytest.raises(ValueError, match=reason):
        cake_model.contrasts("recipe", **options)


def test_kenward_roger_of_a_logistic_model_is_refused(cbpp_model):
    with pytest.raises(ValueError, match="only a linear mixed model"):
        cbpp_model.emmeans("period", df="kenward-roger")


def test_empty_cell_is_not_estimable(cake):
    gap = cake[~((cake.recipe == "A") & (cake.temperature == "225"))]

    means = fit("angle ~ recipe * temperature + (1 | recipe:replicate)", gap).emmeans("recipe")

    assert np.isnan(means.estimate[0])
    assert means.messages[0].startswith("not estimable")
    assert np.isfinite(means.estimate[1:]).all()


def test_table_reads_as_text_and_as_a_frame(cake_model):
    contrasts = cake_model.contrasts("recipe | temperature")

    assert list(contrasts.frame()["temperature"][:4]) == ["175", "175", "175", "185"]
    assert "correction: holm; 95% intervals" in str(contrasts)
    assert "<table" in contrasts._repr_html_()


def test_numbers_made_factors_by_c_are_levels_not_means(cake):
    coded = fit("angle ~ recipe * C(temp) + (1 | recipe:replicate)", cake)
    given = fit("angle ~ recipe * temperature + (1 | recipe:replicate)", cake)

    assert coded.fit.names[3] == "C(temp)[185]"
    for spec, other in (("temp", "temperature"), ("recipe", "recipe"), ("recipe | temp", "recipe | temperature")):
        one, two = coded.emmeans(spec), given.emmeans(other)
        assert one.names == two.names
        assert one.estimate == pytest.approx(two.estimate)
    with pytest.raises(FormulaError, match=r"temp has no level 180"):
        coded.emmeans("recipe", at={"temp": [180.0]})
