"""What a rater's browser posts about one trial, as plain values: answers by dimension, timing, trials in hand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.http import QueryDict

from annotations.blind import Question, Questionnaire, Timing
from annotations.errors import AnswerError
from annotations.registry import Line, Raw, first_of, question_types, raw_of

from .evidence import read_evidence
from .rows import base_of, in_order, label_of

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


@dataclass(frozen=True, slots=True)
class MissingRow:
    """A row without a possible answer: what to call it, and the id of the control that a link leads to."""

    key: str
    label: str
    anchor: str


def missing_questions(
    questionnaire: Questionnaire,
    answers: Mapping[str, str | Raw],
    *,
    outputs: int = 2,
    order: tuple[str, ...] = (),
) -> tuple[MissingRow, ...]:
    """Return the rows without a possible answer, in the order of the page; of a row per output the first such line."""
    missing = []
    for question in in_order(questionnaire, order):
        try:
            sent = raw_of(answers.get(question.key, ""))
            question_types.get(question.type).read(sent, question.options, outputs=outputs)
        except AnswerError:
            line, first = _first_open(question, sent, outputs=outputs)
            anchor = f"{base_of(question, line, first=first)}-1"
            missing.append(MissingRow(question.key, label_of(question, line), anchor))
    return tuple(missing)


def _first_open(question: Question, sent: Raw, *, outputs: int) -> tuple[Line, bool]:
    """Return the first line that cannot be read by itself, and whether it is the first of all."""
    kind = question_types.get(question.type)
    lines = kind.lines(question.options, outputs=outputs)
    for at, line in enumerate(lines):
        try:
            kind.parse(first_of(sent, line.part), question.options)
        except AnswerError:
            return (line if kind.per_output else Line()), at == 0
    return Line(), True
