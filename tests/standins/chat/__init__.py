"""A small server that speaks OpenAI's chat completions, for tests: a stand-in for vLLM, Ollama and their like.

It answers with texts that no other call gets, gives at most `most` choices a call (some servers ignore `n`), and can be
told to fail: `failures` holds status codes for the next calls, `empty` makes it answer nothing. `script` holds the
choices of the next calls, `told` what a 429 says in ``Retry-After``, `usage` what is said of tokens.
"""

from __future__ import annotations

import json
import threading
import time
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
        self.script: list[dict] = []
        self.told = "0"
        self.error: object = None
        self.usage: dict | None = None
        self.slow = 0.0
        self.at: list[float] = []
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
            self.server.at.append(time.monotonic())
            status = self.server.failures.pop(0) if self.server.failures else 200
        threading.Event().wait(self.server.slow)
        if status != 200 or self.path not in ("/v1/chat/completions", "/v1/completions"):
            error = self.server.error or {"message": f"{body['model']} is overloaded"}
            self._send(status if status != 200 else 404, {"error": error})
            return
        if self.path == "/v1/completions":
            self._complete(body)
            return
        texts = self.server.texts(
            body["model"], body["messages"][-1]["content"], min(body.get("n", 1), self.server.most)
        )
        choices = [
            {"index": at, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}
            for at, text in enumerate(texts)
        ]
        with self.server.lock:
            if self.server.script:
                choices = [{"index": 0, "finish_reason": "stop", **self.server.script.pop(0)}]
        answer = {"object": "chat.completion", "model": body["model"], "choices": choices}
        self._send(200, answer if self.server.usage is None else {**answer, "usage": self.server.usage})

    def _complete(self, body: dict) -> None:
        texts = self.server.texts(body["model"], body["prompt"], min(body.get("n", 1), self.server.most))
        choices = [{"index": at, "finish_reason": "stop", "text": text} for at, text in enumerate(texts)]
        self._send(200, {"object": "text_completion", "model": body["model"], "choices": choices})

    def _send(self, status: int, body: dict) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        if status == 429:
            self.send_header("Retry-After", self.server.told)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *args: object) -> None:
        pass


@contextmanager
def chat_server() -> Iterator[ChatServer]:
    """Run one for as long as the block lasts."""
    with running(ChatServer()) as server:
        yield server
