"""A crowd of simulated raters: let in one after the other, judging side by side, counted at the end."""

from __future__ import annotations

import logging
import ssl
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import BoundedSemaphore, Event

import httpx

from .minds import Mind
from .visits import ERRORS, Outcome, PathAnswers, Visit, Visitor

TIMEOUT = httpx.Timeout(60)
logging.getLogger("httpx").setLevel(logging.WARNING)  # a line per request says nothing that the summary does not
NOBODY_WAITS = 3  # raters in a row who find no place or an error: whoever comes next would fare no better


@dataclass(frozen=True, slots=True)
class Summary:
    """What came of a simulation."""

    visits: tuple[Visit, ...]
    seconds: float

    def count(self, outcome: Outcome) -> int:
        """Return how many visits ended so."""
        return Counter(visit.outcome for visit in self.visits)[outcome]

    @property
    def judgements(self) -> int:
        """Answers given now; raters who had finished in an earlier run give none."""
        return sum(visit.judgements for visit in self.visits)

    @property
    def errors(self) -> tuple[str, ...]:
        """What went wrong, by rater."""
        return tuple(f"{visit.rater}: {visit.error}" for visit in self.visits if visit.error)

    def __str__(self) -> str:
        rate = self.judgements / self.seconds if self.seconds else 0.0
        parts = [f"{self.count('finished')} finished", f"{self.count('dropped')} dropped out"]
        parts += [f"{self.count('full')} found no place"] if self.count("full") else []
        return (
            f"{len(self.visits)} raters: {', '.join(parts)}, {self.count('failed')} errors; "
            f"{self.judgements} judgements in {self.seconds:.1f} s ({rate:.0f} cycles/s)"
        )


def send_raters(
    minds: Sequence[Mind],
    *,
    base_url: str,
    entrance: str,
    concurrency: int = 8,
    speed: float = 0.0,
    fits: PathAnswers | None = None,
    after_each: Callable[[Visit], None] = lambda _: None,
) -> Summary:
    """Send raters through the pages; `after_each` is called in this thread as their visits end.

    `fits` holds what fits outside the trials, where not everything does.

    They enter one at a time in their order, however many judge at once, and booklets are handed out in order. So
    rater n gets the same booklet in every run on a fresh plan, and the same seed gives the same answers.
    """
    began, called_off = time.monotonic(), Event()
    visits: list[Visit] = []

    def note(visit: Visit) -> None:
        visits.append(visit)
        after_each(visit)

    with ThreadPoolExecutor(concurrency, thread_name_prefix="rater") as pool:
        door = _Door(pool, base_url, entrance, speed, called_off, BoundedSemaphore(concurrency), fits or {})
        running: list[Future[Visit]] = []
        try:
            for mind in minds:
                running.append(door.let_in(mind))
                for future in [future for future in running if future.done()]:
                    running.remove(future)
                    note(future.result())
                if _is_hopeless(visits):
                    break
            for future in running:
                note(future.result())
        except BaseException:
            called_off.set()
            raise
    return Summary(tuple(sorted(visits, key=lambda visit: visit.rater)), time.monotonic() - began)


@dataclass(frozen=True, slots=True)
class _Door:
    """Where raters come in, one at a time, as long as there is room."""

    pool: ThreadPoolExecutor
    base_url: str
    entrance: str
    speed: float
    called_off: Event
    room: BoundedSemaphore
    fits: PathAnswers
    context: ssl.SSLContext = field(default_factory=ssl.create_default_context)  # slow to make, so one for all

    def let_in(self, mind: Mind) -> Future[Visit]:
        """Wait for room, let one rater in (in this thread) and set him to work in another."""
        self.room.acquire()
        client = httpx.Client(base_url=self.base_url, follow_redirects=True, timeout=TIMEOUT, verify=self.context)
        visitor = Visitor(mind, client, speed=self.speed, called_off=self.called_off, fits=self.fits)
        future: Future[Visit] = Future()
        try:
            visitor.enter(self.entrance)
            future = self.pool.submit(_judge, visitor)
        except ERRORS as error:
            future.set_result(visitor.failed(error))
        future.add_done_callback(lambda _: self._show_out(client))
        return future

    def _show_out(self, client: httpx.Client) -> None:
        client.close()
        self.room.release()


def _judge(visitor: Visitor) -> Visit:
    try:
        return visitor.judge()
    except ERRORS as error:
        return visitor.failed(error)


def _is_hopeless(visits: Sequence[Visit]) -> bool:
    last = visits[-NOBODY_WAITS:]
    return len(last) == NOBODY_WAITS and all(visit.outcome in {"full", "failed"} for visit in last)
