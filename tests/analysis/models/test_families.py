"""Links, threshold shapes and adaptive quadrature against lme4, glmmTMB and ordinal (make_families.R)."""

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.models.glmm import fit_logistic
from analysis.models.ordinal import fit_cumulative
from analysis.numerics.structure import SignedFactor, build_structure

R = json.loads((Path(__file__).resolve().parents[2] / "reference" / "families.json").read_text(encoding="utf-8"))
# clmm stops at gradients near 1e-3, so that estimates agree to 1e-4 standard errors or ours has the higher likelihood.
CLMM = 1e-4
# glmmTMB stops within 1e-5 of the optimum, and its Hessian is exact.
TMB = 2e-5


@pytest.fixture(scope="session")
def wine(shared):
    return pd.read_csv(shared("reference/wine.csv"))


@pytest.fixture(scope="session")
def cbpp(shared):
    """Counts as two rows of weights each."""
    d = pd.read_csv(shared("reference/cbpp.csv"))
    both = pd.concat([d.assign(y=1, w=d["incidence"]), d.assign(y=0, w=d["size"] - d["incidence"])])
    return both, np.column_stack([np.ones(len(both))] + [both.period == k for k in (2, 3, 4)]).astype(float)


@pytest.fixture(scope="session")
def soup(tmp_path_factory):
    """A data set that comes with R's package ordinal; it is not copied into this repository."""
    if shutil.which("Rscript") is None:
        pytest.skip("R is absent, and with it the soup data of its package ordinal")
    file = tmp_path_factory.mktemp("soup") / "soup.csv"
    code = f'data(soup, package = "ordinal"); write.csv(soup, "{file}", row.names = FALSE)'
    if subprocess.run(["Rscript", "-e", code], capture_output=True, check=False).returncode:
        pytest.skip("R's package ordinal is absent")
    return pd.read_csv(file)


def values(table):
    return np.array([pair[0] for pair in table.values()])


def errors(table):
    return np.array([pair[1] for pair in table.values()])


def fit_wine(wine, intercepts, key, groups=("judge",)):
    options = (R[key]["options"] or [{}])[0] if isinstance(R[key]["options"], list) else R[key]["options"]
    threshold = options.get("threshold", "flexible")
    x = np.column_stack([wine.temp == "warm", wine.contact == "yes"]).astype(float)
    names = ("warm", "contact")
    if threshold == "symmetric":  # a central threshold that is free: minus our constant
        x, names = np.column_stack([np.ones(len(wine)), x]), ("centre", *names)
    return fit_cumulative(
        wine.rating.to_numpy() - 1,
        x,
        intercepts(wine, *groups),
        levels=5,
        names=names,
        thresholds=threshold.rstrip("2"),
        link=options.get("link", "logit"),
        quadrature=options.get("nAGQ", 1),
    )


SHAPES = [
    f"wine {shape} {link}"
    for shape in ("flexible", "symmetric", "symmetric2", "equidistant")
    for link in ("logit", "probit")
]


@pytest.mark.parametrize("key", SHAPES)
def test_thresholds_and_links_equal_clmm(wine, intercepts, key):
    expected = R[key]

    fit = fit_wine(wine, intercepts, key)

    assert fit.convergence.converged
    gain = fit.log_likelihood - expected["log_likelihood"]
    assert gain > -1e-5  # clmm's inner steps end 1e-3 from the mode, which moves its likelihood by some 1e-6
    # where clmm stopped short, the estimates differ by what the likelihood says is missing
    close = CLMM * errors(expected["coef"])[-2:] + np.sqrt(2 * max(gain, 0.0)) * errors(expected["coef"])[-2:]
    assert (np.abs(fit.estimate[-2:] - values(expected["coef"])[-2:]) <= close).all()
    assert fit.variances[0].sd == pytest.approx(expected["sd"]["judge"], rel=1e-3 if "symmetric2" in key else CLMM)
    slack = 2e-2 if key == "wine symmetric2 logit" else CLMM  # its numeric Hessian is taken off the optimum
    assert fit.standard_errors()[-2:] == pytest.approx(errors(expected["coef"])[-2:], rel=slack)
    assert fit.random_effects[0].sd == pytest.approx(expected["mode_sd"]["judge"], rel=CLMM)
    # at the same parameters clmm's modes are ours up to its inner tolerance of 1e-3 standard deviations
    assert fit.random_effects[0].mode == pytest.approx(expected["modes"]["judge"], abs=2e-3)


