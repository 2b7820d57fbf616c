"""The posted form as plain values, and times that a clock gone wrong cannot spoil."""

import pytest
from django.http import QueryDict

from annotations.blind import Timing
from annotations.forms.trial import LONGEST_ANSWER, WEEK_MS, missing_questions, read_submission, read_timing
from annotations.registry import question_types
from tests.annotations.factories import QuestionFactory, questionnaire

SLIDER = question_types.get("slider").clean_options({})


def test_submission_reads_known_fields_and_leaves_the_rest():
    post = {"trial": "1.2.3", "answer-originality": "4", "held": "1.2.4", "system": "baseline", "answers": "x"}

    submission = read_submission(post)

    assert submission.trial == "1.2.3"
    assert submission.held == "1.2.4"
    assert submission.answers == {"originality": {"": ("4",)}}
    assert submission.timing == Timing()


def test_submission_of_an_empty_post_is_empty():
    submission = read_submission({})

    assert (submission.trial, submission.answers, submission.held) == ("", {}, "")


def test_submission_cuts_what_is_too_long():
    submission = read_submission({"trial": "9" * 5000, "answer-a": "x" * 50_000})

    assert len(submission.trial) == 200
    assert len(submission.answers["a"][""][0]) == LONGEST_ANSWER


@pytest.mark.parametrize(
    ("post", "expected"),
    [
        ({}, Timing()),
        ({"t_first": "5"}, Timing()),
        ({"t_submit": "900"}, Timing(None, 900, 0, 0)),
        ({"t_first": "0", "t_submit": "0"}, Timing(0, 0, 0, 0)),
        ({"t_first": "1200", "t_submit": "9000", "t_hidden": "300", "t_idle": "50"}, Timing(1200, 9000, 300, 50)),
        ({"t_first": "9001", "t_submit": "9000"}, Timing(None, 9000, 0, 0)),
        ({"t_submit": "9000", "t_hidden": "9500", "t_idle": "10"}, Timing(None, 9000, 9000, 0)),
        ({"t_submit": "9000", "t_hidden": "8000", "t_idle": "2000"}, Timing(None, 9000, 8000, 1000)),
        ({"t_submit": str(WEEK_MS)}, Timing(None, WEEK_MS, 0, 0)),
        ({"t_submit": str(WEEK_MS + 1)}, Timing()),
        ({"t_submit": "-5"}, Timing()),
        ({"t_submit": "1e3"}, Timing()),
        ({"t_submit": "²"}, Timing()),
        ({"t_submit": "9" * 5000}, Timing()),
        ({"t_submit": "NaN"}, Timing()),
        ({"t_submit": "12.5"}, Timing()),
    ],
)
def test_timing_keeps_what_is_plausible(post, expected):
    assert read_timing(post) == expected


def test_missing_questions_stand_in_the_order_of_the_page():
    rows = tuple(QuestionFactory(key=key) for key in ("a", "b", "c"))

    missing = missing_questions(questionnaire(*rows), {"b": "3", "c": "6", "d": "1"})

    assert [question.key for question in missing] == ["a", "c"]


def test_missing_row_of_one_output_is_named_and_found():
    slider = QuestionFactory(key="a", label="creative", type="slider", options=SLIDER)
    text = QuestionFactory(
        key="t", label="why", type="free_text", options=question_types.get("free_text").clean_options({})
    )
    worst = QuestionFactory(key="x", label="best", type="best_worst", options={"best": "", "worst": ""})
    sent = {"a": {"1": ("5",), "2": ("",), "3": ("7",)}, "t": "short", "x": {"best": ("1",), "worst": ("1",)}}

    missing = missing_questions(questionnaire(slider, text, worst), sent, outputs=3, order=("t", "x", "a"))

    assert [(row.label, row.anchor) for row in missing] == [
        ("why", "t-1"),
        ("best", "x-1"),
        ("creative (text B)", "a.2-1"),
    ]


def test_submission_reads_parts_and_several_values():
    post = QueryDict("answer-r=a&answer-r.reason=1&answer-r.reason=3&answer-s.2=50&answer-=x")

    answers = read_submission(post).answers

    assert answers["r"] == {"": ("a",), "reason": ("1", "3")}
    assert answers["s"] == {"2": ("50",)}
