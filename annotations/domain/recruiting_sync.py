"""What a platform says now becomes what we do about it, in one place, whether we asked or were told.

A *round* asks the platform, one round at a time for each recruitment (an advisory lock), and then:

1. `reconcile_submission`: what changed about one person's session there changes his place here, in one transaction.
   An event of the platform only names a session: what is the case is asked, so that the order of events is no matter.
2. `settle`: what both sides together say is owed (``recruiting_settling``).
3. decisions and payments are sent; each may be repeated and is then still one.
4. `fit_places`: as many places there as booklets wait here, within the cap.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Iterable
from dataclasses import replace

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from annotations.enums import LedgerKind, RemoteState, StudyState, SubmissionState
from annotations.errors import PlatformError, RemoteUnreachable
from annotations.models import Participation, RecruiterEvent, Recruitment, Submission
from annotations.registry import RemoteClient, RemoteFacts, RemoteSubmission

from . import bonuses, ledger, places
from .events import log_event
from .identities import digest_of, digests_of
from .jobs import alone
from .recruiting import BY_HAND, connect
from .recruiting_settling import note_approval, send_decisions, settle

LOCK = 7  # first key of the advisory lock of a round
FEW = 8  # sessions that are asked for one by one; more are read from the list
AGAIN = dt.timedelta(seconds=1)
PATIENCE = 6  # half seconds that somebody waits for a round that is under way
ENOUGH = "Enough people are on their way."
CAP = "The study's cap would be passed."
NOT_OPEN = "The study is not open here."
STOPPED = "It was stopped on the platform."
OWN_REASONS = (ENOUGH, CAP, NOT_OPEN)  # pauses that end by themselves
GONE = (SubmissionState.RETURNED, SubmissionState.REJECTED)
OVER = (*GONE, SubmissionState.APPROVED, SubmissionState.PARTIAL, SubmissionState.SCREENED_OUT)


def sync(*, recruitment_id: int) -> bool:
    """Ask for everything and act on it; False when a round is under way already. Raises what the platform answers."""
    return _round(recruitment_id, whole=True)


def follow(*, recruitment_id: int) -> bool:
    """Act on the events that came, until there are none; False when a round is under way (it looks again itself)."""
    done = True
    while done and _pending(recruitment_id).exists():
        done = _round(recruitment_id, whole=False)
    return done


def look_again(*, study_id: int) -> bool:
    """Ask the platform now, because somebody came for whom no booklet waits.

    A place is refilled there before we hear that it was given up. Says whether all was heard; False also when the
    platform cannot be reached.
    """
    found = Recruitment.objects.filter(study=study_id, state__in=(RemoteState.PUBLISHED, RemoteState.PAUSED)).first()
    if found is None:
        return True
    for _ in range(PATIENCE):
        # Many who come at once, or come again and again, do not make us ask more often than once a second.
        if found.synced_at is None or timezone.now() - found.synced_at >= AGAIN:
            try:
                if sync(recruitment_id=found.pk):
                    return True
            except RemoteUnreachable:
                return False
        time.sleep(AGAIN.total_seconds() / 2)
        found.refresh_from_db(fields=["synced_at"])
    return False


def _pending(recruitment_id: int) -> QuerySet[RecruiterEvent]:
    return RecruiterEvent.objects.filter(recruitment=recruitment_id, handled_at=None, kind__startswith="hook:")


def _round(recruitment_id: int, *, whole: bool) -> bool:
    with alone(LOCK, recruitment_id) as free:
        if not free:
            return False
        recruitment = Recruitment.objects.select_related("study__plan", "account").get(pk=recruitment_id)
        if not recruitment.remote_id:
            return True
        events = list(_pending(recruitment_id))
        try:
            _act(recruitment, _sessions(events, whole=whole))
        except PlatformError as error:
            Recruitment.objects.filter(pk=recruitment_id).update(message=str(error)[:1000])
            raise
        now = timezone.now()
        RecruiterEvent.objects.filter(pk__in=[event.pk for event in events]).update(handled_at=now, session=None)
        changes = {"synced_at": now} if whole else {}
        Recruitment.objects.filter(pk=recruitment_id).update(message="", **changes)
    return True


def _sessions(events: list[RecruiterEvent], *, whole: bool) -> set[str] | None:
    """Return which sessions to ask for; None stands for all."""
    named = {event.session for event in events if event.session}
    return None if whole or len(named) > FEW else named


def _act(recruitment: Recruitment, sessions: set[str] | None) -> None:
    client, remote_id = connect(recruitment), recruitment.remote_id
    if sessions is None:
        told = list(client.submissions(remote_id))
    else:
        told = [one for session in sessions if (one := client.submission(remote_id, session)) is not None]
    reconcile(recruitment, told)
    settle(recruitment)
    send_decisions(recruitment, client)
    bonuses.send_due(recruitment=recruitment, client=client)
    fit_places(recruitment, client)


def reconcile(recruitment: Recruitment, told: Iterable[RemoteSubmission]) -> int:
    """Reconcile the sessions that differ from what we knew; returns how many did."""
    settled = Submission.objects.filter(~Q(participation=None) | Q(state__in=OVER), recruitment=recruitment)
    known = {digest: (state, code) for digest, state, code in settled.values_list("session_digest", "state", "code")}
    changed = 0
    for remote in told:
        if all(known.get(digest) != (remote.state, remote.code) for digest in digests_of(remote.session)):
            reconcile_submission(recruitment=recruitment, remote=remote)
            changed += 1
    return changed


def reconcile_submission(*, recruitment: Recruitment, remote: RemoteSubmission) -> Submission:
    """Bring one session here in line with what the platform says of it now; doing it twice changes nothing."""
    with transaction.atomic():
        one = _row(recruitment, remote)
        was = one.state if one.pk else ""
        one.state, one.code = remote.state, remote.code[:80]
        one.started_at, one.ended_at = remote.started_at or one.started_at, remote.ended_at or one.ended_at
        one.participation = one.participation or _participation(recruitment, remote)
        # Nothing is left to decide about a session that is over and nobody's here (somebody who withdrew may be behind
        # it): its ids are not kept.
        kept = one.participation is not None or one.state not in OVER
        one.session, one.person = (remote.session, remote.person) if kept else (None, None)
        one.save()
        if was != one.state:
            _note(one, was)
        if one.participation is not None:
            _carry_out(recruitment, one, one.participation, remote)
        elif remote.state == SubmissionState.SCREENED_OUT:
            _book_screened_out(recruitment, one)
    return one


def _row(recruitment: Recruitment, remote: RemoteSubmission) -> Submission:
    rows = Submission.objects.select_for_update(of=("self",)).filter(recruitment=recruitment)
    found = rows.filter(session_digest__in=digests_of(remote.session)).select_related("participation").first()
    return found or Submission(recruitment=recruitment, session_digest=digest_of(remote.session))


def _participation(recruitment: Recruitment, remote: RemoteSubmission) -> Participation | None:
    """Return whose session this is: by the session id, which needs no code, else by the person's id."""
    here = Participation.objects.filter(study=recruitment.study_id, identity__platform=recruitment.account.platform)
    found = here.filter(identity__session_digest__in=digests_of(remote.session)).first()
    if found is None and remote.person:
        found = here.filter(identity__digest__in=digests_of(remote.person)).first()
    return found


