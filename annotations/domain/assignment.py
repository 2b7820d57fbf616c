"""Booklets and their leases: claim, renew, expire and re-issue, reinstate, complete."""

from __future__ import annotations

import datetime as dt
from functools import partial

from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from annotations.enums import LeaseState, Outcome, ParticipationState, StudyState
from annotations.errors import StudyNotOpen
from annotations.models import Flag, Judgement, Lease, Participation, Recruitment

from .events import log_event
from .places import admit

# One row is locked and taken in one statement. Rows that other claimants hold are skipped, never waited for; a row
# that somebody took since the snapshot no longer matches when it is locked, and the scan goes on to the next one.
CLAIM = """
UPDATE annotations_lease SET state = 'leased', participation_id = %(participation)s, leased_at = statement_timestamp(),
       expires_at = statement_timestamp() + make_interval(mins => %(minutes)s)
WHERE id = (SELECT id FROM annotations_lease WHERE plan_id = %(plan)s AND state = 'available'
            ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING id
"""

# Lapse and re-issue in one statement, so that a booklet is never lost between the two. A lease that is being renewed
# at this moment is locked and therefore skipped; the next beat looks again.
EXPIRE = """
WITH due AS (
  SELECT id FROM annotations_lease WHERE state = 'leased' AND expires_at < %(now)s FOR UPDATE SKIP LOCKED
), lapsed AS (
  UPDATE annotations_lease l SET state = 'lapsed', ended_at = %(now)s FROM due
  WHERE l.id = due.id RETURNING l.id, l.plan_id, l.booklet_id, l.participation_id
), reissued AS (
  INSERT INTO annotations_lease (plan_id, booklet_id, copy, state)
  SELECT plan_id, booklet_id,
         (SELECT max(x.copy) + 1 FROM annotations_lease x WHERE x.booklet_id = lapsed.booklet_id), 'available'
  FROM lapsed
)
SELECT id, participation_id, (SELECT count(*) FROM annotations_judgement j WHERE j.lease_id = lapsed.id) FROM lapsed
"""


COMPLETE = """
WITH done AS (
  UPDATE annotations_lease SET state = 'completed', ended_at = statement_timestamp()
  WHERE id = %(lease)s::bigint AND state = 'leased' RETURNING id, participation_id
), finished AS (
  UPDATE annotations_participation p
  SET state = 'finished', outcome = 'completed', finished_at = statement_timestamp()
  FROM done WHERE p.id = done.participation_id RETURNING p.id, p.study_id
)
INSERT INTO annotations_event (study_id, participation_id, name, data, at)
SELECT finished.study_id, finished.id, 'finished', jsonb_build_object('lease', done.id), statement_timestamp()
FROM finished, done
"""


# Past its time, but judged to the end: the worker died between the last answer and the completion.
THROUGH = """
SELECT l.id FROM annotations_lease l JOIN annotations_booklet b ON b.id = l.booklet_id
WHERE l.state = 'leased' AND l.expires_at < %(now)s
  AND (SELECT count(*) FROM annotations_judgement j WHERE j.lease_id = l.id) >= b.length
"""


def claim_booklet(*, participation: Participation) -> Lease | None:
    """Lease a booklet to this participation, or return the one it holds; None when no booklet is left.

    Raises StudyNotOpen when the study takes no new raters. Two clicks at once are one lease: the second one meets the
    unique index over the running lease of a participation. A recruiter refills a place before we hear that it was given
    up, so when nothing is left the recruiter is asked, after this transaction, and the claim is tried once more.
    """
    study = participation.study
    if study.state != StudyState.OPEN or study.plan_id is None:
        raise StudyNotOpen
    lease = _claim(participation)
    if lease is None and Recruitment.objects.filter(study=study).exists():
        transaction.on_commit(partial(_claim_after_asking, participation), robust=True)
    return lease


def _claim_after_asking(participation: Participation) -> None:
    from .recruiting_sync import look_again

    if look_again(study_id=participation.study_id):
        _claim(participation)


