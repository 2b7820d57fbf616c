"""One system of a running generation: its open generator, its threads, and when it is given up for now."""

from __future__ import annotations

import datetime as dt
import random
import time
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.utils import timezone

from annotations.errors import GeneratorFailed
from annotations.registry import Ask, Generator, Interruptible, Writing, Written, generators

from .generating_rows import Claim, Recipe

OUTAGE = dt.timedelta(minutes=5)  # a server that is restarted overnight costs no more than the time
OUTAGE_AT_FIRST = dt.timedelta(seconds=30)  # a wrong address should be told while somebody still looks
LONGEST_REST = 60.0  # seconds
HOPELESS_PROMPTS = 3  # so many prompts refused in a row: it is not the prompts
HOPELESS_CALLS = 10  # so many calls refused in a row, even if all are of one prompt

Answers = list[Written | Exception]


@dataclass(frozen=True, slots=True)
class Asked:
    """What one call is about: claims, and what they may cost at most."""

    claims: tuple[Claim, ...]
    worst: Decimal


class Lane:
    """A system at work. Threads only wait for the generator; the database is the coordinator's alone."""

    def __init__(
        self,
        *,
        system_id: int,
        name: str,
        generator: Generator,
        settings: Mapping[str, Any],
        secrets: Mapping[str, str],
        recipe: Recipe,
        last_good: dt.datetime,
        has_answered: bool,
    ) -> None:
        self.system_id, self.name, self.recipe = system_id, name, recipe
        self.generator, self.settings, self._secrets = generator, settings, secrets
        self.last_good, self.has_answered = last_good, has_answered
        self.trouble = ""  # why it is not asked any more
        self.short = False  # the budget does not reach for its next call
        self.busy: dict[Future[Answers], Asked] = {}
        self._strikes, self._rest_until = 0, 0.0
        self._hopeless: set[int] = set()
        self._refused = 0
        self._writing: Writing | None = None
        self._stack, self._threads = ExitStack(), ThreadPoolExecutor(1, thread_name_prefix="opening")
        self._opening: Future[Writing] | None = self._threads.submit(self._open)

    def _open(self) -> Writing:
        return self._stack.enter_context(self.generator.open(settings=self.settings, secrets=self._secrets))

    @property
    def waits(self) -> list[Future[Any]]:
        """What has to come before there is something to do."""
        opening = self._opening
        return list(self.busy) if opening is None else [] if opening.done() else [opening]

    @property
    def is_off(self) -> bool:
        """Whether nothing more is asked in this run."""
        return bool(self.trouble) or self.short

    @property
    def room(self) -> int:
        """How many samples may be claimed for the next call; 0 while there is no thread free, or time to rest."""
        if self.is_off or not self._is_open() or time.monotonic() < self._rest_until:
            return 0
        writing = self._writing
        return max(1, writing.batch) if writing is not None and len(self.busy) < max(1, writing.lanes) else 0

    def _is_open(self) -> bool:
        if self._opening is None or not self._opening.done():
            return self._opening is None and self._writing is not None
        opening, self._opening = self._opening, None
        try:
            self._writing = opening.result()
        except GeneratorFailed as error:
            self.trouble = str(error)
        except Exception as error:  # noqa: BLE001 - whatever it is, its words may hold a secret
            self.trouble = _unforeseen(error)
        else:
            self._threads.shutdown(wait=False)
            self._threads = ThreadPoolExecutor(max(1, self._writing.lanes), thread_name_prefix="asking")
        return self._writing is not None

    def worst(self, claims: list[Claim]) -> Decimal:
        """Return what these may cost at most."""
        costs = (self.generator.cost_at_most(one.prompt, settings=self.settings) for one in claims)
        return sum((cost or Decimal(0) for cost in costs), Decimal(0))

    def send(self, claims: list[Claim], *, worst: Decimal) -> None:
        """Ask for these, in a thread."""
        writing = self._writing
        if writing is None:
            raise GeneratorFailed
        asks = [Ask(prompt=one.prompt, sample=one.number, seed=one.seed) for one in claims]
        self.busy[self._threads.submit(writing.write, asks)] = Asked(tuple(claims), worst)

    def came(self) -> list[tuple[Asked, Answers | GeneratorFailed]]:
        """Return what is back: answers in the order of the claims, or why there are none."""
        found: list[tuple[Asked, Answers | GeneratorFailed]] = []
        for future in [future for future in self.busy if future.done()]:
            asked = self.busy.pop(future)
            try:
                answers = future.result()
                complete = len(answers) == len(asked.claims)
                found.append((asked, answers if complete else GeneratorFailed("The generator lost count.")))
            except GeneratorFailed as error:
                found.append((asked, error))
            except Exception as error:  # noqa: BLE001 - see above
                found.append((asked, GeneratorFailed(_unforeseen(error))))
        return found

    def went_well(self) -> None:
        """Forget the troubles."""
        self.last_good, self.has_answered, self._strikes = timezone.now(), True, 0
        self._hopeless.clear()
        self._refused = 0

    def refused(self, claim: Claim, error: Exception) -> str:
        """Note that one sample cannot be had, and return why; many prompts in a row are the system's own trouble."""
        words = str(error) if isinstance(error, GeneratorFailed) else _unforeseen(error)
        self._hopeless.add(claim.prompt_id)
        self._refused += 1
        batch = max(1, self._writing.batch) if self._writing is not None else 1
        many = len(self._hopeless) >= HOPELESS_PROMPTS or self._refused >= HOPELESS_CALLS * batch
        if many or (isinstance(error, GeneratorFailed) and error.lasting):
            self.trouble = words
        return words

    def struck(self, error: GeneratorFailed) -> float:
        """Note that nothing came, and return how long to wait; in the end the system is given up for now."""
        patience = OUTAGE if self.has_answered else OUTAGE_AT_FIRST
        if error.lasting or timezone.now() - self.last_good > patience:
            self.trouble = str(error)
            return 0.0
        self._strikes += 1
        rest = min(LONGEST_REST, 2.0 ** min(self._strikes, 10)) * random.uniform(0.5, 1)  # noqa: S311 - jitter
        self._rest_until = max(self._rest_until, time.monotonic() + rest)
        return rest

    def interrupt(self) -> None:
        """Let those who wait for their turn come back."""
        if isinstance(self._writing, Interruptible):
            self._writing.interrupt()

    def close(self) -> None:
        """End the threads and close the generator; one that is still opening is waited for."""
        self.interrupt()
        self._threads.shutdown(wait=True, cancel_futures=True)
        self._stack.close()


def _unforeseen(error: Exception) -> str:
    return f"The generator failed in a way that nobody foresaw ({type(error).__name__})."


def lane_of(
    *, writer: Any, recipe: Recipe, last_good: dt.datetime, has_answered: bool, settings: Mapping[str, Any]
) -> Lane:
    """Return the lane of a writer."""
    return Lane(
        system_id=writer.system_id,
        name=writer.system.name,
        generator=generators.get(writer.generator),
        settings=settings,
        secrets=writer.secrets,
        recipe=recipe,
        last_good=last_good,
        has_answered=has_answered,
    )
