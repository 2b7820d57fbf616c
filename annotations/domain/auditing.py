"""Auditing the texts of a draft: all audits and a profile as a background job, and what of it is still true."""

from __future__ import annotations

import hashlib
import json
import traceback
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.utils import timezone

from annotations.enums import JobState, StudyState, SystemRole
from annotations.errors import NotReady, WrongState
from annotations.models import AuditRun, Output, Study, Writer
from annotations.registry import SEVERITIES, Audit, AuditedText, AuditFinding, Surroundings, audits
from annotations.registry.options import complete

from . import freezing, profiling
from .events import log_event
from .jobs import alone

LOCK = 20_2618  # the first key of our advisory locks: audits
CHUNK = 5000
MARKS = ("refusal", "truncated", "empty")
TRUNCATED = {"length", "max_tokens", "max_output_tokens"}
REFUSED = {"content_filter", "refusal"}


def settings_of(study: Study) -> dict[str, dict[str, Any]]:
    """Return the complete settings of every audit, each with `on`; what is stored without sense counts as unset."""
    stored: Mapping[str, Any] = study.preparation.get("audits", {})
    found = {}
    for audit in audits:
        own = dict(stored.get(audit.name, {}))
        on = bool(own.pop("on", True))
        try:
            found[audit.name] = {"on": on, **complete(audit.takes, own, of=audit.label)}
        except ValueError:
            found[audit.name] = {"on": on, **complete(audit.takes, {}, of=audit.label)}
    return found


def declare_audits(
    *, study: Study, declared: Mapping[str, Mapping[str, Any]], actor: AbstractBaseUser | None = None
) -> Study:
    """Save which audits run with which settings; raises NotReady with the setting that makes no sense."""
    clean = {}
    for audit in audits:
        own = dict(declared.get(audit.name, {}))
        on = bool(own.pop("on", True))
        try:
            clean[audit.name] = {"on": on, **complete(audit.takes, own, of=audit.label)}
        except ValueError as error:
            message = f"{audit.label}: {error.args[0]}."
            raise NotReady(message) from error
    with transaction.atomic():
        locked = Study.objects.select_for_update().get(pk=study.pk)
        if locked.state != StudyState.DRAFT:
            message = "The design is frozen, so its audits cannot be changed any more."
            raise WrongState(message)
        locked.preparation = {**locked.preparation, "audits": clean}
        locked.save(update_fields=["preparation"])
        log_event(study=locked, name="audits_declared", data={"off": _off(clean)}, actor=actor)
    study.refresh_from_db()
    return study


def _off(settings: Mapping[str, Mapping[str, Any]]) -> list[str]:
    return sorted(name for name, own in settings.items() if not own["on"])


def fingerprint(*, study: Study) -> str:
    """Return a hash of all that an audit looks at: texts as shown, systems, language, settings."""
    content = [
        freezing.material_digest(study=study),
        list(study.systems.exclude(role=SystemRole.CHECK).order_by("name").values_list("name", "role")),
        study.language,
        settings_of(study),
    ]
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def request_audit(*, study: Study, actor: AbstractBaseUser | None = None) -> AuditRun:
    """Queue an audit, or return the one that waits or runs; raises NotReady without material."""
    with transaction.atomic():
        locked = Study.objects.select_for_update().get(pk=study.pk)
        waiting = locked.audit_runs.filter(state__in=(JobState.QUEUED, JobState.RUNNING)).first()
        if waiting is not None:
            return waiting
        count, _ = freezing.material_digest(study=locked)
        if not count:
            message = "There are no outputs to audit yet: bring the material first."
            raise NotReady(message)
        run = AuditRun.objects.create(study=locked, settings=settings_of(locked), outputs=count)
        log_event(study=locked, name="audit_requested", data={"audit": run.pk, "outputs": count}, actor=actor)
    return run


def run_audit(*, run_id: int, actor: AbstractBaseUser | None = None) -> AuditRun:
    """Do a queued audit, once, even when it is delivered twice; a failure is kept in words.

    `actor` is whoever waits for it; nobody when a worker does it.
    """
    with alone(LOCK, run_id) as free:
        run = AuditRun.objects.select_related("study").get(pk=run_id)
        if free and run.state in {JobState.QUEUED, JobState.RUNNING}:
            AuditRun.objects.filter(pk=run.pk).update(state=JobState.RUNNING)
            run.state = JobState.RUNNING
            try:
                _examine(run, actor=actor)
            except Exception as error:
                run.state, run.message = JobState.FAILED, _words(error)
                run.finished_at = timezone.now()
                run.save()
                raise
    return run


