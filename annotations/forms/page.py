"""HTML of a trial from blind values: the rows once per questionnaire, the rest as cheap as string joining.

Whoever shows a trial (a rater's page, the researcher's preview) takes `trial_context` and the template
``annotations/trial.html``, so that both see the same page.
"""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

from django.template.loader import render_to_string
from django.utils.safestring import SafeString, mark_safe

from annotations.blind import BlindTrial, Question, Questionnaire, RaterView
from annotations.markup import to_html
from annotations.registry import Raw, first_of, question_types, raw_of

LETTERS = "ABCDEFGHIJ"
LONG_PROMPT = 160
VERY_LONG_PROMPT = 600
MANY_CHOICES = 5
MOST_CACHED = 256

_rows_cache: dict[str, tuple[Questionnaire, SafeString]] = {}


def rows_html(questionnaire: Questionnaire) -> SafeString:
    """Return the empty rows, rendered once per process and version; an edited draft is rendered anew."""
    cached = _rows_cache.get(questionnaire.version)
    if cached is not None and cached[0] == questionnaire:
        return cached[1]
    if len(_rows_cache) >= MOST_CACHED:
        _rows_cache.clear()
    html = rows_with_answers(questionnaire, {})
    _rows_cache[questionnaire.version] = (questionnaire, html)
    return html


def rows_with_answers(questionnaire: Questionnaire, answers: Mapping[str, str | Raw]) -> SafeString:
    """Return the rows with what was answered already (a form that came back without JavaScript)."""
    parts = []
    above: tuple[str, ...] = ()
    for question in questionnaire.questions:
        context = row_context(question, lead=questionnaire.lead, answer=first_of(raw_of(answers.get(question.key, ""))))
        words = tuple(choice.short for choice in context["choices"])
        context["same"] = words == above
        above = words
        parts.append(render_to_string(question_types.get(question.type).template_name, context))
    return mark_safe("".join(parts))  # noqa: S308 - rendered by autoescaping templates


def row_context(question: Question, *, lead: str, answer: str = "") -> dict[str, Any]:
    """Return what the template of a question type gets."""
    kind = question_types.get(question.type)
    choices = kind.choices(question.options)
    return {
        "question": question,
        "lead": lead.rstrip(" .…:"),
        "choices": choices,
        "answer": answer,
        "ends": kind.measure == "pairwise_graded",
        "many": len(choices) > MANY_CHOICES,
    }


def trial_html(trial: BlindTrial) -> str:
    """Return the part of the page that differs between trials. No template: this is the hot path."""
    size = _size(trial.prompt)
    texts = "".join(
        f'<section class="side"><h2>{letter}</h2>'
        f'<div class="text" tabindex="0" role="region" aria-label="Text {letter}" dir="auto">{escape(text)}</div>'
        f"</section>"
        for letter, text in zip(LETTERS, trial.texts, strict=False)
    )
    return (
        f'<article class="trial" data-trial="{escape(trial.token)}" data-number="{trial.number}" '
        f'data-total="{trial.total}"><input type="hidden" name="trial" value="{escape(trial.token)}">'
        f'<h1 class="prompt{size}" id="prompt" tabindex="-1" dir="auto">{escape(trial.prompt)}</h1>'
        f'<div class="texts">{texts}</div></article>'
    )


def _size(prompt: str) -> str:
    if len(prompt) > VERY_LONG_PROMPT:
        return " very long"
    return " long" if len(prompt) > LONG_PROMPT else ""


def fragments_html(trials: tuple[BlindTrial, ...], *, held: str) -> str:
    """Return the trials that the page does not hold yet, one after the other."""
    return "".join(trial_html(trial) for trial in trials if trial.token != held)


def trial_context(
    view: RaterView, *, answers: Mapping[str, str | Raw] | None = None, preview: bool = False
) -> dict[str, Any]:
    """Return the context of ``annotations/trial.html`` for the first trial of the view.

    With `preview` the page sends nothing and knows no rater; the key `message` may say what a preview is.
    """
    now = view.trials[0]
    after = view.trials[1:2]
    return {
        "view": view,
        "trial": now,
        "done": now.number - 1,
        "trial_html": mark_safe(trial_html(now)),  # noqa: S308 - escaped piece by piece
        "next_html": mark_safe("".join(map(trial_html, after))),  # noqa: S308 - escaped piece by piece
        "held": after[0].token if after else "",
        "rows": rows_with_answers(view.questionnaire, answers) if answers else rows_html(view.questionnaire),
        "lead": view.questionnaire.lead,
        "most_choices": max((len(row_context(q, lead="")["choices"]) for q in view.questionnaire.questions), default=2),
        "instructions": to_html(view.instructions),
        "preview": preview,
    }