def test_central_threshold_of_clmms_symmetric_is_minus_our_constant(wine, intercepts):
    expected = R["wine symmetric logit"]["coef"]

    fit = fit_wine(wine, intercepts, "wine symmetric logit")

    centre = -fit.estimate[0]
    assert centre - fit.thresholds[2] == pytest.approx(expected["central.1"][0], abs=1e-4)
    assert centre + fit.thresholds[2] == pytest.approx(expected["central.2"][0], abs=1e-4)
    assert fit.thresholds[3] - fit.thresholds[2] == pytest.approx(expected["spacing.1"][0], abs=1e-4)


@pytest.mark.parametrize("nodes", [3, 10])
def test_quadrature_equals_clmm_with_probit(wine, intercepts, nodes):
    expected = R[f"wine probit quadrature {nodes}"]

    fit = fit_wine(wine, intercepts, f"wine probit quadrature {nodes}")

    assert fit.method == f"AGQ({nodes})"
    assert f"{nodes} nodes" in fit.model
    assert fit.estimate == pytest.approx(values(expected["coef"])[-2:], rel=1e-5)
    assert fit.standard_errors() == pytest.approx(errors(expected["coef"])[-2:], rel=1e-5)
    assert fit.variances[0].sd == pytest.approx(expected["sd"]["judge"], rel=1e-5)
    assert fit.log_likelihood == pytest.approx(expected["log_likelihood"], abs=1e-8)


def test_quadrature_equals_clmm_with_logit(shared, wine, intercepts):
    expected = json.loads(Path(shared("reference/fit_clmm_wine_judge_agq10.json")).read_text(encoding="utf-8"))
    x = np.column_stack([wine.temp == "warm", wine.contact == "yes"]).astype(float)

    fit = fit_cumulative(
        wine.rating.to_numpy() - 1,
        x,
        intercepts(wine, "judge"),
        levels=5,
        names=("warm", "contact"),
        thresholds="flexible",
        quadrature=10,
    )

    table = list(expected["coef"].values())
    assert np.concatenate([fit.thresholds, fit.estimate]) == pytest.approx([row["Estimate"] for row in table], rel=1e-5)
    found = np.concatenate([fit.threshold_se, fit.standard_errors()])
    assert found == pytest.approx([row["Std. Error"] for row in table], rel=1e-4)
    assert fit.variances[0].sd == pytest.approx(expected["sd"]["judge"], rel=1e-5)
    assert fit.log_likelihood == pytest.approx(expected["logLik"], abs=1e-7)


def test_second_intercept_that_r_finds_to_be_zero_is_called_singular(wine, intercepts):
    expected = R["wine judge and bottle"]

    fit = fit_wine(wine, intercepts, "wine judge and bottle", ("judge", "bottle"))

    assert fit.convergence.code == "singular"
    assert fit.convergence.singular == ("bottle",)
    assert expected["sd"]["bottle"] < 1e-4
    assert fit.estimate == pytest.approx(values(expected["coef"])[-2:], rel=1e-5)
    assert fit.standard_errors() == pytest.approx(errors(expected["coef"])[-2:], rel=1e-4)
    assert fit.log_likelihood == pytest.approx(expected["log_likelihood"], abs=1e-7)
    assert np.abs(fit.random_effects[1].mode).max() == 0.0


