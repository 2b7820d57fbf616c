"""Scores that are computed here: judges made of a scorer, and the background job that fills what is missing."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from hashlib import sha256
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.db import IntegrityError, connection, transaction

from annotations.enums import JobState, SystemRole
from annotations.errors import GeneratorFailed, WrongState
from annotations.models import Judge, Output, OutputScore, Study
from annotations.registry import ScoredText, Scorer, scorers

from .events import log_event
from .jobs import alone, ask_to_stop, worked_on
from .material_overview import counted
from .score_cells import CellError, judge_name
from .scores import write_scores

LOCK = 20_2618  # the first key of our advisory locks: scores of judges
CHUNK, SECONDS = 100, 3.0  # a worker that is killed loses so many scores, or those of so long, at most
READ = 500  # texts that are held at a time
UNDER_WAY = (JobState.QUEUED, JobState.RUNNING)
MISSING = """
SELECT o.id FROM annotations_output o
JOIN annotations_prompt p ON p.id = o.prompt_id
JOIN annotations_system s ON s.id = o.system_id
LEFT JOIN annotations_outputscore x ON x.output_id = o.id AND x.judge_id = %(judge)s
    AND x.text_digest = left(encode(sha256(convert_to(o.text, 'UTF8')), 'hex'), 16)
WHERE p.study_id = %(study)s AND s.role <> %(check)s AND o.left_out = '' AND x.id IS NULL
ORDER BY o.id
"""


class _Stopped(Exception):
    """Somebody asked the job to stop, or took the judge out."""


def add_judge(
    *,
    study: Study,
    name: str,
    scorer: str,
    settings: Mapping[str, Any],
    secrets: Mapping[str, str] | None = None,
    description: str = "",
    actor: AbstractBaseUser | None = None,
) -> Judge:
    """Add a judge whose scores are computed here, and queue the job; raises WrongState when the name is taken.

    `settings` are checked by the scorer, which raises ValueError.
    """
    clean = scorers.get(scorer).clean_settings(settings)
    try:
        name = judge_name(name)
    except CellError as error:
        raise WrongState(f"The name of the judge {error}.") from None
    try:
        with transaction.atomic():
            judge = Judge.objects.create(
                study=study,
                name=name,
                description=description,
                scorer=scorer,
                settings=clean,
                secrets=dict(secrets or {}),
                state=JobState.QUEUED,
            )
            data = {"judge": name, "scorer": scorer, "settings": clean}
            log_event(study=study, name="judge_added", data=data, actor=actor)
    except IntegrityError:
        message = f"There is a judge “{name}” already; give this one another name, or take that one out first."
        raise WrongState(message) from None
    return judge


def edit_judge(
    *, judge: Judge, settings: Mapping[str, Any], secrets: Mapping[str, str], actor: AbstractBaseUser | None = None
) -> int:
    """Change the settings of a judge, and keep a secret that is not given; returns how many scores fell.

    Scores by other settings would not be comparable, so they fall when anything but a secret has changed.
    """
    clean = scorers.get(judge.scorer).clean_settings(settings)
    with transaction.atomic():
        locked = Judge.objects.select_for_update().get(pk=judge.pk)
        if locked.state in UNDER_WAY:
            message = "The scores are being computed; stop that first."
            raise WrongState(message)
        fallen = 0
        if clean != locked.settings:
            fallen, _ = OutputScore.objects.filter(judge=locked).delete()
        locked.settings, locked.secrets = clean, {**locked.secrets, **secrets}
        locked.save(update_fields=["settings", "secrets"])
        data = {"judge": locked.name, "settings": clean, "scores_removed": fallen, "secrets_changed": sorted(secrets)}
        log_event(study=locked.study, name="judge_edited", data=data, actor=actor)
    return fallen


def request_scores(*, judge: Judge, actor: AbstractBaseUser | None = None) -> Judge:
    """Queue the job again: for what is missing only. One that waits or runs stays as it is."""
    if not judge.scorer:
        message = "These scores were brought as a file; bring the missing ones as a file, too."
        raise WrongState(message)
    with transaction.atomic():
        locked = Judge.objects.select_for_update().get(pk=judge.pk)
        if locked.state not in UNDER_WAY:
            locked.state, locked.stop_asked, locked.message = JobState.QUEUED, False, ""
            locked.save(update_fields=["state", "stop_asked", "message"])
            log_event(study=locked.study, name="scores_requested", data={"judge": locked.name}, actor=actor)
    return locked


def stop_scores(*, judge: Judge, actor: AbstractBaseUser | None = None) -> None:
    """Ask the job to stop; what is computed stays. Nothing happens when it has ended already."""
    with transaction.atomic():
        locked = Judge.objects.select_for_update().get(pk=judge.pk)
        if ask_to_stop(locked):
            log_event(study=locked.study, name="scores_stopped", data={"judge": locked.name}, actor=actor)


def orphaned() -> list[int]:
    """Return the judges whose job waits, or was left by a worker that died."""
    waiting = Judge.objects.filter(state__in=UNDER_WAY).exclude(scorer="").values_list("pk", flat=True)
    return sorted(set(waiting) - worked_on(LOCK))


def compute(*, judge_id: int) -> Judge | None:
    """Fill the missing scores of a judge. Done twice it is done once; killed, it goes on where it was.

    What went wrong is kept in words; an error that is none of the scorer's own is raised as well.
    """
    with alone(LOCK, judge_id) as free:
        judge = Judge.objects.select_related("study").filter(pk=judge_id).first()
        if not free or judge is None or judge.state not in UNDER_WAY:
            return judge
        Judge.objects.filter(pk=judge_id).update(state=JobState.RUNNING, message="")
        try:
            without = _fill(judge, scorers.get(judge.scorer))
        except _Stopped:
            _finish(judge_id, JobState.CANCELLED, "Stopped. What was computed is kept; go on whenever you like.")
        except GeneratorFailed as error:
            _finish(judge_id, JobState.FAILED, str(error))
        except Exception as error:
            _finish(
                judge_id, JobState.FAILED, f"The job broke off ({type(error).__name__}). What was computed is kept."
            )
            raise
        else:
            outputs = counted(without, "output")
            _finish(judge_id, JobState.DONE, f"{outputs}: no score could be had." if without else "")
    return Judge.objects.filter(pk=judge_id).first()


def _finish(judge_id: int, state: JobState, message: str) -> None:
    Judge.objects.filter(pk=judge_id).update(state=state, message=message, stop_asked=False)


def _fill(judge: Judge, scorer: Scorer) -> int:
    """Compute and keep, chunk by chunk; returns how many outputs have no score to be had."""
    wanted = missing(judge=judge)
    whole = bool(wanted) and scorer.depends_on_all(judge.settings)
    if whole:
        shown = Output.objects.filter(prompt__study=judge.study, left_out="").exclude(system__role=SystemRole.CHECK)
        wanted = list(shown.order_by("pk").values_list("pk", flat=True))
    digests: dict[int, str] = {}
    texts = _texts(wanted, digests=digests)
    fresh: dict[int, float] = {}
    without, since = 0, time.monotonic()
    with closing(scorer.scores(texts, settings=judge.settings, secrets=judge.secrets)) as scores:  # type: ignore[type-var]
        for output, value in scores:
            if value is None:
                without += 1
            else:
                fresh[output] = value
            late = time.monotonic() - since > SECONDS
            if late or (len(fresh) >= CHUNK and not whole):
                _keep(judge, {} if whole else fresh, digests=digests)
                fresh, since = fresh if whole else {}, time.monotonic()
    _keep(judge, fresh, digests=digests)
    return without


def missing(*, judge: Judge) -> list[int]:
    """Return the outputs that raters may see and that have no score by this judge, or one of an earlier text."""
    values: dict[str, Any] = {"judge": judge.pk, "study": judge.study_id, "check": SystemRole.CHECK.value}
    with connection.cursor() as cursor:
        cursor.execute(MISSING, values)
        return [output for (output,) in cursor.fetchall()]


def _texts(wanted: list[int], *, digests: dict[int, str]) -> Iterator[ScoredText]:
    """Read the texts as they are asked for, and note what each was."""
    for start in range(0, len(wanted), READ):
        rows = Output.objects.filter(pk__in=wanted[start : start + READ]).order_by("pk")
        for output, prompt, text in rows.values_list("pk", "prompt__text", "text"):
            digests[output] = sha256(text.encode()).hexdigest()[:16]
            yield ScoredText(output=output, prompt=prompt, text=text)


def _keep(judge: Judge, fresh: Mapping[int, float], *, digests: Mapping[int, str]) -> None:
    """Commit scores; raises _Stopped when somebody asked for it, or when the judge was taken out."""
    with transaction.atomic():
        locked = Judge.objects.select_for_update().filter(pk=judge.pk).first()
        if locked is None:
            raise _Stopped
        there = set(Output.objects.filter(pk__in=list(fresh)).values_list("pk", flat=True))
        OutputScore.objects.filter(judge=locked, output_id__in=there).delete()
        kept = {output: value for output, value in fresh.items() if output in there}
        write_scores(judge_id=locked.pk, scores=kept, digests=digests)
    if locked.stop_asked:
        raise _Stopped
