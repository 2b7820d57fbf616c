"""Celery tasks: thin doors to the verbs. Each may be delivered twice and then does its work once."""

from __future__ import annotations

import contextlib
import random

from celery import shared_task

from annotations.domain import (
    alerts,
    assignment,
    auditing,
    fetching,
    foresight,
    generating,
    letters,
    materials,
    measurements,
    measuring,
    panel,
    quality,
    recruiting_sync,
    reporting,
    score_uploads,
    scoring,
    withdrawal,
)
from annotations.errors import PlatformError


@shared_task(name="annotations.tasks.expire_leases", ignore_result=True)
def expire_leases() -> int:
    """Lapse leases that are past their time and re-issue their booklets."""
    return assignment.expire_leases()


@shared_task(name="annotations.tasks.watch_studies", ignore_result=True)
def watch_studies() -> None:
    """Look whether researchers should be told something, and send what waits."""
    for alert_id in alerts.watch_all():
        send_alert_task.delay(alert_id)


@shared_task(name="annotations.tasks.send_alert", ignore_result=True)
def send_alert_task(alert_id: int) -> None:
    """Send one alert."""
    alerts.send(alert_id=alert_id)


@shared_task(name="annotations.tasks.make_round", ignore_result=True, acks_late=True, reject_on_worker_lost=True)
def make_round_task(round_id: int) -> None:
    """Let the systems of a panel answer one question."""
    panel.make_round(round_id=round_id)


@shared_task(name="annotations.tasks.poll_recruitments", ignore_result=True)
def poll_recruitments() -> None:
    """Ask the platforms about every recruitment that runs, spread over the minute."""
    for recruitment_id in recruiting_sync.active():
        sync_recruitment_task.apply_async((recruitment_id,), countdown=random.uniform(0, 20), expires=50)  # noqa: S311


@shared_task(name="annotations.tasks.sync_recruitment", ignore_result=True)
def sync_recruitment_task(recruitment_id: int) -> None:
    """Ask for everything. What the platform refuses or does not answer is kept beside the recruitment."""
    with contextlib.suppress(PlatformError):
        recruiting_sync.sync(recruitment_id=recruitment_id)
        recruiting_sync.follow(recruitment_id=recruitment_id)


@shared_task(name="annotations.tasks.follow_recruitment", ignore_result=True)
def follow_recruitment_task(recruitment_id: int) -> None:
    """Act on the messages that came."""
    with contextlib.suppress(PlatformError):
        recruiting_sync.follow(recruitment_id=recruitment_id)


@shared_task(name="annotations.tasks.send_invitations", ignore_result=True)
def send_invitations() -> int:
    """Send the letters that wait and the reminders that are due; each is written down before it is sent."""
    return letters.send_due()


@shared_task(name="annotations.tasks.examine_raters", ignore_result=True)
def examine_raters() -> int:
    """Look at raters who ended since the last look, and settle closed studies."""
    return quality.examine_due()


@shared_task(name="annotations.tasks.examine_study", ignore_result=True)
def examine_study_task(study_id: int) -> None:
    """Look at every rater of one study who ended."""
    quality.look_at_study(study_id=study_id)


@shared_task(name="annotations.tasks.make_report", ignore_result=True)
def make_report_task(report_id: int) -> None:
    """Make one report."""
    reporting.make_report(report_id=report_id)


@shared_task(name="annotations.tasks.check_power", ignore_result=True)
def check_power_task(check_id: int) -> None:
    """Check the power of a design by simulation."""
    foresight.run_check(check_id=check_id)


@shared_task(name="annotations.tasks.import_material", ignore_result=True, acks_late=True, reject_on_worker_lost=True)
def import_material_task(material_import_id: int) -> None:
    """Import one uploaded file; a refusal is kept in its record, which the admin shows."""
    with contextlib.suppress(PlatformError):
        materials.run_import(material_import_id=material_import_id)


@shared_task(
    name="annotations.tasks.fetch_material",
    ignore_result=True,
    acks_late=True,
    reject_on_worker_lost=True,
    time_limit=12 * 3600,
)
def fetch_material_task(material_import_id: int) -> None:
    """Fetch from one remote source; what comes of it is kept in its record, which the admin shows."""
    fetching.run_fetch(material_import_id=material_import_id)


@shared_task(name="annotations.tasks.resume_fetches", ignore_result=True)
def resume_fetches() -> None:
    """Take up what a dead worker left, or a lost message."""
    for material_import_id in fetching.due():
        fetch_material_task.apply_async((material_import_id,), expires=50)


@shared_task(name="annotations.tasks.audit_texts", ignore_result=True, acks_late=True, reject_on_worker_lost=True)
def audit_texts_task(run_id: int) -> None:
    """Audit the texts of one study; a failure is kept in its record."""
    auditing.run_audit(run_id=run_id)


@shared_task(name="annotations.tasks.forget_settled", ignore_result=True)
def forget_settled() -> int:
    """Forget who was behind sessions of people who withdrew, as soon as they are settled."""
    return withdrawal.forget_settled()


@shared_task(name="annotations.tasks.run_measurement", ignore_result=True, acks_late=True, reject_on_worker_lost=True)
def run_measurement_task(measurement_id: int) -> None:
    """Measure diversity and mode collapse of a study's outputs."""
    measuring.run_measurement(measurement_id=measurement_id)


@shared_task(name="annotations.tasks.compute_scores", ignore_result=True, acks_late=True, reject_on_worker_lost=True)
def compute_scores_task(judge_id: int) -> None:
    """Compute what is missing of one judge's scores."""
    scoring.compute(judge_id=judge_id)


@shared_task(name="annotations.tasks.resume_machines", ignore_result=True)
def resume_machines() -> None:
    """Take up measurements and scores that wait, or that a worker left behind when it died; sweep old uploads."""
    score_uploads.forget_old()
    for measurement_id in measurements.orphaned():
        run_measurement_task.apply_async((measurement_id,), expires=50)
    for judge_id in scoring.orphaned():
        compute_scores_task.apply_async((judge_id,), expires=50)


@shared_task(name="annotations.tasks.run_generation", ignore_result=True, acks_late=True, reject_on_worker_lost=True)
def run_generation_task(generation_id: int) -> None:
    """Ask systems for outputs for a while, and go to the end of the queue when there is more to do."""
    if generating.run_generation(generation_id=generation_id):
        run_generation_task.delay(generation_id)


@shared_task(name="annotations.tasks.take_up_generations", ignore_result=True)
def take_up_generations() -> None:
    """Go on with generations whose worker died; a message too many does no harm."""
    for generation_id in generating.left_behind():
        run_generation_task.apply_async((generation_id,), expires=60)
