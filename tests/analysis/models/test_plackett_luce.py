"""Plackett–Luce against survival::clogit on LAMP (make_strengths.R), against enumeration, and its own limits."""

import json
from itertools import permutations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import optimize
from statsmodels.duration.hazard_regression import PHReg

from analysis.models.bradley_terry import Comparisons, fit_bradley_terry
from analysis.models.glmm import fit_logistic
from analysis.models.plackett_luce import Rankings, explode, explode_best_worst, fit_plackett_luce
from analysis.numerics.structure import SignedFactor

REFERENCE = Path(__file__).resolve().parents[2] / "reference"
R = json.loads((REFERENCE / "strengths.json").read_text(encoding="utf-8"))
TMB = json.loads((REFERENCE / "ranking_model.json").read_text(encoding="utf-8"))
SYSTEMS = ("AI-generated", "AI-edited", "Human-edited")


@pytest.fixture(scope="session")
def lamp(shared):
    d = pd.read_csv(shared("data/lamp_preference/lamp_rankings_long.csv"))
    block = pd.factorize(pd.MultiIndex.from_frame(d[["batch", "instruction_id", "item", "rater"]]))[0]
    return d, Rankings(block, d.system.map(SYSTEMS.index).to_numpy(), d["rank"].to_numpy(float))


def compare(fit, expected, tolerance=1e-9):
    assert fit.convergence.code == "ok"
    assert fit.estimate == pytest.approx(expected["estimate"], rel=tolerance)
    assert fit.standard_errors() == pytest.approx(expected["se"], rel=tolerance)
    assert fit.log_likelihood == pytest.approx(expected["log_likelihood"], rel=1e-11)


def test_lamp_rankings_equal_clogit(lamp):
    fit = fit_plackett_luce(lamp[1], SYSTEMS)

    compare(fit, R["lamp"])
    assert fit.names == ("system[AI-edited]", "system[Human-edited]")
    assert fit.rows == 2 * 603


def test_position_enters_as_a_covariate(lamp):
    d, rankings = lamp
    slots = np.column_stack([d.display_slot == 2, d.display_slot == 3]).astype(float)

    fit = fit_plackett_luce(rankings, SYSTEMS, covariates=slots, names=("slot 2", "slot 3"))

    compare(fit, R["lamp_position"])


@pytest.mark.parametrize("kinds", [("rater",), ("item",), ("rater", "item")])
def test_clustered_errors_equal_sums_of_clogits_scores(lamp, kinds):
    d, rankings = lamp

    fit = fit_plackett_luce(rankings, SYSTEMS, clusters={kind: pd.factorize(d[kind])[0] for kind in kinds})

    expected = R["lamp_clustered"]["both" if len(kinds) == 2 else kinds[0]]
    assert fit.standard_errors() == pytest.approx(expected, rel=1e-9)
    assert fit.notes == (
        "standard errors are robust to dependence within "
        + " and ".join({"rater": "rater (13)", "item": "item (201)"}[kind] for kind in kinds),
    )


def test_best_only_equals_clogit(lamp):
    rankings = lamp[1]
    best = Rankings(rankings.block, rankings.system, np.where(rankings.rank == 1, 1.0, np.nan))

    compare(fit_plackett_luce(best, SYSTEMS), R["lamp_first_only"])


def test_best_worst_of_three_equals_optim(lamp):
    """Of three systems the best and the worst are the ranking; R maximised the best–worst likelihood itself."""
    rankings = lamp[1]
    rank = np.select([rankings.rank == 1, rankings.rank == 3], [1.0, -1.0], np.nan)

    fit = fit_plackett_luce(Rankings(rankings.block, rankings.system, rank), SYSTEMS, best_worst=True)

    compare(fit, R["lamp_best_worst"], tolerance=1e-6)
    assert fit.model == "Plackett–Luce model, best–worst"


def simulate(blocks, shown, *, strengths, seed=0):
    """Draw rankings by the largest of utility plus Gumbel noise, which is Plackett–Luce."""
    rng = np.random.default_rng(seed)
    system = np.array([rng.permutation(len(strengths))[:shown] for _ in range(blocks)])
    noisy = np.asarray(strengths)[system] + rng.gumbel(size=system.shape)
    rank = 1.0 + (-noisy).argsort(axis=1).argsort(axis=1)
    return Rankings(np.repeat(np.arange(blocks), shown), system.ravel(), rank.ravel())


