"""Studies made through the real verbs, as small as a test needs them."""

from collections.abc import Callable
from typing import Any

import pytest

from annotations.domain import planning, studies
from annotations.models import Output, Participation, Prompt, Study, System
from tests.annotations.domain.material_refusals import refuse, study  # noqa: F401 - fixtures

ANSWERS = {"originality": "1", "surprise": "3", "creativity": "5"}
SYSTEMS = ("baseline", "steered", "reference")


def build_study(*, prompts: int = 6, systems: int = 3, design: dict[str, Any] | None = None) -> Study:
    """A draft with one output per cell."""
    built = studies.create_study(title="What is original?", template="pairwise_creativity")
    built.design |= {"raters_per_task": 2, "trials_per_rater": 4, "attention_trials": 0, "repeat_trials": 0}
    built.design |= design or {}
    built.save()
    made = System.objects.bulk_create(System(study=built, name=name) for name in SYSTEMS[:systems])
    for number in range(prompts):
        prompt = Prompt.objects.create(study=built, key=f"p{number}", text=f"Unusual uses for thing {number}")
        Output.objects.bulk_create(
            Output(
                prompt=prompt,
                system=system,
                text=f"Use {number} of kind {at}",
                content_hash=f"{built.pk}-{number}-{at}",
            )
            for at, system in enumerate(made)
        )
    return built


def open_study(**kwargs: Any) -> Study:
    built = build_study(**kwargs)
    planning.freeze_study(study=built)
    return studies.open_study(study=built)


def judge_all(*, participation: Participation, limit: int | None = None) -> int:
    """Judge until the booklet ends or `limit` trials are judged; returns how many."""
    from annotations.domain.judging import record_judgement
    from annotations.domain.participation import begin

    view, done = begin(public_id=participation.public_id), 0
    while view.trials and (limit is None or done < limit):
        view = record_judgement(public_id=participation.public_id, trial=view.trials[0].token, answers=ANSWERS)
        done += 1
    return done


@pytest.fixture
def make_study(db: None) -> Callable[..., Study]:
    return build_study


@pytest.fixture
def make_open_study(db: None) -> Callable[..., Study]:
    return open_study
