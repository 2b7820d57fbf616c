"""What simulated raters are told beforehand: whose texts they read, and what fits in the forms of the path."""

from __future__ import annotations

from annotations.blind import Field, Path
from annotations.domain import dataset, frames
from annotations.models import Study, Task

from .minds import Known, Library
from .visits import PathAnswers

FIELD = "field-"


def library_of(study: Study) -> Library:
    """Return what every text of the study is, by prompt and text; of equal texts under one prompt the last counts.

    Of an attention check, the text to put first is known as asked for, and whatever should come last as not.
    """
    asked = _asked(study)
    return {
        place: Known(system, name, asked.get(name)) for place, (system, name) in dataset.text_index(study=study).items()
    }


def _asked(study: Study) -> dict[str, bool]:
    found: dict[str, bool] = {}
    for key, expected, count in (
        Task.objects.filter(plan=study.plan_id)
        .exclude(expected={})
        .values_list("prompt__key", "expected", "output_ids__len")
    ):
        names = [f"{key}/attention-check/{at}" for at in range(count)]
        if "favoured" in expected:
            found |= {name: name == expected["favoured"] for name in names}
        elif "last" in expected:
            found[expected["last"]] = False
        else:
            found[names[0]] = expected["extreme"] == "highest"
    return found


def path_answers_of(study: Study) -> PathAnswers:
    """Return who may take part, what is right in the quiz, and numbers within their bounds, by name of the field."""
    if study.plan_id is None:
        return {}
    path: Path = frames.frame_of(study.plan_id).path
    found = {FIELD + question.key: question.correct for question in path.quiz}
    for field in (*path.eligibility, *path.questionnaire):
        value = _fitting(field)
        if value:
            found[FIELD + field.key] = value
    return found


def _fitting(field: Field) -> tuple[str, ...]:
    if field.eligible:
        return field.eligible[:1]
    least, most = field.eligible_range or (field.minimum, field.maximum)
    if field.type == "number" or field.eligible_range:
        low = least if least is not None else (most - 1 if most is not None else 30)
        high = most if most is not None else low + 1
        return (f"{(low + high) // 2:g}",)
    return ()
