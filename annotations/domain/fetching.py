"""Fetching outputs from remote sources in the background: looked at, queued, stopped, tried again."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from itertools import islice
from typing import Any, Final

from django.contrib.auth.models import AbstractBaseUser
from django.db import connection, transaction
from django.db.models import Q
from django.utils.timezone import now

from annotations.enums import JobState
from annotations.errors import PlatformError, WrongState
from annotations.models import MaterialImport, Study
from annotations.registry import Part, remote_sources

from .events import log_event
from .fetching_run import LOCK, UNDER_WAY, Progress, end, log_quietly, progress_of, run_fetch, tell
from .jobs import alone
from .material_merging import ImportOptions, check_state

__all__ = [
    "UNDER_WAY",
    "Progress",
    "cancel_fetch",
    "checked",
    "due",
    "look",
    "progress_of",
    "queue_fetch",
    "retry_fetch",
    "run_fetch",
]

LOOKED_AT: Final = 5  # rows
LONGEST_NAME: Final = 255
OVER: Final = (JobState.REFUSED, JobState.FAILED, JobState.CANCELLED)
HELD = """
SELECT objid FROM pg_locks WHERE locktype = 'advisory' AND classid = %s AND granted
   AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


def checked(*, source: str, settings: Mapping[str, Any], secrets: Mapping[str, str]) -> dict[str, Any]:
    """Return the complete settings of a source; raises PlatformError that says what is wrong with them."""
    if source not in remote_sources.names():
        message = f"There is no source '{source}'; there are {', '.join(remote_sources.names())}."
        raise PlatformError(message)
    plugin = remote_sources.get(source)
    unknown = sorted(set(secrets) - {name for name, _ in plugin.secrets})
    if unknown:
        message = f"{plugin.label} has no secret '{unknown[0]}'."
        raise PlatformError(message)
    try:
        return plugin.clean_settings(settings)
    except ValueError as error:
        message = str(error)
        raise PlatformError(f"{message[:1].upper()}{message[1:]}.") from error


def look(*, source: str, settings: Mapping[str, Any], secrets: Mapping[str, str]) -> list[Any]:
    """Return the first outputs of a source as they would be brought, or what is wrong with its first rows.

    Nothing is written. Raises MaterialRefused, SourceUnreachable or PlatformError.
    """
    clean = checked(source=source, settings=settings, secrets=secrets)
    plugin = remote_sources.get(source)
    try:
        records: Any = plugin.fetch(settings=plugin.pinned(settings=clean, secrets=secrets), secrets=secrets)
        with closing(records):
            return list(islice((item for item in records if not isinstance(item, Part)), LOOKED_AT))
    except PlatformError:
        raise
    except Exception as error:  # noqa: BLE001 - the log says what it was
        log_quietly(error, secrets.values())
        message = f"The source cannot be read ({type(error).__name__})."
        raise PlatformError(message) from None


def queue_fetch(
    *,
    study: Study,
    source: str,
    settings: Mapping[str, Any],
    secrets: Mapping[str, str] | None = None,
    options: ImportOptions | None = None,
    actor: AbstractBaseUser | None = None,
) -> MaterialImport:
    """Keep what is to be fetched as a queued import, with everything pinned that may move; only for a draft.

    Raises as `look` does. The door hands the record to a worker.
    """
    kept = {name: value for name, value in (secrets or {}).items() if value}
    clean = checked(source=source, settings=settings, secrets=kept)
    check_state(study)
    plugin = remote_sources.get(source)
    pinned = plugin.pinned(settings=clean, secrets=kept)
    described = "".join(
        letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in plugin.described(pinned)
    )
    chosen = options or ImportOptions()
    if plugin.reads_logs:
        chosen = replace(chosen, leave_out_unanswered=bool(pinned["leave_out_unanswered"]))
    with transaction.atomic():
        check_state(Study.objects.select_for_update().get(pk=study.pk))
        job = MaterialImport.objects.create(
            study=study,
            source=source,
            filename=described[:LONGEST_NAME],
            settings=pinned,
            secrets=kept,
            options=chosen.as_json(),
        )
        data = {"import": job.pk, "source": source, "settings": pinned}
        log_event(study=study, name="fetch_queued", data=data, actor=actor)
    return job


def cancel_fetch(*, material_import: MaterialImport, actor: AbstractBaseUser | None = None) -> MaterialImport:
    """Stop a fetch: at once when no process is at it, else as soon as that one notices, within a second or two."""
    with alone(LOCK, material_import.pk) as free, transaction.atomic():
        job = MaterialImport.objects.select_for_update().get(pk=material_import.pk)
        if job.state not in UNDER_WAY or not job.settings:
            message = "There is nothing to stop: this is over already."
            raise WrongState(message)
        if free:
            end(job, JobState.CANCELLED, "Stopped before anything was imported.")
        else:
            job.stop_asked = True
            job.save(update_fields=["stop_asked"])
        log_event(study=job.study, name="fetch_cancelled", data={"import": job.pk}, actor=actor)
    return job


def retry_fetch(*, material_import: MaterialImport, actor: AbstractBaseUser | None = None) -> MaterialImport:
    """Queue a fetch again that was refused, failed or was stopped, with the same settings and secrets."""
    with transaction.atomic():
        job = MaterialImport.objects.select_for_update().get(pk=material_import.pk)
        check_state(Study.objects.select_for_update().get(pk=job.study_id))
        if job.state not in OVER or not job.settings:
            message = "Only a fetch that was refused, failed or was stopped can be tried again."
            raise WrongState(message)
        job.state, job.problems, job.message, job.attempts, job.stop_asked = JobState.QUEUED, [], "", 0, False
        job.started_at = job.finished_at = None
        job.save()
        log_event(study=job.study, name="fetch_retried", data={"import": job.pk}, actor=actor)
    tell(job.pk, Progress())
    return job


def due() -> list[int]:
    """Return the fetches that a worker should take up: their process died, or their message was lost."""
    old = now() - timedelta(seconds=60)
    waiting = Q(state=JobState.RUNNING) | Q(state=JobState.QUEUED, created_at__lt=old)
    ids = set(MaterialImport.objects.filter(waiting).exclude(settings={}).values_list("pk", flat=True))
    with connection.cursor() as cursor:
        cursor.execute(HELD, [LOCK])
        return sorted(ids - {int(held) for (held,) in cursor.fetchall()})
