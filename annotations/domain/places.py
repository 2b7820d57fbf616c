"""Places: a booklet that its rater gave up goes to somebody else at once, and how many people are still needed."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.db import connection, transaction
from django.db.models import Count, Q

from annotations.enums import LeaseState, Outcome, ParticipationState, SubmissionState
from annotations.models import Flag, Lease, Participation, Recruitment, Submission

from .ledger import reserve

# End a lease and put a copy of its booklet back in one statement, so that none is lost between the two.
GIVE_UP = """
WITH ended AS (
  UPDATE annotations_lease SET state = %(state)s, ended_at = statement_timestamp()
  WHERE id = %(lease)s::bigint AND state = ANY(%(sources)s) RETURNING plan_id, booklet_id
)
INSERT INTO annotations_lease (plan_id, booklet_id, copy, state)
SELECT plan_id, booklet_id,
       (SELECT max(x.copy) + 1 FROM annotations_lease x WHERE x.booklet_id = ended.booklet_id), 'available'
FROM ended RETURNING id
"""

# Everybody whose latest booklet is judged to its end, also when the lease had lapsed by then.
THROUGH = """
SELECT l.participation_id, max(j.created_at) FROM annotations_lease l
JOIN annotations_booklet b ON b.id = l.booklet_id
JOIN annotations_judgement j ON j.lease_id = l.id
WHERE l.participation_id = ANY(%s) GROUP BY l.id, b.length HAVING count(*) >= b.length
"""

HOLDING = (
    SubmissionState.RESERVED,
    SubmissionState.ACTIVE,
    SubmissionState.AWAITING,
    SubmissionState.RETURN_REQUESTED,
    SubmissionState.APPROVED,
    SubmissionState.PARTIAL,
)  # each of them takes one of the platform's places
COMING = (SubmissionState.RESERVED, SubmissionState.ACTIVE)


@dataclass(frozen=True, slots=True)
class Need:
    """`free` booklets wait, `coming` people are on their way to one, `holding` places are taken on the platform."""

    free: int
    running: int
    coming: int
    holding: int

    @property
    def people(self) -> int:
        """How many people more are needed than are on their way."""
        return self.free - self.coming


def need_of(recruitment: Recruitment) -> Need:
    """Count booklets and people."""
    leases = Lease.objects.filter(plan=recruitment.study.plan_id).aggregate(
        free=Count("pk", filter=Q(state=LeaseState.AVAILABLE)),
        running=Count("pk", filter=Q(state=LeaseState.LEASED)),
    )
    theirs = Submission.objects.filter(recruitment=recruitment)
    coming = theirs.filter(
        Q(participation=None)
        | Q(
            participation__leases=None,
            participation__state__in=(ParticipationState.ARRIVED, ParticipationState.CONSENTED),
        ),
        state__in=COMING,
    )
    return Need(
        free=leases["free"],
        running=leases["running"],
        coming=coming.count(),
        holding=theirs.filter(state__in=HOLDING).count(),
    )


def admit(*, participation: Participation) -> bool:
    """Say whether this rater may take a booklet now: he has not given his place up, and the cap has room for him."""
    gone = (SubmissionState.RETURNED, SubmissionState.REJECTED)
    if Submission.objects.filter(participation=participation, state__in=gone).exists():
        return False
    return reserve(participation=participation)


def finished_among(participations: list[int]) -> dict[int, dt.datetime]:
    """Map everybody of these who judged a booklet to its end to the moment of that, also who withdrew the answers."""
    done = Participation.objects.filter(pk__in=participations, finished_at__isnull=False)
    found = {pk: at for pk, at in done.values_list("pk", "finished_at") if at is not None}
    with connection.cursor() as cursor:
        cursor.execute(THROUGH, [participations])
        return dict(cursor.fetchall()) | found


def give_up(*, participation: Participation, why: str, for_good: bool) -> bool:
    """Take the booklet back from a rater and put a copy of it out at once; says whether one was put out.

    For good (returned, rejected): also a completed booklet counts no more, and its rater cannot take it up again. Else
    (timed out): only a running one is taken, and comes back to its rater if he is here again before somebody else is.
    The answers stay in either case, and the participation is flagged.
    """
    with transaction.atomic():
        lease = Lease.objects.select_for_update().filter(participation=participation).order_by("-pk").first()
        if lease is None:
            return False
        if for_good and lease.state == LeaseState.LAPSED:
            lease.state = LeaseState.WITHDRAWN
            lease.save(update_fields=["state"])
            return False
        sources = [str(LeaseState.LEASED), *([str(LeaseState.COMPLETED)] if for_good else [])]
        with connection.cursor() as cursor:
            state = LeaseState.WITHDRAWN if for_good else LeaseState.LAPSED
            cursor.execute(GIVE_UP, {"lease": str(lease.pk), "state": str(state), "sources": sources})
            put_out = cursor.fetchone() is not None
        if put_out:
            Participation.objects.filter(pk=participation.pk).update(
                state=ParticipationState.LAPSED, outcome=Outcome.LAPSED
            )
            Flag.objects.get_or_create(
                participation=participation, check_name="place_given_up", key=f"{lease.pk}:{why}"[:80]
            )
    return put_out
