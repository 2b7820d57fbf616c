"""Outputs that come by themselves: a generation is asked for, stopped, resumed, tried again, cancelled, taken back.

What is wanted is a row for each system × prompt × number, written once; `generating_run` does the asking.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from django.db import connection, transaction
from django.utils import timezone

from annotations.enums import GenerationState, SampleMark, SampleState, StudyState, SystemRole
from annotations.errors import NotReady, WrongState
from annotations.models import Generation, Output, Prompt, Sample, Study, System, Writer

from .events import log_event
from .generating_run import run_generation
from .generating_states import UNDER_WAY, UNFINISHED, is_silent, left_behind
from .panel import is_panel

__all__ = ["UNDER_WAY", "UNFINISHED", "left_behind", "run_generation"]

MOST_SAMPLES: Final = 1000
MOST_ROWS: Final = 1_000_000
MOST_RESAMPLES: Final = 20
RULES: Final = ("keep", "resample", "leave_out")
AFTER: Final = ("keep", "leave_out")
DEFAULTS: Final[Mapping[str, Any]] = {
    "refusal": "keep",
    "truncated": "keep",
    "empty": "resample",
    "most_resamples": 3,
    "then": "keep",
}
# A sample that an earlier generation did not bring, or whose output was taken back, is asked for anew. What came and
# was not taken stays in `answers`, as something earlier.
EARLIER = """(SELECT coalesce(jsonb_agg(a || '{"earlier": true}'), '[]') FROM jsonb_array_elements(answers) a)"""
TAKE_OVER = f"""
UPDATE annotations_sample
SET generation_id = %(generation)s, state = 'wanted', mark = '', error = '', asked_until = NULL, attempts = 0,
    input_tokens = 0, output_tokens = 0, cost = 0, answers = {EARLIER}
WHERE output_id IS NULL AND system_id = ANY(%(systems)s) AND prompt_id = ANY(%(prompts)s) AND number < %(samples)s
  AND NOT EXISTS (SELECT 1 FROM annotations_output o WHERE o.prompt_id = annotations_sample.prompt_id
                  AND o.system_id = annotations_sample.system_id AND o.sample = annotations_sample.number)
"""  # noqa: S608 - of a constant
# By number first, so that a generation that stops halfway has about as many of every cell.
ADD = """
INSERT INTO annotations_sample (generation_id, system_id, prompt_id, number, state, mark, attempts, answers, error,
                                input_tokens, output_tokens, cost)
