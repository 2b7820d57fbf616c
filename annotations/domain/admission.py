"""Who may come in: access code, personal link, seats, cap per browser, and people of earlier studies.

Whatever counts is counted under a lock on the study's row, in the transaction that lets somebody in, so that a hundred
people who come at once are as many as one after another. Studies without a limit take no lock.
"""

from __future__ import annotations

import datetime as dt
import functools
import hmac
from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from annotations.enums import ParticipationState, SubmissionState
from annotations.errors import (
    BadToken,
    BrowserUsed,
    CodeNeeded,
    CodeWrong,
    HandedIn,
    LinkIncomplete,
    NotReady,
    StudyFull,
    TookPart,
)
from annotations.models import Invitation, Participation, RecruitmentIdentity, Study, Submission
from annotations.registry import ENTRY_SETTINGS, Framing, Identity, recruitment_platforms

from .events import log_event
from .identities import digest_of, digests_of
from .places import finished_among, give_up

MOST_SEATS = 1_000_000
ON_THE_WAY = (ParticipationState.ARRIVED, ParticipationState.CONSENTED)
SEATED = (ParticipationState.JUDGING, ParticipationState.FINISHED)
NOT_HANDED_IN = (
    SubmissionState.RESERVED,
    SubmissionState.ACTIVE,
    SubmissionState.RETURN_REQUESTED,
    SubmissionState.RETURNED,
    SubmissionState.TIMED_OUT,
)
NEVER_STARTED = (ParticipationState.DECLINED, ParticipationState.SCREENED_OUT, ParticipationState.TURNED_AWAY)


def look(*, study: Study, identity: Identity, browser: str = "") -> None:
    """Raise what would keep this person out, without a lock: for pages that come before anything is stored."""
    platform = recruitment_platforms.get(study.recruitment)
    if platform.personal and not identity.person:
        raise LinkIncomplete
    _check_code(study, identity)
    if study.recruitment == "invitations" and invitation_of(study=study, identity=identity) is None:
        raise LinkIncomplete
    _check_earlier(study, identity, browser)
    _check_caps(study, browser)


def admit(*, study: Study, identity: Identity, browser: str = "") -> None:
    """Raise what keeps this person out; called in the transaction that makes the participation.

    The lock is held until that transaction ends. `browser` is the keyed hash of the browser's token.
    """
    if any(study.recruitment_settings.get(name) for name in ("seats", "per_browser")):
        Study.objects.select_for_update(no_key=True).get(pk=study.pk)
    look(study=study, identity=identity, browser=browser)


def keep_seat(*, participation: Participation) -> None:
    """Raise StudyFull when somebody begins so late that his seat has been given away; called where he begins."""
    study = participation.study
    if participation.state in ON_THE_WAY and study.recruitment_settings.get("seats"):
        Study.objects.select_for_update(no_key=True).get(pk=study.pk)
        _check_seats(study, besides=participation.pk)


def invitation_of(*, study: Study, identity: Identity) -> Invitation | None:
    """Return the invitation behind a personal link."""
    return Invitation.objects.filter(study=study, token=identity.code).first() if identity.code else None


def admitted(*, participation: Participation, identity: Identity) -> None:
    """Note who came by which invitation or place; called after the participation was made, in the same transaction."""
    _take_seat(participation, identity)
    if participation.study.recruitment == "invitations":
        Invitation.objects.filter(study=participation.study, token=identity.code).update(participation=participation)


def framing_of(*, slug: str = "", public_id: str = "") -> Framing:
    """Return who may frame the pages of a study, found by its address or by a rater's id."""
    name = (
        _platform_of(public_id)
        if public_id
        else Study.objects.filter(slug=slug).values_list("recruitment", flat=True).first()
    )
    return recruitment_platforms.get(name).framing() if name else Framing()


@functools.lru_cache(maxsize=10_000)
def _platform_of(public_id: str) -> str:
    """Return the platform that a rater came by, which never changes; an unknown rater is asked for again."""
    name = Study.objects.filter(participations__public_id=public_id).values_list("recruitment", flat=True).first()
    if name is None:
        raise BadToken
    return name


def come_again(*, participation: Participation, identity: Identity) -> Participation:
    """Note that a person whom we know came back, maybe with another session: returned there and accepted again.

    The end is then sent for the session of now. Raises HandedIn when an earlier session was handed in: nobody is paid
    twice for the same answers.
    """
    session = digests_of(identity.session)
    with transaction.atomic():
        known = RecruitmentIdentity.objects.select_for_update().filter(participation=participation).first()
        if known is None or not session or known.session_digest in session:
            return participation
        earlier = Submission.objects.filter(participation=participation).exclude(session_digest__in=session)
        if earlier.exclude(state__in=NOT_HANDED_IN).exists():
            raise HandedIn
        known.session, known.session_digest = identity.session, session[0]
        known.extra = identity.submit_to or known.extra
        known.save(update_fields=["session", "session_digest", "extra"])
        _take_seat(participation, identity)
        log_event(study=participation.study, name="came_again", participation=participation)
    return participation


