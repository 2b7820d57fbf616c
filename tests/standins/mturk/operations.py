"""The list of operations, and what all of them share: paging, and request tokens."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .errors import already
from .market import Market

Json = dict[str, Any]
Operation = Callable[[Market, Json], Json]
OPERATIONS: dict[str, Operation] = {}
TOKEN_LIFE = 24 * 3600


def operation(name: str) -> Callable[[Operation], Operation]:
    """Enter an operation in the list."""

    def entered(function: Operation) -> Operation:
        OPERATIONS[name] = function
        return function

    return entered


def once(market: Market, sent: Json, made: str = "") -> None:
    """Refuse a UniqueRequestToken that was used in the last 24 hours; the message holds the id of what it made."""
    token = sent.get("UniqueRequestToken")
    if token and market.now < market.tokens.get(token, (0.0, ""))[0]:
        raise already(token, market.tokens[token][1])
    if token and made:
        market.tokens[token] = (market.now + TOKEN_LIFE, made)


def page(rows: list[Json], sent: Json, name: str) -> Json:
    """Return one page; `NextToken` is there only when more follow."""
    start, size = int(sent.get("NextToken") or 0), sent.get("MaxResults", 10)
    part = rows[start : start + size]
    more = {"NextToken": str(start + size)} if start + size < len(rows) else {}
    return {"NumResults": len(part), name: part, **more}
