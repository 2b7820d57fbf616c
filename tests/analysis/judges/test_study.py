"""Judges against people as a whole: symmetries, known numbers, intervals, differences."""

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from analysis.inference.multiplicity import holm
from analysis.judges import JudgeOptions, compare_judges
from analysis.judges.reading import human_of
from analysis.judges.resampling import draw, interval, p_value
from analysis.prepare import OptionError

FAST = JudgeOptions(resamples=200)
SIGNED = ("spearman", "kendall", "within_spearman", "within_kendall")


@pytest.fixture(scope="module")
def found(study, scores):
    return compare_judges(study, scores)


def test_every_judge_has_a_row_per_dimension_and_subset(found):
    all_rows = [(row.dimension, row.judge) for row in found.rows if row.subset == "all"]

    assert all_rows == [(d, j) for d in ("originality", "wit") for j in ("coarse", "knowing", "random")]
    assert {row.subset for row in found.rows} == {"all", "raters agree", "raters disagree", "similar quality"}
    assert found.human["wit"] == "mean answer"
    assert found.human["originality"].startswith("Bradley–Terry strength within the prompt")


def test_point_estimates_are_scipys_on_the_means(study, scores, found):
    wit = study[study["dimension"] == "wit"].groupby("output_a")["answer"].mean()
    mine = scores[scores["judge"] == "knowing"].set_index("output")["value"].reindex(wit.index)

    row = found.row("knowing", "wit")

    assert row.spearman == pytest.approx(stats.spearmanr(mine, wit).statistic, abs=1e-12)
    assert row.kendall == pytest.approx(stats.kendalltau(mine, wit).statistic, abs=1e-12)
    assert (row.outputs, row.prompts, row.raters) == (36, 12, 15)


def test_intervals_hold_the_estimate_and_p_agrees_with_them(found):
    for row in found.rows:
        for name in (*SIGNED, "accuracy"):
            value, low, high = (getattr(row, f"{name}{end}") for end in ("", "_low", "_high"))
            assert math.isnan(low) or low <= value <= high
        if row.subset == "all":
            assert (row.p < 0.05) == (not row.spearman_low <= 0 <= row.spearman_high)
    assert found.row("knowing", "wit").p_holm < 0.001
    assert found.row("random", "wit").p_holm > 0.1


def test_a_judge_that_is_the_human_score_agrees_perfectly(study):
    rows = []
    for dimension in ("originality", "wit"):
        human = human_of(study[study["dimension"] == dimension])
        values = human.scores(np.ones((15, 1)))[:, 0]
        rows += [(dimension, name, value) for name, value in zip(human.outputs, values, strict=True)]
    scores = pd.DataFrame(rows, columns=["judge", "output", "value"])

    found = compare_judges(study, scores, options=FAST)

    for dimension in ("originality", "wit"):
        row = found.row(dimension, dimension)
        assert [getattr(row, name) for name in SIGNED] == pytest.approx([1.0] * 4)
    # of choices the majority of a pair need not be the order of the strengths, which know the other pairs too
    assert found.row("wit", "wit").accuracy == 1.0


@pytest.mark.parametrize("judge", ["coarse", "knowing"])
def test_monotone_changes_of_the_scores_change_nothing_and_negation_flips(study, scores, judge):
    base = scores[scores["judge"] == judge]
    ranks = np.exp(base["value"].rank() / 10) - 7

    one, two, three = (
        compare_judges(study, base.assign(value=values), options=FAST, dimensions=("wit",)).row(judge, "wit")
        for values in (base["value"], ranks, -base["value"])
    )

    assert repr(one) == repr(two)
    assert [getattr(three, name) for name in SIGNED] == pytest.approx([-getattr(one, name) for name in SIGNED])
    assert three.spearman_low == pytest.approx(-one.spearman_high, abs=1e-12)
    assert three.accuracy == pytest.approx(1 - one.accuracy)


def test_order_of_rows_and_presence_of_other_judges_never_matter(study, scores, found):
    alone = compare_judges(study.sample(frac=1, random_state=3), scores[scores["judge"] == "random"][::-1])

    for row in alone.rows:
        same = found.row(row.judge, row.dimension, row.subset)
        assert repr(replace(row, p_holm=0.0, accuracy_holm=0.0)) == repr(replace(same, p_holm=0.0, accuracy_holm=0.0))


def test_holm_is_over_judges_and_dimensions(found):
    rows = [row for row in found.rows if row.subset == "all"]

    assert [row.p_holm for row in rows] == pytest.approx(holm(np.array([row.p for row in rows])).tolist())
    assert [row.accuracy_holm for row in rows] == pytest.approx(holm(np.array([r.accuracy_p for r in rows])).tolist())


