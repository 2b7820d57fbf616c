"""A study's life: created from a template, opened, paused, closed. Freezing and thawing stand in ``planning``."""

from __future__ import annotations

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction

from annotations.enums import Role, StudyState
from annotations.errors import WrongState
from annotations.models import Dimension, Study, StudyMember
from annotations.registry import study_templates

from .events import log_event


def create_study(*, title: str, template: str, author: AbstractBaseUser | None = None) -> Study:
    """Create a draft with the texts, dimensions and settings of a template, owned by its author.

    Raises KeyError for an unknown template. A study without an author is for superusers only.
    """
    draft = study_templates.get(template).draft()
    with transaction.atomic():
        study = Study.objects.create(
            title=title,
            template=template,
            lead=draft.lead,
            welcome=draft.welcome,
            consent=draft.consent,
            instructions=draft.instructions,
            path=dict(draft.path),
            quality=dict(draft.quality),
            design=dict(draft.design),
            analysis=dict(draft.analysis),
            created_by_id=author.pk if author is not None else None,
        )
        Dimension.objects.bulk_create(
            Dimension(
                study=study,
                order=order,
                key=item.key,
                label=item.label,
                definition=item.definition,
                question_type=item.question_type,
                options=dict(item.options),
            )
            for order, item in enumerate(draft.dimensions)
        )
        if author is not None:
            StudyMember.objects.create(study=study, user_id=author.pk, role=Role.OWNER)
        log_event(study=study, name="created", data={"template": template}, actor=author)
    return study


def open_study(*, study: Study, actor: AbstractBaseUser | None = None) -> Study:
    """Let raters in, for the first time or after a pause or a close; raises WrongState for a draft."""
    sources = (StudyState.FROZEN, StudyState.PAUSED, StudyState.CLOSED)
    return _move(study=study, sources=sources, target=StudyState.OPEN, actor=actor)


def pause_study(*, study: Study, actor: AbstractBaseUser | None = None) -> Study:
    """Show raters a friendly page until the study is resumed; answers on the way in are kept."""
    return _move(study=study, sources=(StudyState.OPEN,), target=StudyState.PAUSED, actor=actor)


def resume_study(*, study: Study, actor: AbstractBaseUser | None = None) -> Study:
    """Go on after a pause."""
    return _move(study=study, sources=(StudyState.PAUSED,), target=StudyState.OPEN, actor=actor)


def close_study(*, study: Study, actor: AbstractBaseUser | None = None) -> Study:
    """End the study; an answer that is still on its way is kept and marked late."""
    return _move(study=study, sources=(StudyState.OPEN, StudyState.PAUSED), target=StudyState.CLOSED, actor=actor)


def _move(
    *, study: Study, sources: tuple[StudyState, ...], target: StudyState, actor: AbstractBaseUser | None
) -> Study:
    """Change the state in one conditional UPDATE, so that of two clicks at once only one is an event."""
    with transaction.atomic():
        changed = Study.objects.filter(pk=study.pk, state__in=sources, plan__isnull=False).update(state=target)
        study.refresh_from_db()
        if not changed and study.state != target:
            message = f"A study that is {study.get_state_display().lower()} cannot become {target.label.lower()}."
            raise WrongState(message)
        if changed:
            log_event(study=study, name=str(target), actor=actor)
    return study
