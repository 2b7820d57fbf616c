"""Having a report made: by a Celery worker when one answers, else by this process."""

from __future__ import annotations

import time

from kombu.exceptions import KombuError
from tqdm import tqdm

from annotations.domain import reporting
from annotations.enums import JobState
from annotations.errors import PlatformError
from annotations.models import Report
from evalplatform import celery_app

TASK = "annotations.tasks.make_report"  # by name: doors do not import one another
PING_SECONDS = 1.0
PATIENCE_SECONDS = 300
POLL_SECONDS = 0.2


class JobLost(PlatformError):
    """The Celery worker took the report and did not finish it; its log says why."""


def worker_answers() -> bool:
    """Whether a Celery worker is there to take a job."""
    try:
        return bool(celery_app.control.ping(timeout=PING_SECONDS, limit=1))
    except (KombuError, OSError, NotImplementedError):
        return False


def make_report_anywhere(report: Report) -> tuple[Report, str]:
    """Have the report made and wait for it; returns it with the words for who made it."""
    if not worker_answers():
        return reporting.make_report(report_id=report.pk), "this process (no Celery worker answered)"
    celery_app.send_task(TASK, args=[report.pk], retry=False)
    with tqdm(total=100, unit="%", desc="report", disable=None, leave=False) as bar:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while report.state not in (JobState.DONE, JobState.FAILED):
            if time.monotonic() > deadline:
                raise JobLost
            time.sleep(POLL_SECONDS)
            report.refresh_from_db()
            bar.update(report.progress - bar.n)
    return report, "the Celery worker"
