"""A study from its long table against R: lmer, lmerTest and emmeans for sliders, lme4's edited Zt for pairs."""

import json

import numpy as np
import pandas as pd
import pytest

from analysis.prepare import Options
from analysis.study import analyse_study


def test_sliders_equal_lmer_lmertest_and_emmeans(shared):
    """lmer(likert ~ system + (1 | rater) + (1 | prompt) + (1 | output)); emmeans(pairwise ~ system, adjust="holm")."""
    expected = json.loads(shared("reference/fit_lmm_sim72_ratings.json").read_text(encoding="utf-8"))["REML"]
    ratings = pd.read_csv(shared("reference/sim72_ratings.csv"), dtype={"rater": str, "prompt": str, "output": str})
    table = pd.DataFrame(
        {
            "judgement": [f"j{row}" for row in range(len(ratings))],
            "rater": ratings["rater"],
            "prompt": ratings["prompt"],
            "dimension": "likert",
            "measure": "interval",
            "system_a": ratings["system"],
            "output_a": ratings["output"],
            "answer": ratings["likert"],
        }
    )
    options = Options.of(
        random_single=("rater", "prompt", "output"),
        contrasts=[row["contrast"].split(" - ") for row in expected["emmeans_satterthwaite"]["system"]["pairs_holm"]],
        shrunken=False,
    )

    found = analyse_study(table, options)

    fit = found.dimensions[0].fit
    assert fit.log_likelihood == pytest.approx(expected["logLik"], rel=1e-8)
    spreads = {one["grp"]: one["sdcor"] for one in expected["varcorr"]}
    assert {one.factor: one.sd for one in fit.variances} | {"Residual": fit.residual_sd} == pytest.approx(
        spreads, rel=1e-5
    )
    for row, pair in zip(found.rows, expected["emmeans_satterthwaite"]["system"]["pairs_holm"], strict=True):
        assert (row.estimate, row.se) == pytest.approx((pair["estimate"], pair["SE"]), rel=1e-5)
        assert row.df == pytest.approx(pair["df"], rel=0.01)
        assert row.p_holm == pytest.approx(pair["p.value"], rel=1e-3)
    means = {one["system"]: one for one in expected["emmeans_satterthwaite"]["system"]["means"]}
    for one in found.dimensions[0].systems:
        assert (one.estimate, one.se) == pytest.approx((means[one.system]["emmean"], means[one.system]["SE"]), rel=1e-5)
        assert one.df == pytest.approx(means[one.system]["df"], rel=0.01)


def test_pairs_equal_lme4_with_an_edited_zt(shared):
    """u_left − u_right of output and prompt × system, and the rater's side preference, by the modular interface."""
    expected = json.loads(shared("reference/fit_glmm_multimembership_72.json").read_text(encoding="utf-8"))
    pairs = pd.read_csv(shared("reference/multimembership_72.csv"), dtype=str)
    names = {"0": "base", "1": "act", "2": "wt", "3": "prm"}
    table = pd.DataFrame(
        {
            "judgement": [f"j{row}" for row in range(len(pairs))],
            "rater": pairs["rater"],
            "prompt": pairs["prompt"],
            "dimension": "choice",
            "measure": "pairwise_choice",
            "levels": 2,
            "system_a": pairs["sysL"].map(names),
            "output_a": pairs["outL"],
            "system_b": pairs["sysR"].map(names),
            "output_b": pairs["outR"],
            "answer": pairs["y"].astype(float),
        }
    )
    options = Options.of(random=("output", "prompt:system", "rater"), baseline="base", shrunken=False)

    found = analyse_study(table, options)

    fit, par = found.dimensions[0].fit, expected["par"]
    assert -2.0 * fit.log_likelihood == pytest.approx(expected["dev"], rel=1e-7)
    # glmer's derivative-free optimiser ends within 1e-4 of the optimum
    assert [one.sd for one in fit.variances] == pytest.approx(par[:3], rel=2e-4)
    rows = {row.first: row.estimate for row in found.rows}
    assert [rows["act"], rows["wt"], rows["prm"]] == pytest.approx(par[4:], rel=2e-4)
    assert fit.estimate[0] == pytest.approx(par[3], rel=1e-3)
    assert np.isfinite([row.win_rate for row in found.rows]).all()