def test_difference_of_two_judges_is_that_of_their_estimates(found):
    wanted = ("wit", "knowing", "random")
    one = next(d for d in found.differences if (d.dimension, d.first, d.second) == wanted)

    first, second = (found.row(judge, "wit") for judge in wanted[1:])
    assert one.spearman == pytest.approx(first.spearman - second.spearman)
    assert one.accuracy == pytest.approx(first.accuracy - second.accuracy)
    assert one.spearman_low > 0
    assert one.spearman_p < 0.05


def test_a_judge_and_its_copy_do_not_differ(study, scores):
    base = scores[scores["judge"] == "knowing"]
    twins = pd.concat([base, base.assign(judge="twin")])

    found = compare_judges(study, twins, options=FAST, dimensions=("wit",))

    one = next(d for d in found.differences if d.what == "judges")
    assert (one.spearman, one.spearman_low, one.spearman_high, one.spearman_p) == (0.0, 0.0, 0.0, 1.0)


def test_judges_are_compared_on_what_both_scored(study, scores):
    outputs = sorted(set(scores["output"]))
    part = scores[(scores["judge"] == "random") & scores["output"].isin(outputs[:20])]
    other = scores[(scores["judge"] == "knowing") & scores["output"].isin(outputs[10:])]

    found = compare_judges(study, pd.concat([part, other]), options=FAST, dimensions=("wit",))

    assert next(d for d in found.differences if d.what == "judges").outputs == 10
    assert found.row("random", "wit").outputs == 20
    assert found.row("random", "wit").unscored == 16


def test_where_raters_disagree_one_rater_is_right_less_often(found):
    agree, disagree = (found.row("random", "originality", name) for name in ("raters agree", "raters disagree"))

    assert agree.human > 0.7 > disagree.human
    assert math.isnan(agree.spearman)  # a subset of pairs has no correlation
    one = next(d for d in found.differences if d.what == "agreement" and d.first == "random: raters agree")
    assert one.accuracy == pytest.approx(agree.accuracy - disagree.accuracy)


def test_drawing_raters_too_widens_the_intervals(study, scores):
    options = JudgeOptions(resamples=200, clusters="raters and prompts")
    one, two = (
        compare_judges(study, scores, options=o, dimensions=("wit",)).row("knowing", "wit") for o in (FAST, options)
    )

    assert two.spearman == one.spearman
    assert two.accuracy_high - two.accuracy_low > one.accuracy_high - one.accuracy_low
    assert two.spearman_high - two.spearman_low > one.spearman_high - one.spearman_low


def test_resamples_of_raters_are_the_statistics_of_the_raters_drawn(study, scores):
    """Each resample is compared with the plain statistic on the judgements written out."""
    from analysis.judges.dimension import Comparison, Setting

    wit = study[study["dimension"] == "wit"]
    mine = scores[scores["judge"] == "knowing"].set_index("output")["value"]
    setting = Setting("wit", "interval", human_of(wit), JudgeOptions(resamples=200, clusters="raters and prompts"))
    raters, prompts = setting.weights

    found = Comparison(setting, "knowing", dict(mine)).statistics(setting.subsets[0])
    rho = found.values["spearman"]  # noqa: PD011 - a mapping, no frame

    for at in (1, 2, 3):
        times = dict(zip(setting.human.raters, raters[:, at], strict=True))
        weight = wit["rater"].map(times)
        total = (wit["answer"] * weight).groupby(wit["output_a"]).sum() / weight.groupby(wit["output_a"]).sum()
        means = total.dropna()
        often = means.index.map(lambda name: int(prompts[setting.human.prompts.index(name.split("/")[0]), at]))  # noqa: B023
        expected = stats.spearmanr(np.repeat(mine[means.index], often), np.repeat(means, often)).statistic
        assert rho[at] == pytest.approx(expected, abs=1e-9)  # means are rounded to nine digits