SELECT %(generation)s, s.id, p.id, n, 'wanted', '', 0, '[]', '', 0, 0, 0
FROM generate_series(0, %(samples)s::int - 1) n
CROSS JOIN unnest(%(prompts)s) AS p(id)
CROSS JOIN unnest(%(systems)s) AS s(id)
WHERE NOT EXISTS (SELECT 1 FROM annotations_output o WHERE o.prompt_id = p.id AND o.system_id = s.id AND o.sample = n)
ORDER BY n, p.id, s.id
ON CONFLICT (system_id, prompt_id, number) DO NOTHING
"""


def check_rules(rules: Mapping[str, Any]) -> dict[str, Any]:
    """Return complete rules; raises NotReady naming the wrong one."""
    if unknown := sorted(set(rules) - set(DEFAULTS)):
        raise NotReady(f"There is no rule '{unknown[0]}'; there are {', '.join(DEFAULTS)}.")
    clean = {**DEFAULTS, **rules}
    for mark in SampleMark.values:
        if clean[mark] not in RULES:
            raise NotReady(f"The rule '{mark}' takes {', '.join(RULES)}, not {clean[mark]!r}.")
    if clean["then"] not in AFTER:
        raise NotReady(f"The rule 'then' takes {', '.join(AFTER)}, not {clean['then']!r}.")
    most = clean["most_resamples"]
    if isinstance(most, bool) or not isinstance(most, int) or not 1 <= most <= MOST_RESAMPLES:
        raise NotReady(f"most_resamples must be a whole number from 1 to {MOST_RESAMPLES}, not {most!r}.")
    return clean


def check_budget(budget: Any) -> str:
    """Return the budget as text, empty for none; raises NotReady."""
    if budget in (None, ""):
        return ""
    try:
        amount = Decimal(str(budget))
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or amount < 0:
        raise NotReady(f"The budget must be an amount of money, 0 or more, not {budget!r}.")
    return f"{amount:f}"


def request_generation(
    *,
    study: Study,
    samples: int,
    systems: Collection[int] | None = None,
    prompts: Collection[int] | None = None,
    rules: Mapping[str, Any] | None = None,
    budget: Any = None,
    actor: Any = None,
) -> Generation:
    """Plan a generation of `samples` outputs for every system × prompt (all that can be asked, or those chosen).

    What is there already is not asked for again, and a stopped generation is ended: what is asked for here takes its
    place. Whoever calls this then queues `run_generation`. Raises WrongState when the study is no draft or another
    generation is at work, and NotReady saying what is missing.
    """
    limits = {"budget": check_budget(budget)}
    clean = check_rules(rules or {})
    if not 1 <= samples <= MOST_SAMPLES:
        raise NotReady(f"Samples must be a whole number from 1 to {MOST_SAMPLES:,}.")
    with _draft(study) as locked:
        if is_panel(locked):
            raise NotReady("In a panel of experts the systems answer while the study runs.")
        _refuse_a_second(locked, UNDER_WAY)
        system_ids, prompt_ids = chosen(study=locked, systems=systems, prompts=prompts)
        if len(system_ids) * len(prompt_ids) * samples > MOST_ROWS:
            raise NotReady(f"That is more than {MOST_ROWS:,} outputs; ask for fewer at a time.")
        made = Generation.objects.create(
            study=locked,
            samples_per_cell=samples,
            rules=clean,
            limits=limits,
            author=actor if getattr(actor, "pk", None) else None,
            beat_at=timezone.now(),
        )
        values: dict[str, Any] = {
            "generation": made.pk,
            "systems": system_ids,
            "prompts": prompt_ids,
            "samples": samples,
        }
        with connection.cursor() as cursor:
            cursor.execute(TAKE_OVER, values)
            count = cursor.rowcount
            cursor.execute(ADD, values)
            count += cursor.rowcount
        if not count:
            raise NotReady("Everything that you ask for is there already.")
        data = {
            "generation": made.pk,
            "systems": list(System.objects.filter(pk__in=system_ids).values_list("name", flat=True)),
            "prompts": len(prompt_ids),
            "samples_per_cell": samples,
            "wanted": count,
            "rules": clean,
            "limits": limits,
        }
        log_event(study=locked, name="generation_requested", data=data, actor=actor)
        for older in locked.generations.filter(state=GenerationState.STOPPED).select_for_update():
            _end(locked, older, words="A newer one took its place", actor=actor)
    return made


def chosen(
    *, study: Study, systems: Collection[int] | None, prompts: Collection[int] | None
) -> tuple[list[int], list[int]]:
    """Return the systems and prompts that are meant; raises NotReady when there are none, or one cannot be asked."""
    can = Writer.objects.filter(system__study=study).exclude(system__role=SystemRole.CHECK)
    able = set(can.values_list("system", flat=True))
    if not able:
        raise NotReady("Say first how a system is asked: add one with an address, or with a model of its own.")
    if systems is not None and not set(systems) <= able:
        raise NotReady("One of the chosen systems cannot be asked; say first how.")
    here = Prompt.objects.filter(study=study, is_check=False)
    found = here if prompts is None else here.filter(pk__in=list(prompts))
    ids = sorted(found.values_list("pk", flat=True))
    wanted = sorted(able if systems is None else set(systems))
    if not ids:
        raise NotReady("There are no prompts yet. Bring them first, on the page of the prompts.")
    if not wanted:
        raise NotReady("Choose at least one system.")
    return wanted, ids


def _refuse_a_second(study: Study, states: Collection[str]) -> None:
    if Generation.objects.filter(study=study, state__in=states).exists():
        raise WrongState("Another generation of this study is not finished: stop it, or wait for it, first.")


@contextmanager
def _draft(study: Study) -> Iterator[Study]:
    with transaction.atomic():
        locked = Study.objects.select_for_update().get(pk=study.pk)
        if locked.state != StudyState.DRAFT:
            raise WrongState("The design is frozen, so no outputs can be added any more.")
        yield locked


@contextmanager
def _held(generation: Generation, *states: str, otherwise: str) -> Iterator[tuple[Study, Generation]]:
    """Hold study and generation for a change; raises WrongState when the generation is in another state."""
    with transaction.atomic():
        study = Study.objects.select_for_update().get(pk=generation.study_id)
        held = Generation.objects.select_for_update().get(pk=generation.pk)
        if held.state not in states:
            raise WrongState(otherwise)
        yield study, held
    generation.refresh_from_db()


def stop_generation(*, generation: Generation, actor: Any = None) -> None:
    """Let it come to rest: what is being asked is waited for, nothing new is asked. It may be resumed."""
    with _held(generation, *UNDER_WAY, otherwise="This generation does not run.") as (study, held):
        if held.state == GenerationState.QUEUED or is_silent(held):
            held.state, held.message, held.finished_at = GenerationState.STOPPED, "Stopped by a person.", timezone.now()
        else:
            held.stop_asked = True
        held.save(update_fields=["state", "message", "finished_at", "stop_asked"])
        log_event(study=study, name="generation_stop_asked", data={"generation": held.pk}, actor=actor)


def resume_generation(*, generation: Generation, budget: Any = None, actor: Any = None) -> None:
    """Queue a stopped one again, with another budget if one is given; the caller then queues `run_generation`."""
    limits = {} if budget is None else {"budget": check_budget(budget)}
    with _held(generation, GenerationState.STOPPED, otherwise="Only a stopped generation can be resumed.") as found:
        _queue(*found, limits=limits)
        log_event(study=found[0], name="generation_resumed", data={"generation": found[1].pk, **limits}, actor=actor)


def retry_failed(*, generation: Generation, left_out: bool = False, actor: Any = None) -> int:
    """Ask again for what failed (and for what the rules left out); returns how many. The caller queues it."""
    states = (GenerationState.STOPPED, GenerationState.DONE)
    with _held(generation, *states, otherwise="Stop the generation first.") as (study, held):
        if held.state == GenerationState.DONE:
            _refuse_a_second(study, UNFINISHED)
        wanted = [SampleState.FAILED.value, *([SampleState.LEFT_OUT.value] if left_out else [])]
        with connection.cursor() as cursor:
            cursor.execute(
                f"UPDATE annotations_sample SET state = 'wanted', mark = '', error = '', asked_until = NULL,"  # noqa: S608
                f" attempts = 0, answers = {EARLIER} WHERE generation_id = %s AND state = ANY(%s)",
                [held.pk, wanted],
            )
            count = int(cursor.rowcount)
        if not count:
            raise WrongState("Nothing failed, so there is nothing to ask for again.")
        _queue(study, held, limits={})
        data = {"generation": held.pk, "samples": count}
        log_event(study=study, name="generation_retried", data=data, actor=actor)
    return count


def _queue(study: Study, held: Generation, *, limits: Mapping[str, Any]) -> None:
    if study.state != StudyState.DRAFT:
        raise WrongState("The design is frozen, so no outputs can be added any more.")
    held.state, held.message, held.stop_asked = GenerationState.QUEUED, "", False
    held.started_at, held.finished_at, held.beat_at = None, None, timezone.now()
    held.limits = {**held.limits, **limits}
    held.save()


def cancel_generation(*, generation: Generation, actor: Any = None) -> int:
    """End it for good: what has come stays, what has not is forgotten; returns how many samples that is."""
    with _held(generation, *UNFINISHED, otherwise="This generation is over already.") as found:
        return _end(*found, words="Cancelled", actor=actor)


def _end(study: Study, held: Generation, *, words: str, actor: Any) -> int:
    gone, _ = held.samples.exclude(state=SampleState.ARRIVED).delete()
    held.state, held.stop_asked, held.finished_at = GenerationState.CANCELLED, False, timezone.now()
    held.message = f"{words}; {gone:,} sample{'s' * (gone != 1)} had not come."
    held.save()
    data = {"generation": held.pk, "not_come": gone}
    log_event(study=study, name="generation_cancelled", data=data, actor=actor)
    return int(gone)


def withdraw_generation(*, generation: Generation, actor: Any = None) -> int:
    """Take the outputs of a generation back out of a draft; returns how many. Systems and prompts stay."""
    states = (GenerationState.STOPPED, GenerationState.DONE, GenerationState.CANCELLED)
    with _held(generation, *states, otherwise="Stop the generation first.") as (study, held):
        if study.state != StudyState.DRAFT:
            raise WrongState("The design is frozen, so the material cannot be changed any more.")
        removed = Output.objects.filter(asked_as__generation=held).count()
        Output.objects.filter(asked_as__generation=held).delete()
        Sample.objects.filter(generation=held).delete()
        held.state, held.finished_at = GenerationState.CANCELLED, timezone.now()
        held.message = f"Taken back: {removed:,} output{'s' * (removed != 1)} removed."
        held.save()
        data = {"generation": held.pk, "removed": removed}
        log_event(study=study, name="generation_withdrawn", data=data, actor=actor)
    return removed
