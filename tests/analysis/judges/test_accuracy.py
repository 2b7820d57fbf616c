"""Accuracy against the majority, one rater's against the others', and ties of both, worked out by hand."""

import math

import numpy as np
import pytest

from analysis.judges import JudgeOptions, compare_judges

# r0 r1 r2 on four pairs of one prompt each; 1 = the first system
ROWS = [
    ("p1", "a", "b", (1, 1, 0)),
    ("p2", "a", "b", (1, 0, 0.5)),
    ("p3", "a", "b", (0, 0, 0)),
    ("p4", "a", "b", (1, 1, 0.5)),
]
JUDGE = {
    "p1/a/0": 2.0, "p1/b/0": 1.0,  # as the majority
    "p2/a/0": 2.0, "p2/b/0": 1.0,  # there is no majority
    "p3/a/0": 2.0, "p3/b/0": 1.0,  # against it
    "p4/a/0": 1.0, "p4/b/0": 1.0,  # a tie of the judge
}  # fmt: skip


@pytest.mark.parametrize(
    ("ties", "expected"),
    [
        (("drop", "half"), (1 + 0 + 0.5) / 3),
        (("drop", "wrong"), 1 / 3),
        (("drop", "drop"), 1 / 2),
        (("half", "half"), (1 + 0.5 + 0 + 0.5) / 4),
        (("half", "wrong"), (1 + 0.5 + 0 + 0) / 4),
        (("half", "drop"), (1 + 0.5 + 0) / 3),
    ],
)
def test_ties_of_the_majority_and_of_the_judge_count_as_asked(choices, scored, ties, expected):
    options = JudgeOptions(majority_ties=ties[0], judge_ties=ties[1], resamples=200)

    row = compare_judges(choices(ROWS), scored(j=JUDGE), options=options).row("j", "originality")

    assert row.accuracy == pytest.approx(expected)
    assert (row.pairs, row.majority_ties, row.judge_ties) == (3, 1, 1)


def test_one_rater_is_compared_with_the_majority_of_the_others(choices, scored):
    row = compare_judges(choices(ROWS), scored(j=JUDGE)).row("j", "originality")

    # p1: r0 against (1, 0): no majority; r1 the same; r2 (says b) against (1, 1): wrong -> 0
    # p2: r0 (a) against (0, tie) -> b: wrong; r1 (b) against (1, tie) -> a: wrong; r2 against (1, 0): none -> 0
    # p3: all right -> 1
    # p4: r0 (a) against (1, tie) -> a: right; r1 the same; r2 (tie) against (1, 1): half -> (1 + 1 + ½)/3
    # each pair weighs by the share of its raters whose others have a majority: 1/3, 2/3, 1, 1
    assert row.human == pytest.approx((0 + 0 + 1 + 2.5 / 3) / 3)
    # the judge says a on p1, p2, p3 and ties on p4: p1 right; p2 wrong (b), right (a); p3 wrong; p4 half
    assert row.same == pytest.approx((1 / 3 + 1 / 3 + 0 + 0.5) / 3)
    assert row.gap == pytest.approx(row.same - row.human)


def test_which_side_an_output_stood_on_does_not_matter(choices, scored):
    turned = [(p, b, a, [1 - x for x in answers]) for p, a, b, answers in ROWS]

    one, two = (compare_judges(choices(rows), scored(j=JUDGE)).rows for rows in (ROWS, [*turned[:2], *ROWS[2:]]))

    assert repr(one) == repr(two)