def test_best_worst_of_five_equals_brute_force():
    strengths = np.array([0.0, 0.5, 1.0, -0.5, 0.2])
    full = simulate(60, 5, strengths=strengths)
    answers = Rankings(full.block, full.system, np.select([full.rank == 1, full.rank == 5], [1.0, -1.0], np.nan))

    fit = fit_plackett_luce(answers, tuple("abcde"), best_worst=True)

    def minus(free):
        u, total = np.append(0.0, free), 0.0
        for block in range(60):
            rows = answers.block == block
            system, rank = answers.system[rows], answers.rank[rows]
            best, worst = system[rank == 1][0], system[rank == -1][0]
            rest = system[system != best]
            total += u[best] - np.log(np.exp(u[system]).sum()) - u[worst] - np.log(np.exp(-u[rest]).sum())
        return -total

    assert fit.log_likelihood == pytest.approx(-minus(fit.estimate), rel=1e-12)
    other = optimize.minimize(minus, np.zeros(4), method="BFGS", options={"gtol": 1e-7})
    assert fit.estimate == pytest.approx(other.x, abs=1e-5)


def test_probabilities_of_all_rankings_sum_to_one():
    rng = np.random.default_rng(3)
    strengths = rng.normal(size=4)
    total = 0.0

    for order in permutations(range(4)):
        stages = explode(Rankings(np.zeros(4, dtype=int), np.arange(4), 1.0 + np.argsort(order)))
        utility = strengths[stages.row]
        sums = np.add.reduceat(np.exp(utility), stages.start[:-1])
        total += np.prod(np.exp(utility[stages.chosen == 1]) / sums)

    assert total == pytest.approx(1.0, rel=1e-12)


def test_stages_of_a_partial_ranking_keep_the_unranked_in_every_set():
    rankings = Rankings(np.array([7, 7, 7, 7]), np.arange(4), np.array([np.nan, 2.0, np.nan, 1.0]))

    stages = explode(rankings)

    assert stages.start.tolist() == [0, 4, 7]
    assert stages.row[stages.chosen == 1].tolist() == [3, 1]
    assert sorted(stages.row[4:]) == [0, 1, 2]


def test_best_worst_leaves_the_best_out_of_the_second_choice():
    rankings = Rankings(np.zeros(4, dtype=int), np.arange(4), np.array([np.nan, 1.0, -1.0, np.nan]))

    stages = explode_best_worst(rankings)

    assert stages.start.tolist() == [0, 4, 7]
    assert stages.row[stages.chosen == 1].tolist() == [1, 2]
    assert sorted(stages.row[4:]) == [0, 2, 3]
    assert stages.sign.tolist() == [1.0] * 4 + [-1.0] * 3


def test_planted_strengths_are_found():
    strengths = np.array([0.0, 0.5, 1.0, -0.5])

    fit = fit_plackett_luce(simulate(800, 3, strengths=strengths), tuple("abcd"))

    assert np.abs((fit.estimate - strengths[1:]) / fit.standard_errors()).max() < 3.0


def test_rankings_of_two_are_bradley_terry():
    rankings = simulate(150, 2, strengths=np.array([0.0, 0.7, 0.3]), seed=4)
    first, second = rankings.system[::2], rankings.system[1::2]

    ranked = fit_plackett_luce(rankings, tuple("abc"))
    paired = fit_bradley_terry(Comparisons(first, second, (rankings.rank[::2] == 1).astype(float)), tuple("abc"))

    assert ranked.estimate == pytest.approx(paired.estimate, rel=1e-9)
    assert ranked.covariance == pytest.approx(paired.covariance, rel=1e-9)


def test_order_of_rows_and_size_of_ranks_do_not_matter():
    rankings = simulate(60, 4, strengths=np.array([0.0, 0.5, 1.0, -0.5]))
    shuffled = np.random.default_rng(0).permutation(rankings.block.size)

    one = fit_plackett_luce(rankings, tuple("abcd"))
    two = fit_plackett_luce(
        Rankings(rankings.block[shuffled], rankings.system[shuffled], 10.0 * rankings.rank[shuffled] + 5.0),
        tuple("abcd"),
    )

    assert two.estimate == pytest.approx(one.estimate, rel=1e-12)


def test_weights_repeat_rankings():
    rankings = simulate(40, 3, strengths=np.array([0.0, 0.5, 1.0]))
    twice = Rankings(
        np.concatenate([rankings.block, rankings.block + 40]), np.tile(rankings.system, 2), np.tile(rankings.rank, 2)
    )

    weighted = fit_plackett_luce(rankings, tuple("abc"), weights=np.full(120, 2.0))
    repeated = fit_plackett_luce(twice, tuple("abc"))

    assert weighted.estimate == pytest.approx(repeated.estimate, rel=1e-10)
    assert weighted.covariance == pytest.approx(repeated.covariance, rel=1e-10)
    assert weighted.rows == repeated.rows


