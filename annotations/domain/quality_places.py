"""Places after an exclusion: an excluded rater's booklet is given to another, so that k who count are reached."""

from __future__ import annotations

from typing import Any

from django.db import connection
from django.db.models import Exists, OuterRef
from django.utils import timezone

from annotations.enums import LeaseState
from annotations.models import Booklet, Exclusion, Lease, Participation, Study

from . import quality_rules as rules
from .events import log_event

# Booklets by what became of them, and tasks by the raters who completed them and count.
BALANCE = """
WITH done AS (
  SELECT l.booklet_id, EXISTS (SELECT FROM annotations_exclusion x
                               WHERE x.participation_id = l.participation_id AND x.undone_at IS NULL) AS excluded
  FROM annotations_lease l WHERE l.plan_id = %(plan)s AND l.state = 'completed'
), booklets AS (
  SELECT b.id, count(done.*) FILTER (WHERE NOT done.excluded) AS counting,
         count(done.*) FILTER (WHERE done.excluded) AS excluded,
         (SELECT count(*) FROM annotations_lease l
          WHERE l.booklet_id = b.id AND l.state IN ('available', 'leased')) AS waiting
  FROM annotations_booklet b LEFT JOIN done ON done.booklet_id = b.id WHERE b.plan_id = %(plan)s GROUP BY b.id
)
SELECT count(*), count(*) FILTER (WHERE counting > 0), coalesce(sum(excluded), 0)::int,
       count(*) FILTER (WHERE counting = 0 AND waiting > 0),
       count(*) FILTER (WHERE counting = 0 AND waiting = 0), coalesce(sum(greatest(counting - 1, 0)), 0)::int
FROM booklets
"""
BY_TASK = """
SELECT judged, count(*) FROM (
  SELECT task.id, count(DISTINCT j.id) AS judged
  FROM annotations_task task
  LEFT JOIN annotations_trial t ON t.task_id = task.id AND t.kind = 'main'
  LEFT JOIN (annotations_judgement j
             JOIN annotations_lease l ON l.id = j.lease_id AND l.state = 'completed' AND NOT EXISTS (
               SELECT FROM annotations_exclusion x
               WHERE x.participation_id = l.participation_id AND x.undone_at IS NULL))
    ON j.trial_id = t.id
  WHERE task.plan_id = %(plan)s AND task.kind = 'main' GROUP BY task.id
) AS counted GROUP BY judged ORDER BY judged
"""


def reissue(*, study: Study, participation: Participation) -> None:
    """Make a copy of the booklets that an excluded rater completed, unless somebody who counts has them or one waits.

    Called inside the transaction of the exclusion. The booklet is locked, so that two raters of it who are excluded at
    once make one copy.
    """
    if not rules.declared(study.quality)["reissue"]:
        return
    done = participation.leases.filter(state=LeaseState.COMPLETED).values_list("booklet_id", flat=True)
    out = Exclusion.objects.filter(participation=OuterRef("participation"), undone_at=None)
    for booklet in Booklet.objects.select_for_update().filter(pk__in=list(done)).order_by("pk"):
        leases = Lease.objects.filter(booklet=booklet)
        waits = leases.filter(state__in=(LeaseState.AVAILABLE, LeaseState.LEASED)).exists()
        if waits or leases.filter(~Exists(out), state=LeaseState.COMPLETED).exists():
            continue
        copy = max(leases.values_list("copy", flat=True)) + 1
        Lease.objects.create(plan_id=booklet.plan_id, booklet=booklet, copy=copy)
        data = {"booklet": booklet.number, "copy": copy}
        log_event(study=study, name="booklet_reissued", participation=participation, data=data)


def take_back(*, study: Study, participation: Participation) -> None:
    """Withdraw the copies that wait because this rater was excluded, now that he counts again.

    A copy that somebody has taken meanwhile stays his: one judgement more than planned, and none thrown away.
    """
    if participation.exclusions.filter(undone_at=None).exists():
        return
    done = participation.leases.filter(state=LeaseState.COMPLETED).values_list("booklet_id", flat=True)
    booklets = {row.pk: row.number for row in Booklet.objects.select_for_update().filter(pk__in=list(done))}
    waiting = Lease.objects.select_for_update(skip_locked=True)
    for lease in waiting.filter(booklet_id__in=booklets, state=LeaseState.AVAILABLE):
        lease.state, lease.ended_at = LeaseState.WITHDRAWN, timezone.now()
        lease.save(update_fields=["state", "ended_at"])
        data = {"booklet": booklets[lease.booklet_id], "copy": lease.copy}
        log_event(study=study, name="booklet_taken_back", participation=participation, data=data)


def balance(*, study: Study) -> dict[str, Any]:
    """Return how the plan stands when excluded raters do not count.

    `booklets` planned; `counting` with a complete rater who counts; `excluded` complete raters who do not; `open` that
    wait for a rater or have one now; `lost` that nobody will do; `surplus` raters more than planned; `by_task` maps
    "judgements that count" to "number of tasks".
    """
    with connection.cursor() as cursor:
        cursor.execute(BALANCE, {"plan": study.plan_id or 0})
        names = ("booklets", "counting", "excluded", "open", "lost", "surplus")
        found: dict[str, Any] = dict(zip(names, cursor.fetchone(), strict=True))
        cursor.execute(BY_TASK, {"plan": study.plan_id or 0})
        found["by_task"] = dict(cursor.fetchall())
    return found
