"""A reverse proxy that does what servers do on a bad day: busy, broken, silent, gone, in a share of the calls.

Half of the silences and breaks come before the server was asked, half after it has answered, so that an answer is lost
that was made (and paid for).
"""

from __future__ import annotations

import contextlib
import datetime as dt
import email.utils
import random
import socket
import struct
import threading
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx

KINDS = ("429 seconds", "429 date", "500", "timeout before", "timeout after", "reset before", "reset after")


class FaultyProxy(ThreadingHTTPServer):
    """Forwards to `target`; a call fails with probability `share`, each kind alike, drawn from `seed`."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, target: str, *, share: float, silence: float, seed: int) -> None:
        super().__init__(("127.0.0.1", 0), _Forward)
        self.target, self.share, self.silence = target, share, silence
        self.counts: Counter[str] = Counter()
        self.keys: set[str] = set()
        self.closing = threading.Event()
        self._random, self._lock = random.Random(seed), threading.Lock()
        self.upstream = httpx.Client(timeout=60, limits=httpx.Limits(max_connections=64))

    @property
    def base_url(self) -> str:
        """The address to be asked instead of the server's."""
        return f"http://127.0.0.1:{self.server_port}/v1"

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of clients that were killed."""

    def fate(self, key: str) -> str:
        """Draw what becomes of a call."""
        with self._lock:
            kind = self._random.choice(KINDS) if self._random.random() < self.share else "answered"
            self.counts[kind] += 1
            self.keys.add(key)
        return kind


class _Forward(BaseHTTPRequestHandler):
    server: FaultyProxy
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Forward, or fail as it was drawn."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        kind = self.server.fate(self.headers.get("Authorization", ""))
        if kind.startswith("429"):
            soon = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=1)
            told = "1" if kind == "429 seconds" else email.utils.format_datetime(soon, usegmt=True)
            self._send(429, b'{"error": {"message": "slow down"}}', {"Retry-After": told})
        elif kind == "500":
            self._send(500, b"<html>Internal Server Error</html>", {})
        elif kind.endswith("before"):
            self._break(kind)
        else:
            answer = self.server.upstream.post(
                f"{self.server.target}/{self.path.removeprefix('/v1/')}",
                content=body,
                headers={"Content-Type": "application/json"},
            )
            if kind.endswith("after"):
                self._break(kind)
            else:
                self._send(answer.status_code, answer.content, {})

    def _break(self, kind: str) -> None:
        """Say nothing for longer than anybody waits, or hang up without a word."""
        if kind.startswith("timeout"):
            self.server.closing.wait(self.server.silence)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.close_connection = True

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        with contextlib.suppress(OSError):
            self.send_response(status)
            for name, value in {
                "Content-Type": "application/json",
                "Content-Length": str(len(body)),
                **headers,
            }.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

    def finish(self) -> None:
        """A connection that was hung up has nothing to flush."""
        with contextlib.suppress(OSError, ValueError):
            super().finish()

    def log_message(self, *args: object) -> None:
        """Say nothing."""


@contextlib.contextmanager
def faulty(target: str, *, share: float = 0.2, silence: float = 3.0, seed: int = 1) -> Iterator[FaultyProxy]:
    """Run one for as long as the block lasts."""
    proxy = FaultyProxy(target, share=share, silence=silence, seed=seed)
    thread = threading.Thread(target=proxy.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield proxy
    finally:
        proxy.closing.set()
        proxy.shutdown()
        thread.join()
        proxy.server_close()
        proxy.upstream.close()
