"""The linear mixed model against lme4, lmerTest and pbkrtest: tests/reference/make_linear_models.R."""

import json

import numpy as np
import pandas as pd
import pytest

from analysis.inference.degrees import f_test, kenward_roger, satterthwaite
from analysis.models.lmm import fit_linear
from analysis.numerics.structure import SignedFactor
from tests.analysis.linear_cases import Case, load_case, numbers

# lmer was run with bobyqa to a final trust radius of 1e-10, which leaves some 1e-7 in its spreads, on flat optima 1e-6.
RELATIVE = 1e-5
# A deviance is flat at its minimum: what 1e-6 in a spread costs is far below rounding of a sum over all rows.
LIKELIHOOD = 1e-8
# lmerTest differences the deviance numerically; 1e-3 is what that costs at worst here (7 digits in balanced designs).
DEGREES = 1e-3
KENWARD_ROGER = 1e-5
SMALL = [
    "Dyestuff", "Dyestuff2", "Pastes", "Penicillin", "cake", "sleepstudy_intercept", "sleepstudy_slope",
    "sleepstudy_uncorr", "sleepstudy_weights", "sim72", "sim720",
]  # fmt: skip
PACKAGES = ["ham", "TVbo", "TVbo_noise", "carrots", "bent", "flat", "turned", "InstEval", "InstEval_dept"]
SINGULAR = {"Dyestuff2", "carrots", "bent", "flat", "turned"}
ALL = [(name, method) for name in SMALL for method in ("REML", "ML")] + [(name, "REML") for name in PACKAGES]


def fit_case(case: Case, expected, **options):
    names = tuple(expected["names"])
    return fit_linear(case.response, case.fixed, case.factors, names=names, **case.options, **options)


def spread_table(fit):
    """Standard deviations and correlations under lme4's names; lme4 numbers a second term of one group."""
    table = {(part.factor, part.term): part.sd for part in fit.variances}
    table |= {(part.factor, f"{part.first}|{part.second}"): part.value for part in fit.correlations}
    return table | {("Residual", None): fit.residual_sd}


def expected_spreads(expected):
    for name, term, second, value in zip(*(expected[k] for k in ("group", "term", "second", "sdcor")), strict=True):
        base = name.removesuffix(".1")
        yield (base, term if second is None else f"{term}|{second}"), value


@pytest.mark.parametrize(("name", "method"), ALL)
def test_linear_fit_equals_lmer(shared, name, method):
    expected, case = numbers()[f"{name} {method}"], load_case(name, shared)

    fit = fit_case(case, expected, reml=method == "REML")

    assert fit.convergence.converged
    assert fit.convergence.code == ("singular" if name in SINGULAR else "ok")
    assert fit.log_likelihood == pytest.approx(expected["log_likelihood"], abs=LIKELIHOOD, rel=1e-12)
    assert fit.aic == pytest.approx(expected["aic"], abs=1e-7)
    assert fit.estimate == pytest.approx(expected["estimate"], rel=RELATIVE, abs=1e-9)
    assert fit.standard_errors() == pytest.approx(expected["se"], rel=RELATIVE)
    table = spread_table(fit)
    for key, value in expected_spreads(expected):
        # A correlation near 0 or along a direction without spread is the least determined number of all.
        assert table.pop(key) == pytest.approx(value, rel=RELATIVE, abs=1e-5 if "|" in str(key[1]) else 1e-8)
    assert not table
    frees = [satterthwaite(fit, row) for row in np.eye(fit.estimate.size)]
    assert frees == pytest.approx(expected["satterthwaite"], rel=DEGREES)


@pytest.mark.parametrize("name", [*SMALL, "ham", "carrots"])
def test_random_effects_equal_ranef(shared, name):
    expected, case = numbers()[f"{name} REML"], load_case(name, shared)

    fit = fit_case(case, expected)

    for part in fit.random_effects:
        key = next(k for k in expected["modes"] if k.endswith(part.term) and k.startswith(part.factor))
        assert part.mode.shape == part.sd.shape == (len(part.labels),)
        assert np.square(part.mode).sum() == pytest.approx(expected["modes"][key], rel=1e-4, abs=1e-9)
        assert np.square(part.sd).sum() == pytest.approx(expected["conditional_variances"][key], rel=1e-4, abs=1e-9)


@pytest.mark.parametrize("name", ["Dyestuff", "Pastes", "Penicillin", "cake", "sleepstudy_slope", "ham", "TVbo"])
def test_kenward_roger_equals_pbkrtest(shared, name):
    expected, case = numbers()[f"{name} REML"], load_case(name, shared)

    fit = fit_case(case, expected)

    errors, frees = zip(*(kenward_roger(fit, row) for row in np.eye(fit.estimate.size)), strict=True)
    assert errors == pytest.approx(expected["kr_se"], rel=KENWARD_ROGER)
    assert frees == pytest.approx(expected["kr_df"], rel=KENWARD_ROGER)