def test_probit_without_random_effects_equals_clm(wine):
    warm, contact = (wine.temp == "warm").to_numpy(float), (wine.contact == "yes").to_numpy(float)

    fit = fit_cumulative(
        wine.rating.to_numpy() - 1,
        np.column_stack([warm, contact, warm * contact]),
        (),
        levels=5,
        names=tuple("wcx"),
        thresholds="flexible",
        link="probit",
    )

    expected = R["wine clm probit"]
    assert fit.method == "ML"
    assert np.concatenate([fit.thresholds, fit.estimate]) == pytest.approx(values(expected["coef"]), rel=1e-6)
    found = np.concatenate([fit.threshold_se, fit.standard_errors()])
    assert found == pytest.approx(errors(expected["coef"]), rel=1e-5)
    assert fit.log_likelihood == pytest.approx(expected["log_likelihood"], rel=1e-10)


@pytest.mark.parametrize(
    ("key", "groups", "link"),
    [
        ("soup", ("RESP",), "logit"),
        ("soup nested", ("RESP", "RESP:PROD"), "logit"),
        ("soup probit", ("RESP",), "probit"),
    ],
)
def test_soup_equals_clmm(soup, intercepts, key, groups, link):  # noqa: PLR0917 - fixtures and parameters
    frame = soup.assign(**{"RESP:PROD": soup.RESP.astype(str) + soup.PROD})

    fit = fit_cumulative(
        frame.SURENESS.to_numpy() - 1,
        (frame.PROD == "Test").to_numpy(float)[:, None],
        intercepts(frame, *groups),
        levels=6,
        names=("Test",),
        thresholds="flexible",
        link=link,
    )

    expected = R[key]
    coefficients = np.concatenate([fit.thresholds, fit.estimate])
    assert coefficients == pytest.approx(values(expected["coef"]), rel=CLMM)
    found = np.concatenate([fit.threshold_se, fit.standard_errors()])
    assert found == pytest.approx(errors(expected["coef"]), rel=CLMM)
    assert [part.sd for part in fit.variances] == pytest.approx([expected["sd"][name] for name in groups], rel=CLMM)
    assert fit.log_likelihood >= expected["log_likelihood"] - 1e-6


@pytest.mark.parametrize("key", ["grades probit", "grades symmetric2"])
def test_crossed_grades_equal_clmm(shared, intercepts, key):
    d = pd.read_csv(shared("reference/sim72_pairs.csv"))
    options = R[key]["options"][0] if isinstance(R[key]["options"], list) else R[key]["options"]

    fit = fit_cumulative(
        d.grade.to_numpy() - 1,
        np.column_stack([d.system == "wt", d.system == "prm", d.side]).astype(float),
        intercepts(d, "pair", "rater", "prompt"),
        levels=5,
        names=tuple("wps"),
        thresholds=options.get("threshold", "flexible").rstrip("2"),
        link=options.get("link", "logit"),
    )

    assert fit.estimate == pytest.approx(values(R[key]["coef"])[-3:], abs=2e-5)
    assert fit.standard_errors() == pytest.approx(errors(R[key]["coef"])[-3:], rel=1e-4)
    assert [part.sd for part in fit.variances] == pytest.approx(
        [R[key]["sd"][part.factor] for part in fit.variances], rel=1e-4
    )
    assert fit.log_likelihood >= R[key]["log_likelihood"] - 1e-6


@pytest.mark.parametrize("nodes", [2, 9, 25])
def test_quadrature_equals_glmer(cbpp, intercepts, nodes):
    frame, x = cbpp
    expected = R[f"cbpp quadrature {nodes}"]

    fit = fit_logistic(
        frame.y.to_numpy(),
        x,
        intercepts(frame, "herd"),
        names=tuple("1234"),
        weights=frame.w.to_numpy(dtype=float),
        quadrature=nodes,
    )

    assert fit.estimate == pytest.approx(values(expected["fixed"]), rel=1e-6)
    # glmer differences its deviance twice
    assert fit.standard_errors() == pytest.approx(errors(expected["fixed"]), rel=1e-5)
    assert fit.variances[0].sd == pytest.approx(expected["sd"]["herd"], rel=1e-6)
    assert fit.random_effects[0].mode == pytest.approx(expected["modes"]["herd"], rel=1e-5, abs=1e-6)
    assert fit.random_effects[0].sd == pytest.approx(expected["mode_sd"]["herd"], rel=1e-5)
    # glmer measures its quadrature from the saturated model: p = share of each row of counts
    counts = frame.w.to_numpy(dtype=float).reshape(2, -1)
    share = counts / counts.sum(axis=0)
    saturated = float((counts[counts > 0] * np.log(share[counts > 0])).sum())
    assert fit.log_likelihood - saturated == pytest.approx(expected["log_likelihood"], abs=1e-7)