def _note(one: Submission, was: str) -> None:
    """Keep that it changed: once per state and code."""
    RecruiterEvent.objects.get_or_create(
        recruitment=one.recruitment,
        event_id=f"seen:{one.pk}:{one.state}:{one.code}"[:120],
        defaults={
            "kind": "submission",
            "data": {"submission": one.pk, "was": str(was), "state": str(one.state)},
            "handled_at": timezone.now(),
        },
    )


def _carry_out(
    recruitment: Recruitment, one: Submission, participation: Participation, remote: RemoteSubmission
) -> None:
    """Do to the place and to the money what the state says."""
    if one.state in GONE:
        places.give_up(participation=participation, why=str(one.state), for_good=True)
        ledger.forgo(recruitment=recruitment, participation=participation, note=str(one.state))
        one.wanted = ""
    elif one.state == SubmissionState.TIMED_OUT:
        places.give_up(participation=participation, why=str(one.state), for_good=False)
    elif one.state in (SubmissionState.AWAITING, SubmissionState.RETURN_REQUESTED):
        if not places.finished_among([participation.pk]):  # he left there, so he does not go on here
            places.give_up(participation=participation, why=str(one.state), for_good=False)
    elif one.state in (SubmissionState.APPROVED, SubmissionState.PARTIAL):
        if one.state == SubmissionState.APPROVED:  # by us, by somebody there, or by the platform after some weeks
            note_approval(recruitment, one)
            if places.finished_among([participation.pk]):
                ledger.earn(recruitment=recruitment, participation=participation)
        amount = remote.reward or recruitment.reward
        ledger.pay_reward(recruitment=recruitment, participation=participation, kind=LedgerKind.PAID, amount=amount)
        one.wanted = ""
    elif one.state == SubmissionState.SCREENED_OUT:
        places.give_up(participation=participation, why=str(one.state), for_good=True)
        ledger.release(recruitment=recruitment, participation=participation, note="screened out")
        _book_screened_out(recruitment, one)
    one.save(update_fields=["wanted"])


