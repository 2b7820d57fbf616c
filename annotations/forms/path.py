"""The forms of the path: what a browser sent, and what a template needs to show the fields with it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.http import QueryDict
from django.urls import reverse

from annotations.blind import Field, Path, RaterView
from annotations.domain.path import Problem
from annotations.domain.path.answers import SKIP, points_of
from annotations.enums import Step
from annotations.markup import to_html
from annotations.registry import LETTERS

PREFIX = "field-"
LONGEST = 20_000
MOST_VALUES = 100
TEXTS = {Step.BREAK: "breaks"}


def read_sent(post: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """Return what was sent by field; whether the answers are possible is decided by the domain."""
    found = {}
    for name in post:
        if name.startswith(PREFIX):
            sent = post.getlist(name) if isinstance(post, QueryDict) else [post[name]]
            found[name[len(PREFIX) :]] = tuple(value[:LONGEST] for value in sent[:MOST_VALUES])
    return found


@dataclass(frozen=True, slots=True)
class ShownOption:
    """One answer of a field on the page."""

    id: str
    value: str
    label: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class ShownField:
    """One field on the page, with what was filled in and what is wrong with that."""

    field: Any
    kind: str
    name: str
    id: str
    label: str
    help: str
    options: tuple[ShownOption, ...]
    value: str
    required: bool
    skip: str
    skipped: bool
    problem: str
    explanation: str = ""
    low: str = ""
    high: str = ""
    long: bool = False

    @property
    def described(self) -> str:
        """The ids of the texts that explain the field."""
        parts = [f"{self.id}-help"] * bool(self.help) + [f"{self.id}-problem"] * bool(self.problem)
        return " ".join(parts)

    @property
    def first(self) -> str:
        """The id that a link to the field leads to."""
        return self.options[0].id if self.options else self.id


def shown_fields(
    fields: Iterable[Field], *, sent: Mapping[str, tuple[str, ...]], problems: Iterable[Problem] = ()
) -> list[ShownField]:
    """Return the fields of a step for the template."""
    wrong = {problem.key: problem.message for problem in problems}
    return [_shown(field, sent, wrong.get(field.key, "")) for field in fields]


def _shown(field: Field, sent: Mapping[str, tuple[str, ...]], problem: str) -> ShownField:
    given = sent.get(field.key, ())
    pairs = [(option.value, option.label) for option in field.options]
    if field.type == "scale":
        pairs = [(str(point), str(point)) for point in points_of(field)]
    return ShownField(
        field=field,
        kind=field.type,
        name=PREFIX + field.key,
        id=f"f-{field.key}",
        label=field.label,
        help=field.help,
        options=_options(field.key, pairs, given),
        value=given[0] if given else "",
        required=field.required,
        skip=PREFIX + field.key + SKIP if field.may_skip else "",
        skipped=any(sent.get(field.key + SKIP, ())),
        problem=problem,
        low=field.low,
        high=field.high,
        long=field.long,
    )


def _options(key: str, pairs: Iterable[tuple[str, str]], given: tuple[str, ...]) -> tuple[ShownOption, ...]:
    return tuple(
        ShownOption(f"f-{key}-{number}", value, label, value in given)
        for number, (value, label) in enumerate(pairs, start=1)
    )


def shown_quiz(
    view: RaterView, *, sent: Mapping[str, tuple[str, ...]], problems: Iterable[Problem] = ()
) -> list[ShownField]:
    """Return the questions of the quiz: right answers of the last attempt stay, wrong ones are explained."""
    missing = {problem.key: problem.message for problem in problems}
    chosen = {key: tuple(values) for key, values in view.extra.get("chosen", {}).items()}
    questions = view.path.quiz if view.path is not None else ()
    return [
        ShownField(
            field=question,
            kind="multiple" if len(question.correct) > 1 else "choice",
            name=PREFIX + question.key,
            id=f"f-{question.key}",
            label=question.label,
            help="",
            options=_options(
                question.key,
                [(option.value, option.label) for option in question.options],
                sent.get(question.key, ()) or chosen.get(question.key, ()),
            ),
            value="",
            required=True,
            skip="",
            skipped=False,
            problem=missing.get(question.key, ""),
            explanation=question.explanation if question.key in view.extra.get("wrong", ()) else "",
        )
        for question in questions
    ]


def step_context(
    view: RaterView, *, sent: Mapping[str, tuple[str, ...]] | None = None, problems: tuple[Problem, ...] = ()
) -> dict[str, Any]:
    """Return the context of the page of a step of the path."""
    filled, path = sent or {}, view.path
    texts = path.texts if path is not None else {}
    text = texts.get(view.outcome) if view.outcome else texts.get(TEXTS.get(view.step, view.step.value))
    context: dict[str, Any] = {
        "text": to_html(text or ""),
        "instructions": to_html(view.instructions),
        "problems": [{"id": _target(problem), "label": problem.label} for problem in problems],
    }
    if path is None:
        return context
    if view.step == Step.ELIGIBILITY:
        context["fields"] = shown_fields(path.eligibility, sent=filled, problems=problems)
    elif view.step == Step.QUESTIONNAIRE:
        context["fields"] = shown_fields(path.questionnaire, sent=filled, problems=problems)
    elif view.step == Step.QUIZ:
        context["fields"] = shown_quiz(view, sent=filled, problems=problems)
        context["tries_left"] = path.attempts - view.extra.get("attempt", 1) + 1
    else:
        context |= _others(view, filled, problems)
    if context.get("fields"):
        first = {field.id: field.first for field in context["fields"]}
        for problem in context["problems"]:
            problem["id"] = first.get(problem["id"], problem["id"])
    return context


def _others(view: RaterView, sent: Mapping[str, tuple[str, ...]], problems: tuple[Problem, ...]) -> dict[str, Any]:
    """Return what the pages without fields of their own show."""
    path = view.path or Path(frozenset())
    if view.step == Step.CONSENT:
        pdf = reverse("study_file", args=[view.slug, path.pdf]) if path.pdf else ""
        return {"consent": to_html(view.consent), "pdf": pdf, "boxes": _boxes(path.boxes, sent, problems)}
    if view.step == Step.INSTRUCTIONS:
        after = {Step.QUIZ, Step.PRACTICE} & path.steps
        return {"ready": bool(view.extra.get("ready")), "begins": not after or bool(view.extra.get("ready"))}
    if view.step == Step.PRACTICE:
        texts = view.trials[0].texts
        letters = LETTERS if len(texts) > 1 else ("",)
        return {
            "recall": list(zip(letters, texts, strict=False)),
            "feedback_text": to_html(view.extra["feedback"]["text"]),
        }
    return {}


def _target(problem: Problem) -> str:
    return f"f-{problem.key}"


def _boxes(
    boxes: tuple[str, ...], sent: Mapping[str, tuple[str, ...]], problems: tuple[Problem, ...]
) -> list[dict[str, Any]]:
    wrong = {problem.key: problem.message for problem in problems}
    return [
        {
            "name": f"{PREFIX}box-{number}",
            "id": f"f-box-{number}",
            "label": box,
            "ticked": any(sent.get(f"box-{number}", ())),
            "problem": wrong.get(f"box-{number}", ""),
        }
        for number, box in enumerate(boxes, start=1)
    ]
