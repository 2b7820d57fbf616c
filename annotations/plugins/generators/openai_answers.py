"""What a server's answer says, in any of the shapes that servers use: texts, how they ended, tokens, cost."""

from __future__ import annotations

import math
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import httpx

from annotations.patience import CallFailed, refusal
from annotations.registry import Mark, Written

from .refusals import is_refusal

MILLION = Decimal(1_000_000)
OVERHEAD = 32  # tokens that a chat template puts around the messages, at most
MOST_TOKENS = 50_000_000  # of one call; what claims more is not believed
CUT = frozenset({"length", "max_tokens", "model_length", "max_length"})
DECLINED = frozenset({"content_filter", "refusal", "safety", "prohibited_content", "blocklist", "sensitive"})
FAILED = "error"


def read_answer(
    response: httpx.Response, *, prompt: str, count: int, settings: Mapping[str, Any]
) -> tuple[Mapping[str, Any], list[Written]]:
    """Return the answer and its first `count` texts, at least one. Raises CallFailed, or ValueError for no answer."""
    answer = _body(response)
    choices = [one for one in answer["choices"] if not _failed(one)][:count]
    if not choices:
        wrong = next((one["error"] for one in answer["choices"] if isinstance(one.get("error"), dict)), None)
        raise _told({"error": wrong}) if wrong else ValueError
    return answer, _texts(answer, choices, prompt=prompt, settings=settings)


def _body(response: httpx.Response) -> Mapping[str, Any]:
    start = response.content[:200].lstrip()
    if start.startswith(b"<"):
        words = "The server sent a web page in place of an answer. Is the address right? Most end in /v1."
        raise CallFailed(words, again=True)
    if start.startswith((b"data:", b"event:")):
        raise CallFailed("The server sent a stream, which nobody asked for.", lasting=True)
    answer: Any = response.json()
    if isinstance(answer, dict) and answer.get("error") and not answer.get("choices"):
        raise _told(answer)
    if not isinstance(answer, dict):
        raise TypeError
    return answer


def _told(answer: Mapping[str, Any]) -> CallFailed:
    """Return the error that a server sent as if all were well; its code is taken from what it says."""
    error = answer["error"]
    code = error.get("code") if isinstance(error, dict) else None
    known = isinstance(code, int) and 400 <= code < 600  # noqa: PLR2004 - codes of HTTP for errors
    return refusal(httpx.Response(code if known and isinstance(code, int) else 500, json=answer))


def _failed(choice: Mapping[str, Any]) -> bool:
    return choice.get("finish_reason") == FAILED or isinstance(choice.get("error"), dict)


def _texts(answer: Mapping[str, Any], choices: list[Any], *, prompt: str, settings: Mapping[str, Any]) -> list[Written]:
    """Return the texts; the answer's tokens are shared out among them, so that their sum is right."""
    provenance = {"model": str(answer.get("model") or settings["model"])[:300], "endpoint": settings["endpoint"]}
    if answer.get("system_fingerprint"):
        provenance["system_fingerprint"] = str(answer["system_fingerprint"])[:300]
    inputs = _shares(_counted(answer, "prompt_tokens"), len(choices))
    outputs = _shares(_counted(answer, "completion_tokens"), len(choices))
    found = []
    for choice, came, went in zip(choices, inputs, outputs, strict=True):
        text, mark = _text(choice, settings=settings)
        guessed = came is None or went is None
        cost = price(
            settings,
            came if came is not None else math.ceil(len(prompt.encode(errors="replace")) / len(choices)) + OVERHEAD,
            went if went is not None else len(text.encode(errors="replace")),
        )
        more = {**provenance, "cost_is_guessed": True} if guessed and cost is not None else provenance
        finish = str(choice.get("finish_reason") or "")
        found.append(Written(text, finish, mark, came, went, cost, more))
    return found


def _text(choice: Mapping[str, Any], *, settings: Mapping[str, Any]) -> tuple[str, Mark]:
    """Return what was written and what is wrong with it."""
    finish = str(choice.get("finish_reason") or "").lower()
    said = choice["message"] if settings["endpoint"] == "chat" else {"content": choice["text"]}
    text, refused = said.get("content") or "", said.get("refusal") or ""
    if isinstance(text, list):  # parts, as some servers send them
        refused = refused or "".join(_part(part, "refusal") for part in text)
        text = "".join(_part(part, "text") for part in text)
    if not isinstance(text, str):
        raise TypeError
    if refused or finish in DECLINED:
        return text or str(refused), "refusal"
    if not text.strip():
        return text, "empty"
    if is_refusal(text, settings["refusals"]):
        return text, "refusal"
    return text, "truncated" if finish in CUT else ""


def _part(part: Any, name: str) -> str:
    if isinstance(part, str):
        return part if name == "text" else ""
    found = part.get(name)
    return found if isinstance(found, str) else ""


def declined(error: CallFailed, *, settings: Mapping[str, Any]) -> Written | None:
    """Return the refusal that a server sends as an error of the request, as Azure does; None for any other error."""
    if error.again or error.lasting or error.kind not in DECLINED:
        return None
    provenance = {"model": settings["model"], "endpoint": settings["endpoint"]}
    return Written("", error.kind, "refusal", provenance=provenance)


def tokens_of(answer: Mapping[str, Any]) -> int | None:
    """Return how many tokens a call took, None when the server does not say."""
    total = _counted(answer, "total_tokens")
    if total is not None:
        return total
    parts = [_counted(answer, name) for name in ("prompt_tokens", "completion_tokens")]
    return None if None in parts else sum(part or 0 for part in parts)


def _counted(answer: Mapping[str, Any], name: str) -> int | None:
    usage = answer.get("usage")
    count = usage.get(name) if isinstance(usage, dict) else None
    if isinstance(count, bool) or not isinstance(count, int | float) or not 0 <= count <= MOST_TOKENS:
        return None
    return int(count)


def _shares(total: int | None, count: int) -> list[int | None]:
    if total is None:
        return [None] * count
    return [total // count + (place < total % count) for place in range(count)]


def price(settings: Mapping[str, Any], inputs: int, outputs: int) -> Decimal | None:
    """Return what so many tokens cost, None without prices."""
    prices = Decimal(str(settings["price_input"])), Decimal(str(settings["price_output"]))
    return (inputs * prices[0] + outputs * prices[1]) / MILLION if any(prices) else None
