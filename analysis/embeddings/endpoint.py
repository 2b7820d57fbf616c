"""An OpenAI-compatible embeddings endpoint: batches, patience with a busy server, and a key that nobody sees."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, ClassVar, Final
from urllib.parse import urlsplit

import httpx
import numpy as np
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt
from tenacity.wait import wait_random_exponential

from analysis.embeddings.contract import EmbeddingError, FloatVectors, normalise

AGAIN: Final = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})
LONGEST_WAIT: Final = 300.0


class _BusyError(Exception):
    """The server may answer later; ``after`` is what it asked for, in seconds."""

    def __init__(self, message: str, *, after: float | None = None) -> None:
        super().__init__(message)
        self.after = after


@dataclass(frozen=True)
class OpenAIEndpoint:
    """``POST {base_url}/embeddings`` as vLLM, TEI, llama.cpp, Ollama and hosted services offer it.

    429, 5xx and broken connections are tried again, with exponential waits and jitter, or as long as ``Retry-After``
    says. ``key`` is a secret: it is in no description, no error and no ``repr``.
    """

    base_url: str
    model: str
    key: str = field(default="", repr=False)
    dimensions: int = 0
    batch: int = 128
    parallel: int = 4
    timeout: float = 60.0
    attempts: int = 6
    patience: float = 1.0

    unit: ClassVar[str] = "text"

    def __post_init__(self) -> None:
        """Refuse an address that is none, or that holds a password."""
        parts = urlsplit(self.base_url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise EmbeddingError("the address of the embeddings endpoint must begin with http:// or https://")
        if parts.username or parts.password or parts.query:
            raise EmbeddingError("the address of the embeddings endpoint must hold no password and no query")
        if not self.model:
            raise EmbeddingError("the embeddings endpoint needs the name of a model")

    @property
    def name(self) -> str:
        """The model's name."""
        return f"endpoint:{self.model}"

    def embed(self, texts: Sequence[str]) -> FloatVectors:
        """Return the vectors; see :class:`analysis.embeddings.Embedder`."""
        parts = [list(texts[start : start + self.batch]) for start in range(0, len(texts), self.batch)]
        workers = max(1, min(self.parallel, len(parts)))
        with httpx.Client(timeout=self.timeout) as client, ThreadPoolExecutor(max_workers=workers) as pool:
            rows = list(pool.map(lambda part: self._ask(client, part), parts))
        widths = {len(row) for part in rows for row in part}
        if len(widths) != 1:
            raise EmbeddingError(f"{self.name} gave vectors of different lengths: {sorted(widths)}")
        return normalise(np.asarray([row for part in rows for row in part], np.float32), name=self.name)

    def describe(self) -> dict[str, Any]:
        """Return server, model and number of dimensions."""
        found = urlsplit(self.base_url)
        return {
            "embedder": self.name,
            "server": f"{found.scheme}://{found.netloc}{found.path.rstrip('/')}",
            "model": self.model,
            "dimensions": self.dimensions or "as the model has it",
        }

    def _ask(self, client: httpx.Client, texts: list[str]) -> list[list[float]]:
        try:
            return Retrying(
                stop=stop_after_attempt(self.attempts),
                wait=self._wait,
                retry=retry_if_exception_type(_BusyError),
                reraise=True,
            )(self._once, client, texts)
        except _BusyError as error:
            message = f"the embeddings endpoint did not answer after {self.attempts} attempts ({error})"
            raise EmbeddingError(f"{message}: try again later") from None

    def _wait(self, state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        after = error.after if isinstance(error, _BusyError) else None
        backed = wait_random_exponential(multiplier=self.patience, max=60.0)(state)
        return backed if after is None else min(after, LONGEST_WAIT) + 0.1 * backed

    def _once(self, client: httpx.Client, texts: list[str]) -> list[list[float]]:
        body: dict[str, Any] = {"model": self.model, "input": texts, "encoding_format": "float"}
        if self.dimensions:
            body["dimensions"] = self.dimensions
        headers = {"Authorization": f"Bearer {self.key}"} if self.key else {}
        try:
            answer = client.post(f"{self.base_url.rstrip('/')}/embeddings", json=body, headers=headers)
        except httpx.TransportError as error:
            raise _BusyError(type(error).__name__) from None
        if answer.status_code in AGAIN:
            raise _BusyError(f"HTTP {answer.status_code}", after=_asked(answer.headers.get("Retry-After", "")))
        if answer.status_code != httpx.codes.OK:
            raise EmbeddingError(self._refused(answer))
        return _rows(answer, len(texts))

    def _refused(self, answer: httpx.Response) -> str:
        said = " ".join(answer.text.split())[:200]
        if self.key:
            said = said.replace(self.key, "…")
        hint = {401: "check the key", 403: "check the key", 404: "check address and model"}
        what = hint.get(answer.status_code, "check address, model and length of the texts")
        return f"the embeddings endpoint refused with HTTP {answer.status_code} ({said}): {what}"


def _rows(answer: httpx.Response, count: int) -> list[list[float]]:
    try:
        items = sorted(answer.json()["data"], key=lambda item: int(item["index"]))
        rows = [[float(number) for number in item["embedding"]] for item in items]
    except (ValueError, KeyError, TypeError):
        raise EmbeddingError("the embeddings endpoint did not answer as OpenAI's API does: check the address") from None
    if len(rows) != count:
        raise EmbeddingError(f"the embeddings endpoint gave {len(rows)} vectors for {count} texts")
    return rows


def _asked(header: str) -> float | None:
    """Return the seconds that ``Retry-After`` asks for, given as a number or as a date."""
    try:
        return max(0.0, float(header))
    except ValueError:
        pass
    try:
        return max(0.0, (parsedate_to_datetime(header) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None
