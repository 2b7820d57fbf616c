"""A person in a study: entering with consent, beginning, leaving."""

from __future__ import annotations

import hashlib

from django.db import IntegrityError, transaction
from django.utils import timezone

from annotations.blind import RaterView
from annotations.enums import StudyState
from annotations.errors import BadToken, StudyNotFound, StudyNotOpen
from annotations.models import Participation, Rater, RecruitmentIdentity, Study
from annotations.registry import Identity

from .assignment import claim_booklet
from .events import log_event
from .identities import digest_of, digests_of
from .judging import where_is


def entrance(*, slug: str) -> Study:
    """Return the study behind an open link; raises StudyNotFound for an unknown one and for a study never opened."""
    study = Study.objects.filter(slug=slug).exclude(state__in=(StudyState.DRAFT, StudyState.FROZEN)).first()
    if study is None:
        raise StudyNotFound
    return study


def known_participation(*, study: Study, identity: Identity) -> Participation | None:
    """Return the participation of a person whom the recruiter's link names, if he has been here before."""
    if not identity.person:
        return None
    return Participation.objects.filter(
        identity__study=study,
        identity__platform=study.recruitment,
        identity__digest__in=digests_of(identity.person),
    ).first()


def enter_study(*, slug: str, identity: Identity | None = None, simulated: bool = False) -> Participation:
    """Create the participation of somebody who consented; the same identity always gets the same participation.

    Raises StudyNotFound and StudyNotOpen. Two clicks at once with one identity meet the unique index and are one.
    """
    study = entrance(slug=slug)
    identity = identity or Identity()
    found = known_participation(study=study, identity=identity)
    if found is not None:
        return found
    if study.state != StudyState.OPEN:
        raise StudyNotOpen
    try:
        with transaction.atomic():
            participation = Participation.objects.create(
                study=study,
                rater=Rater.objects.create(),
                consented_at=timezone.now(),
                consent_sha256=hashlib.sha256(study.consent.encode()).hexdigest(),
                simulated=simulated,
            )
            RecruitmentIdentity.objects.create(
                participation=participation,
                study=study,
                platform=study.recruitment,
                digest=digest_of(identity.person),
                session_digest=digest_of(identity.session),
                person=identity.person,
                session=identity.session,
            )
            log_event(study=study, name="consented", participation=participation)
    except IntegrityError:
        found = known_participation(study=study, identity=identity)
        if found is None:
            raise
        return found
    return participation


def begin(*, public_id: str) -> RaterView:
    """Lease a booklet to this rater and return the first trial, or the page that says that the study is full."""
    participation = Participation.objects.select_related("study").filter(public_id=public_id).first()
    if participation is None:
        raise BadToken
    if participation.study.state == StudyState.OPEN:
        claim_booklet(participation=participation)
    return where_is(public_id=public_id)
