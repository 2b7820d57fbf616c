"""A generation at work: one process at a time, several systems side by side, in slices that end by themselves.

The coordinator claims samples, hands them to the threads of their systems, and writes each answer down in a transaction
of its own. Killed at any moment, what is written stays, and what was claimed is asked for again by the next run.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping
from concurrent.futures import FIRST_COMPLETED, wait
from contextlib import suppress
from decimal import Decimal
from typing import Any, Final, Literal

from django.db import transaction
from django.db.models import F, Max, Sum
from django.utils import timezone

from annotations.enums import GenerationState, SampleState
from annotations.errors import AskLater, GeneratorFailed, WrongState
from annotations.models import Generation, Sample, Writer
from annotations.registry import Written, generators

from . import generating_rows as rows
from . import jobs, preparing
from .events import log_event
from .generating_lanes import Asked, Lane, lane_of
from .generating_states import UNDER_WAY

LOCK: Final = 20_2615  # a first key of our advisory locks: generations
SLICE: Final = 300.0  # seconds; then the job goes to the end of the queue, so that others get their turn
BEAT: Final = 2.0  # seconds
MOST_FAILURES: Final = 10  # of one sample, before it is given up
Closing = Literal["", "stop", "gone", "frozen", "slice"]


def run_generation(*, generation_id: int, seconds: float = SLICE) -> bool:
    """Work at a generation for a while; returns whether there is more to do, which the caller then queues again.

    Delivered twice, the second passes by. Raises Generation.DoesNotExist.
    """
    with jobs.alone(LOCK, generation_id) as alone:
        generation = Generation.objects.select_related("study").get(pk=generation_id)
        if not alone or generation.state not in UNDER_WAY:
            return False
        now = timezone.now()
        fresh = {"started_at": now} if generation.started_at is None else {}
        Generation.objects.filter(pk=generation.pk, state__in=UNDER_WAY).update(
            state=GenerationState.RUNNING, beat_at=now, **fresh
        )
        generation.refresh_from_db()
        return _Run(generation, seconds=seconds).go()


def digest_of(generator: str, settings: Mapping[str, Any]) -> str:
    """Return the hash by which an output names how it was asked for."""
    plain = json.dumps([generator, settings], sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(plain.encode()).hexdigest()


class _Run:
    """What one slice keeps in mind."""

    def __init__(self, generation: Generation, *, seconds: float) -> None:
        self.generation, self.rules = generation, generation.rules
        self.until, self.beaten_at = time.monotonic() + seconds, 0.0
        self.closing: Closing = ""
        budget = generation.limits.get("budget")
        self.budget = Decimal(str(budget)) if budget not in (None, "") else None
        self.lanes = self._lanes()
        self._release()
        spent = Sample.objects.filter(generation=generation).aggregate(total=Sum("cost"))["total"]
        self.spent = Decimal(spent or 0)

    def _lanes(self) -> list[Lane]:
        generation = self.generation
        left = rows.wanted(generation_id=generation.pk)
        writers = {one.system_id: one for one in Writer.objects.filter(system__in=left).select_related("system")}
        arrived = generation.samples.filter(state=SampleState.ARRIVED).order_by()
        last = dict(arrived.values_list("system").annotate(last=Max("arrived_at")))
        started = generation.started_at or timezone.now()
        lanes, recipes = [], dict(generation.recipes)
        for system_id in sorted(left):
            writer = writers.get(system_id)
            if writer is None:
                continue
            settings = generators.get(writer.generator).clean_settings(writer.settings)
            recipe = rows.Recipe(generation.pk, writer.generator, digest_of(writer.generator, settings))
            recipes[recipe.sha256] = {"generator": writer.generator, "settings": settings}
            good = max(started, last.get(system_id) or started)
            has_answered = system_id in last
            lanes.append(
                lane_of(writer=writer, recipe=recipe, last_good=good, has_answered=has_answered, settings=settings)
            )
        if recipes != generation.recipes:
            Generation.objects.filter(pk=generation.pk).update(recipes=recipes)
        return lanes

    def _release(self) -> None:
        """Take back what a dead process had asked; it may have been paid for, so it counts at its worst."""
        by_system = {lane.system_id: lane for lane in self.lanes}
        for sample_id, system_id, prompt in rows.release(generation_id=self.generation.pk):
            lane = by_system.get(system_id)
            worst = lane.generator.cost_at_most(prompt, settings=lane.settings) if lane else None
            if worst:
                Sample.objects.filter(pk=sample_id).update(cost=F("cost") + worst)

    def go(self) -> bool:
        """Ask until everything is there, nothing more can be had, or the slice is over."""
        try:
            while True:
                self._beat()
                if not self.closing:
                    for lane in self.lanes:
                        self._fill(lane)
                waits = [future for lane in self.lanes for future in lane.waits]
                if not waits and (self.closing or not self._may_come()):
                    break
                if waits:
                    wait(waits, timeout=0.5, return_when=FIRST_COMPLETED)
                else:
                    time.sleep(0.2)
                for lane in self.lanes:
                    for asked, answers in lane.came():
                        self._settle(lane, asked, answers)
        finally:
            for lane in self.lanes:
                lane.close()
        return self._conclude()

    def _beat(self) -> None:
        """Say that this process lives, and hear whether it should go on."""
        now = time.monotonic()
        if now > self.until:
            self._close("slice")
        if now - self.beaten_at < BEAT:
            return
        self.beaten_at = now
        mine = Generation.objects.filter(pk=self.generation.pk, state=GenerationState.RUNNING)
        if not mine.update(beat_at=timezone.now()):
            self._close("gone")
        elif mine.filter(stop_asked=True).exists():
            self._close("stop")

    def _close(self, why: Closing) -> None:
        if self.closing in ("", "slice") and self.closing != why:
            self.closing = why
            for lane in self.lanes:
                lane.interrupt()

    def _fill(self, lane: Lane) -> None:
        while room := lane.room:
            claims = rows.claim(
                generation_id=self.generation.pk, system_id=lane.system_id, system=lane.name, count=room
            )
            if not claims:
                return
            worst = lane.worst(claims)
            if self.budget is not None and self.spent + self._reserved() + worst > self.budget:
                for one in claims:
                    rows.give_back(one, counted=False)
                lane.short = not self._reserved()  # else what is on its way may cost less than it might
                return
            lane.send(claims, worst=worst)

    def _reserved(self) -> Decimal:
        return sum((asked.worst for lane in self.lanes for asked in lane.busy.values()), Decimal(0))

    def _may_come(self) -> bool:
        """Whether a system that is not given up has something to do, now or after a rest."""
        open_lanes = [lane.system_id for lane in self.lanes if not lane.is_off]
        return bool(open_lanes and rows.wanted(generation_id=self.generation.pk, systems=open_lanes))

    def _settle(self, lane: Lane, asked: Asked, answers: list[Written | Exception] | GeneratorFailed) -> None:
        if isinstance(answers, GeneratorFailed):
            delay = 0.0 if self.closing else lane.struck(answers)
            for one in asked.claims:
                self._again(lane, one, answers, delay=delay, counted=not (self.closing or answers.lasting))
            return
        for one, answer in zip(asked.claims, answers, strict=True):
            if isinstance(answer, Written):
                self._take(lane, one, answer)
            elif isinstance(answer, AskLater):
                delay = 0.0 if self.closing else lane.struck(answer)
                self._again(lane, one, answer, delay=delay, counted=not self.closing)
            else:
                rows.fail(one, error=lane.refused(one, answer))

    def _again(self, lane: Lane, one: rows.Claim, error: GeneratorFailed, *, delay: float, counted: bool) -> None:
        cost = lane.worst([one]) if error.unsure else Decimal(0)
        self.spent += cost
        if counted and one.attempts - len(one.answers) >= MOST_FAILURES:
            rows.fail(one, error=str(error), cost=cost)
        else:
            rows.give_back(one, error="" if self.closing else str(error), delay=delay, counted=counted, cost=cost)

    def _take(self, lane: Lane, one: rows.Claim, written: Written) -> None:
        lane.went_well()
        self.spent += written.cost or Decimal(0)
        try:
            rows.take(one, written, study_id=self.generation.study_id, rules=self.rules, recipe=lane.recipe)
        except WrongState:
            rows.give_back(one, counted=False)
            self._close("frozen")

    def _conclude(self) -> bool:
        """Write down how the slice ended; returns whether there is more to do."""
        left = sum(rows.wanted(generation_id=self.generation.pk).values())
        waiting = self._may_come()
        if self.closing == "gone":
            return False
        if left and waiting and self.closing == "slice":
            return True
        with transaction.atomic():
            state = GenerationState.STOPPED if left else GenerationState.DONE
            message = self._reason() if left else ""
            mine = Generation.objects.filter(pk=self.generation.pk, state=GenerationState.RUNNING)
            if mine.update(state=state, message=message, finished_at=timezone.now(), stop_asked=False):
                log_event(
                    study=self.generation.study,
                    name=f"generation_{state}",
                    data={"generation": self.generation.pk, "left": left, "message": message},
                )
        with suppress(WrongState):  # frozen since: then freezing has seen to it that nothing is unprepared
            preparing.prepare_new(study=self.generation.study)
        return False

    def _reason(self) -> str:
        if self.closing == "frozen":
            return "The design was frozen, so no outputs can be added any more."
        if self.closing == "stop":
            return "Stopped by a person."
        said = [f"{lane.name}: {lane.trouble}" for lane in self.lanes if lane.trouble]
        if any(lane.short for lane in self.lanes):
            said.append(
                f"The budget of {self.budget} is used up as far as it goes: {self.spent.normalize():f} so far, "
                "and the next answer might pass it."
            )
        return " ".join(said) or "Some systems have no way to be asked any more."
