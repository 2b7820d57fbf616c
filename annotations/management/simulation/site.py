"""A web server of our own for simulated raters who were not told where the site is."""

from __future__ import annotations

import http.client
import os
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager
from urllib.parse import urlsplit

from evalplatform import serve
from evalplatform.supervise import Supervisor

START_SECONDS = 60


@contextmanager
def own_site() -> Iterator[str]:
    """Run gunicorn on a free port of this machine as long as the block lasts; yields its base URL.

    Raises ``ChildDied`` with the end of its log when it does not start.
    """
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    supervisor = Supervisor(serve.ROOT, {**os.environ, "HOST": "127.0.0.1", "PORT": str(port)})
    try:
        supervisor.start("simulation-web", serve.GUNICORN)
        supervisor.wait_until(lambda: answers(url), seconds=START_SECONDS, doing="starting a web server")
        yield url
    finally:
        supervisor.stop()


def answers(url: str) -> bool:
    """Whether the site answers at this base URL."""
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    with closing(kind(parts.hostname or "", parts.port, timeout=10)) as connection:
        try:
            connection.request("GET", f"{parts.path.rstrip('/')}/healthz")
            return connection.getresponse().status == http.client.OK
        except (OSError, http.client.HTTPException):
            return False