def test_system_always_ranked_last_is_named():
    block = np.repeat(np.arange(4), 3)
    rank = np.array([1, 2, 3, 2, 1, 3, 1, 2, 3, 2, 1, 3], dtype=float)

    fit = fit_plackett_luce(Rankings(block, np.tile(np.arange(3), 4), rank), tuple("abc"))

    assert fit.convergence.code == "separation"
    assert "best first: {a, b} > {c}" in fit.convergence.message
    assert fit.estimate[0] == pytest.approx(0.0, abs=1e-9)  # two wins each
    assert np.abs(fit.infinite[1]).max() > 0.0


def crossed(frame, name, *columns):
    code, labels = pd.factorize(
        frame[columns[0]].astype(str).str.cat([frame[c] for c in columns[1:]], sep=" "), sort=True
    )
    return SignedFactor(name, (code.astype(np.int64),), (1.0,), len(labels), labels=tuple(labels))


def test_lamp_with_random_texts_and_tastes_equals_tmb(lamp):
    d, rankings = lamp
    factors = (crossed(d, "output", "item", "system"), crossed(d, "rater:system", "rater", "system"))

    fit = fit_plackett_luce(rankings, SYSTEMS, factors=factors)

    # TMB's derivatives are exact; its optimiser stops at a gradient of 2e-5, which is 1e-6 of the estimates
    assert fit.convergence.code == "ok"
    assert fit.model == "Plackett–Luce model with random effects (Laplace)"
    assert fit.estimate == pytest.approx(TMB["estimate"], rel=2e-6)
    assert fit.standard_errors() == pytest.approx(TMB["se"], rel=1e-5)
    assert [part.sd for part in fit.variances] == pytest.approx(TMB["sd"], rel=1e-5)
    assert [part.se for part in fit.variances] == pytest.approx(TMB["sd_se"], rel=1e-4)
    assert fit.log_likelihood == pytest.approx(TMB["log_likelihood"], abs=1e-7)
    texts = fit.random_effects[0]
    assert list(texts.labels[:6]) == TMB["first_texts"]
    assert texts.mode[:6] / fit.variances[0].sd == pytest.approx(TMB["first_modes"], abs=1e-5)
    assert fit.method == "Laplace"
    assert fit.parameters == 4


def test_random_effects_of_pairs_are_those_of_the_logistic_model():
    rng = np.random.default_rng(6)
    n = 400
    rater, prompt = rng.integers(12, size=n), rng.integers(8, size=n)
    left = rng.integers(3, size=n)
    right = (left + rng.integers(1, 3, size=n)) % 3
    texts, tastes = rng.normal(0, 0.8, 24), rng.normal(0, 0.6, 36)
    eta = np.array([0.0, 0.5, 1.0])
    utility = [eta[s] + texts[prompt * 3 + s] + tastes[rater * 3 + s] for s in (left, right)]
    won = (utility[0] - utility[1] + rng.logistic(size=n) > 0).astype(int)

    def long(a, b):
        return np.column_stack([a, b]).ravel()

    rankings = Rankings(np.repeat(np.arange(n), 2), long(left, right), long(2.0 - won, 1.0 + won))
    ranked = fit_plackett_luce(
        rankings,
        tuple("abc"),
        factors=(
            SignedFactor("output", (long(prompt * 3 + left, prompt * 3 + right),), (1.0,), 24),
            SignedFactor("rater:system", (long(rater * 3 + left, rater * 3 + right),), (1.0,), 36),
        ),
    )
    paired = fit_logistic(
        won,
        np.column_stack([(left == k) * 1.0 - (right == k) for k in (1, 2)]),
        (
            SignedFactor("output", (prompt * 3 + left, prompt * 3 + right), (1.0, -1.0), 24),
            SignedFactor("rater:system", (rater * 3 + left, rater * 3 + right), (1.0, -1.0), 36),
        ),
        names=("b", "c"),
    )

    assert ranked.log_likelihood == pytest.approx(paired.log_likelihood, rel=1e-11)
    assert ranked.estimate == pytest.approx(paired.estimate, rel=1e-6)
    assert ranked.covariance == pytest.approx(paired.covariance, rel=1e-5)
    assert [part.sd for part in ranked.variances] == pytest.approx([part.sd for part in paired.variances], rel=1e-6)
    for one, two in zip(ranked.random_effects, paired.random_effects, strict=True):
        assert one.mode == pytest.approx(two.mode, abs=1e-6)
        assert one.sd == pytest.approx(two.sd, rel=1e-6)


def test_random_effect_that_all_systems_share_cancels_and_is_said(lamp):
    d, rankings = lamp
    rater = SignedFactor("rater", (pd.factorize(d.rater)[0].astype(np.int64),), (1.0,), 13)

    fit = fit_plackett_luce(rankings, SYSTEMS, factors=(rater,))

    assert fit.notes == ("random effect rater left out: it is the same for all systems judged together",)
    assert fit.variances == ()
    compare(fit, R["lamp"])