def test_quadrature_with_probit_equals_glmer(cbpp, intercepts):
    frame, x = cbpp
    expected = R["cbpp probit quadrature 9"]

    fit = fit_logistic(
        frame.y.to_numpy(),
        x,
        intercepts(frame, "herd"),
        names=tuple("1234"),
        weights=frame.w.to_numpy(dtype=float),
        link="probit",
        quadrature=9,
    )

    assert fit.estimate == pytest.approx(values(expected["fixed"]), rel=1e-6)
    assert fit.standard_errors() == pytest.approx(errors(expected["fixed"]), rel=1e-5)
    assert fit.variances[0].sd == pytest.approx(expected["sd"]["herd"], rel=1e-6)


def test_probit_equals_glmmtmb(cbpp, intercepts):
    """Not glmer: away from the canonical link its Laplace approximation takes the expected curvature, ours the true."""
    frame, x = cbpp
    expected = R["cbpp probit"]

    fit = fit_logistic(
        frame.y.to_numpy(),
        x,
        intercepts(frame, "herd"),
        names=tuple("1234"),
        weights=frame.w.to_numpy(dtype=float),
        link="probit",
    )

    assert fit.estimate == pytest.approx(values(expected["glmmTMB"]["fixed"]), rel=TMB)
    assert fit.standard_errors() == pytest.approx(errors(expected["glmmTMB"]["fixed"]), rel=TMB)
    assert fit.variances[0].sd == pytest.approx(expected["glmmTMB"]["sd"]["herd"], rel=TMB)
    nearer, further = R["cbpp probit quadrature 9"]["sd"]["herd"], expected["sd"]["herd"]
    assert abs(fit.variances[0].sd - nearer) < abs(further - nearer)


def test_crossed_probit_equals_glmmtmb(shared, intercepts):
    d = pd.read_csv(shared("reference/sim72_pairs.csv"))
    x = np.column_stack([d.system == name for name in ("act", "wt", "prm")] + [d.side]).astype(float)

    fit = fit_logistic(
        d.choice.to_numpy(), x, intercepts(d, "pair", "rater", "prompt"), names=tuple("awps"), link="probit"
    )

    expected = R["choices probit"]["glmmTMB"]
    assert fit.estimate == pytest.approx(values(expected["fixed"]), abs=1e-5)
    assert fit.standard_errors() == pytest.approx(errors(expected["fixed"]), rel=TMB)
    assert fit.log_likelihood == pytest.approx(expected["log_likelihood"], abs=1e-7)
    assert [part.sd for part in fit.variances] == pytest.approx(
        [expected["sd"][part.factor] for part in fit.variances], rel=TMB
    )
    assert (fit.family, fit.link, fit.method, fit.parameters) == ("binomial", "probit", "Laplace", 7)


def small(rows=200, seed=3, other_sd=0.0):
    rng = np.random.default_rng(seed)
    group = rng.integers(20, size=rows)
    x = np.column_stack([np.ones(rows), rng.normal(size=rows)])
    other = rng.integers(12, size=rows)
    effects = rng.normal(0, 0.8, 20)[group] + rng.normal(0, 1.0, 12)[other] * other_sd
    y = (x @ [0.2, 0.5] + effects + rng.logistic(size=rows) > 0).astype(int)
    return y, x, SignedFactor("group", (group,), (1.0,), 20), SignedFactor("other", (other,), (1.0,), 12)


