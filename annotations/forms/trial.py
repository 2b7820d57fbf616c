"""What a rater's browser posts about one trial, as plain values: answers by dimension, timing, trials in hand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.http import QueryDict

from annotations.blind import Question, Questionnaire, Timing
from annotations.errors import AnswerError
from annotations.registry import Raw, question_types, raw_of

from .evidence import read_evidence

PREFIX = "answer-"
LONGEST_ANSWER = 25_000  # a text of 10,000 characters, whatever its line breaks
MOST_VALUES = 100
LONGEST_TOKEN = 200
WEEK_MS = 7 * 24 * 3600 * 1000
LONGEST_NUMBER = 12


@dataclass(frozen=True, slots=True)
class Submission:
    """One posted form: `trial` answers are given for, `held` the trial that the page has in hand already."""

    trial: str
    answers: dict[str, Raw]
    timing: Timing
    held: str
    evidence: dict[str, Any] = field(default_factory=dict)


def read_submission(post: Mapping[str, str]) -> Submission:
    """Take the known fields of a POST and leave the rest; whether the answers are possible is decided by the domain."""
    return Submission(
        trial=post.get("trial", "")[:LONGEST_TOKEN],
        answers=read_answers(post),
        timing=read_timing(post),
        held=post.get("held", "")[:LONGEST_TOKEN],
        evidence=read_evidence(post.get("evidence", "")),
    )


def read_answers(post: Mapping[str, str]) -> dict[str, Raw]:
    """Return what was sent by dimension and part: ``answer-<key>`` is the part "", ``answer-<key>.<part>`` another."""
    found: dict[str, dict[str, tuple[str, ...]]] = {}
    for name in post:
        if name.startswith(PREFIX):
            key, _, part = name[len(PREFIX) :].partition(".")
            sent = post.getlist(name) if isinstance(post, QueryDict) else [post[name]]
            found.setdefault(key, {})[part] = tuple(value[:LONGEST_ANSWER] for value in sent[:MOST_VALUES])
    return dict(found)


def read_timing(post: Mapping[str, str]) -> Timing:
    """Return the times that are plausible, None for the others: a clock that went wrong must not cost an answer.

    A first answer cannot come after sending, and hidden and idle time cannot be longer than the whole.
    """
    submit = _milliseconds(post.get("t_submit", ""))
    if submit is None:
        return Timing()
    first = _milliseconds(post.get("t_first", ""))
    hidden = min(_milliseconds(post.get("t_hidden", "")) or 0, submit)
    idle = min(_milliseconds(post.get("t_idle", "")) or 0, submit - hidden)
    return Timing(
        first_answer_ms=first if first is not None and first <= submit else None,
        submit_ms=submit,
        hidden_ms=hidden,
        idle_ms=idle,
    )


def _milliseconds(raw: str) -> int | None:
    if not (raw.isascii() and raw.isdigit() and len(raw) <= LONGEST_NUMBER):
        return None
    value = int(raw)
    return value if value <= WEEK_MS else None


def missing_questions(
    questionnaire: Questionnaire, answers: Mapping[str, str | Raw], *, outputs: int = 2
) -> tuple[Question, ...]:
    """Return the rows without a possible answer, in the order of the page."""
    missing = []
    for question in questionnaire.questions:
        try:
            sent = raw_of(answers.get(question.key, ""))
            question_types.get(question.type).read(sent, question.options, outputs=outputs)
        except AnswerError:
            missing.append(question)
    return tuple(missing)
