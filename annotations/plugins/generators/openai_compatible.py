"""Any server that speaks OpenAI's completions: vLLM, TGI, llama.cpp, Ollama, `transformers serve`, hosted ones."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Generator as Yields
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from typing import Any, ClassVar, Self
from urllib.parse import urlsplit
from weakref import WeakValueDictionary

import httpx

from annotations.errors import AskLater, GeneratorFailed
from annotations.patience import UNSURE, CallFailed, Interrupted, Meter, Pace, Patience, patient
from annotations.registry import Ask, Generator, Option, Written, generators
from annotations.registry.options import complete

from .openai_answers import OVERHEAD, declined, price, read_answer, tokens_of
from .refusals import REFUSALS

LARGEST_SEED = 2**31
PANEL = Patience(tries=4)  # an expert waits
JOB = Patience(tries=5)
PAID_JOB = Patience(tries=5, unsure=False)  # what may be paid for is counted before it is asked again
TRIAL = Patience(tries=1)  # so does a researcher who tries a system, in front of a page
LONGEST_TRIAL = 25  # seconds
ENCODINGS = ("content-encoding", "content-length", "transfer-encoding")  # of what is decoded already
LARGEST_ANSWER = 32_000_000  # bytes
LONG_KEY = 12  # characters; a shorter one is a word such as "EMPTY", which a text may hold
LOST = "The model did not answer. Your question is kept; please try again in a minute."


@generators.register
class OpenAICompatible(Generator):
    """``POST {base_url}/chat/completions`` or ``/completions``. Servers that ignore `n` are asked again."""

    name = "openai_compatible"
    label = "OpenAI-compatible endpoint"
    secrets = (("api_key", "Key"),)
    takes: ClassVar[tuple[Option, ...]] = (
        Option("base_url", "Address", "words", "", help="Of the server, up to /v1: http://127.0.0.1:8000/v1", most=300),
        Option("model", "Model", "words", "", help="As the server calls it.", most=300),
        Option(
            "endpoint",
            "Endpoint",
            "one_of",
            "chat",
            among=(("chat", "Chat (/chat/completions)"), ("completions", "Completion (/completions)")),
        ),
        Option(
            "system_prompt", "System prompt", "words", "", help="Before a completion it stands as text.", most=20_000
        ),
        Option("template", "Template", "words", "{prompt}", help="{prompt} stands for the prompt's text.", most=20_000),
        Option("temperature", "Temperature", "decimal", 1.0, most=5),
        Option("top_p", "Top-p", "decimal", 1.0, most=1),
        Option("min_p", "Min-p", "decimal", None, help="Empty: not sent.", most=1, optional=True),
        Option("max_tokens", "Tokens of an answer at most", "number", 400, least=1, most=200_000),
        Option("stop", "Stop at", "lines", (), help="One text a line; \\n stands for a new line.", many=16, most=100),
        Option("send_seed", "Send a seed", "yes_no", default=True, help="Each sample has its own."),
        Option("seed", "Seed", "number", 0, help="Another number gives other samples.", most=LARGEST_SEED - 1),
        Option("per_call", "Samples a call (n)", "number", 1, help="Many servers take only 1.", least=1, most=128),
        Option("lanes", "Calls at once", "number", 4, least=1, most=64),
        Option("requests_per_minute", "Requests a minute at most", "number", 0, help="0: no limit.", most=1_000_000),
        Option("tokens_per_minute", "Tokens a minute at most", "number", 0, help="0: no limit.", most=1_000_000_000),
        Option(
            "shared_limits",
            "Share these limits",
            "yes_no",
            default=True,
            help="Systems of this study with the same server and key keep to them together, to the smallest that one "
            "of them has. Untick it where the server counts each model for itself.",
        ),
        Option("timeout", "Seconds to wait for an answer", "number", 120, least=1, most=1800),
        Option("price_input", "Price of a million input tokens", "decimal", 0.0, most=100_000),
        Option("price_output", "Price of a million output tokens", "decimal", 0.0, most=100_000),
        Option(
            "refusals",
            "Beginnings of a refusal",
            "lines",
            REFUSALS,
            help="One a line. An answer that begins so is marked, beside what the server itself calls a refusal.",
            many=100,
            most=120,
        ),
        Option(
            "extra_body",
            "Further JSON",
            "json",
            {},
            help='Sent along, e.g. {"top_k": 40} or the steering of this system. null takes a field out.',
        ),
    )

    def clean_settings(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """See `takes`; the key is a secret (``api_key``) and stands apart."""
        clean = complete(self.takes, settings, of=self.label)
        try:
            parts = urlsplit(clean["base_url"])
            usable = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
        except ValueError:
            usable = False
        if not usable:
            message = "base_url must be an address such as http://127.0.0.1:8000/v1"
            raise ValueError(message)
        if parts.username or parts.password or parts.query or parts.fragment:
            message = "base_url must hold neither a name, a password nor a '?'; the key has a field of its own"
            raise ValueError(message)
        if not clean["model"]:
            message = "model must be named as the server calls it"
            raise ValueError(message)
        if parts.path.rstrip("/").endswith("/completions"):
            message = "base_url must end before /chat/completions or /completions: most end in /v1"
            raise ValueError(message)
        if ruled := sorted({"n", "stream", "messages", "prompt"} & {k for k, v in clean["extra_body"].items() if v}):
            message = f"extra_body must not hold '{ruled[0]}', which is sent by itself"
            raise ValueError(message)
        clean["template"] = clean["template"] or "{prompt}"
        if "{prompt}" not in clean["template"]:
            message = "template must hold {prompt}, which stands for the prompt's text"
            raise ValueError(message)
        return clean

    def destination(self, settings: Mapping[str, Any]) -> str:
        """Scheme, host and port."""
        parts = urlsplit(str(settings.get("base_url", "")))
        return f"{parts.scheme}://{parts.netloc}"

    def cost_at_most(self, prompt: str, *, settings: Mapping[str, Any]) -> Decimal | None:
        """Each byte one token, and an answer of full length: no tokenizer makes more of it."""
        text = settings["template"].replace("{prompt}", prompt) + settings["system_prompt"]
        extra = settings["extra_body"]
        longest = [extra.get("max_tokens"), extra.get("max_completion_tokens"), settings["max_tokens"]]
        output = max(value for value in longest if isinstance(value, int))
        return price(settings, len(text.encode()) + OVERHEAD, output)

    @contextmanager
    def open(self, *, settings: Mapping[str, Any], secrets: Mapping[str, str]) -> Iterator[Endpoint]:
        """Hold the connections open."""
        is_paid = bool(settings["price_input"] or settings["price_output"])
        with Endpoint(settings, secrets, patience=PAID_JOB if is_paid else JOB) as endpoint:
            yield endpoint

    def try_out(
        self, asks: list[Ask], *, settings: Mapping[str, Any], secrets: Mapping[str, str]
    ) -> list[Written | Exception]:
        """Ask once, and not for long: somebody sits in front of the page."""
        hurried = {**settings, "timeout": min(settings["timeout"], LONGEST_TRIAL)}
        with Endpoint(hurried, secrets, patience=TRIAL) as endpoint:
            return endpoint.write(asks)

    def generate(
        self, question: str, *, count: int, settings: Mapping[str, Any], secrets: Mapping[str, str]
    ) -> list[str]:
        """Ask for what is still missing until it is there; three rounds in a row without a text give up."""
        found: list[str] = []
        empty = 0
        with Endpoint(settings, secrets, patience=PANEL) as endpoint:
            while len(found) < count and empty < 3:  # noqa: PLR2004 - see the first line
                try:
                    texts = [one.text.strip() for one in endpoint.ask(question, count=count - len(found))]
                except CallFailed as error:
                    refused = f"The model's server refused the question (code {error.code})."
                    raise GeneratorFailed(refused if error.code and not error.again else LOST) from None
                fresh = [text for text in texts if text]
                empty = 0 if fresh else empty + 1
                found += fresh
        if len(found) < count:
            raise GeneratorFailed(LOST)
        return found[:count]


class Endpoint:
    """An open connection to one server, used by several threads: the key stays in a closure and in no attribute."""

    def __init__(self, settings: Mapping[str, Any], secrets: Mapping[str, str], *, patience: Patience) -> None:
        key = secrets.get("api_key", "").strip()
        if not (key.isascii() and key.isprintable()):
            raise GeneratorFailed("The key holds a letter that no key has. Type it again.", lasting=True)
        self.settings, self.patience, self.hidden = settings, patience, _Hidden(key)
        self.lanes, self.batch = int(settings["lanes"]), int(settings["per_call"])
        self.pace = Pace(
            requests_per_minute=settings["requests_per_minute"],
            tokens_per_minute=settings["tokens_per_minute"],
            meter=_meter(settings["base_url"], key) if settings["shared_limits"] else None,
        )
        self.client = httpx.Client(
            timeout=httpx.Timeout(settings["timeout"], connect=min(10, settings["timeout"])),
            limits=httpx.Limits(max_connections=self.lanes, max_keepalive_connections=self.lanes),
            auth=_Bearer(self.hidden) if key else None,
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
        content = b"".join(parts)
        for key in self.hidden:
            if len(key) >= LONG_KEY:
                content = content.replace(key.encode(), b"...")
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


def _meter(base_url: str, key: str) -> Meter:
    """Return the meter of an account: of a server and a key, which stands here as a hash."""
    parts = urlsplit(base_url)
    account = hashlib.sha256(f"{parts.scheme}://{parts.netloc.lower()}\0{key}".encode()).hexdigest()
    with _meters_lock:
        return _meters.setdefault(account, Meter())


def _failure(error: CallFailed) -> GeneratorFailed:
    """Return the failure as the family speaks of it; its words hold neither key nor address."""
    if isinstance(error, Interrupted):
        return AskLater("The job was stopped.")
    unsure = error.kind == UNSURE
    return AskLater(str(error), unsure=unsure) if error.again else GeneratorFailed(str(error), lasting=error.lasting)
