"""Monitoring: the numbers of a running study. Every one is a plain count that a person can repeat in SQL."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db import connection
from django.utils import timezone

from annotations.enums import LeaseState, ParticipationState
from annotations.models import Study

HOURS_SHOWN = 24

RATERS = "SELECT state, count(*) FROM annotations_participation WHERE study_id = %(study)s GROUP BY state"
SIMULATED = """
SELECT count(*) FROM annotations_participation WHERE study_id = %(study)s AND simulated AND state = 'finished'
"""
LEASES = "SELECT state, count(*) FROM annotations_lease WHERE plan_id = %(plan)s GROUP BY state"
JUDGEMENTS = """
SELECT count(*), count(*) FILTER (WHERE j.late), count(*) FILTER (WHERE l.state = 'completed'), max(j.created_at)
FROM annotations_judgement j JOIN annotations_lease l ON l.id = j.lease_id WHERE l.plan_id = %(plan)s
"""
BY_HOUR = """
SELECT date_trunc('hour', j.created_at) AS hour, count(*)
FROM annotations_judgement j JOIN annotations_lease l ON l.id = j.lease_id
WHERE l.plan_id = %(plan)s AND j.created_at >= date_trunc('hour', %(now)s::timestamptz) - %(hours)s * interval '1 hour'
GROUP BY hour ORDER BY hour
"""
# Judgements that count towards k: main trials of completed booklets.
BY_TASK = """
SELECT judged, count(*) FROM (
  SELECT task.id, count(j.id) AS judged
  FROM annotations_task task
  LEFT JOIN annotations_trial t ON t.task_id = task.id AND t.kind = 'main'
  LEFT JOIN (annotations_judgement j JOIN annotations_lease l ON l.id = j.lease_id AND l.state = 'completed')
    ON j.trial_id = t.id
  WHERE task.plan_id = %(plan)s AND task.kind = 'main' GROUP BY task.id
) AS counted GROUP BY judged ORDER BY judged
"""
# Active time of main trials: submit minus the time hidden and idle.
SECONDS = """
SELECT percentile_cont(0.5) WITHIN GROUP
         (ORDER BY (j.submit_ms - coalesce(j.hidden_ms, 0) - coalesce(j.idle_ms, 0)) / 1000.0)
FROM annotations_judgement j
JOIN annotations_lease l ON l.id = j.lease_id
JOIN annotations_trial t ON t.id = j.trial_id
WHERE l.plan_id = %(plan)s AND t.kind = 'main' AND j.submit_ms IS NOT NULL
"""
# The pace of the last three hours, or of as long as booklets have been completed at all.
PACE = """
SELECT count(*) FILTER (WHERE ended_at > %(now)s::timestamptz - interval '3 hours'),
       extract(epoch FROM least(interval '3 hours', %(now)s::timestamptz - min(leased_at))) / 3600.0
FROM annotations_lease WHERE plan_id = %(plan)s AND state = 'completed'
"""


def monitor(*, study: Study) -> dict[str, Any]:
    """Return the monitor's numbers, JSON-able.

    `simulated` counts finished raters that were no people; `by_task` maps "judgements that count" to "number of tasks";
    `by_hour` holds the last 24 hours, hours without a judgement included; `dropout` is lapsed / (lapsed + completed)
    leases, None before either exists; `per_hour` counts booklets completed per hour lately, and `finish` is when all
    would be at that pace (None when nothing is left or nothing moves).
    """
    raters = _pairs(RATERS, study)
    leases = _pairs(LEASES, study)
    total, late, counting, latest = _one(JUDGEMENTS, study)
    lapsed, completed = leases.get(LeaseState.LAPSED, 0), leases.get(LeaseState.COMPLETED, 0)
    median = _one(SECONDS, study)[0]
    planned = study.plan.booklets_planned if study.plan else 0
    per_hour = _per_hour(study)
    return {
        "state": study.state,
        "sha256": study.plan.sha256 if study.plan else "",
        "raters": {str(state): raters.get(state, 0) for state in ParticipationState.values},
        "raters_total": sum(raters.values()),
        "simulated": _one(SIMULATED, study)[0],
        "leases": {str(state): leases.get(state, 0) for state in LeaseState.values},
        "booklets_planned": planned,
        "booklets_completed": completed,
        "progress": completed / planned if planned else 0.0,
        "per_hour": per_hour,
        "finish": _finish(planned - completed, per_hour),
        "judgements": total,
        "judgements_late": late,
        "judgements_counting": counting,
        "trials_planned": study.plan.trials_planned if study.plan else 0,
        "latest": latest.isoformat() if latest else None,
        "by_hour": _by_hour(study),
        "by_task": {int(judged): count for judged, count in _pairs(BY_TASK, study).items()},
        "raters_per_task": study.design.get("raters_per_task", 0),
        "median_seconds": float(median) if median is not None else None,
        "dropout": lapsed / (lapsed + completed) if lapsed + completed else None,
    }


def _per_hour(study: Study) -> float:
    completed, hours = _one(PACE, study)
    return float(completed) / max(float(hours), 1 / 60) if completed else 0.0


def _finish(left: int, per_hour: float) -> str | None:
    if left <= 0 or per_hour <= 0:
        return None
    return (timezone.now() + dt.timedelta(hours=left / per_hour)).isoformat()


def _values(study: Study) -> dict[str, Any]:
    return {"study": study.pk, "plan": study.plan_id or 0, "now": timezone.now(), "hours": HOURS_SHOWN - 1}


def _pairs(sql: str, study: Study) -> dict[Any, int]:
    with connection.cursor() as cursor:
        cursor.execute(sql, _values(study))
        return dict(cursor.fetchall())


def _one(sql: str, study: Study) -> tuple[Any, ...]:
    with connection.cursor() as cursor:
        cursor.execute(sql, _values(study))
        row: tuple[Any, ...] = cursor.fetchone()
    return row


def _by_hour(study: Study) -> list[dict[str, Any]]:
    found = _pairs(BY_HOUR, study)
    last = timezone.now().replace(minute=0, second=0, microsecond=0)
    hours = [last - dt.timedelta(hours=back) for back in range(HOURS_SHOWN - 1, -1, -1)]
    return [{"hour": hour.isoformat(), "judgements": found.get(hour, 0)} for hour in hours]
