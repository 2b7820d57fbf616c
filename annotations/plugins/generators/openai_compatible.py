"""Any server that speaks OpenAI's completions: vLLM, TGI, llama.cpp, Ollama, `transformers serve`, hosted ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from typing import Any, ClassVar
from urllib.parse import urlsplit

from annotations.errors import GeneratorFailed
from annotations.patience import CallFailed, Patience
from annotations.registry import Ask, Generator, Option, Written, generators
from annotations.registry.options import complete

from .openai_answers import OVERHEAD, price
from .openai_endpoint import LARGEST_SEED, Endpoint
from .refusals import REFUSALS

PANEL = Patience(tries=4)  # an expert waits
JOB = Patience(tries=5)
PAID_JOB = Patience(tries=5, unsure=False)  # what may be paid for is counted before it is asked again
TRIAL = Patience(tries=1)  # so does a researcher who tries a system, in front of a page
LONGEST_TRIAL = 25  # seconds
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
