"""Every logistic and cumulative fit of the shared reference, entry by entry: covariances and deviances as well."""

import json

import numpy as np
import pandas as pd
import pytest

from analysis.models.glmm import fit_logistic
from analysis.models.ordinal import fit_cumulative
from analysis.numerics.cumulative import CumulativeLink, fixed_at_zero
from analysis.numerics.laplace import LaplaceModel
from analysis.numerics.structure import build_structure


def verbagg(find):
    d = pd.read_csv(find("reference/VerbAgg.csv"))
    columns = [d.Anger, d.Gender == "M", d.btype == "scold", d.btype == "shout", d.situ == "self"]
    return d, (d.r2 == "Y").to_numpy(), np.column_stack([np.ones(len(d)), *columns]).astype(float), ("id", "item")


def cbpp(find):
    d = pd.read_csv(find("reference/cbpp.csv"))
    d = pd.concat([d.assign(y=1, w=d["incidence"]), d.assign(y=0, w=d["size"] - d["incidence"])], ignore_index=True)
    x = np.column_stack([np.ones(len(d))] + [d.period == k for k in (2, 3, 4)]).astype(float)
    return d, d.y.to_numpy(), x, ("herd",)


def pairs(find, name):
    d = pd.read_csv(find(f"reference/{name}.csv"))
    if "dim" in d:
        d = d[d.dim == 0].reset_index(drop=True)
    x = np.column_stack([d.system == system for system in ("act", "wt", "prm")] + [d.side]).astype(float)
    return d, d.choice.to_numpy(), x, ("pair", "rater", "prompt")


DATA = {
    "VerbAgg": verbagg,
    "cbpp": cbpp,
    "sim72_pairs": lambda find: pairs(find, "sim72_pairs"),
    "sim720_pairs": lambda find: pairs(find, "sim720_pairs_all"),
}


@pytest.fixture(scope="session", params=DATA)
def fitted(request, shared, intercepts):
    """A data set with R's numbers and our fit."""
    frame, success, x, groups = DATA[request.param](shared)
    expected = json.loads(shared(f"reference/fit_glmm_{request.param}.json").read_text(encoding="utf-8"))
    weights = frame.w.to_numpy(dtype=float) if "w" in frame else None
    factors = intercepts(frame, *groups)
    fit = fit_logistic(success, x, factors, names=tuple(expected["nAGQ1"]["fixef"]), weights=weights)
    return expected, fit, (success, x, factors, weights)


def test_estimates_and_covariances_equal_glmer(fitted):
    expected, fit, _ = fitted
    glmer = expected["nAGQ1"]

    errors = np.array([row["Std. Error"] for row in glmer["fixef"].values()])
    # glmer's derivative-free search stops some 1e-5 from the optimum; its differenced Hessian is 3e-4 off
    distance = np.abs(fit.estimate - [row["Estimate"] for row in glmer["fixef"].values()]) / errors
    assert distance.max() < 1e-4
    scaled = (fit.covariance - np.array(glmer["vcov"])) / np.outer(errors, errors)
    assert np.abs(scaled).max() < 2e-3
    spreads = {row["grp"]: row["sdcor"] for row in glmer["varcorr"]}
    assert [part.sd for part in fit.variances] == pytest.approx(
        [spreads[part.factor] for part in fit.variances], rel=1e-4
    )


def test_errors_and_spreads_equal_glmmtmb(fitted):
    expected, fit, _ = fitted
    other = expected["glmmTMB"]

    errors = [row["Std. Error"] for row in other["fixef"].values()]
    assert fit.standard_errors() == pytest.approx(errors, rel=2e-5)
    assert [part.sd for part in fit.variances] == pytest.approx(
        [other["sd"][part.factor] for part in fit.variances], rel=5e-5
    )


def test_deviance_away_from_the_optimum_equals_lme4s(fitted):
    expected, _, (success, x, factors, weights) = fitted
    count = np.ones(len(success)) if weights is None else weights
    rows = count > 0
    family = CumulativeLink(success[rows].astype(int), count[rows], fixed_at_zero())
    kept = [
        type(factor)(factor.name, (factor.codes[0][rows],), (1.0,), factor.levels, labels=factor.labels)
        for factor in factors
    ]
    order = [row["grp"] for row in expected["nAGQ1"]["varcorr"]]
    kept.sort(key=lambda factor: order.index(factor.name))
    model = LaplaceModel(np.ascontiguousarray(x[rows]), build_structure(tuple(kept), int(rows.sum())), family)
    constant = None

    for point in expected["nAGQ1"]["devfun"]:
        parameter = np.array(point["par"])
        parameter[: len(kept)] **= 2
        difference = model.evaluate(parameter).deviance - point["value"]
        # binomial coefficients are the same at every point; glmer's own inner steps end at 1e-7 here
        constant = difference if constant is None else constant
        assert difference == pytest.approx(constant, abs=5e-6 * point["value"])
    if weights is None:
        assert constant == pytest.approx(0.0, abs=1e-6 * expected["nAGQ1"]["devfun"][0]["value"])


@pytest.mark.parametrize("key", ["wine_judge", "sim72_grade"])
def test_covariances_equal_clmm(shared, intercepts, key):
    expected = json.loads(shared(f"reference/fit_clmm_{key}.json").read_text(encoding="utf-8"))
    if key == "wine_judge":
        d = pd.read_csv(shared("reference/wine.csv"))
        category, groups = d.rating.to_numpy() - 1, ("judge",)
        x = np.column_stack([d.temp == "warm", d.contact == "yes"]).astype(float)
    else:
        d = pd.read_csv(shared("reference/sim72_pairs.csv"))
        category, groups = d.grade.to_numpy() - 1, ("pair", "rater", "prompt")
        x = np.column_stack([d.system == "wt", d.system == "prm", d.side]).astype(float)
    names = tuple(expected["coef"])[4:]

    fit = fit_cumulative(category, x, intercepts(d, *groups), levels=5, names=names, thresholds="flexible")

    p = len(names)
    theirs = np.array(expected["vcov"])[4 : 4 + p, 4 : 4 + p]
    assert fit.covariance == pytest.approx(theirs, rel=2e-3, abs=1e-3 * np.diag(theirs).min())
    found = np.concatenate([fit.thresholds, fit.estimate])
    errors = np.array([row["Std. Error"] for row in expected["coef"].values()])
    assert np.abs(found - [row["Estimate"] for row in expected["coef"].values()]).max() < 1e-4 * errors.max()
    assert [part.sd for part in fit.variances] == pytest.approx(
        [expected["sd"][part.factor] for part in fit.variances], rel=1e-4
    )
    assert fit.log_likelihood >= expected["logLik"] - 1e-5
