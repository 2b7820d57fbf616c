"""Systems and their matrix, and what was observed."""

import numpy as np
import pytest
from scipy import stats

from analysis.inference.contrasts import contrast_row
from analysis.inference.naive import compare_directly
from analysis.inference.systems import system_estimates, win_matrix
from analysis.prepare import Options, prepare, select
from analysis.study import fit_dimension

ALL = ("originality", "surprise", "fluency", "wit")


@pytest.fixture(scope="module")
def fits(every_measure):
    rows, _ = select(every_measure, Options())
    found = {}
    for name in ALL:
        data = prepare(rows, name, Options())
        found[name] = (data, fit_dimension(data))
    return found


@pytest.mark.parametrize("dimension", ALL)
def test_matrix_holds_the_rows_of_the_table_and_its_mirror(fits, dimension):
    data, fit = fits[dimension]

    wins = win_matrix(data, fit, confidence=0.95)

    i, j = (wins.systems.index(name) for name in ("steered", "baseline"))
    row = contrast_row(data, fit, ("steered", "baseline"), confidence=0.95)
    assert [wins.estimate[i, j], wins.low[i, j], wins.high[i, j], wins.raw[i, j]] == pytest.approx(
        [row.superiority, row.superiority_low, row.superiority_high, row.raw_win_rate]
    )
    above = ~np.eye(3, dtype=bool)
    assert (wins.estimate + wins.estimate.T)[above] == pytest.approx(np.ones(6))
    assert (wins.low + wins.high.T)[above] == pytest.approx(np.ones(6))
    assert (wins.raw + wins.raw.T)[above] == pytest.approx(np.ones(6))
    assert np.isnan(np.diag(wins.estimate)).all()
    assert (wins.counts == wins.counts.T).all()


def test_counts_of_the_matrix_are_all_comparisons(fits):
    data, fit = fits["originality"]

    wins = win_matrix(data, fit, confidence=0.95)

    assert np.triu(wins.counts).sum() == len(data.frame)


def test_strengths_are_against_the_mean_of_all_and_differ_by_the_contrast(fits):
    for name in ("originality", "surprise", "wit"):
        data, fit = fits[name]
        found = {one.system: one for one in system_estimates(data, fit, confidence=0.95)}
        row = contrast_row(data, fit, ("steered", "baseline"), confidence=0.95)

        assert sum(one.estimate for one in found.values()) == pytest.approx(0.0, abs=1e-9)
        assert found["steered"].estimate - found["baseline"].estimate == pytest.approx(row.estimate)


def test_means_of_sliders_are_marginal_means_in_points(fits):
    data, fit = fits["fluency"]

    found = {one.system: one for one in system_estimates(data, fit, confidence=0.95)}

    steered = np.array([1.0, 0.0, 1.0])
    assert found["steered"].estimate == pytest.approx(steered @ fit.estimate)
    assert found["steered"].se == pytest.approx(np.sqrt(steered @ fit.covariance @ steered))
    assert 2.0 < found["steered"].df < 100.0
    half = stats.t.ppf(0.975, found["steered"].df) * found["steered"].se
    assert found["steered"].high - found["steered"].estimate == pytest.approx(half)
    raw = data.frame.groupby("system_a")["answer"].agg(["mean", "size"])
    assert {name: (one.raw, one.count) for name, one in found.items()} == {
        name: pytest.approx((row["mean"], row["size"])) for name, row in raw.iterrows()
    }


def test_share_won_counts_both_sides_and_half_a_tie(fits):
    data, fit = fits["surprise"]

    found = {one.system: one for one in system_estimates(data, fit, confidence=0.95)}

    frame = data.frame
    won = np.concatenate(
        [
            (np.sign(frame.loc[frame["system_a"] == "steered", "answer"]) + 1) / 2,
            (1 - np.sign(frame.loc[frame["system_b"] == "steered", "answer"])) / 2,
        ]
    )
    assert found["steered"].raw == pytest.approx(won.mean())
    assert found["steered"].count == won.size
    assert sum(one.raw * one.count for one in found.values()) == pytest.approx(len(frame))


def test_single_stimuli_are_compared_by_a_t_test_and_all_pairs_of_answers(fits):
    data, _ = fits["fluency"]
    one, two = (data.frame.loc[data.frame["system_a"] == name, "answer"].to_numpy() for name in ("steered", "baseline"))

    direct = compare_directly(data, "steered", "baseline")

    assert direct.naive_p == pytest.approx(stats.ttest_ind(one, two).pvalue)
    assert direct.rate == pytest.approx((one[:, None] > two[None, :]).mean())
    assert (direct.first, direct.second) == pytest.approx((one.mean(), two.mean()))
    assert (direct.count, direct.pairs) == (one.size + two.size, one.size * two.size)
    assert direct.test == "two-sample t test"


def test_sliders_between_two_texts_are_compared_by_the_signed_difference(every_measure):
    frame = every_measure[every_measure["dimension"] == "surprise"].assign(measure="interval", levels=0)
    data = prepare(select(frame, Options())[0], "surprise", Options())

    direct = compare_directly(data, "steered", "baseline")

    sides = frame["system_a"].eq("steered") & frame["system_b"].eq("baseline")
    turned = frame["system_a"].eq("baseline") & frame["system_b"].eq("steered")
    signed = np.concatenate([frame.loc[sides, "answer"], -frame.loc[turned, "answer"]])
    assert direct.naive_p == pytest.approx(stats.ttest_1samp(signed, 0.0).pvalue)
    assert direct.rate == pytest.approx(((np.sign(signed) + 1) / 2).mean())


def test_within_a_family_only_its_answers_count(fits):
    data, _ = fits["wit"]

    parts = [compare_directly(data, "steered", "baseline", task_family=name) for name in ("slogan", "story")]

    assert sum(part.count for part in parts) == compare_directly(data, "steered", "baseline").count
