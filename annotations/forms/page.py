"""HTML of a trial from blind values: the rows once per questionnaire, the rest as cheap as string joining.

Whoever shows a trial (a rater's page, the researcher's preview) takes `trial_context` and the template
``annotations/trial.html``, so that both see the same page.
"""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

from django.utils.safestring import mark_safe
from django.utils.translation import gettext

from annotations.blind import BlindTrial, Questionnaire, RaterView
from annotations.markup import to_html
from annotations.registry import LETTERS, Raw, question_types

from .rows import files_of, rows_html, rows_with_answers, shortcuts_of

LONG_PROMPT = 160
VERY_LONG_PROMPT = 600
TALL = 6  # more lines than this stand beside the texts on a wide screen, not below them


def trial_html(trial: BlindTrial) -> str:
    """Return the part of the page that differs between trials. No template: this is the hot path."""
    size = _size(trial.prompt)
    return (
        f'<article class="trial" data-trial="{escape(trial.token)}" data-number="{trial.number}" '
        f'data-total="{trial.total}" data-outputs="{len(trial.texts)}" data-order="{escape(" ".join(trial.order))}">'
        f'<input type="hidden" name="trial" value="{escape(trial.token)}">'
        f'<h1 class="prompt{size}" id="prompt" tabindex="-1" dir="auto">{escape(trial.prompt)}</h1>'
        f'<div class="texts">{_texts(trial.texts)}</div></article>'
    )


def _texts(texts: tuple[str, ...]) -> str:
    if len(texts) == 1:
        name = escape(gettext("The text"))
        return (
            f'<section class="side"><div class="text" tabindex="0" role="region" aria-label="{name}" dir="auto">'
            f"{escape(texts[0])}</div></section>"
        )
    name = escape(gettext("Text %(letter)s"))
    return "".join(
        f'<section class="side"><h2>{letter}</h2><div class="text" tabindex="0" role="region" '
        f'aria-label="{name % {"letter": letter}}" dir="auto">{escape(text)}</div></section>'
        for letter, text in zip(LETTERS, texts, strict=False)
    )


def _size(prompt: str) -> str:
    if len(prompt) > VERY_LONG_PROMPT:
        return " very long"
    return " long" if len(prompt) > LONG_PROMPT else ""


def fragments_html(trials: tuple[BlindTrial, ...], *, held: str) -> str:
    """Return the trials that the page does not hold yet, one after the other."""
    return "".join(trial_html(trial) for trial in trials if trial.token != held)


def layout_of(questionnaire: Questionnaire, *, outputs: int) -> str:
    """Return the classes that the page is laid out by: how many texts, and whether the rows are many."""
    kinds = [(question_types.get(question.type), question.options) for question in questionnaire.questions]
    lines = sum(len(kind.lines(options, outputs=outputs)) for kind, options in kinds)
    listed = any(
        kind.measure == "ranking" and len(kind.lines(options, outputs=outputs)) == 1 for kind, options in kinds
    )
    words = ["one" if outputs == 1 else "two" if outputs == 2 else "several"]  # noqa: PLR2004
    return " ".join([*words, *(["tall"] if lines > TALL or listed else []), *(["listed"] if listed else [])])


def trial_context(
    view: RaterView, *, answers: Mapping[str, str | Raw] | None = None, preview: bool = False
) -> dict[str, Any]:
    """Return the context of ``annotations/trial.html`` for the first trial of the view.

    With `preview` the page sends nothing and knows no rater; the key `message` may say what a preview is.
    """
    now, asked = view.trials[0], view.questionnaire
    after = view.trials[1:2]
    outputs = len(now.texts)
    rows = (
        rows_with_answers(asked, answers, outputs=outputs, order=now.order)
        if answers
        else rows_html(asked, outputs=outputs, order=now.order)
    )
    return {
        "view": view,
        "trial": now,
        "done": now.number - 1,
        "trial_html": mark_safe(trial_html(now)),  # noqa: S308 - escaped piece by piece
        "next_html": mark_safe("".join(map(trial_html, after))),  # noqa: S308 - escaped piece by piece
        "held": after[0].token if after else "",
        "rows": rows,
        "lead": asked.lead,
        "keys": " ".join(question.key for question in asked.questions),
        "outputs": outputs,
        "layout": layout_of(asked, outputs=outputs),
        "shortcuts": shortcuts_of(asked, outputs=outputs),
        "choosing": any(question_types.get(one.type).choices(one.options) for one in asked.questions),
        "scripts": files_of(asked, kind="scripts"),
        "styles": files_of(asked, kind="styles"),
        "instructions": to_html(view.instructions),
        "preview": preview,
    }
