"""What a researcher decides about one session by hand: approve, ask for a return, reject, pay a bonus.

The platform is asked first; what it then says of the session is what is written down.
"""

from __future__ import annotations

from django.contrib.auth.models import AbstractBaseUser

from annotations.enums import SubmissionState
from annotations.errors import NotReady, PlatformError, WrongState
from annotations.models import BonusOrder, Submission
from annotations.registry import RemoteClient

from . import bonuses, ledger
from .events import log_event
from .recruiting import connect, platform_of
from .recruiting_settling import note_approval
from .recruiting_sync import reconcile_submission

UNDECIDED = (SubmissionState.AWAITING, SubmissionState.RETURN_REQUESTED, SubmissionState.TIMED_OUT)


def _undecided(submission: Submission) -> RemoteClient:
    if submission.state not in UNDECIDED:
        message = f"This session is {submission.get_state_display().lower()}: there is nothing to decide any more."
        raise WrongState(message)
    return connect(submission.recruitment)


def _look(submission: Submission, client: RemoteClient) -> Submission:
    """Ask what became of it, and act on that."""
    recruitment = submission.recruitment
    found = client.submission(recruitment.remote_id, submission.session or "")
    return reconcile_submission(recruitment=recruitment, remote=found) if found is not None else submission


def approve(*, submission: Submission, actor: AbstractBaseUser | None = None) -> Submission:
    """Approve, which pays the reward; refused for somebody who has the reward already."""
    recruitment, person = submission.recruitment, submission.participation
    client = _undecided(submission)
    if person is not None and ledger.is_paid(recruitment=recruitment, participation=person):
        raise WrongState("This person has the reward already.")
    client.approve(recruitment.remote_id, [submission.session or ""])
    note_approval(recruitment, submission)
    _log(submission, "approved_by_hand", actor=actor)
    return _look(submission, client)


def request_return(*, submission: Submission, reason: str, actor: AbstractBaseUser | None = None) -> Submission:
    """Ask the person to return the session: no pay, and no mark on the record."""
    if not reason.strip():
        raise NotReady("Say why, in words that the person reads.")
    client = _undecided(submission)
    client.request_return(submission.recruitment.remote_id, submission.session or "", reason=reason.strip())
    Submission.objects.filter(pk=submission.pk).update(wanted="")
    _log(submission, "return_requested", actor=actor, reason=reason.strip())
    return _look(submission, client)


def reject(*, submission: Submission, reason: str, message: str, actor: AbstractBaseUser | None = None) -> Submission:
    """Reject for a reason that the platform allows; the place goes to somebody else, the answers count no more."""
    platform = platform_of(submission.recruitment.account)
    client = _undecided(submission)
    if platform.reasons and reason not in dict(platform.reasons):
        raise NotReady("Choose one of the reasons that the platform allows.")
    client.reject(submission.recruitment.remote_id, submission.session or "", reason=reason, message=message.strip())
    Submission.objects.filter(pk=submission.pk).update(wanted="")
    _log(submission, "submission_rejected", actor=actor, reason=reason)
    return _look(submission, client)


def give_bonus(
    *, submission: Submission, amount: int, reason: str, key: str, actor: AbstractBaseUser | None = None
) -> BonusOrder:
    """Order a bonus and send it; `key` names this click, so that the same form sent twice is one payment.

    What cannot be sent now is sent by the next round.
    """
    recruitment = submission.recruitment
    if amount <= 0:
        raise NotReady("A bonus is more than nothing.")
    if not reason.strip():
        raise NotReady("Say what the bonus is for, in words that the person reads.")
    cap, cost = ledger.cap_of(recruitment.study), amount + ledger.fee_on(recruitment, amount, is_bonus=True)
    if cap is not None and recruitment.committed + cost > cap:
        raise NotReady("The cap of this study has no room for this bonus.")
    made = bonuses.order(submission=submission, key=f"hand:{key}"[:80], amount=amount, reason=reason.strip())
    _log(submission, "bonus_ordered", actor=actor, reason=reason.strip(), amount=amount)
    try:
        bonuses.send_due(recruitment=recruitment, client=connect(recruitment))
    except PlatformError:
        return made
    made.refresh_from_db()
    return made


def _log(submission: Submission, name: str, *, actor: AbstractBaseUser | None, **data: object) -> None:
    log_event(
        study=submission.recruitment.study,
        name=name,
        participation=submission.participation,
        data={"submission": submission.pk, **data},
        actor=actor,
    )
