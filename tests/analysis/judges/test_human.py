"""The human score of an output, by measure."""

import numpy as np
import pandas as pd
import pytest

from analysis import schema
from analysis.judges.reading import NoHumanScoreError, human_of


def scores(human):
    return dict(zip(human.outputs, human.scores(np.ones((len(human.raters), 1)))[:, 0], strict=True))


def ranking(ranks, **columns):
    rows = [
        {
            "judgement": "1", "rater": "x", "prompt": "p", "dimension": "d", "measure": "ranking", "levels": 4,
            "system_a": name, "output_a": name, "answer": rank, **columns,
        }
        for name, rank in ranks.items()
    ]  # fmt: skip
    return schema.validate(pd.DataFrame(rows))


def test_ratings_are_averaged_over_raters(ratings):
    human = human_of(ratings({"p1": {"a": {"x": 1, "y": 4}, "b": {"x": 5}}}))

    assert scores(human) == {"p1/a/0": 2.5, "p1/b/0": 5.0}
    assert human.about == "mean answer"
    assert not human.relative


def test_z_scores_take_out_the_level_and_the_spread_of_a_rater(ratings):
    table = ratings({"p1": {"a": {"x": 1, "y": 60}, "b": {"x": 3, "y": 100}, "c": {"z": 7}}}, levels=0)

    human = human_of(table, ratings="z")

    assert scores(human) == pytest.approx({"p1/a/0": -(0.5**0.5), "p1/b/0": 0.5**0.5})  # z has one answer: left out


def test_raters_who_never_vary_have_no_z_scores(ratings):
    with pytest.raises(NoHumanScoreError, match="no rater gave two different answers"):
        human_of(ratings({"p1": {"a": {"x": 3}, "b": {"x": 3}}}), ratings="z")


def test_yes_or_no_is_a_share(ratings):
    table = ratings({"p1": {"a": {"x": 1, "y": 2}, "b": {"x": 2, "y": 2}}}).assign(measure="nominal", levels=2)

    assert scores(human_of(table)) == {"p1/a/0": 0.5, "p1/b/0": 1.0}


def test_a_rater_drawn_twice_weighs_twice_and_one_not_drawn_is_gone(ratings):
    human = human_of(ratings({"p1": {"a": {"x": 1, "y": 4}, "b": {"x": 5}}}))

    found = human.scores(np.array([[2.0, 0.0], [1.0, 1.0]]))

    assert found == pytest.approx(np.array([[2.0, 4.0], [5.0, np.nan]]), nan_ok=True)


def test_graded_answers_count_as_shares_of_a_win(choices):
    graded = choices([("p1", "a", "b", (2,)), ("p2", "a", "b", (1,))], measure="pairwise_graded", levels=5)

    found = scores(human_of(graded))

    assert found["p1/a/0"] > found["p2/a/0"] > 0 > found["p2/b/0"] > found["p1/b/0"]


def test_a_ranking_is_taken_apart_into_all_its_pairs():
    human = human_of(ranking({"a": 1, "b": 2, "c": 2, "d": 4}))

    found = scores(human)

    assert len(human.pairs[0]) == 6
    assert found["a"] > found["b"] == found["c"] > found["d"]


def test_of_a_best_worst_answer_the_middle_is_not_compared():
    human = human_of(ranking({"a": 1, "b": 2, "c": 2, "d": 3}, question_type="best_worst"))

    names = [(human.outputs[i], human.outputs[j]) for i, j in zip(*human.pairs, strict=True)]
    assert names == [("a", "b"), ("a", "c"), ("a", "d"), ("b", "d"), ("c", "d")]