def test_quadrature_refuses_what_it_cannot_integrate():
    y, x, group, other = small()
    pair = SignedFactor("output", (group.codes[0], other.codes[0]), (1.0, -1.0), 20)

    with pytest.raises(ValueError, match="exactly one random effect; with group, other together"):
        fit_logistic(y, x, (group, other), names=("one", "x"), quadrature=5)
    with pytest.raises(ValueError, match="a pair belongs to two"):
        fit_logistic(y, x, (pair,), names=("one", "x"), quadrature=5)
    with pytest.raises(ValueError, match="whole number from 1"):
        fit_logistic(y, x, (group,), names=("one", "x"), quadrature=0)


def test_bad_input_is_refused_in_words():
    y, x, group, _ = small()

    with pytest.raises(ValueError, match="success must be 0 or 1"):
        fit_logistic(y + 1, x, (group,), names=("one", "x"))
    with pytest.raises(ValueError, match="2 columns of fixed effects need 2 names"):
        fit_logistic(y, x, (group,), names=("one",))
    with pytest.raises(ValueError, match="missing or infinite values in x"):
        fit_logistic(y, np.where(np.arange(200)[:, None] == 3, [1.0, np.nan], x), (group,), names=("one", "x"))
    with pytest.raises(ValueError, match="weights must be finite and not negative"):
        fit_logistic(y, x, (group,), names=("one", "x"), weights=-np.ones(200))
    with pytest.raises(ValueError, match="'cauchit' is not known: choose logit or probit"):
        fit_logistic(y, x, (group,), names=("one", "x"), link="cauchit")
    with pytest.raises(ValueError, match="'loose' are not known"):
        fit_cumulative(y, x, (group,), levels=2, names=("one", "x"), thresholds="loose")
    with pytest.raises(ValueError, match="whole numbers 0 … 2"):
        fit_cumulative(y + 2, x, (group,), levels=3, names=("one", "x"))
    slopes = SignedFactor("group", group.codes, (1.0,), 20, slopes=(None, x[:, 1]), slope_names=("1", "x"))
    with pytest.raises(ValueError, match="correlated slopes are fitted by the linear model only"):
        fit_logistic(y, x, (slopes,), names=("one", "x"))


def test_structure_and_start_change_the_work_and_not_the_answer():
    y, x, group, other = small(rows=800, other_sd=0.6)
    structure = build_structure((group, other), 800)
    plain = fit_logistic(y, x, (group, other), names=("one", "x"))

    warm = fit_logistic(y, x, (group, other), names=("one", "x"), structure=structure, start=plain)

    assert warm.convergence.evaluations < plain.convergence.evaluations
    assert warm.estimate == pytest.approx(plain.estimate, rel=1e-8)
    assert warm.covariance == pytest.approx(plain.covariance, rel=1e-5)
    assert warm.log_likelihood == pytest.approx(plain.log_likelihood, rel=1e-12)


def test_structure_of_another_design_is_refused():
    y, x, group, other = small()

    with pytest.raises(ValueError, match="built for another design"):
        fit_logistic(y, x, (group, other), names=("one", "x"), structure=build_structure((group,), 200))


def test_start_from_a_singular_fit_can_leave_the_boundary():
    y, x, group, _ = small()
    plain = fit_logistic(y, x[:, :1], (group,), names=("one",))
    even = SignedFactor("group", (np.repeat(np.arange(20), 10),), (1.0,), 20)
    flat = fit_logistic(np.tile([0, 1], 100), np.ones((200, 1)), (even,), names=("one",))

    warm = fit_logistic(y, x[:, :1], (group,), names=("one",), start=flat)

    assert flat.variances[0].sd == 0.0
    assert warm.variances[0].sd == pytest.approx(plain.variances[0].sd, rel=1e-6)


