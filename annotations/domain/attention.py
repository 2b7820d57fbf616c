"""Attention trials: texts that the platform adds, shown like any others, and what an attentive rater does with them.

Of two kinds: *instructed* (a text says which answer to give) and *degraded* (a real prompt of the study with an answer
that was broken by rule). ``Task.expected`` says machine-readably what is expected, and `is_expected` is the one place
that knows how to check it:

    {"favoured": name}                    the output of this name is put first in every row
    {"last": name, "rows": "most"}        the output of this name comes last in more than half of the rows
    {"extreme": "highest", "within": w}   the answer lies within the share w of the scale from its end, in every row
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from django.db.models import Count, Q
from django.db.models.functions import Length
from django.utils import translation

from annotations.blind import Question
from annotations.design import AttentionTask, DesignSpec
from annotations.enums import SystemRole
from annotations.models import Output, Prompt, Study, System
from annotations.registry import QuestionType, question_types

from . import attention_texts as texts

SYSTEM = "attention-check"
INSTRUCTED = 3
MOST_DEGRADED = 12
DEGRADED = "degraded"
KEYS = (
    *(f"check-{number}" for number in range(1, INSTRUCTED + 1)),
    *(f"{DEGRADED}-{number}" for number in range(1, MOST_DEGRADED + 1)),
)
"""All keys that a check may have: material may not use them."""
CLOSE = 0.1
HALF = 0.5
PAIR = 2


@dataclass(frozen=True, slots=True)
class Check:
    """One attention task: its outputs in canonical order; `source` is the prompt whose text it shows, if any."""

    key: str
    prompt: str
    texts: tuple[str, ...]
    expected: Mapping[str, Any] = field(hash=False)
    source: str = ""

    @property
    def words(self) -> int:
        """How much there is to read."""
        return sum(len(text.split()) for text in (self.prompt, *self.texts))

    @property
    def task(self) -> AttentionTask:
        """The check as the design knows it."""
        return AttentionTask(self.key, self.source)


def output_key(key: str, place: int) -> str:
    """Name an output of a check, as ``freezing.output_name`` names any."""
    return f"{key}/{SYSTEM}/{place}"


def checks_of(*, study: Study, outputs: int, degraded: int) -> tuple[Check, ...]:
    """Make the checks of a study for tasks of so many outputs, in its language, always the same for the same study.

    Instructed ones are always there; degraded ones, up to `MOST_DEGRADED`, when `degraded` of them are wanted.
    """
    with translation.override(study.language or "en"):
        return (*_instructed(study, outputs), *(_degraded(study, outputs) if degraded else ()))


def checks_for(*, study: Study, spec: DesignSpec) -> tuple[Check, ...]:
    """Make the checks that a design asks for; none when it has no attention trials."""
    if not spec.attention_trials:
        return ()
    return checks_of(study=study, outputs=spec.outputs_per_task, degraded=spec.attention_kinds[1])


def _instructed(study: Study, outputs: int) -> Iterator[Check]:
    length = _usual_length(study)
    wordings = texts.of_singles() if outputs == 1 else texts.of_pairs() if outputs == PAIR else texts.of_groups()
    for number, wording in enumerate(wordings):
        key = f"check-{number + 1}"
        if outputs == 1:
            core, end = (wording.asked, "highest") if number % 2 == 0 else (wording.other, "lowest")
            shown: tuple[str, ...] = (texts.as_long_as(core, length, turn=number),)
            yield Check(key, wording.prompt, shown, {"extreme": end, "within": CLOSE})
            continue
        cores = (wording.asked, *[wording.other] * (outputs - 1))
        shown = tuple(texts.as_long_as(core, length, turn=number + at) for at, core in enumerate(cores))
        yield Check(key, wording.prompt, shown, {"favoured": output_key(key, 0)})


def _usual_length(study: Study) -> float:
    """Return the median number of characters of the study's texts."""
    lengths = sorted(_outputs(study).annotate(length=Length("text")).values_list("length", flat=True))
    return float(lengths[len(lengths) // 2]) if lengths else 0.0


def _degraded(study: Study, outputs: int) -> Iterator[Check]:
    """Break one answer each of some prompts, drawn by a hash of their keys; the other answers stay as they are."""
    needed = max(outputs, 1)
    taking_part = Count("outputs", filter=Q(outputs__left_out=""))
    counted = Prompt.objects.filter(study=study, is_check=False).annotate(count=taking_part)
    keys = counted.filter(count__gte=needed).values_list("key", flat=True)
    for number, source in enumerate(sorted(keys, key=_hash)[:MOST_DEGRADED]):
        key = f"{DEGRADED}-{number + 1}"
        rows = list(_outputs(study).filter(prompt__key=source).values_list("prompt__text", "text", "content_hash"))
        chosen = sorted(rows, key=lambda row: _hash(row[2]))[:needed]
        prompt, real = chosen[0][0], [text for _, text, _ in chosen]
        broken = texts.BROKEN[number % len(texts.BROKEN)](real[0])
        if outputs == 1:
            yield Check(key, prompt, (broken,), {"extreme": "lowest", "within": HALF, "rows": "most"}, source)
        else:
            expected = {"last": output_key(key, 0), "rows": "most"}
            yield Check(key, prompt, (broken, *real[1:]), expected, source)


def _outputs(study: Study) -> Any:
    return Output.objects.filter(prompt__study=study, prompt__is_check=False, left_out="")


def _hash(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def ensure_checks(*, study: Study, checks: Sequence[Check] | None = None) -> dict[str, tuple[Prompt, list[Output]]]:
    """Write the check texts of a study in place of those of an earlier freeze; return prompt and outputs by key."""
    wanted = checks_of(study=study, outputs=PAIR, degraded=0) if checks is None else checks
    system, _ = System.objects.get_or_create(study=study, name=SYSTEM, defaults={"role": SystemRole.CHECK})
    Prompt.objects.filter(study=study, is_check=True).delete()
    found = {}
    for check in wanted:
        prompt = Prompt.objects.create(study=study, key=check.key, text=check.prompt, is_check=True)
        made = [
            Output(prompt=prompt, system=system, sample=place, text=text, content_hash="check")
            for place, text in enumerate(check.texts)
        ]
        found[check.key] = (prompt, Output.objects.bulk_create(made))
    return found


# ------------------------------------------------------------------------------------------------- what is expected


def is_expected(
    expected: Mapping[str, Any],
    answers: Mapping[str, Any],
    *,
    questions: Sequence[Question],
    shown: Sequence[str],
) -> bool | None:
    """Say whether an attentive rater would have answered so; None when no row can tell (only free text was asked).

    Parameters
    ----------
    expected
        ``Task.expected``.
    answers, questions
        ``Judgement.answers`` and the questions of the study (``frames.frame_of(plan).questionnaire.questions``).
    shown
        Names of the outputs (``freezing.output_name``) in the order of the page: ``Trial.output_ids``.
    """
    if not expected:
        return None
    told = [
        told
        for question in questions
        if question.key in answers
        and (told := _row(expected, answers[question.key], question=question, shown=shown)) is not None
    ]
    if not told:
        return None
    return sum(told) * 2 > len(told) if expected.get("rows") == "most" else all(told)


def _row(expected: Mapping[str, Any], value: Any, *, question: Question, shown: Sequence[str]) -> bool | None:
    """Say whether one row is as expected; None when its kind of question cannot tell."""
    kind, options, outputs = question_types.get(question.type), question.options, len(shown)
    scored = kind.rows(value, options, outputs=outputs)
    if not scored:
        return None
    if "extreme" in expected:
        return _is_extreme(expected, kind, scored[0].answer, options)
    wanted = str(expected.get("favoured") or expected.get("last"))
    if wanted not in shown or not kind.outputs[0] <= outputs:
        return None
    place = list(shown).index(wanted) + 1
    favoured = kind.favoured(value, options, outputs=outputs)
    if "favoured" in expected:
        return favoured == place
    if scored[0].slot == 0:
        return favoured is not None and favoured != place
    sign = -1 if kind.measure == "ranking" else 1
    worst = min(sign * one.answer for one in scored)
    best = max(sign * one.answer for one in scored)
    return best > worst and all(sign * one.answer == worst for one in scored if one.slot == place)


def _is_extreme(
    expected: Mapping[str, Any], kind: QuestionType, answer: float, options: Mapping[str, Any]
) -> bool | None:
    ends = ends_of(kind, options)
    if ends is None:
        return None
    low, high = ends
    share = (answer - low) / (high - low)
    within: float = expected.get("within", 0.0)
    end: Literal["highest", "lowest"] = expected["extreme"]
    return (1 - share if end == "highest" else share) <= within + 1e-9


def ends_of(kind: QuestionType, options: Mapping[str, Any]) -> tuple[float, float] | None:
    """Return the lowest and the highest score of a question about one output; None for a free answer."""
    choices = kind.choices(options)
    if choices:
        scores = [kind.score(kind.parse(choice.value, options), options) for choice in choices]
        return (min(scores), max(scores)) if min(scores) < max(scores) else None
    if kind.measure == "interval":
        return float(options.get("low", 0)), float(options.get("high", 100))
    return None
