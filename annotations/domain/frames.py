"""What is the same for every page of a plan in one language: questionnaire, texts, path; read once per process."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from annotations.blind import Path, Question, Questionnaire
from annotations.models import Dimension, Plan, Study
from annotations.registry import question_types

from .path import Translate, parse_path
from .wording import languages_of, spoken, translator


@dataclass(frozen=True, slots=True)
class Frame:
    """The unchanging part of a study's pages, in one language."""

    title: str
    questionnaire: Questionnaire
    instructions: str
    contact: str
    slug: str
    language: str
    languages: tuple[tuple[str, str], ...]
    welcome: str
    consent: str
    path: Path


@lru_cache(maxsize=256)
def frame_of(plan_id: int, language: str = "") -> Frame:
    """Return the frame of a plan. A frozen study cannot be changed, so the cache never goes stale."""
    plan = Plan.objects.select_related("study").get(pk=plan_id)
    return frame_of_draft(plan.study, version=f"{plan.sha256}-{plan.pk}", language=language)


def frame_of_draft(study: Study, *, version: str, language: str = "") -> Frame:
    """Build the frame from the study as it stands now; `version` keys caches of rendered rows.

    A language that the study is not offered in becomes the study's own.
    """
    language = spoken(study, language)
    translate = translator(study, language)
    return Frame(
        title=translate("title", study.title),
        questionnaire=Questionnaire(
            f"{version}-{language}",
            translate("lead", study.lead),
            tuple(question_of(row, translate=translate) for row in study.dimensions.all()),
        ),
        instructions=translate("instructions", study.instructions),
        contact=study.contact,
        slug=study.slug,
        language=language,
        languages=languages_of(study),
        welcome=translate("welcome", study.welcome),
        consent=translate("consent", study.consent),
        path=parse_path(study.path, translate=lambda key, text: translate(f"path.{key}", text)),
    )


def _as_written(_key: str, text: str) -> str:
    return text


def question_of(dimension: Dimension, *, translate: Translate = _as_written) -> Question:
    """Return the dimension as a rater sees it, with complete options; texts among the options are translated too."""
    kind = question_types.get(dimension.question_type)
    key = f"dimensions.{dimension.key}"
    options = {
        name: translate(f"{key}.options.{name}", value) if isinstance(value, str) else value
        for name, value in kind.clean_options(dimension.options).items()
    }
    return Question(
        dimension.key,
        translate(f"{key}.label", dimension.label),
        translate(f"{key}.definition", dimension.definition),
        dimension.question_type,
        options,
    )
