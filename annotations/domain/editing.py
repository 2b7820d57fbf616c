"""Changing a draft: texts and settings, the path, translations, the design, the dimensions, the roles of systems.

Every verb locks the study, so that of a freeze and an edit at the same time one comes first and the other is refused,
and takes the `stamp` of the page that it was written on, so that a stale tab cannot undo what another one saved.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.db import transaction

from annotations.blind import Questionnaire
from annotations.design import DesignSpec
from annotations.enums import StudyState, SystemRole
from annotations.errors import NotReady, WrongState
from annotations.markup import picture_problems
from annotations.models import Dimension, Study
from annotations.registry import DimensionDraft, question_types

from .events import log_event
from .frames import question_of
from .path import check_against, parse_path
from .wording import check_translations

# Neither part of the canonical JSON nor of what raters read while they judge.
ALWAYS = (
    "description",
    "lease_minutes",
    "hourly_rate",
    "platform_fee",
    "currency",
    "completion_code",
    "return_address",
)
DRAFT_ONLY = ("title", "lead", "welcome", "consent", "instructions", "contact", "language", "recruitment")
MARKDOWN = ("welcome", "consent", "instructions")
STALE = "This study was changed in another window meanwhile. Nothing was saved; please look at it as it is now."


def stamp(*, study: Study) -> str:
    """Return a short hash of everything that the verbs of this file change, as it is stored; forms carry it along."""
    stored = Study.objects.values_list(
        "design", "analysis", "path", "translations", *ALWAYS, *DRAFT_ONLY, "state", "plan_id"
    ).get(pk=study.pk)
    content = [
        [*stored[:4], *map(str, stored[4:])],
        list(study.dimensions.values_list("key", "label", "definition", "question_type", "options")),
        list(study.systems.values_list("pk", "role")),
    ]
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]


@contextmanager
def _locked(study: Study, *, seen: str | None, draft_only: bool) -> Iterator[Study]:
    """Hold the study for a change; raises WrongState when it is frozen, or was changed since `seen` was rendered."""
    with transaction.atomic():
        locked = Study.objects.select_for_update().get(pk=study.pk)
        if draft_only and locked.state != StudyState.DRAFT:
            message = "The design is frozen, so this cannot be changed any more."
            raise WrongState(message)
        if seen is not None and seen != stamp(study=locked):
            raise WrongState(STALE)
        yield locked
    study.refresh_from_db()


def edit_texts(
    *, study: Study, values: Mapping[str, Any], seen: str | None = None, actor: AbstractBaseUser | None = None
) -> Study:
    """Change texts and settings; what raters read and what is hashed only while the study is a draft."""
    unknown = set(values) - {*ALWAYS, *DRAFT_ONLY}
    if unknown:
        message = f"These fields cannot be edited: {', '.join(sorted(unknown))}."
        raise WrongState(message)
    with _locked(study, seen=seen, draft_only=not set(values) <= set(ALWAYS)) as locked:
        changed = [name for name, value in values.items() if getattr(locked, name) != value]
        for name in changed:
            setattr(locked, name, values[name])
        _check(locked, changed)
        for name in set(changed) & set(MARKDOWN):
            _check_pictures(name, values[name])
        if changed:
            locked.save(update_fields=changed)
            log_event(study=locked, name="edited", data={"fields": sorted(changed)}, actor=actor)
    return study


def edit_design(
    *, study: Study, spec: DesignSpec, seen: str | None = None, actor: AbstractBaseUser | None = None
) -> Study:
    """Save the wishes for the design, feasible or not: whether a plan exists is told by `planning.draft`."""
    with _locked(study, seen=seen, draft_only=True) as locked:
        wanted = spec.to_dict()
        if locked.design != wanted:
            locked.design = wanted
            locked.save(update_fields=["design"])
            log_event(study=locked, name="design_edited", data=wanted, actor=actor)
    return study


def edit_path(
    *, study: Study, path: Mapping[str, Any], seen: str | None = None, actor: AbstractBaseUser | None = None
) -> Study:
    """Save the steps around the trials; raises NotReady naming the field that makes no sense."""
    parsed = parse_path(path)
    for name, text in parsed.texts.items():
        _check_pictures(name, text)
    with _locked(study, seen=seen, draft_only=True) as locked:
        check_path(study=locked, path=path)
        if locked.path != path:
            locked.path = dict(path)
            locked.save(update_fields=["path"])
            steps = sorted(step.value for step in parsed.steps)
            log_event(study=locked, name="path_edited", data={"steps": steps}, actor=actor)
    return study


def check_path(*, study: Study, path: Mapping[str, Any] | None = None) -> None:
    """Raise NotReady when the path of a study makes no sense, by itself or beside the study's questions."""
    parsed = parse_path(study.path if path is None else path)
    questions = tuple(question_of(row) for row in study.dimensions.all())
    check_against(parsed, Questionnaire("check", study.lead, questions))