def test_one_raters_correlation_with_the_others_stands_beside_the_judges(ratings, scored):
    values = {"a": (1, 2, 3), "b": (2, 3, 2), "c": (3, 3, 5), "d": (5, 4, 4), "e": (4, 5, 1)}
    table = ratings({f"p{n}": {"s": dict(zip("xyz", v, strict=True))} for n, v in values.items()})
    judge = {f"p{name}/s/0": float(at) for at, name in enumerate(values)}

    row = compare_judges(table, scored(j=judge), options=FAST).row("j", "wit")

    matrix = np.array(list(values.values()), dtype=float)
    others = [(matrix.sum(axis=1) - matrix[:, r]) / 2 for r in range(3)]
    alone = [stats.spearmanr(matrix[:, r], others[r]).statistic for r in range(3)]
    beside = [stats.spearmanr(np.arange(5), others[r]).statistic for r in range(3)]
    assert row.human_rho == pytest.approx(np.mean(alone))
    assert row.same_rho == pytest.approx(np.mean(beside))
    assert math.isnan(row.accuracy)
    assert row.message == "no pair of one prompt has a majority"


def test_a_single_prompt_gives_estimates_without_intervals(ratings, scored):
    table = ratings({"p": {name: {"x": at, "y": at} for at, name in enumerate("abcd", start=1)}})

    row = compare_judges(table, scored(j={f"p/{name}/0": ord(name) for name in "abcd"})).row("j", "wit")

    assert row.spearman == pytest.approx(1.0)
    assert math.isnan(row.spearman_low)
    assert math.isnan(row.p)
    assert "no interval: fewer than 4 prompts" in row.message


def test_three_prompts_are_too_few_to_be_drawn_again(ratings, scored):
    # 95% intervals of a judge who knows nothing held the truth in 87% of simulated studies of three prompts.
    answers = {f"p{at}": {name: {"x": place, "y": place} for place, name in enumerate("abcd", start=1)} for at in "123"}
    given = {f"p{at}/{name}/0": ord(name) + (name == "a") * 9 for at in "123" for name in "abcd"}

    row = compare_judges(ratings(answers), scored(j=given)).row("j", "wit")

    assert not math.isnan(row.spearman)
    assert math.isnan(row.spearman_low)
    assert math.isnan(row.p)
    assert "fewer than 4 prompts" in row.message


def test_excluded_judgements_and_practice_do_not_count(study, scores, found):
    strange = (
        study[study["dimension"] == "wit"].head(40).assign(answer=-1000.0, judgement=lambda t: "x" + t["judgement"])
    )
    more = pd.concat(
        [study, strange.assign(excluded=True), strange.assign(kind="practice", judgement="y" + strange["judgement"])]
    )

    again = compare_judges(more, scores)

    assert repr(again.rows) == repr(found.rows)


@pytest.mark.parametrize(
    ("name", "value"),
    [("clusters", "raters"), ("fence", -1.0), ("resamples", 10), ("confidence", 95), ("judge_ties", "third")],
)
def test_unknown_options_are_refused(name, value):
    with pytest.raises(OptionError, match=name):
        JudgeOptions(**{name: value})


def test_draws_follow_from_seed_and_name_and_begin_with_the_sample():
    one, again, other = (draw(7, 50, seed=seed, name="x") for seed in (1, 1, 2))

    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)
    assert np.array_equal(one[:, 0], np.ones(7))
    assert (one.sum(axis=0) == 7).all()


def test_interval_is_expanded_by_the_number_of_clusters():
    values = np.concatenate([[0.0], np.linspace(-1, 1, 2001)])  # uniform: the percentile tells the level used

    few, many = (interval(values, clusters=n, confidence=0.95) for n in (10, 100_000))

    # Hesterberg 2015: level Φ(√(n/(n - 1)) t(α/2; n - 1)); for n = 10: √(10/9) · 2.2622 = 2.3845, tail .00855
    assert few == pytest.approx((-0.9829, 0.9829), abs=2e-4)
    assert many == pytest.approx((-0.95, 0.95), abs=2e-3)


def test_p_is_where_the_interval_reaches_the_null():
    values = np.concatenate([[0.0], np.random.default_rng(1).normal(0.5, 0.3, 4000)])
    low, _ = interval(values, clusters=20, confidence=0.9)

    assert p_value(values, null=low, clusters=20) == pytest.approx(0.1, abs=0.003)  # 4,000 resamples: one in the tail


def test_a_null_beyond_all_resamples_is_judged_by_their_spread():
    values = np.concatenate([[0.5], np.random.default_rng(2).normal(0.5, 0.1, 500)])
    spread = values[1:].std()

    found = p_value(values, null=0.0, clusters=30)

    t = values[1:].mean() / spread * np.sqrt(29 / 30)
    assert found == pytest.approx(2 * stats.t.sf(t, 29))
    assert p_value(np.ones(500), null=0.0, clusters=30) == pytest.approx(
        2 * stats.t.sf(stats.norm.isf(0.5 / 499) * np.sqrt(29 / 30), 29)
    )
