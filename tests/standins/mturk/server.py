"""The stand-in as an HTTP server on 127.0.0.1: the API at `/`, and the worker's site.

    with serve(Market()) as mturk:
        boto3.client("mturk", endpoint_url=mturk.url, region_name="us-east-1",
                     aws_access_key_id=KEY, aws_secret_access_key=SECRET)

`mturk.trouble` switches on what goes wrong: `throttle` and `fail` count down calls that get 400 ThrottlingException or
500 ServiceFault; `drop` calls are carried out, but their answer is lost; `closed` refuses everything with 503.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import threading
from collections import Counter
from collections.abc import Iterator
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.standins.running import running

from . import granting, requester
from .errors import Faulty, Invalid, Refused, Throttled, UnknownOperation
from .market import Market
from .operations import OPERATIONS
from .shapes import check_request
from .signing import check_signature

KEY, SECRET = "AKIASTANDIN000000000", "standin-secret-0123456789/abcdefghijklmno"
TARGET = "MTurkRequesterServiceV20170117."
LOADED = (granting, requester)  # importing them enters their operations


@dataclasses.dataclass
class Trouble:
    """What goes wrong, counted in calls."""

    throttle: int = 0
    fail: int = 0
    drop: int = 0
    closed: bool = False
    lock: threading.Lock = dataclasses.field(default_factory=threading.Lock)

    def takes(self, name: str) -> bool:
        """Count one call down; says whether it is to go wrong."""
        with self.lock:
            left = getattr(self, name)
            setattr(self, name, max(left - 1, 0))
            return bool(left)


class StandIn(ThreadingHTTPServer):
    """The server; `calls` counts the operations that reached it."""

    daemon_threads = True

    def __init__(self, market: Market, *, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.market, self.trouble = market, Trouble()
        self.keys = {KEY: SECRET}
        self.calls: Counter[str] = Counter()
        self.url = f"http://127.0.0.1:{self.server_port}"
        market.submit_to = self.url


class Handler(BaseHTTPRequestHandler):
    """One request."""

    protocol_version = "HTTP/1.1"
    server: StandIn

    def do_POST(self) -> None:
        """API calls and submissions."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if urlsplit(self.path).path == "/mturk/externalSubmit":
            self._submitted(body.decode())
        else:
            self._operation(body)

    def do_GET(self) -> None:
        """Worker's pages; externalSubmit takes GET as well."""
        address = urlsplit(self.path)
        asked = dict(parse_qsl(address.query))
        if address.path == "/mturk/externalSubmit":
            self._submitted(address.query)
        elif address.path in ("/preview", "/accept", "/return"):
            self._worker(address.path, asked)
        else:
            self._html(404, "There is nothing here.")

    # The requester's API

    def _operation(self, body: bytes) -> None:
        name = self.headers.get("X-Amz-Target", "").removeprefix(TARGET)
        trouble = self.server.trouble
        try:
            if trouble.closed:
                raise _closed()
            self.server.calls[name] += 1
            url = f"http://{self.headers['Host']}{self.path}"
            check_signature(headers=self.headers, body=body, url=url, keys=self.server.keys)
            if trouble.takes("throttle"):
                raise Throttled("Rate exceeded")
            if trouble.takes("fail"):
                raise Faulty("Amazon Mechanical Turk is temporarily unable to process your request.")
            answer = self._run(name, body)
        except Refused as error:
            self._json(error.status, error.body())
            return
        if trouble.takes("drop"):
            self.close_connection = True
            return
        self._json(200, answer)

    def _run(self, name: str, body: bytes) -> dict[str, Any]:
        try:
            sent = json.loads(body)
        except ValueError:
            raise Invalid("The request is no JSON.") from None
        check_request(name, sent)
        if name not in OPERATIONS:
            raise UnknownOperation(f"{name} is not part of the stand-in")
        with self.server.market.lock:
            return OPERATIONS[name](self.server.market, sent)

    def _json(self, status: int, answer: dict[str, Any]) -> None:
        self._send(status, "application/x-amz-json-1.1", json.dumps(answer))

    # The worker's site

    def _submitted(self, encoded: str) -> None:
        try:
            if self.server.trouble.closed:
                raise _closed()
            self.server.market.submit(parse_qsl(encoded, keep_blank_values=True))
        except Refused as error:
            self._html(error.status, f"<p>{escape(error.message)} This HIT is still assigned to you.</p>")
            return
        self._html(200, "<p>Your results have been submitted to the Requester.</p>")

    def _worker(self, path: str, asked: dict[str, str]) -> None:
        market = self.server.market
        try:
            if path == "/return":
                market.give_back(asked["assignment"])
                self._html(200, "<p>HIT returned.</p>")
                return
            worker = asked.get("worker", "")
            action = market.preview if path == "/preview" else market.accept
            frame = action(asked["hit"], worker=worker)
        except Refused as error:
            self._html(400, f"<p>{escape(error.message)}</p>")
            return
        self._html(200, f'<iframe title="HIT" src="{escape(frame)}" width="100%" height="900"></iframe>')

    def _html(self, status: int, inside: str) -> None:
        self._send(status, "text/html; charset=utf-8", f"<!doctype html><title>Worker</title>{inside}")

    def _send(self, status: int, kind: str, text: str) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the name is the library's)
        """Say nothing."""


def _closed() -> Faulty:
    error = Faulty("Service unavailable")
    error.status = 503
    return error


@contextlib.contextmanager
def serve(market: Market, *, port: int = 0) -> Iterator[StandIn]:
    """Run the stand-in in a thread."""
    with running(StandIn(market, port=port)) as server:
        yield server
