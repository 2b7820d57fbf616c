"""The platform's time: the real one, made faster and moved ahead by tests."""

from __future__ import annotations

import datetime as dt
import time

STARTED = dt.datetime(2026, 3, 2, 9, 0, tzinfo=dt.UTC)


class Clock:
    """Seconds of the platform: `speed` of them pass in a real second."""

    def __init__(self, *, speed: float = 1.0) -> None:
        self.speed = speed
        self._begun = time.monotonic()
        self._ahead = 0.0

    def now(self) -> float:
        """Seconds since the platform began."""
        return (time.monotonic() - self._begun) * self.speed + self._ahead

    def advance(self, seconds: float) -> None:
        """Let so much of the platform's time go by."""
        self._ahead += seconds

    def stamp(self, at: float | None) -> str | None:
        """Write a moment as the API does."""
        if at is None:
            return None
        return (STARTED + dt.timedelta(seconds=at)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
