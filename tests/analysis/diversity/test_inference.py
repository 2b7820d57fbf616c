"""Tests over prompts: exact by hand, intervals against their definitions, the mixed model against paired t."""

from itertools import product

import numpy as np
import pytest
from scipy import stats

from analysis.diversity import resampling
from analysis.diversity.inference import compare_systems, contrast_pairs
from analysis.diversity.linear import mixed_contrasts
from analysis.diversity.resampling import mean_interval, mean_intervals, sign_flips

RNG = np.random.default_rng(5)
PROMPTS = RNG.standard_normal((12, 1))
TABLE = PROMPTS + 0.5 * RNG.standard_normal((12, 3)) + [0.0, 0.2, 0.9]
SYSTEMS = ("base", "other", "steered")


def one(change, **options):
    return sign_flips([np.asarray(change, float)], **options)[0]


def test_sign_flip_by_hand():
    # Sums of ±1 ±2 ±4 at least 5 away from zero: 7, 5 and their opposites; the observed one is −1 + 2 + 4 = 5.
    found = one([-1, 2, 4])

    assert (found.p, found.test, found.patterns) == (4 / 8, "exact", 8)


@pytest.mark.parametrize("count", [2, 5, 9])
def test_exact_sign_flip_is_the_share_of_all_patterns(count):
    change = np.random.default_rng(count).standard_normal(count)

    sums = [abs(np.dot(signs, change)) for signs in product((1, -1), repeat=count)]
    expected = np.mean(np.array(sums) >= abs(change.sum()) - 1e-12)
    assert one(change).p == pytest.approx(expected, abs=1e-12)


def test_exact_sign_flip_is_scipys():
    change = np.random.default_rng(8).standard_normal(10) + 0.4

    other = stats.permutation_test((change, np.zeros(10)), lambda x, y, axis: (x - y).mean(axis=axis),
                                   permutation_type="samples", n_resamples=2**10, vectorized=True)  # fmt: skip
    assert one(change).p == pytest.approx(other.pvalue, abs=1e-12)


def test_drawn_sign_flip_is_near_the_exact_one_and_never_zero(monkeypatch):
    change = np.random.default_rng(3).standard_normal(12) + 0.5
    exact = one(change)
    monkeypatch.setattr(resampling, "MOST_EXACT", 16)

    drawn = one(change)
    sure = one(np.ones(40))

    assert drawn.test == "drawn"
    assert drawn.p == pytest.approx(exact.p, abs=4 * (exact.p / drawn.patterns) ** 0.5)  # 4 Monte-Carlo errors
    assert sure.p == pytest.approx(1 / (1 + sure.patterns))


def test_same_seed_gives_the_same_p_whatever_stands_beside():
    first, second = np.random.default_rng(1).standard_normal((2, 30))

    assert sign_flips([first, second])[1] == sign_flips([second])[0]
    assert sign_flips([second], seed=1) != sign_flips([second], seed=2)


def test_larger_family_draws_more_patterns():
    assert one(np.ones(30), family=500).patterns == 80 * 500 - 1
    assert one(np.ones(30), family=10**6).patterns == resampling.MOST_DRAWN


def test_nothing_and_one_prompt_have_no_test():
    assert np.isnan(one([]).p)
    assert np.isnan(one([1.0]).p)


def test_interval_is_scipys_bca_at_the_expanded_level():
    values = np.random.default_rng(4).gamma(1.0, size=40)

    found = mean_interval(values, seed=7)

    level = 1 - 2 * stats.norm.sf((40 / 39) ** 0.5 * stats.t(39).isf(0.025))
    other = stats.bootstrap(
        (values,), np.mean, n_resamples=20_000, method="BCa", confidence_level=level, rng=np.random.default_rng(99)
    )
    ends = (other.confidence_interval.low, other.confidence_interval.high)
    assert found.method == "BCa"
    assert (found.low, found.high) == pytest.approx(ends, abs=0.12 * values.std() / 40**0.5)  # Monte-Carlo error


def test_sets_of_different_kinds_come_back_in_their_order():
    sets = [RNG.standard_normal(size) for size in (1, 8, 3, 8)] + [np.ones(8), RNG.standard_normal(7)]

    found = mean_intervals(sets)

    assert [one.method for one in found] == ["none", "BCa", "t", "BCa", "no spread", "BCa"]
    assert found[3].low == pytest.approx(mean_interval(sets[3]).low, abs=1e-12)


def test_interval_of_few_prompts_is_that_of_t():
    values = np.array([0.1, 0.4, 0.2, 0.6])

    found = mean_interval(values)

    expected = stats.t.interval(0.95, 3, values.mean(), values.std(ddof=1) / 2)
    assert found.method == "t"
    assert (found.low, found.high) == pytest.approx(expected)


