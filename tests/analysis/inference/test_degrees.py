"""Degrees of freedom against dense formulas; R's numbers for them are in tests/analysis/models/test_lmm.py."""

from dataclasses import replace

import numpy as np
import pytest

from analysis.inference.degrees import f_test, kenward_roger, satterthwaite
from analysis.models.glmm import fit_logistic
from analysis.models.lmm import fit_linear
from analysis.numerics.structure import SignedFactor


def weighted_study(seed=6, *, rows=90):
    """Raters with correlated slopes and prompts, unequal weights: what pbkrtest leaves out."""
    random = np.random.default_rng(seed)
    rater, prompt = random.integers(10, size=rows), random.integers(7, size=rows)
    x = random.normal(size=rows)
    slopes = random.normal(size=(10, 2)) @ np.array([[1.0, 0.3], [0.0, 0.6]])
    y = slopes[rater, 0] + slopes[rater, 1] * x + random.normal(size=7)[prompt] + random.normal(size=rows)
    factors = (
        SignedFactor("rater", (rater,), (1.0,), 10, (), (None, x), ("(Intercept)", "x")),
        SignedFactor("prompt", (prompt,), (1.0,), 7),
    )
    fixed = np.column_stack([np.ones(rows), x, random.normal(size=rows)])
    return y, fixed, factors, random.uniform(0.4, 2.0, size=rows)


def fit_study(**options):
    y, fixed, factors, weights = weighted_study()
    return fit_linear(y, fixed, factors, names=("1", "x", "z"), weights=weights, **options)


def parts(factors, rows):
    """Derivatives of V by each variance and covariance, in the order of φ, the residual's left to the caller."""
    found = []
    for factor in factors:
        columns = [np.ones(rows) if slope is None else slope for slope in factor.slopes]
        z = [np.eye(factor.levels)[factor.codes[0]] * column[:, None] for column in columns]
        for a, one in enumerate(z):
            found += [one @ two.T + two @ one.T for two in z[:a]]
            found.append(one @ one.T)
    return found


def variance_values(fit):
    """φ: variance, covariance, variance of the rater; the prompt's variance; the residual's."""
    one, two, prompt = (part.sd for part in fit.variances)
    return [one**2, fit.correlations[0].value * one * two, two**2, prompt**2, fit.residual_sd**2]


def dense_kenward_roger(study, values):
    """Kenward and Roger (1997) as written: Φ_A and, for one row L, 2 E(F)²-moments solved for the degrees."""
    y, fixed, factors, weights = study
    derivatives = [*parts(factors, y.size), np.diag(1.0 / weights)]
    v = np.linalg.inv(sum(value * part for value, part in zip(values, derivatives, strict=True)))
    phi = np.linalg.inv(fixed.T @ v @ fixed)
    projection = v - v @ fixed @ phi @ fixed.T @ v
    p = [-fixed.T @ v @ part @ v @ fixed for part in derivatives]
    information = 0.5 * np.array(
        [[np.trace(projection @ a @ projection @ b) for b in derivatives] for a in derivatives]
    )
    w = np.linalg.inv(information)
    total = np.zeros_like(phi)
    for i, a in enumerate(derivatives):
        for j, b in enumerate(derivatives):
            total += w[i, j] * (fixed.T @ v @ a @ v @ b @ v @ fixed - p[i] @ phi @ p[j])
    return phi + 2.0 * phi @ total @ phi, phi, p, w


def test_kenward_roger_equals_the_formula_with_weights_and_slopes():
    fit, study = fit_study(), weighted_study()
    adjusted, phi, p, w = dense_kenward_roger(study, variance_values(fit))

    for row in (np.array([0.0, 1.0, 0.0]), np.array([1.0, -0.5, 2.0])):
        se, df = kenward_roger(fit, row)

        a = np.array([row @ phi @ part @ phi @ row / (row @ phi @ row) for part in p])
        assert se == pytest.approx(np.sqrt(row @ adjusted @ row), rel=1e-6)
        # One row: A₁ = A₂, which makes the degrees 2 / A₂ = 2 (L'ΦL)² / (g'Wg), Satterthwaite's with W.
        assert df == pytest.approx(2.0 / float(a @ w @ a), rel=1e-6)


