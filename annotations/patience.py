"""One patient HTTP call: tried again with back-off and full jitter or when the server says, with secrets kept quiet."""

from __future__ import annotations

import datetime as dt
import email.utils
import random
import re
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any, TypeVar

import httpx
import tenacity

from annotations.errors import PlatformError

T = TypeVar("T")
AGAIN = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 520, 522, 524, 529})
BUSY = 429
WORDS = {
    401: "The server refused the key (code 401).",
    402: "The server wants to be paid first (code 402).",
    403: "The server does not allow this key to do that (code 403).",
    404: "The server does not know this address or this model (code 404).",
    BUSY: "The server is busy: too many requests (code 429).",
}
LASTING = frozenset({401, 402, 403, 404, 405})
TOLD = frozenset({402, 403, 404})  # where the server's own words help; of a wrong key they may hold the key
NOTICED = 120.0  # seconds
UNSURE = "unsure"  # the server may have answered, and may want to be paid for it
LONGEST_EXCERPT = 200
NO_CREDIT = ("insufficient_quota", "billing_hard_limit_reached")
LOOKS_SECRET = re.compile(r"(?i)\b(?:sk|pk|rk|hf|gsk|xai|aiza|key|bearer|token)[-_ ][^\s'\"]{6,}|\S*\*{3,}\S*")
QUERY = re.compile(r"(https?://)(?:[^\s/@]*@)?([^\s?#'\"]*)[?#][^\s'\"]*")


@dataclass(frozen=True, slots=True)
class Patience:
    """How often and how long: the n-th wait is drawn between 0 and ``first · 2ⁿ⁻¹`` seconds, `longest` at most.

    What the server asks for itself (``Retry-After``) is waited for up to `told`; a longer time ends the call. Where
    calls are paid for, `unsure` says whether one that may have been answered is made again here.
    """

    tries: int = 5
    first: float = 1.0
    longest: float = 20.0
    told: float = 120.0
    unsure: bool = True


class CallFailed(PlatformError):
    """The server did not answer.

    `again` when the same call may go well soon, `lasting` when no call can (a wrong key, an unknown address); neither
    for what is wrong with this one call. `wait` is how many seconds the server asked to be left in peace, `kind` the
    server's own word for what is wrong.
    """

    status = 503

    def __init__(
        self,
        message: str,
        /,
        *,
        code: int = 0,
        kind: str = "",
        again: bool = False,
        lasting: bool = False,
        wait: float | None = None,
    ) -> None:
        self.code, self.kind, self.again, self.lasting, self.wait = code, kind, again, lasting, wait
        super().__init__(message)


class Interrupted(CallFailed):
    """The call was given up because the job was stopped."""


def patient(
    send: Callable[[], httpx.Response],
    *,
    read: Callable[[httpx.Response], T],
    patience: Patience | None = None,
    hidden: Collection[str] = (),
    sleep: Callable[[float], None] | None = None,
    heard: Callable[[CallFailed], object] | None = None,
) -> T:
    """Call `send` until `read` makes something of a good answer; raises CallFailed when patience is at its end.

    `read` raises ValueError, KeyError or TypeError for what is no answer. `hidden` are secrets that no word may hold,
    `heard` is told of each failure, `sleep` does the waiting (and may raise to end it).
    """
    patience = patience or Patience()
    spread = tenacity.wait_random_exponential(multiplier=patience.first, max=patience.longest)

    def is_worth_it(error: BaseException) -> bool:
        if not isinstance(error, CallFailed) or (error.kind == UNSURE and not patience.unsure):
            return False
        return error.again and (error.wait or 0) <= patience.told

    def wait(state: tenacity.RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        told = error.wait if isinstance(error, CallFailed) else None
        little = random.uniform(0, patience.first / 2)  # noqa: S311 - jitter, so that not all come back in one moment
        return float(spread(state)) if told is None else told + little

    def once() -> T:
        try:
            return _once(send, read, hidden)
        except CallFailed as error:
            if heard is not None:
                heard(error)
            raise

    retrying = tenacity.Retrying(
        stop=tenacity.stop_after_attempt(patience.tries),
        retry=tenacity.retry_if_exception(is_worth_it),
        wait=wait,
        sleep=sleep or time.sleep,
        reraise=True,
    )
    return retrying(once)


def _once(send: Callable[[], httpx.Response], read: Callable[[httpx.Response], T], hidden: Collection[str]) -> T:
    """Make one call; whatever goes wrong becomes a CallFailed without address, headers or key."""
    try:
        response = send()
    except httpx.TimeoutException as error:
        kind = "" if isinstance(error, httpx.ConnectTimeout | httpx.PoolTimeout) else UNSURE
        raise CallFailed("The server did not answer in time.", kind=kind, again=True) from None
    except httpx.ConnectError:
        raise CallFailed("The server cannot be reached.", again=True) from None
    except (httpx.HTTPError, httpx.StreamError):
        raise CallFailed("The connection to the server broke.", kind=UNSURE, again=True) from None
    except (httpx.InvalidURL, UnicodeError):
        raise CallFailed("The address of the server cannot be used.", lasting=True) from None
    if not response.is_success:
        raise refusal(response, hidden=hidden)
    try:
        return read(response)
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError):
        raise CallFailed("The server sent something that is no answer.", again=True) from None


