"""Rank correlations of weighted prompts against SciPy on samples that are written out."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from analysis.judges.association import kendall, spearman, within_kendall, within_spearman

ALL = (spearman, kendall, within_spearman, within_kendall)
EXACT = {"abs": 1e-12}  # sums of halves and whole numbers; SciPy divides in another order


@pytest.fixture(params=["plain", "tied"])
def sample(request):
    rng = np.random.default_rng(5)
    prompt = np.repeat(np.arange(8), [3, 4, 5, 3, 2, 6, 4, 3])
    x, y = rng.normal(size=(2, len(prompt)))
    if request.param == "tied":
        x, y = np.round(x), np.round(y)
    return x, y[:, None], prompt


@pytest.fixture
def weights():
    rng = np.random.default_rng(6)
    return np.concatenate([np.ones((8, 1)), rng.multinomial(8, [1 / 8] * 8, size=30).T], axis=1)


def written_out(x, y, prompt, times):
    rows = np.concatenate([np.flatnonzero(prompt == p) for p in range(8) for _ in range(int(times[p]))])
    return x[rows], y[rows]


@pytest.mark.parametrize(("ours", "theirs"), [(spearman, stats.spearmanr), (kendall, stats.kendalltau)])
def test_correlations_are_scipys_on_the_sample_written_out(sample, weights, ours, theirs):
    x, y, prompt = sample

    found = ours(x, y, prompt, weights)

    expected = [theirs(*written_out(x, y[:, 0], prompt, weights[:, at])).statistic for at in range(31)]
    assert found == pytest.approx(expected, **EXACT)


@pytest.mark.parametrize("ours", ALL)
def test_scores_that_differ_between_resamples_are_treated_alike(sample, weights, ours):
    x, y, prompt = sample

    assert ours(x, np.repeat(y, 31, axis=1), prompt, weights) == pytest.approx(ours(x, y, prompt, weights), **EXACT)


def test_many_outputs_are_treated_like_few(sample, weights, monkeypatch):
    x, y, prompt = sample
    changing = np.round(y + np.random.default_rng(9).normal(size=(1, 31)) * np.arange(len(x))[:, None])
    few = kendall(x, changing, prompt, weights)
    monkeypatch.setattr("analysis.judges.association.FEW", 0)

    assert kendall(x, changing, prompt, weights) == pytest.approx(few, **EXACT)


@pytest.mark.parametrize("ours", ALL)
def test_an_output_without_a_human_score_is_left_out(sample, weights, ours):
    x, y, prompt = sample
    y = y.copy()
    y[[2, 9, 20], 0] = np.nan
    there = ~np.isnan(y[:, 0])

    expected = ours(x[there], y[there], prompt[there], weights)

    assert ours(x, y, prompt, weights) == pytest.approx(expected, **EXACT)
    assert ours(x, np.repeat(y, 31, axis=1), prompt, weights) == pytest.approx(expected, **EXACT)


def test_correlations_within_one_prompt_are_scipys():
    rng = np.random.default_rng(7)
    x, y = np.round(rng.normal(size=(2, 9)), 1)
    one = np.zeros(9, dtype=int)

    assert within_spearman(x, y[:, None], one, np.ones((1, 1)))[0] == pytest.approx(stats.spearmanr(x, y).statistic)
    assert within_kendall(x, y[:, None], one, np.ones((1, 1)))[0] == pytest.approx(stats.kendalltau(x, y).statistic)


def test_correlations_within_prompts_do_not_see_the_level_of_a_prompt():
    prompt = np.array([0, 0, 1, 1])
    x, y = np.array([1.0, 2.0, 11.0, 12.0]), np.array([2.0, 1.0, 22.0, 21.0])

    assert spearman(x, y[:, None], prompt, np.ones((2, 1)))[0] == pytest.approx(0.6)
    assert within_spearman(x, y[:, None], prompt, np.ones((2, 1)))[0] == pytest.approx(-1.0)
    assert within_kendall(x, y[:, None], prompt, np.ones((2, 1)))[0] == pytest.approx(-1.0)


@pytest.mark.parametrize("ours", ALL)
def test_scores_without_spread_have_no_correlation(sample, weights, ours):
    x, y, prompt = sample

    assert np.isnan(ours(np.ones_like(x), y, prompt, weights)).all()


@settings(max_examples=30, deadline=None)
@given(values=st.lists(st.integers(-4, 4), min_size=31, max_size=31), seed=st.integers(0, 100))
def test_only_the_order_of_scores_matters(values, seed):
    prompt = np.repeat(np.arange(8), [3, 4, 5, 3, 2, 6, 4, 4])
    x = np.array(values, dtype=float)
    y = np.random.default_rng(seed).normal(size=(31, 1))
    once = np.ones((8, 1))

    for ours in ALL:
        known = ours(x, y, prompt, once)
        assert ours(np.exp(x) * 3 + 1, y, prompt, once) == pytest.approx(known, nan_ok=True, **EXACT)
        assert ours(-x, y, prompt, once) == pytest.approx(-known, nan_ok=True, **EXACT)
