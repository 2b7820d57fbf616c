"""``Study.path``, JSON, to a path; strict, and errors name the place. An empty object is consent, instructions, trials.

    eligibility    {on, text, fields}                 a field here has `eligible`: values, or {min, max}
    consent        {on, boxes, pdf, withdrawal}       the wording itself is ``Study.consent``
    questionnaire  {on, text, fields}                 field: {key, type, label, help, required, may_skip, options, …}
    instructions   {on}                               the wording is ``Study.instructions``
    quiz           {on, text, attempts, questions}    question: {key, label, options, correct, explanation}
    practice       {on, trials}                       trial: {prompt, texts, expected, feedback}
    breaks         {every, text}
    comments       {on, text}
    debriefing     {on, text, systems, agreement}
    ending         {show, texts, codes}               texts and codes by outcome
    files          [{name, title, kind, sha256}]      uploaded pictures and papers

Every text passes through `translate` with a key of its own ("questionnaire.age.label").
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from annotations.blind import Field, Option, Path, PracticeTrial, Questionnaire, QuizQuestion
from annotations.enums import Outcome, Step
from annotations.errors import AnswerError
from annotations.registry import question_types

from .values import (
    Translate,
    a_flag,
    a_key,
    a_list,
    a_number,
    a_string,
    a_text,
    an_object,
    is_on,
    one_of,
    required,
    wrong,
)

FIELD_TYPES = {
    "choice": "One of several",
    "multiple": "Several of several",
    "number": "Number",
    "text": "Text",
    "scale": "Scale",
}
CHOOSING = frozenset({"choice", "multiple"})
STEPS = {
    Step.ELIGIBILITY: False,
    Step.CONSENT: True,
    Step.QUESTIONNAIRE: False,
    Step.INSTRUCTIONS: True,
    Step.QUIZ: False,
    Step.PRACTICE: False,
    Step.COMMENTS: False,
    Step.DEBRIEFING: False,
}
KEYS = {
    "eligibility": {"on", "text", "fields"},
    "consent": {"on", "boxes", "pdf", "withdrawal"},
    "questionnaire": {"on", "text", "fields"},
    "instructions": {"on"},
    "quiz": {"on", "text", "attempts", "questions"},
    "practice": {"on", "trials"},
    "breaks": {"every", "text"},
    "comments": {"on", "text"},
    "debriefing": {"on", "text", "systems", "agreement"},
    "ending": {"show", "texts", "codes"},
}
FIELD_KEYS = {"key", "type", "label", "help", "required", "may_skip", "options"}
FIELD_KEYS |= {"min", "max", "low", "high", "long", "eligible"}
A_FILE = re.compile(r"[a-z0-9]{16}\.(png|jpg|gif|webp|pdf)")
SHOWS = ("code", "redirect", "thanks")
WITHDRAWALS = ("erase", "anonymise")
FEWEST_POINTS, MOST_POINTS = 2, 11


def _source(_key: str, text: str) -> str:
    return text


def parse_path(raw: Mapping[str, Any], *, translate: Translate = _source) -> Path:
    """Return the path; raises NotReady that names the first thing that is wrong and what is allowed."""
    an_object(raw, "", {*KEYS, "files"})
    blocks = {name: an_object(raw.get(name, {}), name, KEYS[name]) for name in KEYS}
    texts = {name: a_text(block, "text", name, translate) for name, block in blocks.items()}
    ending = blocks["ending"]
    for outcome, text in an_object(ending.get("texts", {}), "ending, texts", set(Outcome.values)).items():
        texts[outcome] = translate(f"ending.texts.{outcome}", a_string(text, f"ending, texts, {outcome}"))
    codes = an_object(ending.get("codes", {}), "ending, codes", set(Outcome.values))
    consent, quiz, debriefing = blocks["consent"], blocks["quiz"], blocks["debriefing"]
    files = tuple(_file(item, place) for place, item in a_list(raw.get("files", []), "files"))
    path = Path(
        steps=frozenset(step for step, usual in STEPS.items() if is_on(raw, step.value, usual=usual)),
        texts={name: text for name, text in texts.items() if text},
        eligibility=_fields(blocks["eligibility"], "eligibility", translate),
        boxes=tuple(
            translate(f"consent.boxes.{number}", a_string(box, place))
            for number, (place, box) in enumerate(a_list(consent.get("boxes", []), "consent, box"), start=1)
        ),
        pdf=_known_file(consent.get("pdf", ""), files),
        withdrawal=one_of(consent.get("withdrawal", "erase"), "consent, withdrawal", WITHDRAWALS),
        questionnaire=_fields(blocks["questionnaire"], "questionnaire", translate),
        quiz=tuple(
            _question(item, place, translate) for place, item in a_list(quiz.get("questions", []), "quiz, question")
        ),
        attempts=int(a_number(quiz.get("attempts", 2), "quiz, attempts", least=1, most=10)),
        practice=tuple(
            _practice(item, place, number, translate)
            for number, (place, item) in enumerate(
                a_list(blocks["practice"].get("trials", []), "practice, trial"), start=1
            )
        ),
        break_every=int(a_number(blocks["breaks"].get("every", 0), "breaks, every", least=0, most=1000)),
        reveals=a_flag(debriefing, "systems", "debriefing", usual=False),
        agreement=a_flag(debriefing, "agreement", "debriefing", usual=False),
        ending=one_of(ending.get("show", "code"), "ending, show", SHOWS),
        codes={
            Outcome(name): a_string(code, f"ending, codes, {name}", most=80) for name, code in codes.items() if code
        },
        files=files,
    )
    _refuse_empty(path)
    return path


def _refuse_empty(path: Path) -> None:
    """A step that is on has something to show, and keys are unique."""
    needs: dict[Step, Sequence[Any]] = {
        Step.ELIGIBILITY: path.eligibility,
        Step.QUESTIONNAIRE: path.questionnaire,
        Step.QUIZ: path.quiz,
        Step.PRACTICE: path.practice,
    }
    for step, items in needs.items():
        if step in path.steps and not items:
            raise wrong(step.value, "is on but empty: add something to it, or switch it off")
        keys = [item.key for item in items if not isinstance(item, PracticeTrial)]
        if len(set(keys)) < len(keys):
            raise wrong(step.value, "has two entries with the same key")
    if Step.ELIGIBILITY in path.steps and not any(f.eligible or f.eligible_range for f in path.eligibility):
        raise wrong("eligibility", "screens nobody out: say which answers are eligible")
    if Step.DEBRIEFING in path.steps and not (path.texts.get("debriefing") or path.reveals or path.agreement):
        raise wrong("debriefing", "is on but says nothing: write a text, or let it reveal the systems")


def check_against(path: Path, questionnaire: Questionnaire) -> None:
    """Raise NotReady when a practice trial does not fit the questions of the study."""
    by_key = {question.key: question for question in questionnaire.questions}
    for number, trial in enumerate(path.practice, start=1):
        where = f"practice, trial {number}"
        for key, expected in trial.expected.items():
            if key not in by_key:
                raise wrong(where, f"expects an answer on '{key}', which the study does not ask")
            question = by_key[key]
            if key in trial.ranges:
                continue
            kind = question_types.get(question.type)
            for answer in expected:
                try:
                    kind.wanted(answer, question.options, outputs=len(trial.texts))
                except AnswerError:
                    raise wrong(where, f"{answer!r} is no possible answer on '{key}'") from None
        for question in questionnaire.questions:
            least, most = question_types.get(question.type).outputs
            if not least <= len(trial.texts) <= most:
                raise wrong(where, f"has {len(trial.texts)} texts, but '{question.key}' is asked of {least} to {most}")


# ------------------------------------------------------------------------------------------------------- the parts


def _fields(block: Mapping[str, Any], name: str, translate: Translate) -> tuple[Field, ...]:
    items = a_list(block.get("fields", []), f"{name}, field")
    return tuple(_field(item, place, name, translate) for place, item in items)


def _field(item: Any, place: str, block: str, translate: Translate) -> Field:
    raw = an_object(item, place, FIELD_KEYS)
    key = a_key(raw, place)
    where, name = f"{place} ({key})", f"{block}.{key}"
    kind = one_of(raw.get("type", ""), f"{where}, type", tuple(FIELD_TYPES))
    options = _options(raw, where, name, translate) if kind in CHOOSING else ()
    least, most = _bounds(raw, where, kind)
    eligible, eligible_range = _eligible(raw, where, kind, {option.value for option in options})
    if block != "eligibility" and "eligible" in raw:
        raise wrong(where, "only the eligibility screen may screen people out")
    return Field(
        key=key,
        type=kind,
        label=translate(f"{name}.label", required(raw, "label", where)),
        help=a_text(raw, "help", where, translate, key=f"{name}.help"),
        required=a_flag(raw, "required", where, usual=True),
        may_skip=a_flag(raw, "may_skip", where, usual=False),
        options=options,
        minimum=least,
        maximum=most,
        low=a_text(raw, "low", where, translate, key=f"{name}.low"),
        high=a_text(raw, "high", where, translate, key=f"{name}.high"),
        long=a_flag(raw, "long", where, usual=False),
        eligible=eligible,
        eligible_range=eligible_range,
    )


def _bounds(raw: Mapping[str, Any], where: str, kind: str) -> tuple[float | None, float | None]:
    if kind == "scale":
        least, most = a_number(raw.get("min", 1), f"{where}, min"), a_number(raw.get("max", 5), f"{where}, max")
        if least != int(least) or most != int(most) or not FEWEST_POINTS <= most - least + 1 <= MOST_POINTS:
            raise wrong(where, f"a scale has {FEWEST_POINTS} to {MOST_POINTS} points")
        return least, most
    bounds = tuple(
        None if raw.get(name) is None else a_number(raw[name], f"{where}, {name}") for name in ("min", "max")
    )
    if kind != "number" and bounds != (None, None):
        raise wrong(where, "only numbers and scales have 'min' and 'max'")
    if None not in bounds and bounds[0] > bounds[1]:  # type: ignore[operator] # neither is None
        raise wrong(where, "'min' is greater than 'max'")
    return bounds[0], bounds[1]


def _eligible(
    raw: Mapping[str, Any], where: str, kind: str, values: set[str]
) -> tuple[tuple[str, ...], tuple[float | None, float | None] | None]:
    wanted = raw.get("eligible")
    if wanted is None or wanted in ([], {}):
        return (), None
    if kind in CHOOSING:
        chosen = tuple(a_string(value, f"{where}, eligible") for _, value in a_list(wanted, f"{where}, eligible"))
        if unknown := set(chosen) - values:
            raise wrong(where, f"'eligible' names answers that are not offered: {', '.join(sorted(unknown))}")
        return chosen, None
    if kind in ("number", "scale"):
        span = an_object(wanted, f"{where}, eligible", {"min", "max"})
        least, most = (
            None if span.get(name) is None else a_number(span[name], f"{where}, eligible") for name in ("min", "max")
        )
        return (), (least, most)
    raise wrong(where, "a text cannot screen people out")


def _options(raw: Mapping[str, Any], where: str, name: str, translate: Translate) -> tuple[Option, ...]:
    found = []
    for place, item in a_list(raw.get("options", []), f"{where}, option"):
        option = an_object(item, place, {"value", "label"})
        value = required(option, "value", place, most=60)
        found.append(Option(value, translate(f"{name}.options.{value}", required(option, "label", place))))
    if len(found) < 2:  # noqa: PLR2004 - a choice
        raise wrong(where, "needs at least two options")
    if len({option.value for option in found}) < len(found):
        raise wrong(where, "has two options with the same value")
    return tuple(found)


def _question(item: Any, place: str, translate: Translate) -> QuizQuestion:
    raw = an_object(item, place, {"key", "label", "options", "correct", "explanation"})
    key = a_key(raw, place)
    where, name = f"{place} ({key})", f"quiz.{key}"
    options = _options(raw, where, name, translate)
    correct = tuple(a_string(value, where) for _, value in a_list(raw.get("correct", []), f"{where}, correct"))
    if not correct or set(correct) - {option.value for option in options}:
        raise wrong(where, "'correct' must name one or more of the options")
    label = translate(f"{name}.label", required(raw, "label", where))
    return QuizQuestion(
        key, label, options, correct, a_text(raw, "explanation", where, translate, key=f"{name}.explanation")
    )


def _practice(item: Any, place: str, number: int, translate: Translate) -> PracticeTrial:
    raw = an_object(item, place, {"prompt", "texts", "expected", "feedback"})
    name = f"practice.{number}"
    expected: dict[str, Any] = {}
    ranges = set()
    given = raw.get("expected", {})
    for key, wanted in an_object(
        given, f"{place}, expected", set(given) if isinstance(given, Mapping) else set()
    ).items():
        if isinstance(wanted, Mapping):
            span = an_object(wanted, f"{place}, expected", {"min", "max"})
            expected[key] = tuple(
                None if span.get(end) is None else a_number(span[end], f"{place}, expected") for end in ("min", "max")
            )
            ranges.add(key)
        else:
            expected[key] = tuple(_answer(one, place) for _, one in a_list(wanted, f"{place}, expected"))
    texts = tuple(
        translate(f"{name}.texts.{side}", a_string(text, where))
        for side, (where, text) in enumerate(a_list(raw.get("texts", []), f"{place}, text"), start=1)
    )
    if not texts:
        raise wrong(place, "needs at least one text")
    return PracticeTrial(
        prompt=translate(f"{name}.prompt", required(raw, "prompt", place)),
        texts=texts,
        expected={key: value for key, value in expected.items() if value},
        ranges=frozenset(ranges),
        feedback=a_text(raw, "feedback", place, translate, key=f"{name}.feedback"),
    )


def _answer(one: Any, place: str) -> Any:
    """An answer as a browser sends it: a text, or texts by part for types whose answer has several."""
    if isinstance(one, str):
        return one
    if isinstance(one, Mapping) and all(isinstance(value, str) for value in one.values()):
        return {str(part): (value,) for part, value in one.items()}
    raise wrong(place, f"an expected answer is a text, or texts by part, not {one!r}")


def _file(item: Any, place: str) -> tuple[str, str]:
    raw = an_object(item, place, {"name", "title", "kind", "sha256"})
    name = required(raw, "name", place)
    if not A_FILE.fullmatch(name):
        raise wrong(place, f"{name!r} is not the name of an uploaded file")
    return name, a_string(raw.get("title", ""), place)


def _known_file(name: Any, files: Iterable[tuple[str, str]]) -> str:
    if name and (name not in {known for known, _ in files} or not str(name).endswith(".pdf")):
        raise wrong("consent, pdf", "there is no such uploaded PDF")
    return str(name or "")