def test_independent_slope_of_one_column_is_a_random_effect_like_another():
    y, x, group, _ = small(rows=600)
    slope = SignedFactor("group", group.codes, (1.0,), 20, slopes=(x[:, 1],), slope_names=("x",))

    fit = fit_logistic(y, x, (group, slope), names=("one", "x"))

    assert [part.term for part in fit.variances] == ["(Intercept)", "x"]
    assert [effect.term for effect in fit.random_effects] == ["(Intercept)", "x"]
    predicted = x @ fit.estimate
    for effect, times in zip(fit.random_effects, (np.ones(600), x[:, 1]), strict=True):
        predicted = predicted + times * effect.mode[group.codes[0]]
    assert fit.linear_predictor == pytest.approx(predicted, rel=1e-9)
    assert fit.fixed_predictor == pytest.approx(x @ fit.estimate, rel=1e-12)


def test_flexible_thresholds_leave_out_levels_that_nobody_used():
    y, x, group, _ = small()
    category = np.where(y == 1, 4, np.where(x[:, 1] > 0, 2, 0))

    fit = fit_cumulative(category, x[:, 1:], (group,), levels=5, names=("x",), thresholds="flexible")

    assert fit.threshold_names == ("1|3", "3|5")
    assert fit.notes == ("nobody used the answer level(s) 2, 4; left out of the scale",)
    assert fit.convergence.converged


def test_labels_of_levels_reach_the_random_effects():
    y, x, group, _ = small()
    named = SignedFactor("group", group.codes, (1.0,), 20, labels=tuple(f"g{k}" for k in range(20)))
    rows = group.codes[0] != 7

    fit = fit_logistic(y, x, (named,), names=("one", "x"), weights=rows.astype(float))

    assert fit.random_effects[0].labels == tuple(f"g{k}" for k in range(20) if k != 7)
    assert fit.rows == int(rows.sum())


def test_random_effects_that_cannot_be_told_are_left_out_and_named():
    y, x, group, _ = small()
    numbers = np.random.default_rng(0).permutation(20)
    twin = SignedFactor("twin", (numbers[group.codes[0]],), (1.0,), 20)
    nobody = SignedFactor("nobody", (np.full(200, -1),), (1.0,), 5)
    alone = SignedFactor("alone", (np.full(200, 3),), (1.0,), 5)

    fit = fit_logistic(y, x, (group, twin, nobody, alone), names=("one", "x"))

    assert fit.notes == (
        "random effect twin left out: it groups the answers exactly as group does",
        "random effect nobody left out: it has one level",
        "random effect alone left out: it has one level",
    )
    assert fit.estimate == pytest.approx(fit_logistic(y, x, (group,), names=("one", "x")).estimate, rel=1e-9)


def test_random_effects_that_differ_in_one_row_both_stay():
    y, x, group, _ = small()
    other = group.codes[0].copy()
    other[0] = (other[0] + 1) % 20

    fit = fit_logistic(y, x, (group, SignedFactor("other", (other,), (1.0,), 20)), names=("one", "x"))

    assert [part.factor for part in fit.variances] == ["group", "other"]


def test_no_answers_at_all_are_said():
    y, x, group, _ = small()

    fit = fit_logistic(y, x, (group,), names=("one", "x"), weights=np.zeros(200))

    assert fit.convergence.code == "not_fitted"
    assert fit.convergence.message == "there are no answers; nothing was fitted: report the raw win rates"


def test_levels_that_leave_thresholds_open_are_said():
    y, x, group, _ = small()

    fit = fit_cumulative(4 * y, x, (group,), levels=5, names=("one", "x"), thresholds="symmetric")

    assert fit.convergence.code == "not_fitted"
    assert "the thresholds" in fit.convergence.message


@pytest.mark.parametrize("scale", [1e-3, 1e3])
def test_units_of_a_covariate_do_not_matter(scale):
    y, x, group, _ = small()

    plain = fit_logistic(y, x, (group,), names=("one", "x"))
    scaled = fit_logistic(y, x * [1.0, scale], (group,), names=("one", "x"))

    assert scaled.estimate * [1.0, scale] == pytest.approx(plain.estimate, rel=1e-6)
    assert scaled.standard_errors() * [1.0, scale] == pytest.approx(plain.standard_errors(), rel=1e-5)
