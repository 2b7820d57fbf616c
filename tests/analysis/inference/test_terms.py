"""Tests of whole terms: type III against lmerTest and emmeans, Wald tests against their definition."""

import numpy as np
import pytest
from scipy import stats

from analysis.inference.terms import term_rows
from analysis.modelling import fit


@pytest.fixture(scope="module")
def part(cake):
    """The unbalanced part of the cakes of make_inference.R."""
    return cake[(np.arange(len(cake)) + 1) % 7 != 0]


def agree(ours, theirs, *, tolerance=1e-5):
    assert ours.terms == tuple(theirs["term"])
    assert ours.statistic == pytest.approx(theirs["F"], rel=tolerance)
    assert ours.df_numerator == pytest.approx(theirs["df1"])
    assert ours.df == pytest.approx(theirs["df2"], rel=tolerance)
    assert ours.p == pytest.approx(theirs["p"], rel=10 * tolerance)


@pytest.mark.parametrize(("df", "key"), [("satterthwaite", "satterthwaite"), ("kenward-roger", "kr")])
def test_type_three_tests_equal_lmertest_on_unbalanced_data(part, r_numbers, df, key):
    model = fit("angle ~ recipe * temperature + (1 | recipe:replicate)", part)

    agree(model.anova(df=df), r_numbers["anova"][key])


def test_covariate_in_an_interaction_equals_joint_tests(part, r_numbers):
    model = fit("angle ~ recipe * temp + (1 | recipe:replicate)", part)

    # joint_tests differences the slope and rounds F and df to three decimals
    agree(model.anova(), r_numbers["anova"]["covariate"], tolerance=2e-3)


def test_term_of_one_column_is_its_squared_t(wine_model):
    tests, table = wine_model.anova(df=11.0), wine_model.coefficients(df=11.0)

    assert tests.statistic == pytest.approx(table.statistic**2)
    assert tests.p == pytest.approx(table.p)


def test_asymptotic_test_is_wald_chi_square(cbpp_model):
    tests = cbpp_model.anova(df="asymptotic")

    beta, covariance = cbpp_model.fit.estimate[1:], cbpp_model.fit.covariance[1:, 1:]
    wald = beta @ np.linalg.solve(covariance, beta)
    assert tests.statistic * tests.df_numerator == pytest.approx([wald])
    assert tests.p == pytest.approx([stats.chi2.sf(wald, 3)])


def test_polynomial_is_tested_whole(part):
    model = fit("angle ~ recipe + poly(temp, 2) + (1 | recipe:replicate)", part)

    tests = model.anova(df="asymptotic")

    columns = [k for k, name in enumerate(model.fit.names) if name.startswith("poly")]
    beta, covariance = model.fit.estimate[columns], model.fit.covariance[np.ix_(columns, columns)]
    assert tests.terms == ("recipe", "poly(temp, 2)")
    assert tests.statistic[1] == pytest.approx(beta @ np.linalg.solve(covariance, beta) / 2)
    assert tests.df_numerator[1] == 2


def test_utilities_of_pairs_are_tested_without_the_side(study):
    families = study.assign(task_family=np.where(study["prompt"] < "p05", "story", "poem"))
    model = fit("answer ~ system * task_family + (1 | rater:system)", families, dimension="surprise")

    rows, tests = term_rows(model.design), model.anova(df="asymptotic")

    assert tests.terms == ("system", "system:task_family")
    assert all((matrix[:, 0] == 0.0).all() for matrix in rows.values())
    columns = [k for k, name in enumerate(model.fit.names) if ":" in name]
    beta, covariance = model.fit.estimate[columns], model.fit.covariance[np.ix_(columns, columns)]
    assert tests.statistic[1] == pytest.approx(beta @ np.linalg.solve(covariance, beta) / 2)


def test_empty_cell_says_so(cake):
    gap = cake[~((cake.recipe == "A") & (cake.temperature == "225"))]

    tests = fit("angle ~ recipe * temperature + (1 | recipe:replicate)", gap).anova()

    assert tests.messages[0].startswith("not estimable")
    assert np.isnan(tests.p[0])
    assert "not estimable" in str(tests)
