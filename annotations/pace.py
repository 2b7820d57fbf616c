"""How fast one server is asked, by many threads: requests and tokens are spread over the minute, for all together.

A server that says ``Retry-After`` to one thread holds back all of them.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from annotations.patience import CallFailed, Interrupted

LONGEST_HOLD = 900.0  # seconds; a server that wants more is asked again after that


class Bucket:
    """A token bucket that may go into debt: a call that is larger than the bucket waits for it instead of for ever.

    It holds what comes in `burst` seconds and fills so slowly that, with a full bucket at its beginning, no minute
    passes the limit. It begins with one, so that a process that starts anew (and knows nothing of what was asked
    before) does not break the limit either.
    """

    def __init__(self, per_minute: float, *, burst: float = 3.0) -> None:
        self.burst, self.level, self.at = burst, 1.0, 0.0
        self.tighten(per_minute)

    def tighten(self, per_minute: float) -> None:
        """Keep to this limit from now on."""
        self.per_minute = per_minute
        self.most = max(1.0, per_minute / 60 * self.burst)
        self.rate = (per_minute - (self.most - 1)) / (60 + 1)  # a second for calls that overtake one another

    def take(self, amount: float, *, now: float) -> float:
        """Take an amount and return in how many seconds it is there."""
        self.give(0.0, now=now)
        self.level -= amount
        return max(0.0, -self.level / self.rate)

    def give(self, amount: float, *, now: float) -> None:
        """Fill up by the time that went by, and put back what was not used, for which somebody has waited already."""
        filled = min(self.most, self.level + (now - (self.at or now)) * self.rate)
        self.level, self.at = max(self.level, filled) + amount, now


class Meter:
    """The limits of an account: paces that share a meter keep to them together, to the smallest that one has."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.requests: Bucket | None = None
        self.tokens: Bucket | None = None

    def keep_to(self, *, requests_per_minute: float, tokens_per_minute: float) -> None:
        """Heed these limits, too; 0 is none."""
        with self.lock:
            self.requests = _tighter(self.requests, requests_per_minute)
            self.tokens = _tighter(self.tokens, tokens_per_minute)


def _tighter(bucket: Bucket | None, per_minute: float) -> Bucket | None:
    if bucket is None:
        return Bucket(per_minute) if per_minute else None
    if per_minute and per_minute < bucket.per_minute:
        bucket.tighten(per_minute)
    return bucket


class Pace:
    """How fast one server is asked, by all threads together; `stop` wakes everybody who waits for a turn."""

    def __init__(
        self,
        *,
        requests_per_minute: float = 0,
        tokens_per_minute: float = 0,
        clock: Callable[[], float] = time.monotonic,
        meter: Meter | None = None,
    ) -> None:
        self.meter = meter or Meter()
        self.meter.keep_to(requests_per_minute=requests_per_minute, tokens_per_minute=tokens_per_minute)
        self.held_until = 0.0
        self._clock, self._lock, self._stopped = clock, threading.Lock(), threading.Event()

    def take(self, tokens: float = 0) -> None:
        """Wait for a turn; raises Interrupted when the job is stopped meanwhile."""
        meter = self.meter
        with meter.lock:
            now = self._clock()
            turns = [meter.requests.take(1, now=now)] if meter.requests else []
            turns += [meter.tokens.take(tokens, now=now)] if meter.tokens else []
        self.sleep(max(turns, default=0.0))
        while (more := self.held_until - self._clock()) > 0:
            self.sleep(more)

    def settle(self, *, reserved: float, used: float) -> None:
        """Correct what was taken for a call by what it took."""
        meter = self.meter
        with meter.lock:
            if meter.tokens is not None:
                meter.tokens.give(reserved - used, now=self._clock())

    def heard(self, failure: CallFailed) -> None:
        """Hold everybody back when the server asked for it."""
        if failure.wait:
            with self._lock:
                self.held_until = max(self.held_until, self._clock() + min(failure.wait, LONGEST_HOLD))

    def sleep(self, seconds: float) -> None:
        """Wait, unless the job is stopped; raises Interrupted then."""
        if self._stopped.wait(seconds) if seconds > 0 else self._stopped.is_set():
            raise Interrupted("The job was stopped.")

    def stop(self) -> None:
        """Wake everybody."""
        self._stopped.set()