def test_satterthwaite_equals_differences_of_the_standard_error():
    fit = fit_study()
    y, fixed, factors, weights = weighted_study()
    derivatives, values = [*parts(factors, y.size), np.diag(1.0 / weights)], np.array(variance_values(fit))
    row = np.array([0.3, 1.0, -1.0])

    def variance(phi):
        v = sum(value * part for value, part in zip(phi, derivatives, strict=True))
        return float(row @ np.linalg.inv(fixed.T @ np.linalg.solve(v, fixed)) @ row)

    def deviance(phi):
        v = sum(value * part for value, part in zip(phi, derivatives, strict=True))
        inverse = np.linalg.inv(v)
        middle = fixed.T @ inverse @ fixed
        rest = y - fixed @ np.linalg.solve(middle, fixed.T @ inverse @ y)
        return float(np.linalg.slogdet(v)[1] + np.linalg.slogdet(middle)[1] + rest @ inverse @ rest)

    steps = 1e-3 * np.maximum(np.abs(values), 0.1)
    moves = np.diag(steps)
    slope = np.array([(variance(values + m) - variance(values - m)) / (2.0 * m.sum()) for m in moves])
    hessian = np.array(
        [
            [
                sum(s * t * deviance(values + s * a + t * b) for s in (1, -1) for t in (1, -1))
                / (4 * a.sum() * b.sum())
                for b in moves
            ]
            for a in moves
        ]
    )
    expected = 2.0 * variance(values) ** 2 / float(slope @ (2.0 * np.linalg.inv(hessian)) @ slope)
    # Second differences with steps of 1e-3 of each variance.
    assert satterthwaite(fit, row) == pytest.approx(expected, rel=1e-4)
    assert fit.small_sample.variance_covariance == pytest.approx(2.0 * np.linalg.inv(hessian), rel=1e-3, abs=1e-5)


@pytest.mark.parametrize("method", ["satterthwaite", "kenward-roger"])
def test_one_row_is_the_squared_t_test(method):
    fit, row = fit_study(), np.array([0.0, 1.0, -1.0])

    found = f_test(fit, row, method)

    se = np.sqrt(row @ fit.covariance @ row)
    df = satterthwaite(fit, row)
    if method == "kenward-roger":
        se, df = kenward_roger(fit, row)
    assert found.statistic == pytest.approx((row @ fit.estimate / se) ** 2)
    assert found.df_denominator == pytest.approx(df)
    assert found.df_numerator == 1


@pytest.mark.parametrize("method", ["satterthwaite", "kenward-roger"])
def test_f_test_does_not_depend_on_the_rows_that_span_it(method):
    fit = fit_study()
    rows = np.array([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    more = np.vstack([rows, rows.sum(axis=0)])

    one, two = f_test(fit, rows, method), f_test(fit, more, method)

    assert two.df_numerator == one.df_numerator == 2
    assert two.statistic == pytest.approx(one.statistic)
    if method == "kenward-roger":
        # Satterthwaite's denominator is built along eigenvectors of LCL', which the scale of the rows turns.
        assert two.df_denominator == pytest.approx(one.df_denominator)
    assert 0.0 < two.p < 1.0


def test_without_small_sample_pieces_the_error_says_what_to_do():
    row = np.array([0.0, 1.0, 0.0])

    with pytest.raises(ValueError, match="fitted with small_sample=True"):
        satterthwaite(fit_study(small_sample=False), row)
    with pytest.raises(ValueError, match="Kenward–Roger needs REML"):
        kenward_roger(fit_study(reml=False), row)
    with pytest.raises(ValueError, match="Kenward–Roger needs REML"):
        kenward_roger(fit_study(small_sample="satterthwaite"), row)
    with pytest.raises(ValueError, match="L has shape"):
        satterthwaite(fit_study(), np.ones(2))
    with pytest.raises(ValueError, match="no row other than zero"):
        f_test(fit_study(), np.zeros((2, 3)))


def test_other_families_are_refused():
    x = np.column_stack([np.ones(40), np.tile([0.0, 1.0], 20)])
    factor = SignedFactor("rater", (np.arange(40) // 4,), (1.0,), 10)
    fit = fit_logistic(np.arange(40) % 3 // 2, x, (factor,), names=("1", "x"))

    with pytest.raises(ValueError, match="only a linear mixed model"):
        satterthwaite(fit, np.array([0.0, 1.0]))


def test_a_singular_covariance_is_named():
    fit = fit_study()
    broken = replace(fit, covariance=np.zeros((3, 3)))

    with pytest.raises(ValueError, match="not estimable"):
        f_test(broken, np.eye(3)[:2])
