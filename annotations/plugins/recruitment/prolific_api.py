"""HTTP to Prolific: patient, and never a second try for what must not happen twice."""

from __future__ import annotations

import atexit
import os
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

import httpx

from annotations.errors import RemoteRefused, RemoteUncertain, RemoteUnreachable
from annotations.patience import BUSY, CallFailed, Patience, patient

ADDRESS = "https://api.prolific.com/api/v1"
# Whoever asks for more patience than a worker has is left for the next round.
PATIENCE = Patience(tries=4, first=0.5, longest=8.0, told=8.0)
TIMEOUT = httpx.Timeout(15.0, connect=5.0)
AGENT = "evalplatform"

_clients: dict[int, httpx.Client] = {}  # one per process: a connection must not be shared across a fork


def _http() -> httpx.Client:
    pid = os.getpid()
    if pid not in _clients:
        _clients.clear()
        _clients[pid] = httpx.Client(timeout=TIMEOUT, headers={"User-Agent": AGENT}, follow_redirects=False)
    return _clients[pid]


@atexit.register
def _hang_up() -> None:
    """At the end of a process close what it opened; what its parent opened is the parent's."""
    if client := _clients.pop(os.getpid(), None):
        client.close()


class Api:
    """Requests with one token. The token stands in no message and in no log line."""

    def __init__(self, base_url: str, token: str, *, sleep: Callable[[float], None] = time.sleep) -> None:
        self._base = (base_url or ADDRESS).rstrip("/")
        self._token = token
        self._sleep = sleep

    def __repr__(self) -> str:
        return f"Api({self._base})"

    def get(self, path: str, **query: Any) -> Any:
        """Return what stands there."""
        return _content(self._answer("GET", path, params=query))

    def post(self, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Do something that may be done again."""
        return _content(self._answer("POST", path, json=dict(body or {})))

    def patch(self, path: str, body: Mapping[str, Any]) -> Any:
        """Change something."""
        return _content(self._answer("PATCH", path, json=dict(body)))

    def delete(self, path: str) -> None:
        """Take something away."""
        self._answer("DELETE", path)

    def post_for_headers(self, path: str, body: Mapping[str, Any]) -> tuple[Any, Mapping[str, str]]:
        """Do something that may be done again, and return the answer with its headers."""
        response = self._answer("POST", path, json=dict(body))
        return _content(response), response.headers

    def once(self, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Do something that must not be done twice.

        It is tried again only when the platform cannot have begun it: nobody answered the call at all, or it said that
        it is too busy. Raises RemoteUncertain when the answer got lost: then nobody here knows whether it was done.
        """

        def send() -> httpx.Response:
            try:
                response = self._send("POST", path, json=dict(body or {}))
            except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout):
                raise
            except httpx.HTTPError:
                raise RemoteUncertain from None
            if response.is_server_error:
                raise RemoteUncertain
            return response

        return _content(self._patiently(send))

    def pages(self, path: str, **query: Any) -> Iterator[dict[str, Any]]:
        """Yield the items of a list, page after page, until there is no `next`."""
        at: str | None = path
        seen: set[str] = set()
        while at is not None and at not in seen:
            seen.add(at)
            page = _content(self._answer("GET", at, params=query if at == path else None))
            yield from page.get("results") or ()
            at = self._own((page.get("_links") or {}).get("next"))

    def _own(self, link: Any) -> str | None:
        """Return the address of the next page; one on another host would be handed the token, so it is refused."""
        href = link.get("href") if isinstance(link, Mapping) else link
        if not href:
            return None
        if urlsplit(str(href))[:2] != urlsplit(self._base)[:2]:
            raise RemoteRefused("The platform's list leads to another host; nothing was sent there.")
        return str(href)

    def _answer(self, method: str, path: str, **more: Any) -> httpx.Response:
        return self._patiently(lambda: self._send(method, path, **more))

    def _patiently(self, send: Callable[[], httpx.Response]) -> httpx.Response:
        """Return the answer of a success; raises RemoteRefused with the platform's own words."""

        def answered() -> httpx.Response:
            response = send()
            if response.is_success or response.status_code == BUSY or response.is_server_error:
                return response
            raise RemoteRefused(f"Prolific refused this ({response.status_code}): {_words(response)}")

        try:
            return patient(answered, read=lambda response: response, patience=PATIENCE, sleep=self._sleep)
        except CallFailed:
            raise RemoteUnreachable from None

    def _send(self, method: str, path: str, **more: Any) -> httpx.Response:
        url = path if "://" in path else self._base + path
        return _http().request(method, url, headers={"Authorization": f"Token {self._token}"}, **more)


def _content(response: httpx.Response) -> Any:
    """Return the JSON of a success; whether it was one is not known when it cannot be read."""
    try:
        return response.json() if response.content else None
    except ValueError:
        raise RemoteUncertain from None


def _words(response: httpx.Response) -> str:
    try:
        error = response.json().get("error") or {}
    except (ValueError, AttributeError):
        return "no reason was given."
    detail = error.get("detail") or error.get("title") or "no reason was given."
    return _plain(detail)[:500]


def _plain(detail: Any) -> str:
    if isinstance(detail, Mapping):
        return "; ".join(f"{name}: {_plain(value)}" for name, value in detail.items())
    if isinstance(detail, list):
        return "; ".join(_plain(item) for item in detail)
    return str(detail)
