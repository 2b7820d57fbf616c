"""What tests of the platform need: a running stand-in, and the addresses that its workers' frames show."""

from __future__ import annotations

import urllib.error
import urllib.parse
import urllib.request

from .market import Market
from .server import KEY, SECRET, StandIn

SECRETS = {"access_key": KEY, "secret_key": SECRET}


def query_of(address: str) -> dict[str, str]:
    """Return the query of an address."""
    return dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(address).query))


def submit(server: StandIn, fields: dict[str, str]) -> int:
    """Post a form to externalSubmit; returns the status."""
    data = urllib.parse.urlencode(fields).encode()
    try:
        with urllib.request.urlopen(f"{server.url}/mturk/externalSubmit", data=data, timeout=10) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def work(market: Market, hit: str, worker: str, *, code: str = "CODE") -> str:
    """Accept a HIT and hand it in; returns the session as our client names it."""
    ident = query_of(market.accept(hit, worker=worker))["assignmentId"]
    market.submit([("assignmentId", ident), ("workerId", worker), ("code", code)])
    return f"{ident}:{worker}"
