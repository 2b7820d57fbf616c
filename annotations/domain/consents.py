"""The wording of a consent, kept for ever in every version that somebody agreed to."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from annotations.enums import ParticipationState, Step
from annotations.errors import BadToken
from annotations.models import ConsentVersion, Participation, Study

from .events import log_event
from .frames import Frame


@dataclass(frozen=True, slots=True)
class Agreed:
    """What somebody agreed to: the wording, the number of its version, and when; `at` is None before consent."""

    study_title: str
    text: str
    number: int
    language: str
    at: datetime | None = None
    contact: str = ""


def wording_of(frame: Frame) -> str:
    """Return all that is agreed to: the text, and the boxes that have to be ticked."""
    boxes = "".join(f"\n- {box}" for box in frame.path.boxes)
    return f"{frame.consent}\n{boxes}" if boxes else frame.consent


def version_of(*, study: Study, frame: Frame) -> ConsentVersion:
    """Return the version of the wording as it stands, kept from the first time that somebody agrees to it."""
    text = wording_of(frame)
    digest = hashlib.sha256(text.encode()).hexdigest()
    known = ConsentVersion.objects.filter(study=study, language=frame.language, sha256=digest).first()
    if known is not None:
        return known
    with transaction.atomic():
        Study.objects.select_for_update(no_key=True).get(pk=study.pk)  # versions are numbered one after the other
        last = ConsentVersion.objects.filter(study=study, language=frame.language).aggregate(n=Max("number"))["n"]
        version, _ = ConsentVersion.objects.get_or_create(
            study=study,
            language=frame.language,
            sha256=digest,
            defaults={"number": (last or 0) + 1, "text": text},
        )
    return version


def agree(*, participation: Participation, frame: Frame) -> None:
    """Note that this person agreed, to which wording and when; called with the participation locked."""
    version = version_of(study=participation.study, frame=frame)
    participation.state = ParticipationState.CONSENTED
    participation.consented_at = timezone.now()
    participation.consent_sha256 = version.sha256
    participation.steps_done = [*participation.steps_done, Step.CONSENT.value]
    participation.save(update_fields=["state", "consented_at", "consent_sha256", "steps_done"])
    log_event(
        study=participation.study,
        name="consented",
        data={"version": version.number, "language": version.language},
        participation=participation,
    )


def agreed_to(*, public_id: str) -> Agreed | None:
    """Return what the person of a link agreed to, or None before consent and after withdrawal."""
    person = Participation.objects.select_related("study").filter(public_id=public_id).first()
    if person is None:
        raise BadToken
    version = ConsentVersion.objects.filter(study=person.study, sha256=person.consent_sha256).first()
    if version is None:
        return None
    return Agreed(
        person.study.title, version.text, version.number, version.language, person.consented_at, person.study.contact
    )
