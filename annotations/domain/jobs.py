"""Background jobs are done once, even when they are delivered twice or a worker dies over one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

from annotations.enums import JobState
from annotations.models import Judge, Measurement

Stoppable = Judge | Measurement


@contextmanager
def alone(kind: int, job_id: int) -> Iterator[bool]:
    """Yield whether nobody else works on this job; `kind` is the first key of the advisory lock.

    The database lets the lock go when a worker's connection ends, so that a job left "running" can be taken up again.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s::int, %s::int)", [kind, job_id])
        free = bool(cursor.fetchone()[0])
        try:
            yield free
        finally:
            if free:
                cursor.execute("SELECT pg_advisory_unlock(%s::int, %s::int)", [kind, job_id])


def worked_on(kind: int) -> set[int]:
    """Return the jobs that somebody works on at this moment: those whose lock is held."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT objid::bigint FROM pg_locks
            WHERE locktype = 'advisory' AND objsubid = 2 AND granted AND classid = %s::int::oid
              AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
            """,
            [kind],
        )
        return {int(job) for (job,) in cursor.fetchall()}


def ask_to_stop(job: Stoppable) -> bool:
    """Ask a job to stop, whose row the caller has locked; False when it has ended already or was asked before.

    One that nobody has begun is cancelled at once.
    """
    if job.state not in (JobState.QUEUED, JobState.RUNNING) or job.stop_asked:
        return False
    job.stop_asked = True
    if job.state == JobState.QUEUED:
        job.state, job.message = JobState.CANCELLED, "Stopped before it began."
    job.save(update_fields=["stop_asked", "state", "message"])
    return True