@pytest.mark.parametrize("name", ["ham", "TVbo", "TVbo_noise"])
def test_f_tests_equal_lmertest(shared, name):
    expected, case = numbers()[f"{name} REML"], load_case(name, shared)

    fit = fit_case(case, expected)

    assert expected["tests"]
    for test in expected["tests"]:
        rows = np.eye(fit.estimate.size)[np.array(test["rows"]) - 1]
        plain, adjusted = f_test(fit, rows), f_test(fit, rows, "kenward-roger")
        assert (plain.statistic, plain.df_denominator) == pytest.approx((test["F"], test["den"]), rel=1e-5)
        assert (adjusted.statistic, adjusted.df_denominator) == pytest.approx((test["kr_F"], test["kr_den"]), rel=1e-5)


def test_signed_memberships_equal_lme4_with_edited_zt(shared):
    expected = numbers()["signed"]
    d = pd.read_csv(shared("reference/multimembership_72.csv"))
    score = 10.0 * d.y + (np.arange(1, len(d) + 1) % 7)
    x = np.column_stack([np.ones(len(d))] + [(d.sysL == k) * 1.0 - (d.sysR == k) * 1.0 for k in (1, 2, 3)])
    factors = []
    for left, right in (("outL", "outR"), ("psL", "psR")):
        codes = np.unique(np.concatenate([d[left], d[right]]), return_inverse=True)[1].reshape(2, -1)
        factors.append(SignedFactor(left, tuple(codes.astype(np.int64)), (1.0, -1.0), int(codes.max()) + 1))
    factors.append(SignedFactor("rater", (d.rater.to_numpy(np.int64),), (1.0,), int(d.rater.max()) + 1))

    fit = fit_linear(score.to_numpy(), x, tuple(factors), names=tuple("1awp"))

    assert -2 * fit.log_likelihood == pytest.approx(expected["deviance"], rel=1e-11)
    assert fit.estimate == pytest.approx(expected["estimate"], rel=RELATIVE)
    assert fit.standard_errors() == pytest.approx(expected["se"], rel=RELATIVE)
    assert [part.sd for part in fit.variances] == pytest.approx(expected["sd"], rel=RELATIVE)
    assert fit.residual_sd == pytest.approx(expected["sigma"], rel=RELATIVE)
    assert [part.signed for part in fit.variances] == [True, True, False]


def test_creative_writing_verdicts_equal_the_note(shared):
    d = pd.DataFrame(json.loads(shared("data/ttcw/ttcw_annotations.json").read_text(encoding="utf-8")))
    d["system"], d["plot"] = d.story_id.str.split("_").str[1], d.story_idx
    y = (d.binary_verdict == "Yes").to_numpy(float)
    x = np.column_stack([np.ones(len(d))] + [d.system == name for name in ("Claude", "GPT3.5", "NewYorker")])
    factors = []
    for column in ("ttcw_idx", "plot", "story_id", "expert_idx"):
        codes = pd.factorize(d[column], sort=True)[0].astype(np.int64)
        factors.append(SignedFactor(column, (codes,), (1.0,), int(codes.max()) + 1))

    fit = fit_linear(y, x.astype(float), tuple(factors), names=("(Intercept)", "Claude", "GPT3.5", "NewYorker"))

    # The note prints four digits.
    assert fit.estimate == pytest.approx([0.2732, 0.0218, -0.1905, 0.5694], abs=5.1e-5)
    assert fit.standard_errors()[1] == pytest.approx(0.0503, abs=5.1e-5)
    assert [part.sd for part in fit.variances] == pytest.approx([0.1106, 0.0108, 0.1100, 0.0690], abs=5.1e-5)
    assert fit.residual_sd == pytest.approx(0.3599, abs=5.1e-5)
    assert satterthwaite(fit, np.array([0.0, 0.0, 0.0, 1.0])) == pytest.approx(33.0, abs=0.051)


def test_dyestuff_deviance_is_the_pinned_one(shared):
    case = load_case("Dyestuff", shared)

    fit = fit_linear(case.response, case.fixed, case.factors, names=("(Intercept)",), reml=False)

    assert -2 * fit.log_likelihood == pytest.approx(327.327060, abs=5e-7)


def test_probes_give_the_numbers_of_the_exact_fit(shared, monkeypatch):
    expected, case = numbers()["sim720 REML"], load_case("sim720", shared)
    monkeypatch.setattr("analysis.numerics.reml_large.KEPT_LIMIT", 100)

    fit = fit_case(case, expected)

    note = next(note for note in fit.notes if note.startswith("log-likelihood by 32 random probes"))
    error = float(note.split("error ")[1].split(":")[0])
    assert 0.0 < error < 0.02
    assert fit.log_likelihood == pytest.approx(expected["log_likelihood"], abs=5.0 * error)
    # Eight probes move the spreads by some thousandths of their standard errors.
    assert fit.estimate == pytest.approx(expected["estimate"], rel=RELATIVE)
    assert fit.standard_errors() == pytest.approx(expected["se"], rel=1e-4)
    table = spread_table(fit)
    assert [table[key] for key, _ in expected_spreads(expected)] == pytest.approx(
        [value for _, value in expected_spreads(expected)], rel=1e-4
    )
    frees = [satterthwaite(fit, row) for row in np.eye(4)]
    assert frees == pytest.approx(expected["satterthwaite"], rel=DEGREES)
    modes = {part.factor: np.square(part.mode).sum() for part in fit.random_effects}
    assert modes["rater"] == pytest.approx(expected["modes"]["rater (Intercept)"], rel=1e-4)
