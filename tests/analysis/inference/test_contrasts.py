"""Contrasts: their numbers against independent computations, and the reasons when there is none."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats
from scipy.special import expit

from analysis.inference.contrasts import contrast_row, degrees_of_freedom, estimate_contrast
from analysis.inference.naive import compare_directly
from analysis.inference.quantities import win_rate
from analysis.prepare import Options, prepare, select
from analysis.simulate import simulate_answers
from analysis.study import fit_dimension


@pytest.fixture(scope="module", params=["originality", "surprise"])
def fitted(request, study):
    rows, _ = select(study, Options())
    data = prepare(rows, request.param, Options())
    return data, fit_dimension(data)


def test_row_is_consistent_in_itself(fitted):
    data, fit = fitted

    row = contrast_row(data, fit, ("steered", "baseline"), confidence=0.95)

    assert row.estimate == pytest.approx(fit.estimate[2])
    assert row.se == pytest.approx(np.sqrt(fit.adjusted_covariance[2, 2]))
    assert row.se_plain == pytest.approx(np.sqrt(fit.covariance[2, 2]))
    assert row.df == 8
    assert row.p == pytest.approx(2 * stats.t.sf(abs(row.estimate / row.se), 8))
    assert row.high - row.estimate == pytest.approx(stats.t.ppf(0.975, 8) * row.se)
    assert row.odds_ratio == pytest.approx(np.exp(row.estimate))
    assert row.effect_size == pytest.approx(row.estimate * np.sqrt(3) / np.pi)
    assert row.win_rate_low < row.win_rate < row.win_rate_high
    assert (row.n_raters, row.n_prompts, row.n_judgements) == (16, 9, 144)


def test_contrast_turned_round_flips_signs_only(fitted):
    data, fit = fitted

    one = contrast_row(data, fit, ("steered", "reference"), confidence=0.95)
    two = contrast_row(data, fit, ("reference", "steered"), confidence=0.95)

    assert two.estimate == pytest.approx(-one.estimate)
    assert (two.low, two.high) == pytest.approx((-one.high, -one.low))
    assert two.win_rate == pytest.approx(1 - one.win_rate)
    assert two.win_rate_low == pytest.approx(1 - one.win_rate_high)
    assert two.raw_win_rate == pytest.approx(1 - one.raw_win_rate)
    assert two.p == pytest.approx(one.p)
    assert two.naive_p == pytest.approx(one.naive_p)


def test_win_rate_equals_a_simulation_over_new_raters_prompts_and_outputs(fitted):
    _, fit = fitted
    rng = np.random.default_rng(1)
    draws = 400_000
    noise = sum(part.sd * (rng.normal(size=draws) - rng.normal(size=draws)) for part in fit.variances)
    middle = fit.thresholds.size // 2

    def credit(eta):
        y = eta + rng.logistic(size=draws)
        lower = fit.thresholds[middle if fit.thresholds.size % 2 else middle - 1]
        return ((y > lower).mean() + (y > fit.thresholds[middle]).mean()) / 2

    side = fit.estimate[0]
    simulated = (credit(side + 0.8 + noise) + 1 - credit(side - 0.8 + noise)) / 2

    # four standard errors of a share of 400,000 draws
    assert win_rate(fit, np.array([0.8]))[0] == pytest.approx(simulated, abs=0.0032)


def test_win_rate_without_spread_or_side_is_the_logistic_function(fitted):
    _, fit = fitted
    bare = replace(fit, variances=(), estimate=np.zeros(3), thresholds=np.zeros(1))

    assert win_rate(bare, np.array([0.0, 1.0])) == pytest.approx([0.5, expit(1.0)])


def test_direct_comparisons_count_ties_as_half(study):
    frame = study[study["dimension"] == "originality"].assign(levels=3)
    frame.loc[frame["position"] == 1, "answer"] = 0.5
    rows, _ = select(frame, Options())
    data = prepare(rows, "originality", Options())

    direct = compare_directly(data, "steered", "baseline")

    pair = rows[rows[["system_a", "system_b"]].isin(["steered", "baseline"]).all(axis=1)]
    credit = np.where(pair["system_a"] == "steered", pair["answer"], 1 - pair["answer"])
    wins, losses = int((credit == 1).sum()), int((credit == 0).sum())
    assert direct.count == len(pair)
    assert direct.rate == pytest.approx(credit.mean())
    assert direct.naive_p == pytest.approx(stats.binomtest(wins, wins + losses).pvalue)


def test_degrees_of_freedom_ignore_what_does_not_vary(fitted):
    data, _ = fitted

    assert degrees_of_freedom(data) == 8.0
    assert degrees_of_freedom(replace(data, frame=data.frame[data.frame["rater"] == "r00"])) == 8.0


def test_system_that_was_not_judged_gives_a_reason_not_a_number(fitted):
    data, fit = fitted

    row = contrast_row(data, fit, ("human", "baseline"), confidence=0.95)

    assert not row.converged
    assert np.isnan(row.estimate)
    assert row.message == "one of the systems was not judged on this dimension"


def test_unconnected_systems_are_not_estimable(make_plan):
    from analysis.simulate import PlantedTruth

    systems = ("a", "b", "c", "d")
    plan = [
        r for r in make_plan(systems=systems, raters=20) if {r["system_a"], r["system_b"]} in ({"a", "b"}, {"c", "d"})
    ]
    frame = simulate_answers(plan, PlantedTruth(effects={}), seed=1)
    rows, _ = select(frame, Options())
    data = prepare(rows, "originality", Options())
    fit = fit_dimension(data)

    across = estimate_contrast(fit, data.contrast("a", "c"), present=True)
    within = estimate_contrast(fit, data.contrast("c", "d"), present=True)

    assert across.message.startswith("not estimable")
    assert np.isnan(across.value)
    assert np.isfinite(within.value)
    assert within.se > 0


def test_system_that_always_wins_is_infinite_and_the_others_stay(study):
    frame = study[study["dimension"] == "originality"].copy()
    frame.loc[frame["system_a"] == "steered", "answer"] = 1.0
    frame.loc[frame["system_b"] == "steered", "answer"] = 0.0
    rows, _ = select(frame, Options())
    data = prepare(rows, "originality", Options())
    fit = fit_dimension(data)

    lost = contrast_row(data, fit, ("steered", "baseline"), confidence=0.95)
    kept = contrast_row(data, fit, ("reference", "baseline"), confidence=0.95)

    assert lost.message.startswith("infinite")
    assert lost.raw_win_rate == 1.0
    assert not lost.converged
    assert kept.converged
    assert kept.p < 1.0