def test_ratings_are_compared_by_their_means_and_raters_by_what_they_rated(ratings, scored):
    table = ratings(
        {
            "p1": {"a": {"x": 5, "y": 4, "z": 3}, "b": {"x": 2, "y": 4, "z": 4}},  # means 4 and 10/3
            "p2": {"a": {"x": 1, "y": 2}, "b": {"x": 2, "y": 1, "z": 5}},  # 1.5 and 8/3
        }
    )

    row = compare_judges(table, scored(j={"p1/a/0": 1, "p1/b/0": 0, "p2/a/0": 1, "p2/b/0": 0})).row("j", "wit")

    assert row.accuracy == pytest.approx(0.5)
    # p1: x (a) against 3.5 and 4 -> b: wrong; y (tie): ½ (others 4 against 3); z (b) against 4.5 and 3 -> a: wrong
    # p2: x (b) against 2 and 3 -> b: right; y (a) against 1 and 3.5 -> b: wrong; z rated one of them only
    assert row.human == pytest.approx(((0 + 0.5 + 0) / 3 + (1 + 0) / 2) / 2)
    assert row.same == pytest.approx(((0 + 1 + 1) / 3 + (0 + 0) / 2) / 2)


def test_graded_answers_count_as_votes_for_the_majority(choices, scored):
    table = choices([("p1", "a", "b", (2, -1, -1))], measure="pairwise_graded", levels=5)

    row = compare_judges(table, scored(j={"p1/a/0": 0.0, "p1/b/0": 1.0})).row("j", "originality")

    assert row.accuracy == 1.0  # two of three prefer b


def test_without_a_second_rater_there_is_no_ceiling(choices, scored):
    row = compare_judges(choices([("p1", "a", "b", (1,))]), scored(j={"p1/a/0": 0.0, "p1/b/0": 1.0})).rows[0]

    assert math.isnan(row.human)
    assert "no ceiling: no two raters compared the same pair" in row.message
    assert math.isnan(row.accuracy_low)


def test_accuracy_of_each_resample_is_that_of_the_prompts_drawn(choices, scored):
    from analysis.judges.accuracy import TieRules, accuracy_of
    from analysis.judges.reading import human_of

    human = human_of(choices(ROWS))
    judge = np.array([JUDGE[name] for name in human.outputs])
    weights = np.array([[1, 3, 0], [1, 0, 0], [1, 1, 0], [1, 0, 4]], dtype=float)  # prompts p1 to p4, three resamples

    found = accuracy_of(
        human,
        judge,
        keep=np.ones(4, bool),
        weights=(np.ones((3, 1)), weights),
        votes=human.votes(),
        ties=TieRules(),
    )

    assert found.judge == pytest.approx([1.5 / 3, 3 / 4, 0.5])


def test_raters_drawn_twice_vote_twice_and_never_for_themselves(choices):
    from analysis.judges.accuracy import TieRules, accuracy_of
    from analysis.judges.reading import human_of

    human = human_of(choices([("p1", "a", "b", (1, 0, 0))]))
    raters = np.array([[1, 3, 1], [1, 1, 0], [1, 0, 0]], dtype=float)

    found = accuracy_of(
        human,
        np.array([1.0, 0.0]),
        keep=np.ones(1, bool),
        weights=(raters, np.ones((1, 3))),
        votes=human.votes(),
        ties=TieRules(),
    )

    assert found.judge == pytest.approx([0.0, 1.0, 1.0])
    # (1, 0, 0): r0 against (0, 0) wrong; r1, r2 against (1, 0): no majority
    # r0 thrice and r1: r0's copies against r1: wrong, thrice; r1 against r0: wrong. r0 alone: nobody else
    assert found.human == pytest.approx([0.0, 0.0, np.nan], nan_ok=True)


def test_a_rater_is_not_judged_by_dissenters_alone(choices, scored):
    rows = [("p1", "a", "b", (1, 1, 1)), ("p2", "a", "b", (1, 1, 0)), ("p3", "a", "b", (1, 1, 0))]
    judge = {f"{p}/{s}/0": float(s == "a") for p in ("p1", "p2", "p3") for s in "ab"}

    row = compare_judges(choices(rows), scored(j=judge)).row("j", "originality")

    # p1: all three are right about the other two; p2, p3: only the dissenter's others have a majority
    assert row.human == pytest.approx(3 / 5)
    assert row.same == 1.0