def test_interval_without_spread_is_the_value_and_of_one_prompt_there_is_none():
    assert mean_interval(np.full(9, 0.5)).method == "no spread"
    assert mean_interval(np.full(9, 0.5)).low == 0.5
    assert mean_interval(np.array([0.5])).method == "none"


def test_mixed_model_of_two_systems_is_the_paired_t_test():
    found = mixed_contrasts(TABLE[:, [0, 2]], ("base", "steered"), [("steered", "base")])[0]

    paired = stats.ttest_rel(TABLE[:, 2], TABLE[:, 0])
    assert found.estimate == pytest.approx((TABLE[:, 2] - TABLE[:, 0]).mean(), abs=1e-10)
    assert found.df == pytest.approx(11, abs=1e-4)  # Satterthwaite, found numerically
    assert found.p == pytest.approx(paired.pvalue, rel=1e-4)


def test_covariate_takes_away_what_length_explains():
    words = np.exp(1.0 + 0.3 * RNG.standard_normal((40, 2)) + [0.0, 0.4])
    value = 2.0 * np.log(words) + 0.01 * RNG.standard_normal((40, 2))

    plain = mixed_contrasts(value, ("a", "b"), [("b", "a")])[0]
    adjusted = mixed_contrasts(value, ("a", "b"), [("b", "a")], covariate=words)[0]

    assert plain.estimate == pytest.approx(0.8, abs=0.3)
    assert adjusted.estimate == pytest.approx(0.0, abs=0.02)


@pytest.mark.parametrize(
    ("table", "reason"),
    [
        (np.ones((5, 2)), "all numbers are the same"),
        (np.array([[1.0, 2.0]]), "one prompt"),
        (np.column_stack([np.arange(5.0), np.full(5, np.nan)]), "a system has no number"),
    ],
)
def test_model_that_cannot_be_says_why(table, reason):
    found = mixed_contrasts(table, ("a", "b"), [("b", "a")])[0]

    assert reason in found.message
    assert np.isnan(found.p)


def test_each_system_meets_the_baseline_or_all_pairs():
    assert contrast_pairs(SYSTEMS, "base") == [("other", "base"), ("steered", "base")]
    assert contrast_pairs(SYSTEMS, None) == [("other", "base"), ("steered", "base"), ("steered", "other")]
    assert contrast_pairs(("base",), "base") == []


@pytest.fixture(scope="module")
def rows():
    values = {"similarity": TABLE, "vendi": -TABLE, "words": np.exp(PROMPTS + 0.1 * TABLE)}
    return compare_systems(values, SYSTEMS, baseline="base")


def test_holm_is_over_measures_and_contrasts_of_the_family_only(rows):
    family = [row for row in rows if row.family]

    assert [row.measure for row in rows] == ["similarity"] * 2 + ["vendi"] * 2 + ["words"] * 2
    smallest = min(row.p for row in family)
    assert min(row.p_holm for row in family) == pytest.approx(min(1.0, 4 * smallest))
    assert all(np.isnan(row.p_holm) for row in rows if not row.family)


def test_mirrored_measure_has_the_same_p_and_the_opposite_difference(rows):
    similarity, vendi = rows[1], rows[3]

    assert (similarity.first, similarity.second) == (vendi.first, vendi.second) == ("steered", "base")
    assert vendi.difference == pytest.approx(-similarity.difference)
    assert vendi.p == similarity.p
    assert similarity.standardised == pytest.approx(similarity.difference / (TABLE[:, 2] - TABLE[:, 0]).std(ddof=1))


def test_prompt_that_one_system_lacks_is_left_out_of_this_comparison():
    table = TABLE.copy()
    table[:3, 2] = np.nan

    found = compare_systems({"similarity": table, "words": np.ones((12, 3))}, SYSTEMS, baseline="base")

    assert [row.prompts for row in found[:2]] == [12, 9]
    assert found[1].difference == pytest.approx((TABLE[3:, 2] - TABLE[3:, 0]).mean())


def test_few_prompts_are_told_what_they_cannot_show():
    found = compare_systems({"similarity": TABLE[:4], "words": np.ones((4, 3))}, SYSTEMS, baseline="base")

    assert found[0].message == "p cannot be below 0.12 with 4 prompts"
    assert found[0].patterns == 16


def test_one_prompt_gives_a_difference_without_a_test():
    found = compare_systems({"similarity": TABLE[:1], "words": np.ones((1, 3))}, SYSTEMS, baseline="base")[1]

    assert found.difference == pytest.approx(TABLE[0, 2] - TABLE[0, 0])
    assert found.message == "one prompt: a difference, but nothing to test it with"
    assert np.isnan(found.p)
