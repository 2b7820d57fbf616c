"""Residuals that are normal where the model is right, influence that a refit confirms, and an account that adds up."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from analysis import schema
from analysis.diagnostics import account_of, check_dimension, check_effects, check_residuals, quantile_residuals
from analysis.diagnostics.influence import drop_each_prompt, equations
from analysis.prepare import Options, prepare, select
from analysis.report import analyse
from analysis.results import RandomEffects, VarianceComponent
from analysis.simulate import PlantedTruth, simulate_answers
from analysis.study import fit_dimension

OPTIONS = Options.of(baseline="baseline")


def rows_of(result, dimension):
    return [row for row in result.rows if row.dimension == dimension]


@pytest.fixture(scope="module")
def sliders(make_plan):
    """Single stimuli on an interval and an ordinal scale, made from the left sides of a plan."""
    rng = np.random.default_rng(5)
    rows = []
    effect = {"baseline": 0.0, "reference": 4.0, "steered": 8.0}
    rater = {f"r{number:02d}": rng.normal(0, 8) for number in range(16)}
    for row in make_plan(questions={"originality": ("interval", 0)}):
        points = 50 + effect[row["system_a"]] + rater[row["rater"]] + rng.normal(0, 10)
        rows.append({**row, "system_b": "", "output_b": "", "answer": points})
    import pandas as pd

    return schema.validate(pd.DataFrame(rows))


def test_residuals_of_the_true_model_are_standard_normal(result):
    """Answers are drawn from the fitted model itself, at its own linear predictor: then nothing may be seen."""
    fit = result.fits["surprise"]
    rng = np.random.default_rng(1)
    eta = np.repeat(rng.normal(0, 1, 200), 20)
    cuts = np.concatenate([[-np.inf], fit.thresholds, [np.inf]])
    share = stats.logistic.cdf(cuts[None, :] - eta[:, None])
    answer = (rng.random(eta.size)[:, None] > share[:, 1:-1]).sum(axis=1)

    residual = quantile_residuals(replace(fit, linear_predictor=eta), answer, seed=2)

    assert stats.kstest(residual, "norm").pvalue > 0.01
    assert abs(np.corrcoef(residual, eta)[0, 1]) < 0.05


def test_residuals_are_seeded_and_of_the_right_size(result):
    item = result.dimensions[0]

    one, again, other = (quantile_residuals(item.fit, item.data.category, seed=seed) for seed in (1, 1, 2))

    assert (one == again).all()
    assert not (one == other).all()
    assert one.shape == (item.n_judgements,)
    assert 0.8 < one.std() < 1.1


def test_residuals_of_a_linear_model_are_divided_by_its_spread(sliders):
    item = analyse(sliders).dimensions[0]

    check = check_residuals(item.fit, item.data.response, seed=0)

    expected = (item.data.response - item.fit.linear_predictor) / item.fit.residual_sd
    assert check.residual == pytest.approx(expected)
    assert check.beyond_2 == np.mean(np.abs(expected) > 2)


def test_wrong_model_is_seen_in_the_residuals(result):
    item = result.dimensions[1]
    narrow = replace(item.fit, thresholds=item.fit.thresholds * 0.3)  # expects the outermost answers much more often

    check = check_residuals(narrow, item.data.category, seed=0)

    assert check.sd < 0.7


def test_effects_are_standardised_by_the_spread_that_shrinking_leaves(result):
    rng = np.random.default_rng(3)
    sd, noise = 0.8, 0.5
    shrink = sd**2 / (sd**2 + noise**2)
    mode = shrink * (rng.normal(0, sd, 4000) + rng.normal(0, noise, 4000))
    conditional = np.full(4000, np.sqrt(sd**2 * (1 - shrink)))
    fit = replace(
        result.fits["surprise"],
        variances=(VarianceComponent("rater", 4000, sd, 0.1, signed=False), VarianceComponent("x", 2, 0.0, 0.0, False)),
        random_effects=(
            RandomEffects("rater", tuple(map(str, range(4000))), mode, conditional),
            RandomEffects("x", ("a", "b"), np.zeros(2), np.zeros(2)),
        ),
    )

    (check,) = check_effects(fit)

    assert check.factor == "rater"
    assert check.observed.std() == pytest.approx(1.0, abs=0.04)  # 4,000 draws: standard error .011
    assert (np.diff(check.observed) >= 0).all()
    assert check.farthest == str(int(np.argmax(np.abs(mode))))


def test_influence_of_a_linear_model_is_that_of_generalised_least_squares(sliders):
    """At the estimated spreads the answer is exact: a dense GLS without the prompt's rows."""
    item = analyse(sliders).dimensions[0]
    data, fit = item.data, item.fit
    prompts, codes = np.unique(data.frame["prompt"], return_inverse=True)

    changes = drop_each_prompt(equations(fit, data.fixed, data.factors, data.response), codes)

    covariance = np.eye(codes.size) * fit.residual_sd**2
    for factor in data.factors:
        spread = next(part.sd for part in fit.variances if part.factor == factor.name)
        member = np.eye(factor.levels)[factor.codes[0]]
        covariance += spread**2 * member @ member.T
    for code in range(prompts.size):
        keep = codes != code
        weights = np.linalg.inv(covariance[np.ix_(keep, keep)])
        x, y = data.fixed[keep], data.response[keep]
        expected = np.linalg.solve(x.T @ weights @ x, x.T @ weights @ y)
        assert fit.estimate + changes[code] == pytest.approx(expected, abs=1e-5)


