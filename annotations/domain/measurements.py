"""Measurements: asked for, stopped, tried again, read; what runs them is ``measuring``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.db import connection, transaction

from annotations.enums import JobState, SystemRole
from annotations.errors import NotReady, WrongState
from annotations.models import Measurement, Study
from annotations.registry import Option
from annotations.registry.endpoints import EMBEDDING, check_embedding
from annotations.registry.options import complete

from . import bundles
from .events import log_event
from .jobs import ask_to_stop, worked_on

LOCK = 20_2619  # the first key of our advisory locks: measurements
UNDER_WAY = (JobState.QUEUED, JobState.RUNNING)
PLANES = "planes.json"  # in the bundle: all outputs to each prompt in the plane, for the page
LEAST = 2  # outputs below which nothing can be compared
SECRETS = (("api_key", "Key of the endpoint"),)
TAKES = (
    *EMBEDDING,
    Option(
        "threshold",
        "Alike from",
        "decimal",
        0.8,
        least=0.05,
        most=0.99,
        help="Two texts this similar repeat one another (Artificial Hivemind: 0.8).",
    ),
    Option("seed", "Seed", "number", 0, least=0, most=2**31 - 1),
)
FINGERPRINT = """
SELECT count(*), coalesce(encode(sha256(convert_to(string_agg(
    p.key || chr(10) || s.name || chr(10) || o.sample || chr(10) || md5(o.text), chr(10)
    ORDER BY p.key COLLATE "C", s.name COLLATE "C", o.sample), 'UTF8')), 'hex'), '')
FROM annotations_output o
JOIN annotations_prompt p ON p.id = o.prompt_id
JOIN annotations_system s ON s.id = o.system_id
WHERE p.study_id = %(study)s AND s.role <> %(check)s AND o.left_out = ''
"""


def clean_settings(settings: Mapping[str, Any], *, systems: tuple[str, ...]) -> dict[str, Any]:
    """Return complete, checked settings; raises ValueError that names the wrong one."""
    chosen = {name: value for name, value in settings.items() if name != "baseline"}
    found = check_embedding(complete(TAKES, chosen, of="the measurement"))
    baseline = settings.get("baseline") or ""
    if baseline and baseline not in systems:
        message = f"the option 'baseline' takes a system of the study, not {baseline!r}"
        raise ValueError(message)
    return found | {"baseline": baseline}


def systems_of(*, study: Study) -> tuple[str, ...]:
    """Return the names of the systems whose texts raters may see."""
    return tuple(study.systems.exclude(role=SystemRole.CHECK).order_by("name").values_list("name", flat=True))


def baseline_of(*, study: Study) -> str:
    """Return the study's baseline: the design's, else the system in that role when there is one only, else none."""
    named = str(study.design.get("baseline") or "")
    in_role = list(study.systems.filter(role=SystemRole.BASELINE).values_list("name", flat=True))
    return named if named in systems_of(study=study) else in_role[0] if len(in_role) == 1 else ""


def fingerprint(*, study: Study) -> tuple[int, str]:
    """Return how many texts raters may see, and a SHA-256 over them and their names."""
    with connection.cursor() as cursor:
        cursor.execute(FINGERPRINT, {"study": study.pk, "check": SystemRole.CHECK.value})
        count, digest = cursor.fetchone()
    return int(count), str(digest)


def request_measurement(
    *,
    study: Study,
    settings: Mapping[str, Any],
    secrets: Mapping[str, str] | None = None,
    actor: AbstractBaseUser | None = None,
) -> Measurement:
    """Queue a measurement, or return the one that waits or runs already.

    Raises NotReady without enough outputs, ValueError for a wrong setting.
    """
    clean = clean_settings(settings, systems=systems_of(study=study))
    count, _ = fingerprint(study=study)
    if count < LEAST:
        message = "There is nothing to measure yet: bring the outputs of the systems first."
        raise NotReady(message)
    with transaction.atomic():
        Study.objects.select_for_update().get(pk=study.pk)
        waiting = study.measurements.filter(state__in=UNDER_WAY).first()
        if waiting is not None:
            return waiting
        made = Measurement.objects.create(study=study, settings=clean, secrets=dict(secrets or {}))
        data = {"measurement": made.pk, "settings": clean}
        log_event(study=study, name="measurement_requested", data=data, actor=actor)
    return made


def stop_measurement(*, measurement: Measurement, actor: AbstractBaseUser | None = None) -> None:
    """Ask the job to stop; nothing of it is kept. Nothing happens when it has ended already."""
    with transaction.atomic():
        locked = Measurement.objects.select_for_update().get(pk=measurement.pk)
        if ask_to_stop(locked):
            log_event(study=locked.study, name="measurement_stopped", data={"measurement": locked.pk}, actor=actor)


def retry_measurement(*, measurement: Measurement, actor: AbstractBaseUser | None = None) -> Measurement:
    """Queue one that failed or was stopped again, with its settings and its key."""
    with transaction.atomic():
        Study.objects.select_for_update().get(pk=measurement.study_id)
        locked = Measurement.objects.select_for_update().get(pk=measurement.pk)
        if locked.state not in (JobState.FAILED, JobState.CANCELLED):
            message = "Only a measurement that failed or was stopped can be tried again."
            raise WrongState(message)
        if Measurement.objects.filter(study=locked.study, state__in=UNDER_WAY).exists():
            message = "Another measurement is under way."
            raise WrongState(message)
        locked.state, locked.stop_asked, locked.message, locked.progress = JobState.QUEUED, False, "", 0
        locked.save(update_fields=["state", "stop_asked", "message", "progress"])
        data = {"measurement": locked.pk, "again": True}
        log_event(study=locked.study, name="measurement_requested", data=data, actor=actor)
    return locked


def orphaned() -> list[int]:
    """Return the measurements that wait, or were left by a worker that died."""
    waiting = Measurement.objects.filter(state__in=UNDER_WAY).values_list("pk", flat=True)
    return sorted(set(waiting) - worked_on(LOCK))


def is_outdated(*, measurement: Measurement) -> bool:
    """Say whether the texts are others now than those that were measured."""
    return fingerprint(study=measurement.study)[1] != measurement.fingerprint


def read_member(*, measurement: Measurement, name: str) -> bytes:
    """Return one file of the bundle; raises NotReady when it is not done, KeyError for an unknown name."""
    if measurement.state != JobState.DONE or not measurement.bundle:
        raise NotReady
    return bundles.read_member(measurement.bundle, name)
