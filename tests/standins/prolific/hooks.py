"""Webhooks: secrets, subscriptions and deliveries: signed, tried again and, as tests wish, lost, repeated or late."""

from __future__ import annotations

import base64
import hashlib
import heapq
import hmac
import itertools
import json
import random
import threading
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from typing import Any

from .clock import Clock
from .errors import bad, missing
from .things import new_id

EVENT_TYPES = ("study.status.change", "study.progress.change", "submission.status.change")
ATTEMPTS = 13
FIRST_WAIT = 2.0  # seconds; doubled with each attempt, with full jitter


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """Base64 of HMAC-SHA256 over timestamp and body."""
    return base64.b64encode(hmac.digest(secret.encode(), timestamp.encode() + body, hashlib.sha256)).decode()


@dataclass(slots=True)
class Subscription:
    """Who wants to hear of what; silent until it is confirmed."""

    event_type: str
    target_url: str
    workspace_id: str
    id: str = field(default_factory=new_id)
    confirmation: str = field(default_factory=new_id)
    confirmed: bool = False
    is_enabled: bool = True

    def shown(self) -> dict[str, Any]:
        """How the API shows it."""
        names = ("id", "event_type", "target_url", "workspace_id", "is_enabled")
        return {name: getattr(self, name) for name in names}


@dataclass(slots=True)
class Delivery:
    """One event on its way to one target."""

    event_id: str
    target: str
    body: bytes
    happened_at: float
    attempts: int = 0


@dataclass(slots=True)
class Faults:
    """Shares of events that get lost for good, come again, or come so much later (real seconds)."""

    lost: float = 0.0
    repeated: float = 0.0
    reordered: float = 0.0
    delay: tuple[float, float] = (0.5, 2.0)


class Hooks:
    """All subscriptions of the workspace and the threads that deliver."""

    def __init__(self, clock: Clock, *, seed: int = 1, threads: int = 4, local_targets: bool = True) -> None:
        self.clock, self.local_targets = clock, local_targets
        self.secrets: dict[str, dict[str, str]] = {}
        self.subscriptions: dict[str, Subscription] = {}
        self.faults = Faults()
        self.silent = False  # while it is, events wait
        self.sent: list[tuple[str, int]] = []  # event and status of each attempt; 0 where nobody answered
        self.counted = {"emitted": 0, "lost": 0, "repeated": 0, "reordered": 0}
        self._random = random.Random(seed)
        self._queue: list[tuple[float, int, Delivery]] = []
        self._order = itertools.count()
        self._ready = threading.Condition()
        self._ends = False
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(threads)]
        for thread in self._threads:
            thread.start()

    # What the API offers

    def make_secret(self, workspace: str) -> dict[str, str]:
        """Make the workspace's secret; the one before it is worth nothing any more."""
        self.secrets[workspace] = {"id": new_id(), "value": new_id() + new_id(), "workspace_id": workspace}
        return self.secrets[workspace]

    def subscribe(self, *, event_type: str, target_url: str, workspace_id: str, **more: Any) -> Subscription:
        """Keep a subscription that waits to be confirmed."""
        if event_type not in EVENT_TYPES:
            raise bad([{"event_type": ["Unknown event type."]}])
        if not target_url.startswith("https://") and not self.local_targets:
            raise bad([{"target_url": ["Must be https and publicly accessible."]}])
        if workspace_id not in self.secrets:
            raise bad("Create a secret for the workspace first.")
        made = Subscription(event_type, target_url, workspace_id, is_enabled=bool(more.get("is_enabled", True)))
        self.subscriptions[made.id] = made
        return made

    def confirm(self, ident: str, secret: str) -> Subscription:
        """Confirm with what the header X-Hook-Secret said."""
        found = self.subscription(ident)
        if secret != found.confirmation:
            raise bad([{"secret": ["Does not match."]}])
        found.confirmed = True
        return found

    def subscription(self, ident: str) -> Subscription:
        """Find a subscription."""
        if ident not in self.subscriptions:
            raise missing("Subscription")
        return self.subscriptions[ident]

    # Delivery

    def emit(self, kind: str, payload: dict[str, Any]) -> None:
        """Tell everybody who subscribed to this kind."""
        body = json.dumps({"event_type": kind, **payload}).encode()
        for one in list(self.subscriptions.values()):
            if one.event_type == kind and one.confirmed and one.is_enabled:
                self._send(Delivery(new_id(), one.target_url, body, self.clock.now()))

    def _send(self, delivery: Delivery) -> None:
        with self._ready:
            self.counted["emitted"] += 1
            dice = self._random.random
            if dice() < self.faults.lost:
                self.counted["lost"] += 1
                return
            late = self._random.uniform(*self.faults.delay)
            if reordered := dice() < self.faults.reordered:
                self.counted["reordered"] += 1
            self._put(delivery, late if reordered else 0.0)
            if dice() < self.faults.repeated:
                self.counted["repeated"] += 1
                again = Delivery(delivery.event_id, delivery.target, delivery.body, delivery.happened_at)
                self._put(again, late)

    def again(self, event_id: str, body: bytes, target: str) -> None:
        """Send an event once more, as the platform does when an answer got lost."""
        with self._ready:
            self._put(Delivery(event_id, target, body, self.clock.now()), 0.0)

    def _put(self, delivery: Delivery, wait: float) -> None:
        heapq.heappush(self._queue, (time.monotonic() + wait, next(self._order), delivery))
        self._ready.notify()

    def _work(self) -> None:
        while (delivery := self._next()) is not None:
            delivery.attempts += 1
            status = self._post(delivery)
            self.sent.append((delivery.event_id, status))
            if not 200 <= status < 300 and delivery.attempts < ATTEMPTS:
                wait = self._random.uniform(0.05, FIRST_WAIT * 2 ** (delivery.attempts - 1) / self.clock.speed)
                with self._ready:
                    self._put(delivery, wait)

    def _next(self) -> Delivery | None:
        with self._ready:
            while not self._ends:
                due = self._queue[0][0] - time.monotonic() if self._queue else 1.0
                if due <= 0 and not self.silent:
                    return heapq.heappop(self._queue)[2]
                self._ready.wait(min(max(due, 0.02), 0.5))
            return None

    def _post(self, delivery: Delivery) -> int:
        secret = next(iter(self.secrets.values()))["value"]
        timestamp = str(int(time.time()))  # when it was sent: of the real clock, as the receiver's is
        headers = {
            "Content-Type": "application/json",
            "X-Prolific-Request-Timestamp": timestamp,
            "X-Prolific-Request-Signature": signature(secret, timestamp, delivery.body),
            "X-Event-ID": delivery.event_id,
            "X-Timestamp": str(self.clock.stamp(delivery.happened_at)),
        }
        request = urllib.request.Request(delivery.target, data=delivery.body, headers=headers, method="POST")
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            return 0

    @property
    def waiting(self) -> int:
        """How many deliveries are still on their way."""
        with self._ready:
            return len(self._queue)

    def end(self) -> None:
        """Stop the threads."""
        with self._ready:
            self._ends = True
            self._ready.notify_all()
        for thread in self._threads:
            thread.join(15)
