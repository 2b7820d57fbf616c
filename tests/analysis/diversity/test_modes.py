"""Classes, Hill numbers, Vendi score and NoveltyBench's numbers."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.diversity import classes_by_similarity, cumulative_utility, distinct_classes, hill_number, vendi_score
from analysis.embeddings import normalise

COUNTS = st.lists(st.integers(1, 30), min_size=1, max_size=8)
SHAPES = st.tuples(st.integers(2, 9), st.integers(2, 9), st.integers(0, 1000))


@pytest.fixture(scope="module")
def novelty(shared):
    text = shared("data/novelty_bench/gemini-1.5-pro_nb-curated_scores.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def test_novelty_bench_has_1_83_classes_on_average(novelty):
    # The shipped summary says 0.83, off by one (see its note).
    assert np.mean([distinct_classes(row["partition"]) for row in novelty]) == pytest.approx(1.83, abs=1e-12)


def test_novelty_bench_has_a_mean_utility_of_2_8658(novelty):
    found = [cumulative_utility(row["generation_scores"]) for row in novelty]

    assert np.mean(found) == pytest.approx(2.8658255953362204, abs=1e-12)  # the shipped summary
    assert found == pytest.approx([row["utility"] for row in novelty], abs=1e-12)


def test_utility_by_hand():
    # (10 + 0.8 · 0 + 0.64 · 5) / (1 + 0.8 + 0.64)
    assert cumulative_utility([10, 0, 5]) == pytest.approx(13.2 / 2.44, abs=1e-12)
    assert cumulative_utility([10, 0, 5], patience=0.0) == 10.0
    assert cumulative_utility([10, 0, 5], patience=1.0) == pytest.approx(5.0)


@pytest.mark.parametrize(("scores", "patience"), [([], 0.8), ([1], -0.1), ([1], 1.1)])
def test_utility_of_nothing_or_with_a_wrong_patience_is_refused(scores, patience):
    with pytest.raises(ValueError, match=r"utility needs|probability"):
        cumulative_utility(scores, patience=patience)


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        (0.0, 3.0),
        (1.0, np.exp(-(0.5 * np.log(0.5) + 0.25 * np.log(0.25) * 2))),  # 2^1.5
        (2.0, 1 / (0.25 + 2 * 0.0625)),
        (0.5, (np.sqrt(0.5) + 2 * np.sqrt(0.25)) ** 2),
    ],
)
def test_hill_numbers_by_hand(order, expected):
    assert hill_number([2, 1, 1], order) == pytest.approx(expected, abs=1e-12)


@given(COUNTS)
def test_hill_numbers_fall_with_their_order_and_are_the_count_for_equal_shares(counts):
    zero, one, two = (hill_number(counts, order) for order in (0, 1, 2))

    assert len(counts) + 1e-9 >= zero >= one - 1e-9 >= two - 2e-9 >= 1 - 3e-9
    assert hill_number([3] * len(counts), 1) == pytest.approx(len(counts))


@pytest.mark.parametrize(("counts", "order"), [([], 1), ([0, 0], 1), ([-1, 2], 1), ([1, 2], -1)])
def test_hill_number_of_nothing_is_refused(counts, order):
    with pytest.raises(ValueError, match="Hill number"):
        hill_number(counts, order)


def test_vendi_score_by_hand_of_two_vectors():
    # K/2 of two vectors with cosine c has the eigenvalues (1 ± c)/2.
    c = 0.6
    high, low = (1 + c) / 2, (1 - c) / 2
    expected = np.exp(-high * np.log(high) - low * np.log(low))

    assert vendi_score(normalise([[1.0, 0.0], [0.6, 0.8]], name="x")) == pytest.approx(expected, abs=1e-6)


def test_vendi_score_is_the_number_of_different_orthogonal_vectors():
    same = np.repeat(np.eye(1, 5, dtype=np.float32), 7, axis=0)

    assert vendi_score(same) == pytest.approx(1.0)
    assert vendi_score(np.eye(5, dtype=np.float32)) == pytest.approx(5.0)
    assert vendi_score(np.repeat(np.eye(5, dtype=np.float32), 3, axis=0)) == pytest.approx(5.0)


@given(SHAPES)
def test_vendi_score_from_the_small_matrix_is_that_from_the_large_one(shape):
    count, width, seed = shape
    vectors = normalise(np.random.default_rng(seed).standard_normal((count, width)), name="x")

    values = np.linalg.eigvalsh(vectors.astype(float) @ vectors.astype(float).T / count)
    values = values[values > 1e-9]
    expected = np.exp(-(values * np.log(values)).sum())
    assert vendi_score(vectors) == pytest.approx(expected, rel=1e-5)  # float32 vectors have length 1 to 1e-7
    assert 1.0 - 1e-6 <= vendi_score(vectors) <= min(count, width) + 1e-6


CHAIN = np.array([[1.0, 0.85, 0.3], [0.85, 1.0, 0.85], [0.3, 0.85, 1.0]])


def test_components_chain_what_average_linkage_keeps_apart():
    # Merged first at 0.85; the third is alike to the pair by (0.85 + 0.3)/2 = 0.575 on average.
    average = classes_by_similarity(CHAIN, threshold=0.8)

    assert classes_by_similarity(CHAIN, threshold=0.8, rule="components") == [0, 0, 0]
    assert len(set(average)) == 2
    assert len(set(classes_by_similarity(CHAIN, threshold=0.57))) == 1
    assert len(set(classes_by_similarity(CHAIN, threshold=0.86))) == 3


def test_one_text_is_one_class():
    assert classes_by_similarity([[1.0]], threshold=0.8) == [0]
    assert classes_by_similarity(np.ones((4, 4)), threshold=0.99) == [0] * 4
