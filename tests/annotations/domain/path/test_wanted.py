"""What a practice trial wants of every type of question: written in words, held against answers, said back."""

from __future__ import annotations

import pytest

from annotations.admin.stations.steps_rows import show_wanted
from annotations.domain.path import check_against, is_expected
from annotations.domain.previewing import expected_values
from annotations.domain.scenes import feedback_on
from annotations.errors import NotReady
from annotations.registry import question_types
from tests.annotations.factories import QuestionFactory, questionnaire, rater_view
from tests.annotations.paths import parsed_practice

# Type, options, number of texts, what is wanted, an answer that fits and one that does not, how the two are said.
WANTED = [
    ("forced_choice", {"tie": True}, 2, "a", "a", "tie", ("Text A", "Same: no difference")),
    ("graded_preference", {}, 2, "5", -2, 1, ("B much more", "A slightly more")),
    (
        "choice_with_reasons",
        {},
        2,
        "b",
        {"choice": "b", "reasons": ["New idea"], "note": ""},
        {"choice": "a", "reasons": ["New idea"], "note": ""},
        ("Text B", "Text A"),
    ),
    ("likert", {}, 1, "4", [4], [2], ("4", "2")),
    (
        "likert",
        {"labels": ["poor", "good"], "points": 2},
        2,
        "2",
        [2, 2],
        [2, 1],
        ("A: good, B: good", "A: good, B: poor"),
    ),
    ("likert", {}, 2, "A=4 B=2", [4, 2], [4, 4], ("A: 4, B: 2", "A: 4, B: 4")),
    ("slider", {}, 1, "60", [60], [61], ("60", "61")),
    ("yes_no", {}, 1, "yes", ["yes"], ["no"], ("Yes", "No")),
    ("ranking", {}, 3, "C A B", [2, 3, 1], [1, 2, 3], ("C, A, B", "A, B, C")),
    ("ranking", {"ties": True}, 3, "A=1 B=1 C=3", [1, 1, 3], [1, 2, 3], ("A = B, C", "A, B, C")),
    ("best_worst", {}, 4, "C A", [3, 2, 1, 2], [1, 2, 3, 2], ("Most: C, Least: A", "Most: A, Least: C")),
    ("free_text", {"least": 1}, 1, "Yes", "Yes", "No", ("Yes", "No")),
]


def asking(name, options, outputs, wanted):
    kind = question_types.get(name)
    asked = questionnaire(QuestionFactory(key="it", type=name, options=kind.clean_options(options)))
    return asked, parsed_practice(texts=["one", "two", "three", "four"][:outputs], expected={"it": [wanted]})


def test_every_type_of_question_is_here():
    assert {case[0] for case in WANTED} == set(question_types.names())


@pytest.mark.parametrize("case", WANTED)
def test_wanted_answer_is_held_against_what_was_given_and_said(case):
    name, options, outputs, wanted, fits, differs, said = case
    asked, path = asking(name, options, outputs, wanted)
    (trial,) = path.practice
    view = rater_view(questionnaire=asked)

    check_against(path, asked)
    rows = [feedback_on(view, trial, {"it": value})["rows"][0] for value in (fits, differs)]

    assert [row["fits"] for row in rows] == [True, False]
    assert tuple(row["answer"] for row in rows) == said
    assert rows[1]["expected"] == [said[0]]
    assert is_expected(trial, asked, expected_values(trial, asked)) == {"it": True}


@pytest.mark.parametrize(
    ("name", "outputs", "wanted"),
    [
        ("likert", 1, "9"),
        ("likert", 2, "A=4"),
        ("yes_no", 1, "perhaps"),
        ("choice_with_reasons", 2, "c"),
        ("ranking", 3, "A B"),
        ("ranking", 3, "A A B"),
        ("best_worst", 4, "A"),
        ("best_worst", 4, "A B C"),
        ("best_worst", 3, "A D"),
        ("best_worst", 4, "B B"),
    ],
)
def test_impossible_answer_is_refused_before_anybody_practises(name, outputs, wanted):
    asked, path = asking(name, {}, outputs, wanted)

    with pytest.raises(NotReady, match="is no possible answer on 'it'"):
        check_against(path, asked)


@pytest.mark.parametrize(
    ("stored", "shown"),
    [
        ("4", "4"),
        ({"1": "4", "2": "2"}, "A=4 B=2"),
        ({"best": "3", "worst": "1"}, "C A"),
        ({"": "a", "reason": "1"}, "a"),
    ],
)
def test_answer_in_parts_is_shown_to_the_researcher_as_it_is_written(stored, shown):
    assert show_wanted(stored) == shown
