"""What is the same for every trial of a plan: the questionnaire and the texts around it, read once per process."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from annotations.blind import Question, Questionnaire
from annotations.models import Dimension, Plan, Study
from annotations.registry import question_types


@dataclass(frozen=True, slots=True)
class Frame:
    """The unchanging part of a study's pages."""

    title: str
    questionnaire: Questionnaire
    instructions: str
    contact: str


@lru_cache(maxsize=256)
def frame_of(plan_id: int) -> Frame:
    """Return the frame of a plan. A frozen study cannot be changed, so the cache never goes stale."""
    plan = Plan.objects.select_related("study").get(pk=plan_id)
    return frame_of_draft(plan.study, version=f"{plan.sha256}-{plan.pk}")


def frame_of_draft(study: Study, *, version: str) -> Frame:
    """Build the frame from the study as it stands now; `version` keys caches of rendered rows."""
    return Frame(
        title=study.title,
        questionnaire=Questionnaire(version, study.lead, tuple(question_of(row) for row in study.dimensions.all())),
        instructions=study.instructions,
        contact=study.contact,
    )


def question_of(dimension: Dimension) -> Question:
    """Return the dimension as a rater sees it, with complete options."""
    kind = question_types.get(dimension.question_type)
    options = kind.clean_options(dimension.options)
    return Question(dimension.key, dimension.label, dimension.definition, dimension.question_type, options)
