"""Celery tasks: thin doors to the verbs. Each may be delivered twice and then does its work once."""

from __future__ import annotations

from celery import shared_task

from annotations.domain import assignment, reporting


@shared_task(name="annotations.tasks.expire_leases", ignore_result=True)
def expire_leases() -> int:
    """Lapse leases that are past their time and re-issue their booklets."""
    return assignment.expire_leases()


@shared_task(name="annotations.tasks.make_report", ignore_result=True)
def make_report_task(report_id: int) -> None:
    """Make one report."""
    reporting.make_report(report_id=report_id)