def _claim(participation: Participation) -> Lease | None:
    try:
        with transaction.atomic():
            held = _latest(participation)
            if held is not None:
                return held
            lease_id = _take(participation)
            state = ParticipationState.JUDGING if lease_id else ParticipationState.TURNED_AWAY
            outcome = "" if lease_id else Outcome.FULL
            Participation.objects.filter(pk=participation.pk).update(state=state, outcome=outcome)
            name = "booklet_claimed" if lease_id else "turned_away"
            log_event(study=participation.study, name=name, participation=participation, data={})
    except IntegrityError:
        return _latest(participation)
    return Lease.objects.get(pk=lease_id) if lease_id else None


def _take(participation: Participation) -> int | None:
    """Take a free booklet, and let go of it again when this rater may not have it (see ``places.admit``)."""
    study = participation.study
    values = {"participation": participation.pk, "plan": study.plan_id, "minutes": study.lease_minutes}
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(CLAIM, values)
        row = cursor.fetchone()
        if row is None:
            return None
        if not admit(participation=participation):
            transaction.set_rollback(True)
            return None
        return int(row[0])


def _latest(participation: Participation) -> Lease | None:
    return participation.leases.order_by("-pk").first()


def expire_leases(*, now: dt.datetime | None = None) -> int:
    """Lapse every lease that is past its time and make a copy of its booklet available; returns how many lapsed.

    The partial judgements stay, and the participation is flagged; a booklet that is judged to its end is completed.
    Called by Celery beat every 30 s.
    """
    values = {"now": now or timezone.now()}
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(THROUGH, values)
            for (lease_id,) in cursor.fetchall():
                complete(lease_id=lease_id)
            cursor.execute(EXPIRE, values)
            rows = cursor.fetchall()
        Participation.objects.filter(pk__in=[row[1] for row in rows]).update(
            state=ParticipationState.LAPSED, outcome=Outcome.LAPSED
        )
        Flag.objects.bulk_create(
            Flag(participation_id=who, check_name="lease_lapsed", detail={"lease": lease, "judgements": judged})
            for lease, who, judged in rows
        )
    return len(rows)


def reinstate(*, lease: Lease) -> bool:
    """Give a lapsed booklet back to the rater who comes back, if nobody else has taken its copy; says whether it did.

    The waiting copy is withdrawn in the same transaction, so the number of complete raters stays exactly k. Answers
    that came in between are then no surplus any more.
    """
    with transaction.atomic():
        mine = Lease.objects.select_for_update().get(pk=lease.pk)
        if mine.state != LeaseState.LAPSED or mine.participation is None:
            return mine.state == LeaseState.LEASED
        study = mine.participation.study
        waiting = (
            Lease.objects.select_for_update(skip_locked=True)
            .filter(booklet_id=mine.booklet_id, state=LeaseState.AVAILABLE)
            .order_by("-copy")
            .first()
        )
        if waiting is None or study.state != StudyState.OPEN:
            return False
        waiting.state, waiting.ended_at = LeaseState.WITHDRAWN, timezone.now()
        waiting.save(update_fields=["state", "ended_at"])
        mine.state, mine.ended_at = LeaseState.LEASED, None
        mine.expires_at = timezone.now() + dt.timedelta(minutes=study.lease_minutes)
        mine.save(update_fields=["state", "ended_at", "expires_at"])
        Judgement.objects.filter(lease=mine, late=True).update(late=False)
        Participation.objects.filter(pk=mine.participation.pk).update(state=ParticipationState.JUDGING, outcome="")
        log_event(study=study, name="lease_reinstated", participation=mine.participation, data={"lease": mine.pk})
    return True


def complete(*, lease_id: int) -> None:
    """Mark a lease and its participation as finished, in one statement; doing it twice changes nothing.

    Whoever judged everything after the lease had lapsed does not count to k, but has completed and is paid.
    """
    with connection.cursor() as cursor:
        cursor.execute(COMPLETE, {"lease": str(lease_id)})
        if not cursor.rowcount:
            Participation.objects.filter(leases=lease_id, leases__state=LeaseState.LAPSED).update(
                outcome=Outcome.COMPLETED
            )
