"""The HTTP server: tokens, rate limits, outages, answers that get lost on the way."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

from . import decisions  # noqa: F401 - its addresses
from .errors import Refused
from .hooks import Hooks
from .platform import Platform
from .routes import Answer, answer
from .things import Submission

TICK = 0.05


class StandIn:
    """`with StandIn() as prolific:` serves the API at `prolific.url` on 127.0.0.1 until the block ends."""

    def __init__(self, platform: Platform | None = None, **more: Any) -> None:
        self.platform = platform or Platform(**more)
        self.hooks = Hooks(self.platform.clock)
        self.platform.emit = self.hooks.emit
        self.bonuses: dict[str, list[tuple[Submission, int]]] = {}
        self.bulk_lag = 0.0
        self.empty_page_after_full = False
        self.requests: Counter[tuple[str, str]] = Counter()  # method and path
        self.refused: Counter[int] = Counter()
        self.swallow: list[str] = []  # parts of paths whose next answer gets lost after the deed was done
        self.limit: tuple[int, float, int] | None = None  # requests, per seconds, seconds of Retry-After
        self._recent: list[float] = []
        self._down_until = 0.0
        self._server = _Server(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._ends = threading.Event()
        self._threads = [
            threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True),
            threading.Thread(target=self._tick, daemon=True),
        ]

    @property
    def url(self) -> str:
        """Scheme, host and port."""
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def base_url(self) -> str:
        """What a client calls its base URL."""
        return f"{self.url}/api/v1"

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ends.set()
        self.hooks.end()
        self._server.shutdown()
        self._server.server_close()
        for thread in self._threads:
            thread.join(10)

    def _tick(self) -> None:
        while not self._ends.wait(TICK):
            self.hooks.silent = self.is_down
            self.platform.settle()

    # What goes wrong

    def go_down(self, seconds: float) -> None:
        """Answer 503 to everything for so many real seconds, and send no webhooks either."""
        self._down_until = time.monotonic() + seconds
        self.hooks.silent = self.is_down

    @property
    def is_down(self) -> bool:
        """Whether there is an outage now."""
        return time.monotonic() < self._down_until

    @contextmanager
    def outage(self) -> Iterator[None]:
        """Be down for the length of a block."""
        self.go_down(3600)
        try:
            yield
        finally:
            self.go_down(0)

    def answer(self, method: str, target: str, *, headers: Any, body: bytes) -> Answer:
        """Answer one request."""
        at = urlsplit(target)
        self.requests[method, at.path] += 1
        if self.is_down:
            raise Refused(503, "Service unavailable", "Please try again later.")
        if headers.get("Authorization") != f"Token {self.platform.token}":
            raise Refused(401, "Unauthorized", "Authentication credentials were not provided.")
        self._count()
        sent = json.loads(body) if body else {}
        return answer(self, method, at.path, query=dict(parse_qsl(at.query)), body=sent)

    def _count(self) -> None:
        if self.limit is None:
            return
        most, seconds, retry_after = self.limit
        now = time.monotonic()
        with self.platform.lock:
            self._recent = [at for at in self._recent if at > now - seconds]
            if len(self._recent) >= most:
                raise Refused(429, "Too many requests", "Request was throttled.", retry_after=retry_after)
            self._recent.append(now)

    def loses(self, path: str) -> bool:
        """Whether the answer to this path gets lost; each entry of `swallow` works once."""
        found = next((part for part in self.swallow if part in path), None)
        if found is not None:
            self.swallow.remove(found)
        return found is not None


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that were killed while they waited for an answer."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


def _handler(site: StandIn) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            try:
                made = site.answer(self.command, self.path, headers=self.headers, body=body)
            except Refused as error:
                wait = (("Retry-After", str(error.retry_after)),) if error.retry_after else ()
                made = Answer(error.status, error.body(), wait)
                site.refused[error.status] += 1
            if site.loses(self.path):
                self.close_connection = True
                self.connection.close()
                return
            content = b"" if made.body is None else json.dumps(made.body).encode()
            self.send_response(made.status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            for name, value in made.headers:
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PATCH = do_DELETE = _answer  # noqa: N815 - the library's names

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            """Be silent."""

    return Handler