def _book_screened_out(recruitment: Recruitment, one: Submission) -> None:
    ledger.pay(
        recruitment=recruitment,
        kind=LedgerKind.PAID,
        amount=int(recruitment.settings.get("screened_out_reward") or 0),
        reference=f"screened-out:{one.pk}",
        participation=one.participation,
        note="screened out by code",
    )


# Places


def fit_places(recruitment: Recruitment, client: RemoteClient) -> None:
    """Have as many places there as booklets wait here, and nobody let in whom nothing waits for or the cap forbids."""
    facts = client.facts(recruitment.remote_id)
    recruitment.refresh_from_db(fields=["committed", "state", "pause_reason", "places"])
    if recruitment.state not in (RemoteState.PUBLISHED, RemoteState.PAUSED):
        _remember(recruitment, facts, state=recruitment.state)
        return
    if facts.stopped:
        _remember(recruitment, facts, state=RemoteState.ENDED, reason=STOPPED)
        log_event(study=recruitment.study, name="recruitment_stopped", data={"reason": STOPPED})
        return
    need = places.need_of(recruitment)
    # A study that is full there lets nobody in, whatever became free since; more places start it again.
    free = facts.open if facts.open is not None else facts.places - need.holding
    open_seats = max(free, 0) if facts.state != RemoteState.ENDED else 0
    reason = _why_pause(recruitment, need, open_seats)
    if reason:
        if facts.state == RemoteState.PUBLISHED and open_seats:
            client.pause(recruitment.remote_id)
            facts = replace(facts, state=RemoteState.PAUSED)
            log_event(study=recruitment.study, name="recruitment_paused", data={"reason": reason})
        _remember(recruitment, facts, reason=reason if facts.state == RemoteState.PAUSED else "")
        return
    _remember(recruitment, _raised(recruitment, client, facts, need=need, open_seats=open_seats))
    if facts.state == RemoteState.PAUSED and recruitment.pause_reason in OWN_REASONS:
        client.publish(recruitment.remote_id)
        Recruitment.objects.filter(pk=recruitment.pk).update(state=RemoteState.PUBLISHED, pause_reason="")
        log_event(study=recruitment.study, name="recruitment_published", data={})


def _why_pause(recruitment: Recruitment, need: places.Need, open_seats: int) -> str:
    """Say why nobody new should come now; the cap is looked at with everybody in mind who could still come."""
    if recruitment.study.state != StudyState.OPEN:
        return NOT_OPEN
    if need.people <= 0:
        return ENOUGH
    return CAP if ledger.affordable(recruitment, need.coming + open_seats) < need.coming + open_seats else ""


def _raised(
    recruitment: Recruitment, client: RemoteClient, facts: RemoteFacts, *, need: places.Need, open_seats: int
) -> RemoteFacts:
    """Raise the places by what is missing, as far as the cap goes; places never fall."""
    may_come = need.coming + open_seats
    shortage = max(need.people - open_seats, 0)
    more = ledger.affordable(recruitment, may_come + shortage) - may_come
    if more <= 0 or recruitment.pause_reason == BY_HAND:
        return facts
    client.set_places(recruitment.remote_id, facts.places + more)
    log_event(study=recruitment.study, name="places_raised", data={"places": facts.places + more})
    state = RemoteState.PUBLISHED if facts.state == RemoteState.ENDED else facts.state
    return replace(facts, state=state, places=facts.places + more)


def _remember(
    recruitment: Recruitment, facts: RemoteFacts, *, state: str | None = None, reason: str | None = None
) -> None:
    """Keep what the platform says; that all places are taken there is no end of ours."""
    if state is None:
        state = RemoteState.PAUSED if facts.state == RemoteState.PAUSED else RemoteState.PUBLISHED
    changes: dict[str, object] = {"state": state, "places": facts.places}
    if reason is not None and recruitment.pause_reason != BY_HAND:
        changes["pause_reason"] = reason
    elif state == RemoteState.PUBLISHED:
        changes["pause_reason"] = ""
    Recruitment.objects.filter(pk=recruitment.pk).update(**changes)


def active(*, now: dt.datetime | None = None) -> list[int]:
    """Return the recruitments to ask about: those that run, and those that ended and have something to settle yet."""
    recent = (now or timezone.now()) - dt.timedelta(days=60)
    undecided = Submission.objects.exclude(state__in=OVER).filter(updated_at__gte=recent)
    running = Recruitment.objects.filter(state__in=(RemoteState.PUBLISHED, RemoteState.PAUSED))
    ended = Recruitment.objects.filter(state=RemoteState.ENDED, submissions__in=undecided)
    planned = Recruitment.objects.filter(state=RemoteState.ENDED, bonuses__state__in=("planned", "sending"))
    return sorted({pk for query in (running, ended, planned) for pk in query.values_list("pk", flat=True)})
