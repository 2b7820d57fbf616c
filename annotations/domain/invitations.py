"""Invitation lists: personal links, who has come, letters that are wanted, bounces, and "no more letters"."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from annotations.enums import ParticipationState
from annotations.errors import BadToken, NotReady
from annotations.models import Invitation, Study

from .events import log_event
from .identities import digests_of, invitation_digest
from .invitation_lists import is_mail, read_list

SOMETHING_LIKE_AN_ADDRESS = re.compile(r"[^\s<>\"'(),;:]+@[^\s<>\"'(),;:]+")
BOUNCED = "came back"
PAGE = 1000
DONE = (
    ParticipationState.FINISHED,
    ParticipationState.DECLINED,
    ParticipationState.SCREENED_OUT,
    ParticipationState.FAILED_QUIZ,
    ParticipationState.WITHDRAWN,
)


def import_list(*, study: Study, name: str, data: bytes, actor: AbstractBaseUser | None = None) -> tuple[int, int]:
    """Give everybody in a file a personal link; returns how many are new and how many were known.

    Raises MaterialRefused with file, row and column; then nobody is added. The same file twice adds nobody twice. The
    log holds the numbers, never an address.
    """
    _needs_lists(study)
    rows = read_list(name=name, data=data)
    made = 0
    with transaction.atomic():
        Study.objects.select_for_update(no_key=True).get(pk=study.pk)
        for start in range(0, len(rows), PAGE):
            part = rows[start : start + PAGE]
            names = {digest for row in part for digest in digests_of(row.key)}
            known = set(Invitation.objects.filter(study=study, digest__in=names).values_list("digest", flat=True))
            new = [row for row in part if known.isdisjoint(digests_of(row.key))]
            Invitation.objects.bulk_create(
                Invitation(
                    study=study, digest=invitation_digest(row.address), address=row.address, language=row.language
                )
                for row in new
            )
            made += len(new)
        log_event(study=study, name="invitations_added", data={"added": made, "known": len(rows) - made}, actor=actor)
    return made, len(rows) - made


def _needs_lists(study: Study) -> None:
    if study.recruitment != "invitations":
        raise NotReady("Choose the invitation list as the way of recruitment first.")


def queue_letters(*, study: Study, site: str, actor: AbstractBaseUser | None = None) -> int:
    """Have a letter sent to everybody with an address who got none; `site` is the address of this site in the links."""
    _needs_lists(study)
    with transaction.atomic():
        study.recruitment_settings = {**study.recruitment_settings, "site": site.rstrip("/")}
        study.save(update_fields=["recruitment_settings"])
        count = Invitation.objects.filter(pk__in=_unwritten(study)).update(queued_at=timezone.now())
        if count:
            log_event(study=study, name="letters_queued", data={"letters": count}, actor=actor)
    return count


def _unwritten(study: Study) -> list[int]:
    """Return who has an address and no letter, sent or wanted. Addresses are encrypted, so each one is looked at."""
    waiting = Invitation.objects.filter(study=study, queued_at=None, sent_at=None, unsubscribed_at=None, problem="")
    return [one.pk for one in waiting.only("pk", "address") if is_mail(one.address or "")]


def unsent(*, study: Study) -> int:
    """Return how many would get a letter now."""
    return len(_unwritten(study))


def resend_uncertain(*, study: Study, actor: AbstractBaseUser | None = None) -> int:
    """Send the letters again of which nobody knows whether they went: a researcher's decision, never our own."""
    with transaction.atomic():
        found = uncertain(study=study)
        count: int = found.update(sending_at=None)
        if count:
            log_event(study=study, name="letters_queued", data={"letters": count, "again": True}, actor=actor)
    return count


def uncertain(*, study: Study) -> QuerySet[Invitation]:
    """Return invitations whose letter was begun and not seen to go, for longer than any letter takes."""
    since = timezone.now() - dt.timedelta(minutes=15)
    return Invitation.objects.filter(study=study, sending_at__lt=since, sent_at=None, problem="")


def note_bounces(*, study: Study, text: str, actor: AbstractBaseUser | None = None) -> int:
    """Note addresses that letters came back from; `text` is anything that holds them, also whole returned letters."""
    found = {digest for address in _addresses_in(text) for digest in digests_of(address)}
    with transaction.atomic():
        count = Invitation.objects.filter(study=study, digest__in=found, problem="").update(problem=BOUNCED)
        if count:
            log_event(study=study, name="letters_bounced", data={"letters": count}, actor=actor)
    return count


def _addresses_in(text: str) -> Iterator[str]:
    for match in SOMETHING_LIKE_AN_ADDRESS.finditer(text):
        yield match[0].strip(".").casefold()


def unsubscribe(*, slug: str, token: str) -> Invitation:
    """Send this person no more letters; the personal link goes on to work. Raises BadToken."""
    with transaction.atomic():
        invitation = Invitation.objects.select_for_update().filter(study__slug=slug, token=token).first()
        if invitation is None:
            raise BadToken
        if invitation.unsubscribed_at is None:
            invitation.unsubscribed_at = timezone.now()
            invitation.save(update_fields=["unsubscribed_at"])
            log_event(study=invitation.study, name="unsubscribed", data={"invitation": invitation.pk})
    return invitation


def invited(*, slug: str, token: str) -> Invitation:
    """Return the invitation behind a link; raises BadToken."""
    invitation = Invitation.objects.select_related("study").filter(study__slug=slug, token=token).first()
    if invitation is None:
        raise BadToken
    return invitation


def overview(*, study: Study) -> dict[str, int]:
    """Return how many there are of everything, in one query."""
    state = "participation__state"
    counts = Invitation.objects.filter(study=study).aggregate(
        people=Count("pk"),
        queued=Count("pk", filter=Q(queued_at__isnull=False, sending_at=None, sent_at=None, problem="")),
        sent=Count("pk", filter=Q(sent_at__isnull=False)),
        uncertain=Count("pk", filter=Q(sending_at__isnull=False, sent_at=None, problem="")),
        problems=Count("pk", filter=~Q(problem="")),
        unsubscribed=Count("pk", filter=Q(unsubscribed_at__isnull=False)),
        reminded=Count("pk", filter=Q(reminders__gt=0)),
        came=Count("pk", filter=Q(participation__isnull=False)),
        finished=Count("pk", filter=Q(**{state: ParticipationState.FINISHED})),
    )
    return {name: int(value) for name, value in counts.items()}


def masked(address: str) -> str:
    """Return an address so that its owner would know it and nobody else could write to it."""
    name, at, host = address.partition("@")
    return f"{name[:1]}…{at}{host}" if at else address


def troubled(*, study: Study, most: int = 50) -> list[dict[str, str]]:
    """Return invitations whose letters do not arrive, with masked addresses."""
    found = Invitation.objects.filter(study=study).exclude(problem="").order_by("-pk")[:most]
    return [{"address": masked(one.address or ""), "problem": one.problem} for one in found]


def code_links(*, study: Study, site: str) -> Iterator[tuple[str, str]]:
    """Yield code and personal link for the people who are known by a code: what the researcher hands out himself.

    People with an address are left out: they are sent their links, and no file should pair the two.
    """
    for one in Invitation.objects.filter(study=study).order_by("pk").iterator():
        if one.address and not is_mail(one.address):
            yield one.address, link_of(one, study=study, site=site)


def link_of(invitation: Invitation, *, study: Study, site: str) -> str:
    """Return somebody's personal link."""
    language = f"&lang={invitation.language}" if invitation.language else ""
    return f"{site}/s/{study.slug}/?i={invitation.token}{language}"
