"""What is owed: what a rater did here and what his session is there are put together, and decisions are sent."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from django.db.models import CharField, Exists, OuterRef, Q, Value
from django.db.models.functions import Cast, Concat
from django.utils import timezone

from annotations.enums import BonusState, LeaseState, LedgerKind, Outcome, ParticipationState, SubmissionState
from annotations.errors import RemoteRefused
from annotations.models import BonusOrder, Lease, LedgerEntry, Recruitment, Submission
from annotations.registry import RemoteClient

from . import bonuses, ledger, places
from .events import log_event

APPROVE, RETURN = "approve", "return"
PATIENCE = 600  # seconds after the last answer until somebody whose session stayed timed out is paid by a bonus
SILENCE = dt.timedelta(hours=24)  # after a time-out: then nothing is kept any more for somebody who does not come back
UNPAID = (
    SubmissionState.RESERVED,
    SubmissionState.ACTIVE,
    SubmissionState.AWAITING,
    SubmissionState.RETURN_REQUESTED,
    SubmissionState.TIMED_OUT,
)
# Who was turned away through no fault of his own is paid for the time, if the study pays for that.
TURNED_AWAY = (Outcome.SCREENED_OUT, Outcome.FULL)
TURNED_AWAY_STATES = (ParticipationState.SCREENED_OUT, ParticipationState.TURNED_AWAY)
LATE = "You finished after the time had run out on the platform, so the reward is paid as a bonus. Thank you."
SORRY = "Thank you for coming. You could not take part, and this is for your time."
PAID_ALREADY = "You finished after the time had run out and were paid by a bonus already."


def settle(recruitment: Recruitment) -> None:
    """Note what is earned, mark what is to be approved, order what can only be paid as a bonus."""
    rows = _open(recruitment)
    done = places.finished_among([one.participation_id for one in rows if one.participation_id])
    for one in rows:
        if one.participation is not None and one.participation_id in done:
            _settle_finished(recruitment, one, done[one.participation_id])
    _pass_on_what_sleeps(recruitment, [one for one in rows if one.participation_id not in done])
    _thank_for_coming(recruitment)
    _let_go_of_the_silent(recruitment, done)


def _open(recruitment: Recruitment) -> list[Submission]:
    """Return the sessions that are neither paid nor gone."""
    whose = Cast(OuterRef("participation_id"), CharField())
    entries = LedgerEntry.objects.filter(study=recruitment.study_id)
    paid = entries.filter(reference=Concat(Value("paid:"), whose))
    earned = entries.filter(reference=Concat(Value("earned:"), whose))
    rows = Submission.objects.filter(recruitment=recruitment, state__in=UNPAID).exclude(participation=None)
    return list(
        rows.select_related("participation", "recruitment__account", "recruitment__study").annotate(
            has_pay=Exists(paid), has_earned=Exists(earned)
        )
    )


def _settle_finished(recruitment: Recruitment, one: Submission, at: dt.datetime) -> None:
    participation = one.participation
    assert participation is not None  # noqa: S101 - the caller looked
    if not one.has_earned:  # type: ignore[attr-defined]
        ledger.earn(recruitment=recruitment, participation=participation)
    has_pay = one.has_pay or _is_being_paid(one)  # type: ignore[attr-defined]
    if one.state == SubmissionState.AWAITING:
        # Paid by a bonus before: the session must not be paid too, so its holder is asked to return it.
        wanted = RETURN if has_pay else APPROVE if recruitment.auto_approve else one.wanted
        _want(one, wanted)
    elif one.state == SubmissionState.TIMED_OUT and not has_pay and _is_past(at, recruitment):
        _want(one, APPROVE)


def _want(one: Submission, wanted: str) -> None:
    if one.wanted != wanted:
        one.wanted = wanted
        one.save(update_fields=["wanted"])


def _is_being_paid(one: Submission) -> bool:
    orders = BonusOrder.objects.filter(recruitment=one.recruitment_id, key=f"{bonuses.REWARD}{one.participation_id}")
    return orders.exclude(state=BonusState.REFUSED).exists()


def _is_past(at: dt.datetime, recruitment: Recruitment) -> bool:
    """Say whether the time is over in which the platform itself may still take the session as completed."""
    return timezone.now() - at >= _patience(recruitment)


def _pass_on_what_sleeps(recruitment: Recruitment, rows: list[Submission]) -> None:
    """Give a booklet on again that somebody took up after the time-out there, and then let lie."""
    late = [one.participation_id for one in rows if one.state == SubmissionState.TIMED_OUT]
    lease = dt.timedelta(minutes=recruitment.study.lease_minutes)  # an answer renews it to so long from then
    asleep = Lease.objects.filter(
        participation__in=late, state=LeaseState.LEASED, expires_at__lt=timezone.now() + lease - _patience(recruitment)
    )
    for one in asleep.select_related("participation"):
        if one.participation is not None:
            places.give_up(participation=one.participation, why="asleep", for_good=False)


def _patience(recruitment: Recruitment) -> dt.timedelta:
    return dt.timedelta(seconds=float(recruitment.settings.get("late_patience", PATIENCE)))


def _thank_for_coming(recruitment: Recruitment) -> None:
    """Order the payment of people who were screened out or found no place, unless a code pays them on the platform."""
    amount = int(recruitment.settings.get("screened_out_reward") or 0)
    if not amount or recruitment.settings.get("screened_out_by_code"):
        return
    came = Q(participation__outcome__in=TURNED_AWAY) | Q(participation__state__in=TURNED_AWAY_STATES)
    left = (SubmissionState.AWAITING, SubmissionState.RETURN_REQUESTED, SubmissionState.RETURNED)
    for one in Submission.objects.filter(came, recruitment=recruitment, state__in=left, bonuses=None):
        bonuses.order(submission=one, key=f"came:{one.participation_id}", amount=amount, reason=SORRY)


def _let_go_of_the_silent(recruitment: Recruitment, done: Iterable[int]) -> None:
    timed_out = Submission.objects.filter(
        recruitment=recruitment, state=SubmissionState.TIMED_OUT, updated_at__lt=timezone.now() - SILENCE
    )
    for one in timed_out.exclude(participation=None).exclude(participation__in=done).select_related("participation"):
        if one.participation is not None:
            ledger.release(recruitment=recruitment, participation=one.participation, note="silent after a time-out")


# Decisions


def send_decisions(recruitment: Recruitment, client: RemoteClient) -> None:
    """Send what is decided and not carried out yet. Each may be sent again: the platform then changes nothing."""
    rows = list(
        Submission.objects.filter(recruitment=recruitment)
        .exclude(wanted="")
        .select_related("participation", "recruitment__account", "recruitment__study")
    )
    approve = [one for one in rows if one.wanted == APPROVE and one.state == SubmissionState.AWAITING]
    if approve:
        client.approve(recruitment.remote_id, [one.session or "" for one in approve])
        for one in approve:
            note_approval(recruitment, one)
    for one in rows:
        if one.wanted == APPROVE and one.state == SubmissionState.TIMED_OUT:
            _pay_late(recruitment, client, one)
        elif one.wanted == RETURN and one.state == SubmissionState.AWAITING:
            client.request_return(recruitment.remote_id, one.session or "", reason=PAID_ALREADY)
            _want(one, "")


def note_approval(recruitment: Recruitment, one: Submission) -> None:
    """Book that the approval was sent; that it is paid is booked when the platform says so."""
    if one.participation is None:
        return
    new = ledger.book(
        recruitment=recruitment,
        kind=LedgerKind.APPROVED,
        amount=recruitment.reward,
        reference=f"approved:{one.participation.pk}",
        participation=one.participation,
    )
    if new:
        log_event(study=recruitment.study, name="submission_approved", participation=one.participation)


def _pay_late(recruitment: Recruitment, client: RemoteClient, one: Submission) -> None:
    """Pay somebody who finished although the session had timed out: approve it if the platform allows, else a bonus."""
    try:
        client.approve(recruitment.remote_id, [one.session or ""])
    except RemoteRefused:
        bonuses.order_reward(submission=one, reason=LATE)
    else:
        note_approval(recruitment, one)
    _want(one, "")
