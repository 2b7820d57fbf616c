"""Entropy of labels, splits at it, and Tukey's fences, worked out by hand."""

import numpy as np
import pytest

from analysis.judges.reading import human_of
from analysis.judges.subsets import subsets_of
from analysis.results.judges import AGREE, ALL, BETWEEN, DISAGREE, SIMILAR

ONCE = np.ones((4, 1))


def of(human, *, split="median", fence=1.5):
    scores = human.scores(np.ones((len(human.raters), 1)))
    return {one.name: one for one in subsets_of(human, scores, split=split, fence=fence)}


def bits(*shares):
    return -sum(p * np.log2(p) for p in shares)


def test_entropy_is_that_of_the_labels_of_an_output_or_a_pair(ratings, choices):
    rated = human_of(ratings({"p1": {"a": {"x": 1, "y": 1, "z": 2}, "b": {"x": 3, "y": 4}, "c": {"x": 5}}}))
    compared = human_of(choices([("p1", "a", "b", (1, 1, 0, 0.5)), ("p2", "b", "a", (1, 1, 1, 1))]))

    # 9 digits: entropies are rounded so that equal ones are equal
    assert rated.entropy == pytest.approx([bits(2 / 3, 1 / 3), 1.0, np.nan], abs=1e-9, nan_ok=True)
    assert compared.entropy == pytest.approx([1.5, 0.0], abs=1e-9)


def test_graded_labels_are_all_levels_and_turned_to_one_orientation(choices):
    rows = [("p1", "a", "b", (2, 1)), ("p1", "b", "a", (-2,))]
    table = choices(rows, measure="pairwise_graded", levels=5)

    human = human_of(table.assign(rater=[*"xyz"]))

    assert human.entropy == pytest.approx([bits(2 / 3, 1 / 3)])  # +2, +1, +2 for a


def test_sliders_are_labelled_by_fifths_of_their_range(ratings):
    human = human_of(ratings({"p1": {"a": {"x": 0, "y": 19}, "b": {"x": 21, "y": 100}}}, levels=0))

    assert human.entropy == pytest.approx([0.0, 1.0])


def test_items_at_the_median_belong_to_those_on_which_raters_agree(choices):
    four = [(1, 1, 1, 1), (1, 1, 1, 0), (1, 1, 1, 0), (1, 1, 0, 0)]
    human = human_of(choices([(f"p{i}", "a", "b", answers) for i, answers in enumerate(four)]))

    found = of(human)

    assert found[AGREE].pairs.tolist() == [True, True, True, False]
    assert found[DISAGREE].pairs.tolist() == [False, False, False, True]
    assert found[AGREE].cut == pytest.approx(bits(3 / 4, 1 / 4), abs=1e-9)
    assert found[AGREE].outputs is None


def test_tertiles_make_three_groups(choices):
    three = [(1, 1, 1, 1), (1, 1, 1, 0), (1, 1, 0, 0)]
    human = human_of(choices([(f"p{i}", "a", "b", answers) for i, answers in enumerate(three)]))

    found = of(human, split="tertiles")

    assert [found[name].pairs.tolist().index(True) for name in (AGREE, BETWEEN, DISAGREE)] == [0, 1, 2]


def test_equal_entropies_are_not_split_and_mostly_high_ones_are_split_below(choices):
    equal = human_of(choices([(f"p{i}", "a", "b", (1, 0)) for i in range(3)]))
    mostly = human_of(choices([("p0", "a", "b", (1, 1)), *((f"p{i}", "a", "b", (1, 0)) for i in (1, 2))]))

    assert set(of(equal)) == {ALL, SIMILAR}
    assert of(mostly)[AGREE].pairs.tolist() == [True, False, False]


def test_a_pair_of_rated_outputs_belongs_to_a_subset_if_both_outputs_do(ratings):
    human = human_of(
        ratings({"p1": {"a": {"x": 1, "y": 1}, "b": {"x": 2, "y": 2}, "c": {"x": 3, "y": 5}, "d": {"x": 1, "y": 2}}})
    )

    found = of(human)

    assert found[AGREE].outputs.tolist() == [True, True, False, False]
    assert found[AGREE].pairs.tolist() == [True, False, False, False, False, False]


def test_outputs_beyond_tukeys_fences_are_not_of_similar_quality(ratings):
    means = {"a": 10, "b": 11, "c": 12, "d": 13, "e": 40}
    human = human_of(ratings({"p1": {name: {"x": mean} for name, mean in means.items()}}, levels=0))

    found = of(human)[SIMILAR]

    # less the median 12: -2 -1 0 1 28; quartiles -1 and 1, fences -4 and 4
    assert found.cut == pytest.approx(4.0)
    assert found.outputs.tolist() == [True, True, True, True, False]
    assert of(human, fence=0.0)[SIMILAR].outputs.tolist() == [False, True, True, True, False]


def test_pairs_beyond_the_upper_fence_are_not_of_similar_quality(choices):
    points = (1, 2, 3, 4, 50)
    rows = [(f"p{i}", "a", "b", (point,)) for i, point in enumerate(points)]
    table = choices([(p, a, b, (1,)) for p, a, b, _ in rows]).assign(measure="interval", levels=0, answer=points)

    found = of(human_of(table.astype({"answer": float})))[SIMILAR]

    # differences 1 2 3 4 50: quartiles 2 and 4, upper fence 7 (least squares with a ridge of 1e-6)
    assert found.cut == pytest.approx(7.0, abs=1e-4)
    assert found.pairs.tolist() == [True, True, True, True, False]
