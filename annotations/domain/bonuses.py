"""Payments beside the reward, each once and once only, also where the platform would pay twice without a word.

An order is written down first (`planned`, with its amount kept from the cap). Before the platform is asked it becomes
`sending`, committed on its own: whatever crashes after that, it is not sent again. What became of it is read from what
the platform says of that session, and only if that shows nothing after a while it is planned anew.
"""

from __future__ import annotations

import datetime as dt

from django.db import transaction
from django.db.models import Sum
from django.utils import timezone

from annotations.enums import BonusState, LedgerKind
from annotations.errors import RemoteRefused, RemoteUncertain, RemoteUnreachable
from annotations.models import BonusOrder, Recruitment, Submission
from annotations.registry import RemoteClient

from . import ledger

PATIENCE = 1800  # seconds after which a bonus that the platform does not show was not paid
REWARD = "reward:"  # key of an order that pays the reward itself


def order(*, submission: Submission, key: str, amount: int, reason: str) -> BonusOrder:
    """Write a payment down; the same key is one payment, whatever amount is asked for later."""
    recruitment = submission.recruitment
    with transaction.atomic():
        fee = ledger.fee_on(recruitment, amount, is_bonus=True)
        made, new = BonusOrder.objects.get_or_create(
            recruitment=recruitment,
            key=key,
            defaults={"submission": submission, "amount": amount, "fee": fee, "reason": reason[:300]},
        )
        if new and not key.startswith(REWARD):  # the reward was reserved when the booklet was taken
            ledger.book(
                recruitment=recruitment,
                kind=LedgerKind.RESERVED,
                amount=amount + fee,
                reference=f"reserve:bonus:{key}",
                participation=submission.participation,
            )
    return made


def order_reward(*, submission: Submission, reason: str) -> BonusOrder:
    """Write down that a person who finished gets the reward as a bonus, because the session cannot be approved."""
    person = submission.participation_id or f"session-{submission.pk}"
    return order(submission=submission, key=f"{REWARD}{person}", amount=submission.recruitment.reward, reason=reason)


def send_due(*, recruitment: Recruitment, client: RemoteClient) -> int:
    """Settle what was sent and send what is planned; returns how many were paid.

    One order of a session at a time, so that the platform's sum of its bonuses tells which one was paid.
    """
    paid = 0
    for one in _orders(recruitment, BonusState.SENDING):
        paid += _look(one, client)
    for one in _orders(recruitment, BonusState.PLANNED):
        under_way = BonusOrder.objects.filter(submission=one.submission_id, state=BonusState.SENDING)
        if not under_way.exists():
            paid += _send(one, client)
    return paid


def _orders(recruitment: Recruitment, state: BonusState) -> list[BonusOrder]:
    found = BonusOrder.objects.filter(recruitment=recruitment, state=state).order_by("pk")
    return list(found.select_related("submission__participation", "recruitment__account", "recruitment__study"))


def _send(one: BonusOrder, client: RemoteClient) -> int:
    """Send one order. Only an answer that says so makes it paid; a lost answer leaves it `sending`."""
    with transaction.atomic(durable=True):  # on the disk before the platform hears of it
        claimed = BonusOrder.objects.filter(pk=one.pk, state=BonusState.PLANNED)
        if not claimed.update(state=BonusState.SENDING, sent_at=timezone.now()):
            return 0
    session, person = one.submission.session or "", one.submission.person or ""
    try:
        client.bonus(
            one.recruitment.remote_id,
            session=session,
            person=person,
            amount=one.amount,
            key=f"{one.recruitment.key}:{one.key}",
        )
    except RemoteUncertain as error:
        BonusOrder.objects.filter(pk=one.pk).update(message=str(error)[:500])
        return 0
    except RemoteUnreachable:
        BonusOrder.objects.filter(pk=one.pk).update(state=BonusState.PLANNED, sent_at=None)
        raise
    except RemoteRefused as error:
        BonusOrder.objects.filter(pk=one.pk).update(state=BonusState.REFUSED, message=str(error)[:500])
        return 0
    return _paid(one)


def _look(one: BonusOrder, client: RemoteClient) -> int:
    """Find out from the session itself whether an order whose answer got lost was paid: lists may not tell bonuses."""
    there = client.submission(one.recruitment.remote_id, one.submission.session or "")
    if there is None or there.bonus is None:
        return 0
    known = BonusOrder.objects.filter(submission=one.submission_id, state=BonusState.PAID)
    before = known.aggregate(total=Sum("amount"))["total"] or 0
    if there.bonus >= before + one.amount:
        return _paid(one)
    patience = dt.timedelta(seconds=float(one.recruitment.settings.get("bonus_patience", PATIENCE)))
    if one.sent_at is not None and timezone.now() - one.sent_at > patience:
        BonusOrder.objects.filter(pk=one.pk, state=BonusState.SENDING).update(state=BonusState.PLANNED, sent_at=None)
    return 0


def _paid(one: BonusOrder) -> int:
    recruitment, participation = one.recruitment, one.submission.participation
    with transaction.atomic():
        done = BonusOrder.objects.filter(pk=one.pk, state=BonusState.SENDING).update(state=BonusState.PAID)
        if not done:
            return 0
        if one.key.startswith(REWARD) and participation is not None:
            ledger.pay_reward(
                recruitment=recruitment,
                participation=participation,
                kind=LedgerKind.BONUS,
                amount=one.amount,
                note=one.reason,
            )
            return 1
        kept = f"reserve:bonus:{one.key}"
        ledger.book(
            recruitment=recruitment,
            kind=LedgerKind.RELEASED,
            amount=one.amount + one.fee,
            reference=f"release:bonus:{one.key}",
            participation=participation,
            note=kept,
        )
        ledger.pay(
            recruitment=recruitment,
            kind=LedgerKind.BONUS,
            amount=one.amount,
            reference=f"bonus:{one.key}",
            participation=participation,
            note=one.reason,
        )
    return 1
