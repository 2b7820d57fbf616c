"""The rows of a trial: one fieldset per line of a dimension, rendered once per questionnaire, outputs and order."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any

from django.template.loader import render_to_string
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language, gettext

from annotations.blind import Question, Questionnaire
from annotations.registry import LETTERS, Line, Raw, Shortcut, first_of, question_types, raw_of

MANY_CHOICES = 5
MOST_CACHED = 256

_Key = tuple[str, int, tuple[str, ...], str | None]
_cache: OrderedDict[_Key, tuple[Questionnaire, SafeString]] = OrderedDict()


def in_order(questionnaire: Questionnaire, order: Sequence[str] = ()) -> tuple[Question, ...]:
    """Return the questions as they stand on a page; those that the order does not name come last."""
    places = {key: place for place, key in enumerate(order)}
    return tuple(sorted(questionnaire.questions, key=lambda question: places.get(question.key, len(places))))


def rows_html(questionnaire: Questionnaire, *, outputs: int = 2, order: tuple[str, ...] = ()) -> SafeString:
    """Return the empty rows, rendered once per process and version; an edited draft is rendered anew."""
    key = (questionnaire.version, outputs, order, get_language())
    cached = _cache.get(key)
    if cached is not None and cached[0] == questionnaire:
        return cached[1]
    html = rows_with_answers(questionnaire, {}, outputs=outputs, order=order)
    _cache[key] = (questionnaire, html)
    while len(_cache) > MOST_CACHED:
        _cache.popitem(last=False)
    return html


def rows_with_answers(
    questionnaire: Questionnaire,
    answers: Mapping[str, str | Raw],
    *,
    outputs: int = 2,
    order: tuple[str, ...] = (),
) -> SafeString:
    """Return the rows with what was answered already (a form that came back without JavaScript)."""
    parts = []
    above = ""
    for question in in_order(questionnaire, order):
        given = raw_of(answers.get(question.key, ""))
        for context in row_contexts(question, lead=questionnaire.lead, given=given, outputs=outputs):
            context["same"] = bool(context["words"]) and context["words"] == above
            above = context["words"]
            parts.append(render_to_string(question_types.get(question.type).template_name, context))
    return mark_safe("".join(parts))  # noqa: S308 - rendered by autoescaping templates


def row_contexts(question: Question, *, lead: str, given: Raw, outputs: int) -> list[dict[str, Any]]:
    """Return what the template of a question type gets, for each line that the dimension has on the page."""
    kind = question_types.get(question.type)
    choices = kind.choices(question.options)[: None if kind.measure != "ranking" else outputs]
    ends = kind.ends(question.options)
    common = {
        "question": question,
        "kind": kind,
        "lead": lead.rstrip(" .…:"),
        "choices": choices,
        "words": "|".join([*filter(None, ends), *(choice.short for choice in choices)]),
        "two_ends": kind.measure == "pairwise_graded",
        "ends": ends,
        "many": len(choices) > MANY_CHOICES,
        "outputs": outputs,
        "given": given,
        "places": [
            {"place": str(place), "letter": letter, "value": first_of(given, str(place))}
            for place, letter in enumerate(LETTERS[:outputs], start=1)
        ],
        "details": kind.details(question.options),
    }
    lines = kind.lines(question.options, outputs=outputs)
    return [
        {
            **common,
            "line": line,
            "first": at == 0,
            "base": base_of(question, line, first=at == 0),
            "name": f"answer-{question.key}.{line.part}" if line.part else f"answer-{question.key}",
            "answer": first_of(given, line.part),
            "label": label_of(question, line),
        }
        for at, line in enumerate(lines)
    ]


def base_of(question: Question, line: Line, *, first: bool) -> str:
    """Return what ids of the line begin with; the first control of a dimension is always ``<key>-1``."""
    return question.key if first else f"{question.key}.{line.part}"


def label_of(question: Question, line: Line) -> str:
    """Return what a message calls the line, so that one of many can be found."""
    if line.letter:
        return gettext("%(label)s (text %(letter)s)") % {"label": question.label, "letter": line.letter}
    return f"{line.head} {question.label}" if line.head else question.label


def shortcuts_of(questionnaire: Questionnaire, *, outputs: int) -> tuple[Shortcut, ...]:
    """Return the keys of all types on the page, each once, in the order of the questionnaire.

    Digits of several scales are one entry, with the last key of the longest.
    """
    found: dict[str, Shortcut] = {}
    for question in questionnaire.questions:
        for shortcut in question_types.get(question.type).shortcuts(question.options, outputs=outputs):
            known = found.get(shortcut.words)
            longer = known is None or _reach(shortcut) > _reach(known)
            found[shortcut.words] = shortcut if known is None or longer else known
    return tuple(found.values())


def _reach(shortcut: Shortcut) -> int:
    """Order keys as they stand on a keyboard: 1 … 9, 0, -."""
    return "1234567890-".find(shortcut.keys[-1])


def files_of(questionnaire: Questionnaire, *, kind: str) -> tuple[str, ...]:
    """Return the scripts or the styles of the types on the page, each once."""
    types = [question_types.get(question.type) for question in questionnaire.questions]
    return tuple(dict.fromkeys(name for one in types for name in getattr(one, kind)))
