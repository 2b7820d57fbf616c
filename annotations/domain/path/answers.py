"""What was answered outside the trials: read by the fields' own rules, judged by what the study expects."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from annotations.blind import Field, PracticeTrial, Questionnaire, QuizQuestion
from annotations.registry import question_types

Sent = Mapping[str, tuple[str, ...]]
"""What a browser sent, by name of the input."""

SKIP = ".skip"
LONGEST = 10_000


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with one field, in words for the person who filled it."""

    key: str
    label: str
    message: str


def read_fields(fields: tuple[Field, ...], sent: Sent) -> tuple[dict[str, Any], tuple[Problem, ...]]:
    """Return the values by key, and what is wrong. "Prefer not to say" is None, an optional field left empty absent."""
    values: dict[str, Any] = {}
    problems = []
    for field in fields:
        if field.may_skip and any(sent.get(field.key + SKIP, ())):
            values[field.key] = None
            continue
        given = tuple(value.strip() for value in sent.get(field.key, ()) if value.strip())
        if not given:
            if field.required:
                problems.append(Problem(field.key, field.label, _("Please answer this one.")))
            continue
        message, value = READERS[field.type](field, given)
        if message:
            problems.append(Problem(field.key, field.label, message))
        else:
            values[field.key] = value
    return values, tuple(problems)


def _choice(field: Field, given: tuple[str, ...]) -> tuple[str, Any]:
    known = {option.value for option in field.options}
    return ("", given[0]) if given[0] in known else (_("Please choose one of the answers."), None)


def _multiple(field: Field, given: tuple[str, ...]) -> tuple[str, Any]:
    known = [option.value for option in field.options]
    if set(given) - set(known):
        return _("Please choose among the answers."), None
    return "", [value for value in known if value in given]


def _number(field: Field, given: tuple[str, ...]) -> tuple[str, Any]:
    try:
        value = float(given[0].replace(",", "."))
    except ValueError:
        return _("Please write a number."), None
    if not math.isfinite(value):
        return _("Please write a number."), None
    least, most = field.minimum, field.maximum
    if (least is not None and value < least) or (most is not None and value > most):
        return _range_words(least, most), None
    return "", int(value) if value == int(value) else value


def _range_words(least: float | None, most: float | None) -> str:
    if least is None:
        return _("Please write a number up to %(most)s.") % {"most": f"{most:g}"}
    if most is None:
        return _("Please write a number from %(least)s.") % {"least": f"{least:g}"}
    return _("Please write a number from %(least)s to %(most)s.") % {"least": f"{least:g}", "most": f"{most:g}"}


def _text(field: Field, given: tuple[str, ...]) -> tuple[str, Any]:  # noqa: ARG001 - one signature for all
    return ("", given[0]) if len(given[0]) <= LONGEST else (_("This is too long."), None)


def _scale(field: Field, given: tuple[str, ...]) -> tuple[str, Any]:
    points = {str(point): point for point in points_of(field)}
    return ("", points[given[0]]) if given[0] in points else (_("Please choose a point."), None)


READERS = {"choice": _choice, "multiple": _multiple, "number": _number, "text": _text, "scale": _scale}


def points_of(field: Field) -> range:
    """Return the points of a scale."""
    return range(int(field.minimum or 0), int(field.maximum or 0) + 1)


def is_eligible(fields: tuple[Field, ...], values: Mapping[str, Any]) -> bool:
    """Say whether somebody with these answers may take part; who prefers not to say cannot be let in by that field."""
    return all(_fits(field, values.get(field.key)) for field in fields)


def _fits(field: Field, value: Any) -> bool:
    if field.eligible_range is not None:
        least, most = field.eligible_range
        return value is not None and (least is None or value >= least) and (most is None or value <= most)
    if not field.eligible:
        return True
    return bool(set(value if isinstance(value, list) else [value]) & set(field.eligible))


def read_quiz(
    questions: tuple[QuizQuestion, ...], sent: Sent
) -> tuple[dict[str, list[str]], tuple[str, ...], tuple[Problem, ...]]:
    """Return what was chosen, the keys of the questions that were answered wrongly, and what is missing."""
    chosen: dict[str, list[str]] = {}
    problems = []
    for question in questions:
        picked = [option.value for option in question.options if option.value in sent.get(question.key, ())]
        if picked:
            chosen[question.key] = picked
        else:
            problems.append(Problem(question.key, question.label, _("Please answer this one.")))
    wrong = tuple(q.key for q in questions if q.key in chosen and set(chosen[q.key]) != set(q.correct))
    return chosen, wrong, tuple(problems)


def is_expected(trial: PracticeTrial, questionnaire: Questionnaire, values: Mapping[str, Any]) -> dict[str, bool]:
    """Say for each dimension with an expected answer whether the stored value is one of them."""
    found = {}
    for question in questionnaire.questions:
        expected, value = trial.expected.get(question.key), values.get(question.key)
        if expected is None or value is None:
            continue
        kind, outputs = question_types.get(question.type), len(trial.texts)
        if question.key in trial.ranges:
            least, most = expected
            scores = [row.answer for row in kind.rows(value, question.options, outputs=outputs)]
            found[question.key] = all(
                (least is None or score >= least) and (most is None or score <= most) for score in scores
            )
        else:
            wanted = [kind.wanted(answer, question.options, outputs=outputs) for answer in expected]
            found[question.key] = kind.comparable(value) in wanted
    return found
