"""A web server for files, with the faults that real ones have."""

from __future__ import annotations

import gzip
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Web:
    """Files by path, redirects by path, and what was asked; a path in `faults` is answered with that fault."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.redirects: dict[str, str] = {}
        self.faults: dict[str, list[Any]] = {}
        self.encoded: set[str] = set()
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.port = 0

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        path = handler.path.partition("?")[0]
        self.asked.append((handler.path, dict(handler.headers.items())))
        faults = self.faults.get(path)
        fault = faults.pop(0) if faults else None
        if isinstance(fault, int):
            handler.send_error(fault)
        elif path in self.redirects:
            handler.send_response(302)
            handler.send_header("Location", self.redirects[path])
            handler.send_header("Content-Length", "0")
            handler.end_headers()
        elif path not in self.files:
            handler.send_error(404)
        else:
            self._send(handler, path, broken=fault == "reset")

    def _send(self, handler: BaseHTTPRequestHandler, path: str, *, broken: bool) -> None:
        body = self.files[path]
        handler.send_response(200)
        if path in self.encoded:
            body = gzip.compress(body)
            handler.send_header("Content-Encoding", "gzip")
        handler.send_header("Content-Type", "text/html" if path.endswith("/") else "application/octet-stream")
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        if not broken:
            handler.wfile.write(body)
            return
        handler.wfile.write(body[: len(body) // 2])
        handler.wfile.flush()
        # Closed with a reset, as by a crashed server or an impatient proxy.
        handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        handler.close_connection = True
        handler.rfile.close()
        handler.connection.close()


@contextmanager
def served() -> Iterator[Web]:
    web = Web()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            web.answer(self)

        do_HEAD = do_GET  # noqa: N815 - the library's name

        def finish(self) -> None:
            with suppress(OSError, ValueError):
                super().finish()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    web.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield web
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
