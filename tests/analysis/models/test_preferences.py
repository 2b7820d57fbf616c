"""Real judgements: LAMP's pairs of edited texts and TTCW's verdicts, against glmer (make_preferences.R)."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.models.glmm import fit_logistic

R = json.loads((Path(__file__).resolve().parents[2] / "reference" / "preferences.json").read_text(encoding="utf-8"))
PAIRS = ["AI-edited vs AI-generated", "Human-edited vs AI-edited", "Human-edited vs AI-generated"]


@pytest.fixture(scope="session")
def rankings(shared):
    d = pd.read_csv(shared("data/lamp_preference/lamp_rankings_long.csv"))
    keys = ["batch", "instruction_id", "item", "rater"]
    return d.pivot_table(index=keys, columns="system", values=["rank", "display_slot"]).reset_index()


def fit_pair(rankings, intercepts, key):
    one, two = key.split(" vs ")
    win = (rankings["rank"][one] < rankings["rank"][two]).to_numpy().astype(int)
    first = np.where(rankings["display_slot"][one] < rankings["display_slot"][two], 0.5, -0.5)
    return fit_logistic(
        win,
        np.column_stack([np.ones(win.size), first]),
        intercepts(rankings, "item", "rater"),
        names=("(Intercept)", "first"),
    )


@pytest.mark.parametrize("key", PAIRS)
def test_lamp_equals_glmer(rankings, intercepts, key):
    fit = fit_pair(rankings, intercepts, key)

    expected = R[key]
    # the nearly separated contrast is flat: glmer stops 3e-4 standard errors from the maximum
    near = key == PAIRS[2]
    errors = np.array([pair[1] for pair in expected["fixed"].values()])
    distance = np.abs(fit.estimate - [pair[0] for pair in expected["fixed"].values()]) / errors
    assert distance.max() < (1e-2 if near else 1e-4)
    assert fit.standard_errors() == pytest.approx(errors, rel=0.15 if near else 1e-3)
    assert [part.sd for part in fit.variances] == pytest.approx(
        [expected["sd"][part.factor] for part in fit.variances], rel=1e-2 if near else 1e-3
    )
    assert fit.log_likelihood >= expected["log_likelihood"] - 1e-8


def test_lamp_nearly_separated_contrast_is_said_so_plainly(rankings, intercepts):
    fit = fit_pair(rankings, intercepts, PAIRS[2])

    assert fit.convergence.converged
    assert fit.convergence.code == "near_separation"
    assert "nearly all answers agree within levels of item (SD of a difference 9." in fit.convergence.message
    assert "read estimates with caution" in fit.convergence.message


def test_ttcw_equals_glmer_and_finds_no_spread_of_plots(shared, intercepts):
    d = pd.read_json(shared("data/ttcw/ttcw_annotations.json"))
    d = d.assign(system=d.story_id.str.replace(r"^[^_]*_", "", regex=True), plot=d.story_idx)
    x = np.column_stack([np.ones(len(d))] + [d.system == name for name in ("Claude", "GPT3.5", "NewYorker")])

    fit = fit_logistic(
        (d.binary_verdict == "Yes").to_numpy(),
        x,
        intercepts(d, "story_id", "ttcw_idx", "plot", "expert_idx"),
        names=("(Intercept)", "Claude", "GPT3.5", "NewYorker"),
    )

    expected = R["ttcw"]
    assert fit.convergence.code == "singular"
    assert fit.convergence.singular == ("plot",)
    assert fit.estimate == pytest.approx([pair[0] for pair in expected["fixed"].values()], rel=1e-4)
    # glmer differences its deviance twice, across the boundary of the plots' spread
    assert fit.standard_errors() == pytest.approx([pair[1] for pair in expected["fixed"].values()], rel=2e-3)
    for part in fit.variances:
        assert part.sd == pytest.approx(expected["sd"][part.factor], rel=1e-4, abs=1e-6)
    assert fit.log_likelihood == pytest.approx(expected["log_likelihood"], abs=1e-6)