def edit_translation(
    *,
    study: Study,
    language: str,
    texts: Mapping[str, str],
    seen: str | None = None,
    actor: AbstractBaseUser | None = None,
) -> Study:
    """Save a draft's own texts in another language, by key; without any text the language is taken away again."""
    kept = {key: text for key, text in texts.items() if text.strip()}
    check_translations({language: kept})
    for key, text in kept.items():
        _check_pictures(key, text)
    with _locked(study, seen=seen, draft_only=True) as locked:
        if language == locked.language:
            message = "These are the texts of the study itself: edit them there."
            raise NotReady(message)
        others = {code: words for code, words in locked.translations.items() if code != language}
        wanted = {**others, language: kept} if kept else others
        if locked.translations != wanted:
            locked.translations = wanted
            locked.save(update_fields=["translations"])
            log_event(study=locked, name="translated", data={"language": language, "texts": len(kept)}, actor=actor)
    return study


def _check_pictures(name: str, text: str) -> None:
    for problem in picture_problems(text):
        message = f"{name.capitalize()}: {problem}."
        raise NotReady(message)


def edit_analysis(
    *, study: Study, changes: Mapping[str, Any], seen: str | None = None, actor: AbstractBaseUser | None = None
) -> Study:
    """Change entries of the analysis plan of a draft; what they mean is checked by the verb that declares them."""
    with _locked(study, seen=seen, draft_only=True) as locked:
        wanted = {**locked.analysis, **changes}
        if locked.analysis != wanted:
            locked.analysis = wanted
            locked.save(update_fields=["analysis"])
            log_event(study=locked, name="analysis_edited", data=dict(changes), actor=actor)
    return study


def edit_dimensions(
    *,
    study: Study,
    dimensions: Sequence[DimensionDraft],
    seen: str | None = None,
    actor: AbstractBaseUser | None = None,
) -> Study:
    """Replace the dimensions by these, in this order; raises NotReady when one is incomplete or named twice."""
    if not dimensions:
        message = "A study needs at least one dimension."
        raise NotReady(message)
    keys = [draft.key for draft in dimensions]
    if len(set(keys)) < len(keys):
        message = "Two dimensions have the same key."
        raise NotReady(message)
    with _locked(study, seen=seen, draft_only=True) as locked:
        Dimension.objects.filter(study=locked).delete()
        for order, draft in enumerate(dimensions):
            _dimension(locked, order, draft).save()
        log_event(study=locked, name="dimensions_edited", data={"keys": keys}, actor=actor)
    return study


def assign_roles(
    *, study: Study, roles: Mapping[int, str], seen: str | None = None, actor: AbstractBaseUser | None = None
) -> Study:
    """Say what each system is in the comparison, by primary key; one baseline at most, and checks keep theirs."""
    allowed = {role.value for role in SystemRole} - {SystemRole.CHECK.value}
    if wrong := set(roles.values()) - allowed:
        message = f"There is no role {', '.join(sorted(wrong))}."
        raise NotReady(message)
    with _locked(study, seen=seen, draft_only=True) as locked:
        systems = {system.pk: system for system in locked.systems.exclude(role=SystemRole.CHECK)}
        for key in set(roles) & set(systems):
            systems[key].role = SystemRole(roles[key])
        baselines = [system.name for system in systems.values() if system.role == SystemRole.BASELINE]
        if len(baselines) > 1:
            message = f"There can be one baseline, not {len(baselines)} ({', '.join(baselines)})."
            raise NotReady(message)
        for system in systems.values():
            system.save(update_fields=["role"])
        named = {system.name: str(system.role) for system in systems.values()}
        log_event(study=locked, name="roles_assigned", data=named, actor=actor)
    return study


def _dimension(study: Study, order: int, draft: DimensionDraft) -> Dimension:
    try:
        options = question_types.get(draft.question_type).clean_options(draft.options)
    except (KeyError, ValueError) as error:
        message = f"Dimension '{draft.key}': {error.args[0]}"
        raise NotReady(message) from error
    dimension = Dimension(
        study=study,
        order=order,
        key=draft.key,
        label=draft.label,
        definition=draft.definition,
        question_type=draft.question_type,
        options=options,
    )
    _check(dimension, ["key", "label", "definition", "question_type"])
    return dimension


def _check(row: Study | Dimension, names: Sequence[str]) -> None:
    """Raise NotReady with the first thing that a field's own rules refuse."""
    names_of_fields = {field.name for field in type(row)._meta.get_fields() if field.concrete}  # noqa: SLF001 - public
    try:
        row.clean_fields(exclude=names_of_fields - set(names))
    except ValidationError as error:
        name, messages = next(iter(error.message_dict.items()))
        message = f"{name.replace('_', ' ').capitalize()}: {messages[0]}"
        raise NotReady(message) from error