def refusal(response: httpx.Response, *, hidden: Collection[str] = ()) -> CallFailed:
    """Return what an answer with an error code means."""
    code = response.status_code
    said, kind = _said(response)
    if code == BUSY and kind in NO_CREDIT:
        return CallFailed("The server says that the account has no credit left (code 429).", code=code, lasting=True)
    if code in AGAIN:
        wait = retry_after(response)
        words = WORDS.get(code, f"The server failed (code {code}).") + _rest(wait)
        return CallFailed(words, code=code, kind=kind, again=True, wait=wait)
    excerpt = quiet(said, hidden=hidden)
    if response.has_redirect_location:
        where = quiet(response.headers["Location"], hidden=hidden)
        words = (
            f"The server sends to another address (code {code}): {where} If that is right, put it in as the address."
        )
        return CallFailed(words, code=code, lasting=True)
    if code in WORDS:
        more = f" It says: {excerpt}" if excerpt and code in TOLD else ""
        return CallFailed(WORDS[code] + more, code=code, kind=kind, lasting=True)
    words = f"The server refused the request (code {code}){': ' + excerpt if excerpt else '.'}"
    return CallFailed(words, code=code, kind=kind, lasting=code in LASTING)


def _rest(wait: float | None) -> str:
    """Say for how long the server wants to be left in peace, when a person would notice."""
    if wait is None or wait < NOTICED:
        return ""
    return f" It asks to be left in peace for {wait / 60:,.0f} minutes."


def _said(response: httpx.Response) -> tuple[str, str]:
    """Return the message and the kind of an error, in any of the shapes that servers use."""
    try:
        body = response.json()
    except (ValueError, RecursionError):
        is_plain = response.headers.get("Content-Type", "").startswith("text/plain")
        return (response.text[: 5 * LONGEST_EXCERPT] if is_plain else ""), ""
    error: Any = body.get("error", body) if isinstance(body, dict) else body
    if isinstance(error, str):
        return error, ""
    if not isinstance(error, dict):
        return "", ""
    message = error.get("message") or error.get("detail") or ""
    if isinstance(message, list):  # as FastAPI tells what is wrong with each field
        message = "; ".join(_field(one) for one in message[:5])
    return str(message), str(error.get("code") or error.get("type") or "")


def _field(wrong: Any) -> str:
    if not isinstance(wrong, dict):
        return str(wrong)
    where = wrong.get("loc")
    place = ".".join(str(part) for part in where if part != "body") if isinstance(where, list) else ""
    return f"{place}: {wrong.get('msg', '')}" if place else str(wrong.get("msg", ""))


def quiet(text: str, *, hidden: Collection[str] = ()) -> str:
    """Return a foreign text on one line, short, without the `hidden`, what looks like a key, or an address's query."""
    for secret in hidden:
        if secret:
            text = text.replace(secret, "…")
    text = LOOKS_SECRET.sub("…", QUERY.sub(r"\1\2", text))
    text = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    return text if len(text) <= LONGEST_EXCERPT else text[: LONGEST_EXCERPT - 1] + "…"


def retry_after(response: httpx.Response) -> float | None:
    """Return how many seconds the server wants to be left in peace, whether it says seconds or a date.

    A date is read by the server's own clock when it sends one, so that a clock that is wrong here does no harm.
    """
    told = response.headers.get("Retry-After", "").strip()
    try:
        return max(0.0, min(float(told), 1e6)) if told else None
    except ValueError:
        pass
    until, now = _moment(told), _moment(response.headers.get("Date", ""))
    if until is None:
        return None
    return max(0.0, (until - (now or dt.datetime.now(dt.UTC))).total_seconds())


def _moment(text: str) -> dt.datetime | None:
    try:
        found = email.utils.parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=dt.UTC)
