"""The numbers of a study: what each option changes, corrections, families, covariates, rankings."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from analysis.inference.multiplicity import holm
from analysis.numerics.structure import build_structure
from analysis.prepare import TIED, OptionError, Options, prepare, select
from analysis.prepare.answers import NOTHING_ORDERED
from analysis.study import analyse_study, fit_dimension


@pytest.fixture(scope="module")
def whole(every_measure):
    return analyse_study(every_measure, Options.of(baseline="baseline"))


def only(frame, *dimensions):
    return frame[frame["dimension"].isin(dimensions)]


def test_every_measure_has_its_model_and_scale(whole):
    assert {item.dimension: (item.fit.family, item.scale, item.paired) for item in whole.dimensions} == {
        "fluency": ("gaussian", "points", False),
        "originality": ("binomial", "log-odds", True),
        "surprise": ("cumulative", "log-odds", True),
        "wit": ("cumulative", "log-odds", False),
    }
    assert {row.dimension: row.df_method for row in whole.rows} == {
        "fluency": "Satterthwaite",
        "originality": "min(raters, prompts) − 1",
        "surprise": "min(raters, prompts) − 1",
        "wit": "min(raters, prompts) − 1",
    }
    assert all(row.converged for row in whole.rows)


def test_single_stimuli_have_no_win_rate_or_odds_where_these_mean_nothing(whole):
    for row in whole.rows:
        assert np.isnan(row.win_rate) == (row.dimension in {"fluency", "wit"})
        assert np.isnan(row.odds_ratio) == (row.dimension == "fluency")
        assert np.isnan(row.raw_first) == (row.dimension in {"originality", "surprise"})
        assert 0.0 < row.superiority_low < row.superiority < row.superiority_high < 1.0


def test_corrections_are_over_the_whole_study_or_the_dimension(whole):
    p = np.array([row.p for row in whole.rows])

    assert [row.p_holm for row in whole.rows] == pytest.approx(holm(p))
    ordered = np.sort(p) * p.size / np.arange(1, p.size + 1)
    expected = np.minimum.accumulate(ordered[::-1])[::-1][np.argsort(np.argsort(p))]
    assert [row.p_bh for row in whole.rows] == pytest.approx(np.minimum(expected, 1.0))
    for row in whole.rows:
        assert row.p <= row.p_single_step <= min(1.0, 2 * row.p) + 1e-9
        assert row.simultaneous_low < row.low
        assert row.simultaneous_high > row.high


def test_corrections_can_be_left_out(every_measure):
    found = analyse_study(only(every_measure, "originality"), Options(adjust=("holm",), robust=False, shrunken=False))

    assert all(np.isnan(row.p_bh) and np.isnan(row.p_single_step) for row in found.rows)
    assert all(np.isnan(row.robust_p) for row in found.rows)
    assert found.dimensions[0].shrunken == ()
    assert all(np.isfinite(row.p_holm) for row in found.rows)


def test_design_too_large_for_predictions_says_so(every_measure, monkeypatch):
    from analysis.inference import bordered
    from analysis.inference.prediction import TOO_LARGE

    monkeypatch.setattr(bordered, "LARGEST_BORDER", 3)

    found = analyse_study(only(every_measure, "surprise"), Options())

    assert found.dimensions[0].shrunken == ()
    assert found.dimensions[0].notes[-1] == TOO_LARGE


def test_dimensions_of_one_design_share_its_structure(study):
    found = analyse_study(study, Options())

    assert found.dimensions[0].data.design is found.dimensions[1].data.design


def test_families_are_lines_of_their_own_and_average_to_the_pooled_one(every_measure):
    options = Options.of(baseline="baseline", within="task_family")

    found = analyse_study(every_measure, options)

    assert [row.contrast for row in found.rows if row.dimension == "fluency"] == [
        f"{system} vs baseline{family}"
        for system in ("reference", "steered")
        for family in ("", " (slogan)", " (story)")
    ]
    for dimension in ("originality", "surprise", "fluency", "wit"):
        rows = {row.task_family: row for row in found.rows if row.dimension == dimension and row.first == "steered"}
        assert rows[""].estimate == pytest.approx((rows["slogan"].estimate + rows["story"].estimate) / 2.0)
        assert rows["slogan"].n_prompts == 5
        assert rows["slogan"].n_judgements + rows["story"].n_judgements == rows[""].n_judgements
    choice = [row for row in found.rows if row.dimension == "originality" and row.task_family == "story"]
    assert {row.df for row in choice} == {3.0}


def test_family_contrasts_equal_those_of_a_model_of_cell_means(every_measure):
    options = Options.of(within="task_family")
    rows, _ = select(every_measure, options)
    data = prepare(rows, "fluency", options)
    fit = fit_dimension(data)
    frame = data.frame
    cells = np.column_stack(
        [
            (frame["system_a"] == system) & (frame["task_family"] == family)
            for system in data.systems
            for family in data.families
        ]
    ).astype(float)

    from analysis.models.lmm import fit_linear

    means = fit_linear(data.response, cells, data.factors, names=tuple("abcdef"))

    contrast = data.contrast("steered", "baseline", task_family="story")
    assert contrast @ fit.estimate == pytest.approx(means.estimate[5] - means.estimate[1], rel=1e-6)
    assert contrast @ fit.covariance @ contrast == pytest.approx(
        means.covariance[5, 5] + means.covariance[1, 1] - 2 * means.covariance[1, 5], rel=1e-5
    )


def test_length_is_a_covariate_that_enters_as_a_difference(every_measure):
    rng = np.random.default_rng(1)
    pairs = only(every_measure, "surprise").reset_index(drop=True)
    lengths = rng.normal(500, 100, size=(2, len(pairs)))
    known = pairs.assign(length_a=lengths[0], length_b=lengths[1])
    options = Options.of(fixed="system + length", baseline="baseline")

    found = analyse_study(known, options)

    data = found.dimensions[0].data
    assert data.names == ("side (left)", "system[reference]", "system[steered]", "length")
    assert data.fixed[:, 3] == pytest.approx(data.frame["length_a"] - data.frame["length_b"])
    assert data.contrast("steered", "baseline").tolist() == [0.0, 0.0, 1.0, 0.0]
    assert "answer(a over b) ~ 1 + (system + length)(a − b)" in found.dimensions[0].fit.formula


def test_rows_without_a_covariate_are_left_out_and_counted(every_measure):
    frame = only(every_measure, "fluency").reset_index(drop=True)
    frame["length_a"] = np.where(frame.index < 4, np.nan, 100.0 + frame.index)

    found = analyse_study(frame, Options.of(fixed="system + length", shrunken=False))

    assert found.rows[0].n_judgements == len(frame) - 4
    assert any("4 of 144 rows have a missing value in length" in note for note in found.dimensions[0].notes)


def test_position_can_shift_the_preference_for_the_left(every_measure):
    found = analyse_study(only(every_measure, "originality"), Options.of(side="1 + position", baseline="baseline"))

    assert found.dimensions[0].data.names[:2] == ("side (left)", "side:position")
    assert all(row.converged for row in found.rows)


def test_standardised_sliders_have_mean_zero_and_spread_one_for_each_rater(every_measure):
    found = analyse_study(only(every_measure, "fluency"), Options.of(standardise="rater", shrunken=False))

    data = found.dimensions[0].data
    groups = data.frame.assign(z=data.response).groupby("rater")["z"]
    assert groups.mean().to_numpy() == pytest.approx(np.zeros(16), abs=1e-12)
    assert groups.std(ddof=1).to_numpy() == pytest.approx(np.ones(16))
    assert {row.scale for row in found.rows} == {"rater SD"}


def test_rater_who_always_answers_alike_is_at_zero_when_standardised(every_measure):
    frame = only(every_measure, "fluency").copy()
    frame.loc[frame["rater"] == "r03", "answer"] = 70.0
    options = Options(standardise="rater")

    data = prepare(select(frame, options)[0], "fluency", options)

    assert set(data.response[(data.frame["rater"] == "r03").to_numpy()]) == {0.0}


def test_kenward_roger_is_an_option_of_linear_models(every_measure):
    frame = only(every_measure, "fluency")

    one, two = (analyse_study(frame, Options.of(degrees=name)).rows[0] for name in ("satterthwaite", "kenward-roger"))

    assert (one.df_method, two.df_method) == ("Satterthwaite", "Kenward–Roger")
    assert two.estimate == one.estimate
    assert two.se == pytest.approx(one.se, rel=0.1)
    assert two.p == pytest.approx(2 * stats.t.sf(abs(two.statistic), two.df))


def test_probit_is_an_option_of_choices_and_ordered_answers(every_measure):
    found = analyse_study(only(every_measure, "originality", "wit"), Options.of(link="probit", shrunken=False))
    logit = analyse_study(only(every_measure, "originality", "wit"), Options.of(shrunken=False))

    for one, two in zip(found.rows, logit.rows, strict=True):
        assert one.scale == "probit"
        assert np.isnan(one.odds_ratio)
        # the two links differ by about 1.6 to 1.8 in scale and hardly in probability
        assert two.estimate / one.estimate == pytest.approx(1.7, abs=0.15)
        assert one.superiority == pytest.approx(two.superiority, abs=0.01)


def test_slider_between_two_texts_is_a_linear_model_of_signed_memberships(every_measure):
    frame = only(every_measure, "surprise").assign(measure="interval", levels=0)

    found = analyse_study(frame, Options.of(baseline="baseline"))

    item = found.dimensions[0]
    assert item.paired
    assert item.fit.family == "gaussian"
    assert [factor.signs for factor in item.data.factors] == [(1.0, -1.0)] * 3
    assert all(row.win_rate == row.superiority for row in found.rows)
    assert found.rows[0].naive_test == "one-sample t test"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"fixed": "sistem"}, "no column 'sistem'"),
        ({"fixed": "length"}, "no term of system"),
        ({"fixed": "system + length", "within": "task_family"}, "system \\* task_family"),
        ({"baselin": "x"}, "did you mean 'baseline'"),
        ({"link": "cloglog"}, "choose from 'logit', 'probit'"),
        ({"standardise": "prompt"}, "choose from '', 'rater'"),
        ({"adjust": ("tukey",)}, "choose from 'holm', 'bh', 'single_step'"),
        ({"random_single": ("author",)}, "random effect 'author' is not known"),
    ],
)
def test_senseless_options_are_refused_in_words(every_measure, options, message):
    frame = only(every_measure, "fluency").assign(length_a=np.arange(144.0))

    with pytest.raises(OptionError, match=message):
        analyse_study(frame, Options.of(**options))


@pytest.mark.parametrize(("dimension", "answer"), [("fluency", 50.0), ("wit", 3.0), ("wit", 1.0)])
def test_answers_that_are_all_alike_are_said_and_not_estimated(every_measure, dimension, answer):
    alike = every_measure["answer"].where(every_measure["dimension"] != dimension, answer)

    found = analyse_study(only(every_measure.assign(answer=alike), dimension, "originality"), Options())

    assert {row.converged for row in found.rows if row.dimension == dimension} == {False}
    assert {row.converged for row in found.rows if row.dimension == "originality"} == {True}
    assert all(row.message and np.isnan(row.p) for row in found.rows if row.dimension == dimension)


def test_dimension_without_a_comparison_is_named_and_the_others_are_analysed(every_measure):
    frame = every_measure[(every_measure["dimension"] != "wit") | (every_measure["system_a"] == "steered")]

    found = analyse_study(only(frame, "wit", "fluency"), Options())

    assert set(found.fits) == {"fluency"}
    assert found.data.ignored_dimensions == {"wit": "has answers about 'steered' only"}
    with pytest.raises(OptionError, match="answers about 'steered' only"):
        analyse_study(only(frame, "wit"), Options())


@pytest.fixture(scope="module")
def rankings(make_singles):
    from analysis.simulate import PlantedTruth, simulate_answers

    rows = []
    for trial in make_singles(questions={"preference": ("ranking", 3)}, samples=1):
        rows += [
            {**trial, "slot": slot, "system_a": system, "output_a": f"{trial['prompt']}/{system}"}
            for slot, system in enumerate(("steered", "baseline", "reference"), start=1)
        ]
    return simulate_answers(rows, PlantedTruth(effects={"preference": {"steered": 1.0}}), seed=3)


def test_rankings_are_analysed_by_plackett_and_luce(rankings):
    found = analyse_study(rankings, Options.of(baseline="baseline"))

    item, row = found.dimensions[0], next(row for row in found.rows if row.first == "steered")
    assert (item.fit.family, item.scale, item.n_judgements) == ("plackett_luce", "log-worth", 144)
    assert row.converged
    # planted at 1; 2.5 standard errors
    assert row.estimate == pytest.approx(1.0, abs=2.5 * row.se)
    spread = sum(one.difference_sd**2 for one in item.fit.variances)
    noise = np.random.default_rng(1).normal(scale=np.sqrt(spread), size=400_000)
    # four standard errors of the mean of 400,000 probabilities
    assert row.win_rate == pytest.approx((1.0 / (1.0 + np.exp(-row.estimate - noise))).mean(), abs=0.0015)
    assert [one.factor for one in item.fit.variances] == ["prompt:system", "rater:system"]
    assert row.odds_ratio == pytest.approx(np.exp(row.estimate))
    one, two = (
        rankings[rankings["system_a"] == name].set_index("judgement")["answer"] for name in ("steered", "baseline")
    )
    assert row.raw_win_rate == pytest.approx((one < two).mean())
    assert row.n_direct == 144
    assert "clustered" in row.robust_method
    assert item.systems[0].rank_high >= item.systems[0].rank_low >= 1


def test_strengths_of_rankings_are_those_of_an_exploded_logit(rankings):
    from statsmodels.discrete.conditional_models import ConditionalLogit

    found = analyse_study(rankings, Options.of(baseline="baseline", random=()))
    rows, chosen, sets = [], [], []
    for name, block in rankings.groupby("judgement"):
        ordered = block.sort_values("answer")["system_a"].tolist()
        for stage in range(2):
            for system in ordered[stage:]:
                rows.append([system == "reference", system == "steered"])
                chosen.append(system == ordered[stage])
                sets.append(f"{name}/{stage}")

    logit = ConditionalLogit(np.array(chosen, float), np.array(rows, float), groups=np.array(sets)).fit(disp=False)

    # statsmodels stops a little early: our likelihood is higher by 3e-7
    assert [row.estimate for row in found.rows] == pytest.approx(logit.params.tolist(), abs=1e-3)
    assert found.dimensions[0].fit.log_likelihood == pytest.approx(logit.llf, abs=1e-5)
    assert "robust to dependence within rater (16) and prompt (9)" in found.dimensions[0].fit.notes[0]


def test_slot_of_a_ranking_is_a_covariate(rankings):
    found = analyse_study(rankings, Options.of(fixed="system + slot", shrunken=False))

    # every system keeps its slot here, so the two cannot be told apart and it is said
    assert not any(row.converged for row in found.rows)
    assert found.rows[0].message.startswith("not estimable")
    shuffled = rankings.copy()
    rng = np.random.default_rng(4)
    shuffled["slot"] = np.concatenate([rng.permutation(3) + 1 for _ in range(len(rankings) // 3)])

    again = analyse_study(shuffled, Options.of(fixed="system + slot", shrunken=False))

    assert all(row.converged for row in again.rows)
    assert again.dimensions[0].fit.names == ("system[reference]", "system[steered]", "slot")


def test_families_of_rankings_cancel_but_for_the_interaction(rankings):
    found = analyse_study(rankings, Options.of(within="task_family", baseline="baseline"))

    assert found.dimensions[0].fit.names == (
        "system[reference]",
        "system[steered]",
        "system[reference]:task_family[story]",
        "system[steered]:task_family[story]",
    )
    rows = {row.task_family: row for row in found.rows if row.first == "steered"}
    assert rows[""].estimate == pytest.approx((rows["slogan"].estimate + rows["story"].estimate) / 2.0)


def test_ties_at_the_end_of_a_ranking_are_outputs_not_ranked(rankings):
    best = rankings.assign(answer=np.where(rankings["answer"] == 1.0, 1.0, 2.0))
    data = prepare(select(best, Options())[0], "preference", Options())

    assert np.isnan(data.response).sum() == 2 * 144
    assert not data.best_worst
    assert fit_dimension(data).rows == 144


def test_best_and_worst_with_ties_between_are_best_worst_answers(make_singles):
    from analysis.simulate import PlantedTruth, simulate_answers

    rows = []
    for trial in make_singles(questions={"preference": ("ranking", 4)}, samples=1):
        rows += [
            {**trial, "system_a": system, "output_a": f"{trial['prompt']}/{system}"}
            for system in ("steered", "baseline", "reference", "human")
        ]
    table = simulate_answers(rows, PlantedTruth(effects={"preference": {"steered": 1.0}}), seed=3)
    table = table.assign(answer=table["answer"].replace(3.0, 2.0))

    data = prepare(select(table, Options())[0], "preference", Options())

    assert data.best_worst
    assert np.unique(data.response[~np.isnan(data.response)]).tolist() == [-1.0, 1.0]
    assert fit_dimension(data).convergence.converged


def test_rankings_with_ties_at_the_top_are_analysed_and_it_is_said(rankings):
    tied = rankings.assign(answer=rankings["answer"].replace(2.0, 1.0))

    found = analyse_study(tied, Options())

    (item,) = found.dimensions
    assert item.fit.model == "Plackett–Luce model (ties by Breslow) with random effects (Laplace)"
    assert TIED in item.notes
    assert all(row.converged and np.isfinite(row.p) for row in found.rows)


def test_rankings_that_order_nothing_are_pairs_of_ties(rankings):
    found = analyse_study(rankings.assign(answer=1.0), Options())

    (item,) = found.dimensions
    assert NOTHING_ORDERED in item.notes
    assert [row.raw_win_rate for row in found.rows] == [0.5] * 3
    assert not any(row.converged for row in found.rows)


def test_best_worst_answers_of_three_and_of_four_outputs_are_one_dimension(rankings):
    fourth = rankings[rankings["rater"] < "r08"].groupby("judgement").head(1)
    fourth = fourth.assign(system_a="human", output_a=fourth["prompt"] + "/human", slot=4, answer=2.0)
    table = pd.concat([rankings, fourth], ignore_index=True).assign(levels=3)

    data = prepare(select(table, Options())[0], "preference", Options())

    assert data.best_worst
    assert data.response[data.frame["system_a"] == "human"].tolist() == pytest.approx([np.nan] * 72, nan_ok=True)


def test_rankings_taken_apart_are_the_pairs_they_imply(rankings):
    options = Options.of(rankings="pairs")

    data = prepare(select(rankings, options)[0], "preference", options)

    assert len(data.frame) == 3 * rankings["judgement"].nunique()
    first = data.frame[data.frame["judgement"] == "s00/01"].set_index(["system_a", "system_b"])["answer"]
    rank = rankings[rankings["judgement"] == "s00/01"].set_index("system_a")["answer"]
    assert dict(first) == {(a, b): float(rank[a] < rank[b]) for a, b in first.index}
    # the smaller slot stands on the left
    assert set(first.index) == {("steered", "baseline"), ("steered", "reference"), ("baseline", "reference")}


def test_structure_of_a_dimension_is_that_of_its_factors(study):
    data = prepare(select(study, Options())[0], "originality", Options())

    assert data.structure.size == build_structure(data.factors, len(data.frame)).size


def test_covered_dimensions_can_start_from_an_earlier_fit(every_measure):
    rows, _ = select(every_measure, Options())
    for name in ("originality", "surprise", "wit"):
        data = prepare(rows, name, Options())
        fit = fit_dimension(data)

        again = fit_dimension(data, start=replace(fit, notes=()))

        assert again.estimate == pytest.approx(fit.estimate, rel=1e-5, abs=1e-6)
        assert again.log_likelihood == pytest.approx(fit.log_likelihood, rel=1e-9)
