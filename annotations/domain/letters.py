"""Sends invitations and reminders. What is to be sent is written down before it is sent.

Claim (commit), send, note (commit): a worker that is killed in between leaves a letter of which nobody knows whether it
went. It is shown as such and never sent again by itself, so nobody gets two. What surely did not go goes back into
the queue.
"""

from __future__ import annotations

import datetime as dt
import logging
import smtplib
from collections.abc import Mapping
from typing import Any, Final

from django.conf import settings
from django.core import mail
from django.core.mail.backends.base import BaseEmailBackend
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.template.loader import render_to_string
from django.utils import timezone, translation

from annotations.enums import LeaseState, ParticipationState, StudyState
from annotations.models import Invitation, Lease, Study

from .invitation_lists import is_mail
from .invitations import DONE, link_of

log = logging.getLogger(__name__)
BATCH: Final = 50
PERMANENT: Final = 500  # SMTP
NOT_SENT: Final = (
    smtplib.SMTPConnectError,
    smtplib.SMTPHeloError,
    smtplib.SMTPAuthenticationError,
    ConnectionRefusedError,
)


def send_due(*, most: int = 1000, now: dt.datetime | None = None) -> int:
    """Send the letters that wait and the reminders that are due, in batches; returns how many were sent.

    Called every minute. Several workers at once share the work: a row that one has claimed the others pass over.
    """
    now = now or timezone.now()
    sent = 0
    for study in Study.objects.filter(recruitment="invitations", state=StudyState.OPEN):
        for claim in (_claim_letters, _claim_reminders):
            last = 0  # what went back into the queue is not tried again in the same round
            while sent < most and (batch := claim(study, now, last)):
                last = batch[-1].pk
                went, is_up = _send(study, batch, is_reminder=claim is _claim_reminders)
                sent += went
                if not is_up:
                    return sent
    return sent


@transaction.atomic
def _claim_letters(study: Study, now: dt.datetime, after: int) -> list[Invitation]:
    waiting = Invitation.objects.filter(
        study=study, queued_at__isnull=False, sending_at=None, sent_at=None, unsubscribed_at=None, problem=""
    )
    return _claim(waiting, after, sending_at=now)


@transaction.atomic
def _claim_reminders(study: Study, now: dt.datetime, after: int) -> list[Invitation]:
    """Take people who were written to long enough ago and have not finished; nobody new once no place is left."""
    wanted = study.recruitment_settings
    most, days = wanted.get("reminders", 0), wanted.get("reminder_days", 3)
    before = now - dt.timedelta(days=days)
    due = Invitation.objects.filter(
        Q(reminded_at=None, sent_at__lt=before) | Q(reminded_at__lt=before),
        study=study,
        reminders__lt=most,
        sent_at__isnull=False,
        unsubscribed_at=None,
        problem="",
    ).exclude(participation__state__in=DONE)
    if not Lease.objects.filter(plan=study.plan_id, state=LeaseState.AVAILABLE).exists():
        due = due.filter(participation__state=ParticipationState.JUDGING)
    return _claim(due, after, reminders=F("reminders") + 1, reminded_at=now)


def _claim(found: QuerySet[Invitation], after: int, **state: Any) -> list[Invitation]:
    """Write down that these are being sent, and return them; committed before anything leaves the house."""
    rows = list(found.select_for_update(skip_locked=True, of=("self",)).filter(pk__gt=after).order_by("pk")[:BATCH])
    Invitation.objects.filter(pk__in=[one.pk for one in rows]).update(**state)
    return rows


def _send(study: Study, batch: list[Invitation], *, is_reminder: bool) -> tuple[int, bool]:
    """Send one batch over one connection; says how many went and whether the mail server can be reached."""
    connection = mail.get_connection()
    try:
        connection.open()
    except (smtplib.SMTPException, OSError) as error:
        log.warning("the mail server cannot be reached (%s); letters wait", type(error).__name__)
        _give_back(batch, is_reminder=is_reminder)
        return 0, False
    sent = 0
    try:
        for number, one in enumerate(batch):
            outcome = _send_one(study, one, connection, is_reminder=is_reminder)
            sent += outcome == "sent"
            if outcome == "down":
                _give_back(batch[number + 1 :], is_reminder=is_reminder)
                return sent, False
    finally:
        connection.close()
    return sent, True


def _send_one(study: Study, one: Invitation, connection: BaseEmailBackend, *, is_reminder: bool) -> str:
    """Send one letter: `sent`, `refused` for this address, or `down` when it is the server that fails."""
    if not is_mail(one.address or ""):
        return "refused"
    try:
        letter(study=study, invitation=one, is_reminder=is_reminder, connection=connection).send()
    except smtplib.SMTPRecipientsRefused as error:
        code = next(iter(error.recipients.values()))[0]
        if code < PERMANENT:
            _give_back([one], is_reminder=is_reminder)
        else:
            Invitation.objects.filter(pk=one.pk).update(problem=f"refused by the mail server ({code})")
        return "refused"
    except NOT_SENT:
        _give_back([one], is_reminder=is_reminder)
        return "down"
    except (smtplib.SMTPException, OSError) as error:
        log.warning("letter of invitation %s is uncertain (%s)", one.pk, type(error).__name__)
        return "down"
    if not is_reminder:
        Invitation.objects.filter(pk=one.pk).update(sent_at=timezone.now())
    return "sent"


def _give_back(batch: list[Invitation], *, is_reminder: bool) -> None:
    """Undo the claim of what surely did not go."""
    mine = Invitation.objects.filter(pk__in=[one.pk for one in batch])
    if is_reminder:
        for one in batch:
            mine.filter(pk=one.pk).update(reminders=one.reminders, reminded_at=one.reminded_at)
    else:
        mine.filter(sent_at=None).update(sending_at=None)


def letter(
    *, study: Study, invitation: Invitation, is_reminder: bool, connection: BaseEmailBackend | None = None
) -> mail.EmailMessage:
    """Return the letter to one person, in the person's language or else the study's."""
    wanted = study.recruitment_settings
    site = str(wanted.get("site", ""))
    leave = f"{site}/s/{study.slug}/unsubscribe?i={invitation.token}"
    context: Mapping[str, Any] = {
        "study": study,
        "message": wanted.get("message", ""),
        "link": link_of(invitation, study=study, site=site),
        "leave": leave,
        "has_begun": invitation.participation_id is not None,
    }
    with translation.override(invitation.language or study.language or settings.LANGUAGE_CODE):
        kind = "reminder" if is_reminder else "invitation"
        body = render_to_string(f"annotations/mail/{kind}.txt", context)
        subject = render_to_string("annotations/mail/subject.txt", {**context, "is_reminder": is_reminder})
    own = str(wanted.get("subject", ""))
    reply_to = str(wanted.get("reply_to", "")) or study.contact
    return mail.EmailMessage(
        subject=" ".join((own or subject).split()),
        body=body,
        to=[invitation.address or ""],
        reply_to=[reply_to] if reply_to else None,
        headers={"List-Unsubscribe": f"<{leave}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"},
        connection=connection,
    )
