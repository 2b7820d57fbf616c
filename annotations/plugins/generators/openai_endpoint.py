"""An open connection to one server that speaks OpenAI's completions: calls, keys that stay hidden, shared limits."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Generator as Yields
from collections.abc import Mapping
from typing import Any, Self
from urllib.parse import urlsplit
from weakref import WeakValueDictionary

import httpx

from annotations.errors import AskLater, GeneratorFailed
from annotations.pace import Meter, Pace
from annotations.patience import UNSURE, CallFailed, Interrupted, Patience, patient
from annotations.registry import Ask, Written

from .openai_answers import OVERHEAD, declined, read_answer, tokens_of

LARGEST_SEED = 2**31
ENCODINGS = ("content-encoding", "content-length", "transfer-encoding")  # of what is decoded already
LARGEST_ANSWER = 32_000_000  # bytes
LONG_KEY = 12  # characters; a shorter one is a word such as "EMPTY", which a text may hold


class Endpoint:
    """An open connection to one server, used by several threads: no attribute or local of a frame shows the key."""

    def __init__(self, settings: Mapping[str, Any], secrets: Mapping[str, str], *, patience: Patience) -> None:
        self.settings, self.patience, self.hidden = settings, patience, _Hidden(secrets.get("api_key", "").strip())
        if not all(key.isascii() and key.isprintable() for key in self.hidden):
            raise GeneratorFailed("The key holds a letter that no key has. Type it again.", lasting=True)
        self.lanes, self.batch = int(settings["lanes"]), int(settings["per_call"])
        self.pace = Pace(
            requests_per_minute=settings["requests_per_minute"],
            tokens_per_minute=settings["tokens_per_minute"],
            meter=_meter(settings["base_url"], self.hidden) if settings["shared_limits"] else None,
        )
        self.client = httpx.Client(
            timeout=httpx.Timeout(settings["timeout"], connect=min(10, settings["timeout"])),
            limits=httpx.Limits(max_connections=self.lanes, max_keepalive_connections=self.lanes),
            auth=_Bearer(self.hidden) if any(self.hidden) else None,
            follow_redirects=False,  # a key must not follow
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.interrupt()
        self.client.close()

    def interrupt(self) -> None:
        """Let all who wait for their turn come back."""
        self.pace.stop()

    def write(self, asks: list[Ask]) -> list[Written | Exception]:
        """Answer each ask; those of one prompt go together in one call."""
        found: dict[int, Written | Exception] = {}
        places: dict[str, list[int]] = {}
        for place, ask in enumerate(asks):
            places.setdefault(ask.prompt, []).append(place)
        for prompt, wanted in places.items():
            while missing := [place for place in wanted if place not in found]:
                try:
                    answers = self.ask(prompt, count=len(missing), seed=asks[missing[0]].seed)
                except CallFailed as error:
                    failure = _failure(error)
                    if not found and (failure.lasting or error.again):
                        raise failure from None
                    found |= dict.fromkeys(missing, failure)
                else:
                    found |= dict(zip(missing, answers, strict=False))
        return [found[place] for place in range(len(asks))]

    def ask(self, prompt: str, *, count: int, seed: int | None = None) -> list[Written]:
        """Make one call for `count` answers and return those that came: at least one. Raises CallFailed."""
        body = self._body(prompt, count=count, seed=seed)
        path = "chat/completions" if self.settings["endpoint"] == "chat" else "completions"
        address = f"{self.settings['base_url'].rstrip('/')}/{path}"
        expected = self._tokens(prompt, count=count)

        def send() -> httpx.Response:
            self.pace.take(expected)
            return self._fetched(address, body)

        def read(response: httpx.Response) -> list[Written]:
            answer, written = read_answer(response, prompt=prompt, count=count, settings=self.settings)
            used = tokens_of(answer)
            self.pace.settle(reserved=expected, used=expected if used is None else used)
            return written

        try:
            return patient(
                send,
                read=read,
                patience=self.patience,
                hidden=self.hidden,
                sleep=self.pace.sleep,
                heard=self.pace.heard,
            )
        except CallFailed as error:
            if refused := declined(error, settings=self.settings):
                return [refused] * count
            raise

    def _tokens(self, prompt: str, *, count: int) -> float:
        """Return about how many tokens a call takes at most: a token is four bytes, or more of them."""
        chosen = self.settings
        text = chosen["template"].replace("{prompt}", prompt) + chosen["system_prompt"]
        return len(text.encode(errors="replace")) / 4 + OVERHEAD + count * int(chosen["max_tokens"])

    def _fetched(self, address: str, body: Mapping[str, Any]) -> httpx.Response:
        """Return the whole answer. One that drips, or never ends, is given up; a key that comes back is blotted out."""
        until, parts, size = time.monotonic() + self.settings["timeout"], [], 0
        with self.client.stream("POST", address, json=body) as response:
            for part in response.iter_bytes():
                size += len(part)
                if size > LARGEST_ANSWER:
                    raise CallFailed("The server sent far more than an answer.")
                if time.monotonic() > until:
                    raise httpx.ReadTimeout("")
                parts.append(part)
        content = self.hidden.blotted(b"".join(parts))
        kept = {name: value for name, value in response.headers.items() if name not in ENCODINGS}
        return httpx.Response(response.status_code, headers=kept, content=content)

    def _body(self, prompt: str, *, count: int, seed: int | None) -> dict[str, Any]:
        chosen = self.settings
        text, system = chosen["template"].replace("{prompt}", prompt), chosen["system_prompt"]
        body: dict[str, Any] = {"model": chosen["model"]}
        if chosen["endpoint"] == "chat":
            said = [{"role": "system", "content": system}] if system else []
            body["messages"] = [*said, {"role": "user", "content": text}]
        else:
            body["prompt"] = f"{system}\n\n{text}" if system else text
        body |= {name: chosen[name] for name in ("temperature", "top_p", "min_p", "max_tokens")}
        body["stop"] = [line.replace("\\n", "\n") for line in chosen["stop"]] or None
        body["n"] = count if count > 1 else None
        body["seed"] = (chosen["seed"] + seed) % LARGEST_SEED if seed is not None and chosen["send_seed"] else None
        return {name: value for name, value in {**body, **chosen["extra_body"]}.items() if value is not None}


class _Hidden(tuple[str, ...]):
    """Secrets that no representation shows."""

    __slots__ = ()

    def __new__(cls, *secrets: str) -> Self:
        """Take them one by one."""
        return super().__new__(cls, secrets)

    def __repr__(self) -> str:
        return "(hidden)"

    def blotted(self, content: bytes) -> bytes:
        """Return the content without those that are long enough to be no word."""
        for secret in self:
            content = content.replace(secret.encode(), b"...") if len(secret) >= LONG_KEY else content
        return content


class _Bearer(httpx.Auth):
    """Puts the key into the request and shows it nowhere else."""

    def __init__(self, hidden: _Hidden) -> None:
        self._hidden = hidden

    def auth_flow(self, request: httpx.Request) -> Yields[httpx.Request, httpx.Response, None]:
        """Sign the request."""
        request.headers["Authorization"] = f"Bearer {self._hidden[0]}"
        yield request


_meters: WeakValueDictionary[str, Meter] = WeakValueDictionary()  # those of the endpoints that are open
_meters_lock = threading.Lock()


def _meter(base_url: str, hidden: _Hidden) -> Meter:
    """Return the meter of an account: of a server and a key, which stands here as a hash."""
    parts = urlsplit(base_url)
    account = hashlib.sha256(f"{parts.scheme}://{parts.netloc.lower()}\0{hidden[0]}".encode()).hexdigest()
    with _meters_lock:
        return _meters.setdefault(account, Meter())


def _failure(error: CallFailed) -> GeneratorFailed:
    """Return the failure as the family speaks of it; its words hold neither key nor address."""
    if isinstance(error, Interrupted):
        return AskLater("The job was stopped.")
    unsure = error.kind == UNSURE
    return AskLater(str(error), unsure=unsure) if error.again else GeneratorFailed(str(error), lasting=error.lasting)