def _words(error: Exception) -> str:
    """Say where it failed without a word of the texts."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"The audit failed ({type(error).__name__} in {last.name}). Run it again; if it fails again, tell support."


def _examine(run: AuditRun, *, actor: AbstractBaseUser | None) -> None:
    study = run.study
    _tell(run, 1, "Reading the texts")
    run.fingerprint = fingerprint(study=study)
    run.settings = settings_of(study)
    texts, around = list(texts_of(study)), surroundings(study)
    run.outputs = len(texts)
    _tell(run, 5, "Describing the systems")
    run.profile = profiling.profile(texts)
    active = [audit for audit in audits if run.settings[audit.name]["on"]]
    findings: list[dict[str, Any]] = []
    for number, audit in enumerate(active):
        _tell(run, 15 + 84 * number // len(active), audit.label)
        findings += _findings(audit, texts, around, run.settings[audit.name])
    findings.sort(key=lambda one: (SEVERITIES.index(one["severity"]), one["audit"], one["key"]))
    run.findings, run.state, run.progress, run.stage = findings, JobState.DONE, 100, ""
    run.message, run.finished_at = "", timezone.now()
    with transaction.atomic():
        run.save()
        found = Counter(one["severity"] for one in findings)
        counts: dict[str, int] = {str(severity): found[severity] for severity in SEVERITIES}
        data = {"audit": run.pk, "outputs": run.outputs, "fingerprint": run.fingerprint, **counts}
        log_event(study=study, name="texts_audited", data=data, actor=actor)


def _findings(
    audit: Audit, texts: list[AuditedText], around: Surroundings, settings: Mapping[str, Any]
) -> Iterator[dict[str, Any]]:
    options = {name: value for name, value in settings.items() if name != "on"}
    for found in audit.examine(texts, around=around, settings=options):
        yield as_json(audit, found)


def as_json(audit: Audit, found: AuditFinding) -> dict[str, Any]:
    """Return a finding as the run keeps it; its key is unique over all audits."""
    key, figures = f"{audit.name}:{found.key}", dict(found.figures)
    content: dict[str, Any] = {**asdict(found), "key": key, "audit": audit.name, "figures": figures}
    loaded: dict[str, Any] = json.loads(json.dumps(content))
    return loaded


def _tell(run: AuditRun, progress: int, stage: str) -> None:
    AuditRun.objects.filter(pk=run.pk).update(progress=progress, stage=stage[:120])


def texts_of(study: Study) -> Iterator[AuditedText]:
    """Yield the outputs that take part, as raters would see them."""
    rows = Output.objects.filter(prompt__study=study, prompt__is_check=False, left_out="").order_by("pk")
    columns = ("pk", "system__name", "prompt__key", "prompt__text", "sample", "text", "metadata", "asked_as__mark")
    for pk, system, key, question, sample, text, metadata, mark in rows.values_list(*columns).iterator(CHUNK):
        yield AuditedText(pk, system, key, question, sample, text, tuple(_marks(metadata, mark)))


def _marks(metadata: Any, mark: str | None) -> Iterator[str]:
    """Read the marks of a generation, or of a file that says why its texts ended."""
    found: set[str] = {mark} if mark else set()
    if isinstance(metadata, dict):
        found |= {str(metadata.get("mark") or "")}
        reason = str(metadata.get("finish_reason") or metadata.get("stop_reason") or "").lower()
        if reason in TRUNCATED or metadata.get("truncated") is True:
            found.add("truncated")
        if reason in REFUSED:
            found.add("refusal")
    return (one for one in MARKS if one in found)


def surroundings(study: Study) -> Surroundings:
    """Return what audits know beside the texts."""
    roles: dict[str, str] = dict(
        study.systems.exclude(role=SystemRole.CHECK).order_by("name").values_list("name", "role")
    )
    prompts = {
        str(settings.get("system_prompt") or "")
        for settings in Writer.objects.filter(system__study=study).values_list("settings", flat=True)
        if isinstance(settings, dict)
    }
    return Surroundings(roles=roles, language=study.language, system_prompts=tuple(sorted(prompts - {""})))


def latest(*, study: Study) -> AuditRun | None:
    """Return the newest audit that is done."""
    return study.audit_runs.filter(state=JobState.DONE).first()


def is_current(*, study: Study, run: AuditRun) -> bool:
    """Whether the texts, systems and settings are still those that the audit looked at."""
    return run.fingerprint == fingerprint(study=study)
