"""A stand-in at work: its server in a thread, for as long as the block lasts; and ports for servers of their own."""

from __future__ import annotations

import contextlib
import itertools
import os
import socket
import threading
from collections.abc import Iterator
from socketserver import BaseServer
from typing import TypeVar

S = TypeVar("S", bound=BaseServer)
# Below the ports that systems give to outgoing connections, so that nobody takes one before its server is up; each
# process begins elsewhere.
PORTS = range(20_000, 32_000)
_tried = itertools.count(os.getpid() * 61)


def free_port() -> int:
    """Return a TCP port that nobody listens on; no process of this run gets it twice."""
    for number in itertools.islice(_tried, len(PORTS)):
        port = PORTS[number % len(PORTS)]
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise OSError("no port is free")


@contextlib.contextmanager
def running(server: S) -> Iterator[S]:
    """Serve in a thread, and be gone afterwards."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
