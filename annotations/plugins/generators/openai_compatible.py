"""Any server that speaks OpenAI's chat completions: vLLM, TGI, llama.cpp, Ollama, `transformers serve`, hosted."""

from __future__ import annotations

import random
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import httpx

from annotations.errors import GeneratorFailed
from annotations.registry import Generator, generators

DEFAULTS: Mapping[str, Any] = {
    "base_url": "",
    "model": "",
    "system_prompt": "",
    "temperature": 1.0,
    "top_p": 1.0,
    "max_tokens": 400,
    "extra_body": {},
}
LIMITS = {"temperature": (0.0, 2.0), "top_p": (0.0, 1.0), "max_tokens": (1, 32_000)}
TRIES = 4
LONGEST_WAIT = 20.0  # seconds
TIMEOUT = httpx.Timeout(120.0, connect=10.0)
AGAIN = {408, 409, 425, 429, 500, 502, 503, 504}
LOST = "The model did not answer. Your question is kept; please try again in a minute."


@generators.register
class OpenAICompatible(Generator):
    """``POST {base_url}/chat/completions``. Servers that ignore `n` are asked until there are enough texts."""

    name = "openai_compatible"
    label = "OpenAI-compatible endpoint"

    def clean_settings(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """See ``DEFAULTS``; the key is a secret (``api_key``) and stands apart."""
        if unknown := set(settings) - set(DEFAULTS):
            message = f"there is no setting {', '.join(sorted(unknown))}; there are {', '.join(DEFAULTS)}"
            raise ValueError(message)
        clean = {**DEFAULTS, **settings}
        parts = urlsplit(str(clean["base_url"]))
        if parts.scheme not in ("http", "https") or not parts.hostname:
            message = "base_url must be an address such as http://127.0.0.1:8000/v1"
            raise ValueError(message)
        if not str(clean["model"]).strip():
            message = "model must be named as the server calls it"
            raise ValueError(message)
        for name, (least, most) in LIMITS.items():
            if not isinstance(clean[name], int | float) or not least <= clean[name] <= most:
                message = f"{name} must lie between {least} and {most}, not {clean[name]!r}"
                raise ValueError(message)
        if not isinstance(clean["extra_body"], dict):
            message = "extra_body must be a JSON object"
            raise ValueError(message)  # noqa: TRY004 - a setting, like the others
        return clean

    def generate(
        self, question: str, *, count: int, settings: Mapping[str, Any], secrets: Mapping[str, str]
    ) -> list[str]:
        """Ask for what is still missing until it is there; three rounds in a row without a text give up."""
        headers = {"Authorization": f"Bearer {secrets['api_key']}"} if secrets.get("api_key") else {}
        found: list[str] = []
        empty = 0
        with httpx.Client(timeout=TIMEOUT, headers=headers) as client:
            while len(found) < count and empty < 3:  # noqa: PLR2004 - see the first line
                fresh = self._ask(client, question, count=count - len(found), settings=settings)
                empty = 0 if fresh else empty + 1
                found += fresh
        if len(found) < count:
            raise GeneratorFailed(LOST)
        return found[:count]

    def _ask(self, client: httpx.Client, question: str, *, count: int, settings: Mapping[str, Any]) -> list[str]:
        system = [{"role": "system", "content": settings["system_prompt"]}] if settings["system_prompt"] else []
        body = {
            "model": settings["model"],
            "messages": [*system, {"role": "user", "content": question}],
            "n": count,
            "temperature": settings["temperature"],
            "top_p": settings["top_p"],
            "max_tokens": settings["max_tokens"],
            **settings["extra_body"],
        }
        answer = _patiently(client, f"{settings['base_url'].rstrip('/')}/chat/completions", body)
        try:
            texts = [choice["message"]["content"] for choice in answer["choices"]]
        except (KeyError, TypeError):
            raise GeneratorFailed(LOST) from None
        return [text.strip() for text in texts if isinstance(text, str) and text.strip()]


def _patiently(client: httpx.Client, address: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """POST with back-off and jitter; `Retry-After` is honoured up to ``LONGEST_WAIT``. Errors say nothing secret."""
    for attempt in range(TRIES):
        wait = min(2.0**attempt, LONGEST_WAIT) * random.uniform(0.5, 1.0)  # noqa: S311 - jitter
        try:
            response = client.post(address, json=body)
        except httpx.HTTPError:
            response = None
        if response is not None and response.is_success:
            try:
                return dict(response.json())
            except ValueError:
                raise GeneratorFailed(LOST) from None
        if response is not None and response.status_code not in AGAIN:
            raise GeneratorFailed(f"The model's server refused the question (code {response.status_code}).")
        told = response.headers.get("Retry-After", "") if response is not None else ""
        if told.isdigit():
            wait = min(float(told), LONGEST_WAIT)
        if attempt + 1 < TRIES:
            time.sleep(wait)
    raise GeneratorFailed(LOST)
