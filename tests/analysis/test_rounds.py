"""Progress over rounds: scores, means with intervals, trends that are the interaction of the model, what is said."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from analysis import tables
from analysis.inference.multiplicity import holm
from analysis.modelling import fit
from analysis.prepare import Options, select
from analysis.report import analyse, examine
from analysis.rounds import progress_over_rounds, scores_of
from analysis.simulate import PlantedTruth, simulate_answers
from analysis.wording import rounds_verdict

SYSTEMS = ("baseline", "steered")
TRUTH = PlantedTruth(effects={"wit": {"steered": -0.6}}, round_slopes={"wit": {"steered": 0.5}})
WITHOUT = ("agreement", "diagnostics", "quality", "sensitivity")


def panel(*, raters=1, rounds=6, outputs=10, measure="ranking", levels=10):
    """Every expert asks a question of his own in each round and judges several outputs of two systems to it."""
    rows = []
    for rater in range(raters):
        for number in range(1, rounds + 1):
            prompt = f"r{rater}q{number}"
            for at in range(outputs):
                system = SYSTEMS[at % 2]
                judgement = prompt if measure == "ranking" else f"{prompt}/{at}"
                rows.append(
                    {"study": "panel", "judgement": judgement, "rater": f"r{rater}", "prompt": prompt,
                     "round": number, "position": number, "system_a": system,
                     "output_a": f"{prompt}/{system}/{at // 2}",
                     "dimension": "wit", "measure": measure, "levels": levels, "slot": at + 1}
                )  # fmt: skip
    return rows


def progress(table, **options):
    result = analyse(table, baseline="baseline", **options)
    chosen = Options.of(**result.options)
    return progress_over_rounds(select(result.table, chosen)[0], result, options=chosen)


@pytest.fixture(scope="module")
def ranked():
    return simulate_answers(panel(raters=3), TRUTH, seed=2)


@pytest.fixture(scope="module")
def rated():
    return simulate_answers(panel(raters=4, measure="interval", levels=101), TRUTH, seed=2)


def test_study_without_rounds_has_no_progress(ranked):
    assert progress(ranked.assign(round=0)) is None
    assert progress(ranked.assign(round=1)) is None


def test_rank_is_normalised_and_ties_share_the_mean(ranked):
    one = ranked[ranked["judgement"] == "r0q1"].assign(answer=[1.0, 2.0, 2.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 9.0])

    scores = scores_of(one)["score"].tolist()

    assert scores == pytest.approx([1, 7.5 / 9, 7.5 / 9, 6 / 9, 5 / 9, 4 / 9, 3 / 9, 2 / 9, 0.5 / 9, 0.5 / 9])


@pytest.mark.parametrize(
    ("measure", "answer", "expected"),
    [
        ("pairwise_choice", 1.0, [1.0, 0.0]),
        ("pairwise_choice", 0.5, [0.5, 0.5]),
        ("pairwise_graded", -2.0, [0.0, 1.0]),
        ("pairwise_graded", 0.0, [0.5, 0.5]),
        ("interval", 12.0, [12.0, -12.0]),
    ],
)
def test_pair_credits_both_sides(ranked, measure, answer, expected):
    pair = ranked.head(1).assign(measure=measure, answer=answer, system_b="steered", output_b="r0q1/steered/0")

    scores = scores_of(pair)

    assert scores["system"].tolist() == ["baseline", "steered"]
    assert scores["score"].tolist() == expected


def test_yes_counts_one(ranked):
    verdicts = ranked.head(2).assign(measure="nominal", levels=2, answer=[1.0, 2.0])

    assert scores_of(verdicts)["score"].tolist() == [0.0, 1.0]


def test_means_of_few_judgements_have_intervals_over_outputs(ranked):
    found = progress(ranked)

    first = next(one for one in found.means if (one.system, one.round) == ("steered", 1))
    part = scores_of(ranked)
    scores = part.loc[(part["round"] == 1) & (part["system"] == "steered"), "score"]
    half = stats.t.ppf(0.975, 14) * scores.std() / np.sqrt(15)
    assert len(found.means) == 12
    assert (first.judgements, first.outputs, first.over) == (3, 15, "outputs")
    assert [first.mean, first.low, first.high] == pytest.approx(
        [scores.mean(), scores.mean() - half, scores.mean() + half]
    )
    both = [one.mean for one in found.means if one.round == 1]
    assert sum(both) == pytest.approx(1.0)  # what one system gains in a ranking the other loses


def test_means_of_many_judgements_have_intervals_over_judgements(rated):
    found = progress(rated)

    first = next(one for one in found.means if (one.system, one.round) == ("baseline", 2))
    answers = rated.loc[(rated["round"] == 2) & (rated["system_a"] == "baseline"), "answer"]
    half = stats.t.ppf(0.975, 19) * answers.std() / np.sqrt(20)
    assert (first.judgements, first.over, first.unit) == (20, "judgements", "mean answer")
    assert [first.mean, first.high - first.mean] == pytest.approx([answers.mean(), half])


def test_trend_of_ratings_is_the_interaction_in_the_mixed_model(rated):
    found = progress(rated)

    random = " + ".join(f"(1 | {name})" for name in ("rater", "prompt", "rater:system", "prompt:system"))
    model = fit(f"answer ~ system + round + system:round + {random}", rated, dimension="wit")
    gain, alone, steered = found.trends
    slope, change = model.fit.names.index("round"), model.fit.names.index("system[steered]:round")
    assert [gain.contrast, alone.contrast, steered.contrast] == ["steered vs baseline", "baseline", "steered"]
    assert gain.estimate == pytest.approx(model.fit.estimate[change], rel=1e-4)
    assert gain.se == pytest.approx(model.fit.standard_errors()[change], rel=1e-3)
    assert alone.estimate == pytest.approx(model.fit.estimate[slope], abs=1e-3)
    assert steered.estimate == pytest.approx(gain.estimate + alone.estimate)
    # planted at half a logit, which is five points; three standard errors
    assert gain.estimate == pytest.approx(5.0, abs=3.0 * gain.se)
    assert [one.p_holm for one in found.trends] == holm(np.array([one.p for one in found.trends])).tolist()


def test_trend_of_rankings_is_relative_and_finds_what_was_planted():
    table = simulate_answers(panel(raters=4, rounds=10), TRUTH, seed=7)

    found = progress(table)

    (gain,) = found.trends
    assert (gain.contrast, gain.scale, gain.df) == ("steered vs baseline", "log-worth", 3.0)
    assert gain.estimate == pytest.approx(0.5, abs=3.0 * gain.se)
    assert gain.low < gain.estimate < gain.high


def test_one_expert_is_enough_for_a_trend_of_his_own():
    table = simulate_answers(panel(raters=1, rounds=8), TRUTH, seed=3)

    (gain,) = progress(table).trends

    assert gain.df == 6.0  # a line through eight prompts
    assert np.isfinite([gain.estimate, gain.se, gain.p]).all()


def test_two_rounds_of_one_expert_have_a_change_but_no_test():
    table = simulate_answers(panel(raters=1, rounds=2), TRUTH, seed=3)

    (gain,) = progress(table).trends

    assert np.isfinite(gain.estimate)
    assert np.isnan([gain.se, gain.df, gain.p]).all()
    assert gain.message.startswith("no interval and no p value")


def test_tables_and_sentence_say_the_same(rated):
    result = examine(analyse(rated, baseline="baseline"), without=WITHOUT)

    means, trends = tables.rounds_table(result), tables.trends_table(result)

    assert means.header == ("Round", "baseline", "steered", "Judgements")
    assert [row[0] for row in means.rows] == ["1", "2", "3", "4", "5", "6"]
    assert [row[0] for row in trends.rows] == ["steered vs baseline", "baseline", "steered"]
    sure = [one for one in result.rounds.trends if one.p_holm < 0.05]
    assert rounds_verdict(result).count("On wit") == len(sure) > 0
    assert "On wit, steered gains on baseline by" in rounds_verdict(result)


def test_flat_trends_are_said_to_be_none(rated):
    result = examine(analyse(rated, baseline="baseline"), without=WITHOUT)
    flat = tuple(replace(one, p_holm=0.4) for one in result.rounds.trends)

    verdict = rounds_verdict(replace(result, rounds=replace(result.rounds, trends=flat)))

    assert verdict == "None of 3 trends over rounds is significant after Holm correction."