def _take_seat(participation: Participation, identity: Identity) -> None:
    """Note whose place it is now; somebody who had it before has returned it there, which nobody told us.

    The booklet of that person goes to somebody else at once. What is judged to its end stays.
    """
    if not identity.seat:
        return
    seats = RecruitmentIdentity.objects.filter(study=participation.study_id)
    seats.filter(participation=participation).update(seat_digest=digest_of(identity.seat))
    before = seats.filter(seat_digest__in=digests_of(identity.seat)).exclude(participation=participation)
    for one in before.select_related("participation"):
        if not finished_among([one.participation_id]):
            give_up(participation=one.participation, why="returned", for_good=False)
            log_event(study=participation.study, name="seat_returned", participation=one.participation)
    before.update(seat_digest="")


def _check_code(study: Study, identity: Identity) -> None:
    wanted = str(study.recruitment_settings.get("code", "")).casefold()
    if study.recruitment != "link" or not wanted:
        return
    if not identity.code:
        raise CodeNeeded
    if not hmac.compare_digest(wanted.encode(), identity.code.casefold().encode()):
        raise CodeWrong


def _check_earlier(study: Study, identity: Identity, browser: str) -> None:
    """Keep out who took part in the studies that this one excludes: by the recruiter's id, invitation or browser."""
    earlier = study.recruitment_settings.get("exclude_participants_of")
    if not earlier:
        return
    same = Q(identity__platform=study.recruitment, identity__digest__in=digests_of(identity.person))
    if study.recruitment == "invitations":
        invitation = invitation_of(study=study, identity=identity)
        address = (invitation.address or "").casefold() if invitation else ""
        same = Q(invitation__digest__in=digests_of(address)) if address else Q(pk=None)
    elif not identity.person:
        same = Q(pk=None)
    if browser:
        same |= Q(browser=browser)
    took_part = Participation.objects.filter(same, study_id__in=earlier).exclude(
        state__in=(*NEVER_STARTED, *ON_THE_WAY)
    )
    if took_part.exists():
        raise TookPart


def _check_caps(study: Study, browser: str) -> None:
    most = study.recruitment_settings.get("per_browser")
    if most and browser and study.participations.filter(browser=browser).count() >= most:
        raise BrowserUsed
    _check_seats(study)


def seated(*, study: Study) -> QuerySet[Participation]:
    """Return who has a seat: those at work, those who have finished, and, for a lease's time, those on the way."""
    since = timezone.now() - dt.timedelta(minutes=study.lease_minutes)
    here = Q(state__in=SEATED) | Q(state__in=ON_THE_WAY, created_at__gt=since)
    return study.participations.filter(here)


def _check_seats(study: Study, *, besides: int = 0) -> None:
    seats = study.recruitment_settings.get("seats")
    if seats and seated(study=study).exclude(pk=besides).count() >= seats:
        raise StudyFull


def clean_entry(*, study: Study, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return checked settings, the platform's own and those of the entrance; raises NotReady that names the wrong one.

    Only studies of the same owner can be excluded: an id found there says that somebody took part.
    """
    try:
        clean = recruitment_platforms.get(study.recruitment).clean_settings(settings)
    except ValueError as error:
        raise NotReady(str(error)) from None
    for name in ("seats", "per_browser"):
        value = clean.get(name) or 0
        if not isinstance(value, int) or not 0 <= value <= MOST_SEATS:
            raise NotReady(f"{name}: a whole number from 0 (no limit)")
        clean[name] = value
    wanted = sorted(set(clean.get("exclude_participants_of") or ()))
    owned = Study.objects.filter(pk__in=wanted, created_by=study.created_by_id).exclude(pk=study.pk)
    if wanted and (not study.created_by_id or owned.count() != len(wanted)):
        raise NotReady("exclude_participants_of: only other studies of the same owner can be excluded")
    clean["exclude_participants_of"] = wanted
    return clean


def edit_entry(*, study: Study, settings: Mapping[str, Any], actor: Any = None) -> Study:
    """Save how people come in; may be changed while the study runs. The code itself does not stand in the log."""
    merged = {**study.recruitment_settings, **settings}
    clean = clean_entry(study=study, settings=merged)
    changed = sorted(name for name in clean if clean[name] != study.recruitment_settings.get(name))
    if not changed:
        return study
    with transaction.atomic():
        study.recruitment_settings = clean
        study.save(update_fields=["recruitment_settings"])
        told = {name: clean[name] for name in changed if name in ENTRY_SETTINGS}
        log_event(
            study=study, name="edited", data={"fields": ["recruitment_settings"], "entry": changed, **told}, actor=actor
        )
    return study