def test_influence_of_one_step_is_near_a_whole_refit(study, result):
    """One step keeps spreads and weights: within a seventh of a standard error of the refit, which moves them."""
    item = result.dimensions[0]
    rows = rows_of(result, item.dimension)
    prompts, codes = np.unique(item.data.frame["prompt"], return_inverse=True)
    changes = drop_each_prompt(equations(item.fit, item.data.fixed, item.data.factors, item.data.category), codes)

    for prompt in ("p00", "p05"):
        table = study[study["prompt"] != prompt]
        smaller = prepare(select(table, OPTIONS)[0], item.dimension, OPTIONS)
        fit = fit_dimension(smaller)
        for row in rows:
            step = changes[list(prompts).index(prompt)] @ item.data.contrast(row.first, row.second)
            refitted = smaller.contrast(row.first, row.second) @ fit.estimate
            assert row.estimate + step == pytest.approx(refitted, abs=0.15 * row.se)


def test_most_influential_prompt_is_refitted(study, result):
    item = result.dimensions[0]

    check = check_dimension(item, rows_of(result, item.dimension), options=OPTIONS, seed=0)

    exact = [row for row in check.influence if row.exact]
    assert len(check.influence) == 2 * 9
    assert len({row.prompt for row in exact}) == 1
    largest = max(check.influence, key=lambda row: abs(row.change_in_se))
    assert abs(largest.change_in_se) <= max(abs(row.change_in_se) for row in exact) + 0.1
    without = analyse(study[study["prompt"] != exact[0].prompt], baseline="baseline", dimensions=[item.dimension])
    assert [row.estimate for row in exact] == pytest.approx([row.estimate for row in without.rows], rel=1e-6)


def test_odd_prompt_and_odd_rater_are_named(make_plan):
    plan = make_plan(raters=20, prompts=12, questions={"originality": ("pairwise_choice", 2)})
    study = simulate_answers(plan, PlantedTruth(effects={"originality": {"steered": 0.15}}), seed=2)
    odd = study["prompt"] == "p03"
    study.loc[odd, "answer"] = (study.loc[odd, "system_a"] > study.loc[odd, "system_b"]).astype(float)
    found = analyse(study, contrasts=[("steered", "baseline")])

    check = check_dimension(found.dimensions[0], found.rows, options=Options.of(), seed=0)

    largest = max(check.influence, key=lambda row: abs(row.change_in_se))
    assert largest.prompt == "p03"
    assert largest.change < 0


def test_changed_sign_is_said(result):
    item = result.dimensions[0]
    rows = [replace(row, estimate=0.0001) for row in rows_of(result, item.dimension)]

    check = check_dimension(item, rows, options=OPTIONS, seed=0)

    assert any("changes its sign without p0" in note for note in check.notes)


