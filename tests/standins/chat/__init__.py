"""A small server that speaks OpenAI's chat completions, for tests: a stand-in for vLLM, Ollama and their like.

It answers with texts that no other call gets, gives at most `most` choices a call (some servers ignore `n`), and can be
told to fail: `failures` holds status codes for the next calls, `empty` makes it answer nothing.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.standins.running import running


class ChatServer(ThreadingHTTPServer):
    """Counts what it was asked; `calls` holds the bodies, `keys` the bearer tokens."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.calls: list[dict] = []
        self.keys: list[str] = []
        self.failures: list[int] = []
        self.most = 8
        self.empty = False
        self.lock = threading.Lock()
        self.made = 0

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"

    def texts(self, model: str, question: str, count: int) -> list[str]:
        with self.lock:
            first, self.made = self.made, self.made + count
        if self.empty:
            return [""] * count
        style = "A quiet thought" if model.endswith("plain") else "A leap"
        return [f"{style} no. {first + at} on {question.rstrip('?').lower()}." for at in range(count)]


class _Handler(BaseHTTPRequestHandler):
    server: ChatServer

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with self.server.lock:
            self.server.calls.append(body)
            self.server.keys.append(self.headers.get("Authorization", ""))
            status = self.server.failures.pop(0) if self.server.failures else 200
        if status != 200 or self.path != "/v1/chat/completions":
            self._send(status if status != 200 else 404, {"error": {"message": f"{body['model']} is overloaded"}})
            return
        texts = self.server.texts(
            body["model"], body["messages"][-1]["content"], min(body.get("n", 1), self.server.most)
        )
        choices = [
            {"index": at, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}
            for at, text in enumerate(texts)
        ]
        self._send(200, {"object": "chat.completion", "model": body["model"], "choices": choices})

    def _send(self, status: int, body: dict) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        if status == 429:
            self.send_header("Retry-After", "0")
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *args: object) -> None:
        pass


@contextmanager
def chat_server() -> Iterator[ChatServer]:
    """Run one for as long as the block lasts."""
    with running(ChatServer()) as server:
        yield server
