"""A person in a study: arriving, being found again, and taking a booklet when the way to the trials is behind him."""

from __future__ import annotations

from contextlib import nullcontext

from django.db import IntegrityError, transaction

from annotations.blind import RaterView
from annotations.enums import ParticipationState, Step, StudyState
from annotations.errors import BadToken, StudyNotFound, StudyNotOpen
from annotations.models import Participation, Rater, RecruitmentIdentity, Study
from annotations.registry import Identity

from . import consents, panel
from .admission import admit, admitted, come_again, keep_seat
from .assignment import claim_booklet
from .events import log_event
from .frames import Frame, frame_of, frame_of_draft
from .identities import digest_of, digests_of
from .judging import where_is
from .path import BEFORE
from .wording import spoken


def entrance(*, slug: str) -> Study:
    """Return the study behind an open link; raises StudyNotFound for an unknown one and for a study never opened."""
    study = Study.objects.filter(slug=slug).exclude(state__in=(StudyState.DRAFT, StudyState.FROZEN)).first()
    if study is None:
        raise StudyNotFound
    return study


def frame_for(*, study: Study, language: str = "") -> Frame:
    """Return the texts of a study in a language, or in the study's own when it is not offered in that one."""
    if study.plan_id is None:
        return frame_of_draft(study, version=f"draft-{study.pk}", language=language)
    return frame_of(study.plan_id, language)


def known_participation(*, study: Study, identity: Identity) -> Participation | None:
    """Return the participation of a person whom the recruiter's link names, if he has been here before."""
    if not identity.person:
        return None
    return Participation.objects.filter(
        identity__study=study,
        identity__platform=study.recruitment,
        identity__digest__in=digests_of(identity.person),
    ).first()


def arrive(
    *, slug: str, identity: Identity | None = None, language: str = "", browser: str = "", simulated: bool = False
) -> Participation:
    """Create the participation of somebody who leaves the welcome page; the same identity always gets the same one.

    `browser` is the browser's own token, of which a keyed hash is kept. Raises StudyNotFound and StudyNotOpen. Two
    clicks at once with one identity meet the unique index and are one.
    """
    study = entrance(slug=slug)
    identity = identity or Identity()
    found = known_participation(study=study, identity=identity)
    if found is not None:
        return come_again(participation=found, identity=identity)
    if study.state != StudyState.OPEN or identity.preview:
        raise StudyNotOpen
    try:
        with transaction.atomic():
            admit(study=study, identity=identity, browser=digest_of(browser))
            participation = Participation.objects.create(
                study=study,
                rater=Rater.objects.create(),
                state=ParticipationState.ARRIVED,
                language=spoken(study, language),
                browser=digest_of(browser),
                simulated=simulated,
            )
            RecruitmentIdentity.objects.create(
                participation=participation,
                study=study,
                platform=study.recruitment,
                digest=digest_of(identity.person),
                session_digest=digest_of(identity.session),
                person=identity.person or None,
                session=identity.session or None,
                extra=identity.submit_to or None,
            )
            admitted(participation=participation, identity=identity)
            log_event(study=study, name="arrived", participation=participation)
    except IntegrityError:
        found = known_participation(study=study, identity=identity)
        if found is None:
            raise
        return found
    return participation


def enter_study(
    *, slug: str, identity: Identity | None = None, simulated: bool = False, language: str = ""
) -> Participation:
    """Arrive and agree in one go: for callers who have asked for consent themselves (scripts, tests).

    Whatever else the path has before the trials counts as done, but for the instructions.
    """
    participation = arrive(slug=slug, identity=identity, language=language, simulated=simulated)
    with transaction.atomic():
        locked = Participation.objects.select_for_update().select_related("study").get(pk=participation.pk)
        if locked.state == ParticipationState.ARRIVED:
            frame = frame_for(study=locked.study, language=locked.language)
            behind = (step for step in BEFORE if step in frame.path.steps - {Step.CONSENT, Step.INSTRUCTIONS})
            locked.steps_done = [step.value for step in behind]
            consents.agree(participation=locked, frame=frame)
    return locked


def take_place(*, participation: Participation) -> None:
    """Lease a booklet to somebody who has the way to the trials behind him; nobody else gets one.

    An expert panel makes its booklets later. A study that takes nobody at the moment is no error here: the rater's page
    says so and offers to look again.
    """
    study = participation.study
    if study.state != StudyState.OPEN or study.plan_id is None or panel.is_panel(study):
        return
    path = frame_of(study.plan_id).path
    if not all(step in participation.steps_done for step in BEFORE if step in path.steps):
        return
    with transaction.atomic() if study.recruitment_settings.get("seats") else nullcontext():
        keep_seat(participation=participation)
        claim_booklet(participation=participation)


def begin(*, public_id: str) -> RaterView:
    """Leave the instructions (or look again for a place) and return the first trial, or the page to be on now.

    What was done stays done when no place can be had: that is another transaction.
    """
    with transaction.atomic():
        participation = locked(public_id=public_id)
        here = where_is(public_id=public_id)
        if here.step in (Step.INSTRUCTIONS, Step.FULL) and Step.INSTRUCTIONS.value not in participation.steps_done:
            participation.steps_done = [*participation.steps_done, Step.INSTRUCTIONS.value]
            participation.save(update_fields=["steps_done"])
    if here.step in (Step.INSTRUCTIONS, Step.FULL):
        take_place(participation=participation)
    return where_is(public_id=public_id)


def locked(*, public_id: str) -> Participation:
    """Return the participation of a link, locked until the transaction ends; raises BadToken for nobody's."""
    people = Participation.objects.select_for_update(of=("self",)).select_related("study")
    found = people.filter(public_id=public_id).first()
    if found is None:
        raise BadToken
    return found