def test_fit_that_failed_or_predicts_nothing_is_said(result):
    item = result.dimensions[0]
    rows = rows_of(result, item.dimension)
    failed = replace(item, fit=replace(item.fit, convergence=replace(item.fit.convergence, converged=False)))
    silent = replace(item, fit=replace(item.fit, linear_predictor=None))
    ranked = replace(item, fit=replace(item.fit, family="plackett_luce", model="Plackett–Luce"))

    notes = [check_dimension(one, rows, options=OPTIONS, seed=0).notes[0] for one in (failed, silent, ranked)]

    assert notes == [
        "nothing to check: no model was fitted",
        "the model was fitted to a part of the rows only: no residuals and no influence",
        "residuals and the influence of single prompts are not computed for this model (Plackett–Luce)",
    ]


def test_two_prompts_have_no_influence_to_speak_of(study):
    few = analyse(study[study["prompt"].isin(["p00", "p01"])], baseline="baseline")

    check = check_dimension(few.dimensions[0], rows_of(few, "originality"), options=OPTIONS, seed=0)

    assert check.influence == ()


@pytest.fixture
def messy(study):
    """The study with a practice trial, exclusions and late answers."""
    table = schema.validate(study)
    first = table["position"] == 1
    return table.assign(
        kind=np.where(first & (table["rater"] < "r04"), "practice", "main"),
        excluded=table["rater"] == "r05",
        exclusion_reason=np.where(table["rater"] == "r05", "too fast", ""),
        late=table["rater"] == "r06",
        task=table["prompt"] + "/" + np.minimum(table["output_a"], table["output_b"]),
    )


def test_account_follows_every_judgement(messy):
    options = Options.of(late=False)
    rows, data = select(messy, options)

    account = account_of(messy, rows, data, options=options)

    assert [(step.label or step.reason, step.lost, step.count) for step in account.flow] == [
        ("In the table", 0, 144),
        ("practice trials", 4, 140),
        ("excluded: too fast", 9, 131),
        ("late: after the lease had lapsed or the study was closed", 9, 122),
        ("Analysed", 0, 122),
    ]


def test_account_says_what_other_systems_took(messy):
    options = Options.of(systems=["steered", "baseline"])
    rows, data = select(messy, options)

    account = account_of(messy, rows, data, options=options)

    assert account.flow[-2].reason == "other systems, dimensions or kinds of answer than those analysed"
    assert account.flow[-1].count == data.used
    assert [(pair.first, pair.second) for pair in account.pairs] == [("baseline", "steered")]


def test_account_counts_sides_and_loads(messy):
    rows, data = select(messy, Options.of())

    account = account_of(messy, rows, data, options=Options.of())

    judged = rows.drop_duplicates("judgement")
    assert sum(pair.judgements for pair in account.pairs) == len(judged)
    pair = account.pairs[0]
    left = judged[(judged["system_a"] == pair.first) & (judged["system_b"] == pair.second)]
    assert pair.first_left == len(left)
    assert sum(one.shown for one in account.systems) == 2 * len(judged)
    loads = {load.what: load for load in account.loads}
    assert list(loads) == ["judgements per rater", "judgements per prompt", "raters per task", "judgements per output"]
    assert (loads["judgements per rater"].least, loads["judgements per rater"].most) == (8, 9)
    assert account.prompts_twice == 0


def test_prompt_judged_twice_by_a_rater_is_counted(messy):
    twice = messy.copy()
    twice.loc[twice["judgement"] == "10/02", "prompt"] = "p08"
    twice.loc[twice["judgement"] == "10/03", "prompt"] = "p08"
    rows, data = select(twice, Options.of())

    assert account_of(twice, rows, data, options=Options.of()).prompts_twice >= 1


def test_pair_is_shown_once_whatever_is_asked_about_its_outputs(study):
    shown = study[study["dimension"] == "originality"]
    sides = [
        shown.assign(
            dimension="fluency", measure="interval", answer=50.0, levels=0, system_b="", output_b="",
            system_a=shown[f"system_{side}"], output_a=shown[f"output_{side}"],
        )
        for side in "ab"
    ]  # fmt: skip
    table = schema.validate(pd.concat([*sides, shown], ignore_index=True))
    rows, data = select(table, Options.of())
    alone, one = select(shown, Options.of())

    account = account_of(table, rows, data, options=Options.of())

    assert account == account_of(shown, alone, one, options=Options.of())


def test_single_stimuli_have_systems_instead_of_pairs(sliders):
    rows, data = select(sliders, Options.of())

    account = account_of(sliders, rows, data, options=Options.of())

    assert account.pairs == ()
    assert sum(one.shown for one in account.systems) == len(rows)