def test_spread_that_is_not_there_is_called_singular():
    """Each rater gives every ranking once: they are more alike than chance would have them."""
    orders = np.array(list(permutations((1.0, 2.0, 3.0))))
    rankings = Rankings(np.repeat(np.arange(60), 3), np.tile(np.arange(3), 60), np.tile(orders, (10, 1)).ravel())
    tastes = SignedFactor("rater:system", ((rankings.block // 6) * 3 + rankings.system,), (1.0,), 30)

    fit = fit_plackett_luce(rankings, tuple("abc"), factors=(tastes,))

    assert fit.convergence.code == "singular"
    assert fit.convergence.singular == ("rater:system",)
    assert fit.estimate == pytest.approx([0.0, 0.0], abs=1e-8)
    assert fit.covariance == pytest.approx(fit_plackett_luce(rankings, tuple("abc")).covariance, rel=1e-4)


def test_random_effects_exclude_other_corrections(lamp):
    d, rankings = lamp
    output = crossed(d, "output", "item", "system")
    slope = SignedFactor("output", output.codes, (1.0,), output.levels, slopes=(np.ones(len(d)),))

    with pytest.raises(ValueError, match="random effects stand for the dependence"):
        fit_plackett_luce(rankings, SYSTEMS, factors=(output,), ridge=1.0)
    with pytest.raises(ValueError, match="random intercepts only"):
        fit_plackett_luce(rankings, SYSTEMS, factors=(slope,))
    with pytest.raises(ValueError, match="one level for each of the 1809 rows"):
        fit_plackett_luce(rankings, SYSTEMS, factors=(SignedFactor("x", (output.codes[0][:9],), (1.0,), 5),))


def test_tied_ranks_equal_cox_regression_with_breslows_ties():
    rng = np.random.default_rng(4)
    rankings, size = 300, 5
    block, system = np.repeat(np.arange(rankings), size), np.tile(np.arange(size), rankings)
    utility = np.linspace(0.0, 1.5, size)[system] + rng.gumbel(size=block.size)
    rank = np.round(3.0 - utility)  # many ties, at the top, in the middle and at the end
    last = rank == np.maximum.reduceat(rank, np.arange(0, block.size, size))[block]
    dummies = (system[:, None] == np.arange(1, size)).astype(float)

    fit = fit_plackett_luce(Rankings(block, system, rank), tuple("abcde"))

    cox = PHReg(rank - rank.min() + 1.0, dummies, status=~last, strata=block, ties="breslow").fit()
    assert fit.model == "Plackett–Luce model (ties by Breslow)"
    assert fit.estimate == pytest.approx(cox.params, rel=1e-6)  # statsmodels stops at a gradient of about 1e-8
    assert fit.standard_errors() == pytest.approx(cox.bse, rel=1e-6)


def test_ties_at_the_end_tell_no_choice():
    block, system = np.repeat([0, 1, 2], 3), np.tile([0, 1, 2], 3)
    tied = np.array([1.0, 2.0, 2.0, 2.0, 1.0, 2.0, 1.0, 1.0, 1.0])
    unranked = np.array([1.0, np.nan, np.nan, np.nan, 1.0, np.nan])

    one, two = explode(Rankings(block, system, tied)), explode(Rankings(block[:6], system[:6], unranked))

    assert one.row.tolist() == [0, 1, 2, 4, 3, 5]
    assert [one.start.tolist(), one.chosen.tolist()] == [two.start.tolist(), two.chosen.tolist()]
    assert one.block.tolist() == [0, 1]
    assert not one.has_ties


def test_bad_input_is_refused_in_words():
    block, system = np.zeros(3, dtype=int), np.arange(3)
    rank = np.array([1.0, 2.0, 3.0])

    with pytest.raises(ValueError, match="must lie between 0 and 1"):
        fit_plackett_luce(Rankings(block, system, rank), tuple("ab"))
    with pytest.raises(ValueError, match="there is no ranking"):
        fit_plackett_luce(Rankings(block[:0], system[:0], rank[:0]), tuple("abc"))
    with pytest.raises(ValueError, match="rater differs within a ranking"):
        fit_plackett_luce(Rankings(block, system, rank), tuple("abc"), clusters={"rater": np.array([0, 0, 1])})
    with pytest.raises(ValueError, match="needs one rank 1"):
        fit_plackett_luce(Rankings(block, system, rank), tuple("abc"), best_worst=True)
    with pytest.raises(ValueError, match="a rank is infinite"):
        fit_plackett_luce(Rankings(block, system, np.array([1.0, np.inf, 2.0])), tuple("abc"))
    with pytest.raises(ValueError, match="one column per name"):
        fit_plackett_luce(Rankings(block, system, rank), tuple("abc"), covariates=np.ones((3, 1)))
    with pytest.raises(ValueError, match="one entry per row each"):
        fit_plackett_luce(Rankings(block, system[:2], rank), tuple("abc"))
