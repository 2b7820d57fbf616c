"""The addresses of the API v1 and what each answers."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from .errors import Refused, bad, missing
from .things import UNPUBLISHED

if TYPE_CHECKING:
    from .server import StandIn

CATEGORIES = frozenset({
    "TOO_QUICKLY", "TOO_SLOWLY", "FAILED_INSTRUCTIONS", "INCOMP_LONGITUDINAL", "FAILED_CHECK", "LOW_EFFORT",
    "MALINGERING", "NO_CODE", "BAD_CODE", "NO_DATA", "UNSUPP_DEVICE", "OTHER",
})  # fmt: skip
SHORTEST_MESSAGE = 100
PAGE_SIZE, LARGEST_PAGE = 20, 100
MOST_AT_ONCE, MOST_BONUSES = 1000, 200


@dataclass(frozen=True, slots=True)
class Call:
    """One request: what stands in the address, in the query and in the body."""

    site: StandIn
    path: str
    query: dict[str, str]
    body: dict[str, Any]
    ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, JSON and headers."""

    status: int
    body: Any
    headers: tuple[tuple[str, str], ...] = ()


Handler = Callable[[Call], Answer]
ROUTES: list[tuple[str, re.Pattern[str], Handler]] = []


def route(method: str, path: str) -> Callable[[Handler], Handler]:
    """Register a handler; `*` stands for one id, the last slash may be missing."""
    pattern = re.compile("/api/v1" + path.rstrip("/").replace("*", "([^/]+)") + "/?")

    def keep(handler: Handler) -> Handler:
        ROUTES.append((method, pattern, handler))
        return handler

    return keep


def answer(site: StandIn, method: str, path: str, *, query: dict[str, str], body: dict[str, Any]) -> Answer:
    """Find the handler and let it answer."""
    there = [(verb, handler, found.groups()) for verb, at, handler in ROUTES if (found := at.fullmatch(path))]
    for verb, handler, ids in there:
        if verb == method:
            return handler(Call(site, path, query, body, ids))
    raise Refused(405, "Method not allowed", method) if there else missing("Page")


def listed(call: Call, items: list[dict[str, Any]]) -> Answer:
    """One page of a list with the links that the API gives; `next.href` is null on the last one."""
    size = min(int(call.query.get("page_size", PAGE_SIZE)), LARGEST_PAGE)
    page = int(call.query.get("page", 1))
    last = max(-(-len(items) // size), 1)
    if call.site.empty_page_after_full and len(items) % size == 0:
        last += 1  # some paginators learn of the end by an empty page only
    if not 1 <= page <= last:
        raise missing("Page")

    def link(number: int, title: str) -> dict[str, Any]:
        query = urlencode({**call.query, "page": number, "page_size": size})
        exists = 1 <= number <= last
        return {"href": f"{call.site.url}{call.path}?{query}" if exists else None, "title": title}

    links = {
        "self": link(page, "Current"),
        "next": link(page + 1, "Next"),
        "previous": link(page - 1, "Previous"),
        "last": link(last, "Last"),
    }
    found = items[(page - 1) * size : page * size]
    return Answer(200, {"results": found, "_links": links, "meta": {"count": len(items)}})


@route("GET", "/users/me")
def me(call: Call) -> Answer:
    """Who the token belongs to."""
    platform = call.site.platform
    return Answer(
        200,
        {
            "id": "researcher",
            "email": "researcher@example.org",
            "name": "Research Person",
            "currency_code": platform.currency,
            "balance": platform.books.balance,
            "available_balance": platform.available(),
        },
    )


@route("GET", "/workspaces")
def workspaces(call: Call) -> Answer:
    """The one workspace."""
    return Answer(200, {"results": [{"id": call.site.platform.workspace, "title": "Research"}], "meta": {"count": 1}})


@route("GET", "/studies")
def studies(call: Call) -> Answer:
    """All studies, newest first."""
    found = reversed(call.site.platform.studies.values())
    names = ("name", "internal_name", "total_available_places", "reward")
    return listed(call, [{"id": s.id, "status": s.status, **{name: s.fields[name] for name in names}} for s in found])


@route("POST", "/studies")
def create_study(call: Call) -> Answer:
    """Keep a draft."""
    return Answer(201, _shown(call, call.site.platform.create(call.body).id))


@route("GET", "/studies/*")
def study(call: Call) -> Answer:
    """One study."""
    return Answer(200, _shown(call, call.ids[0]))


@route("PATCH", "/studies/*")
def change_study(call: Call) -> Answer:
    """Change a draft, or raise the places."""
    platform = call.site.platform
    platform.change(platform.study(call.ids[0]), call.body)
    return Answer(200, _shown(call, call.ids[0]))


@route("DELETE", "/studies/*")
def delete_study(call: Call) -> Answer:
    """Delete a draft."""
    platform = call.site.platform
    if platform.study(call.ids[0]).status != UNPUBLISHED:
        raise bad("Only unpublished studies can be deleted.")
    del platform.studies[call.ids[0]]
    return Answer(204, None)


@route("POST", "/studies/*/transition")
def move_study(call: Call) -> Answer:
    """PUBLISH, PAUSE, START, STOP."""
    platform = call.site.platform
    platform.transition(platform.study(call.ids[0]), str(call.body.get("action")))
    return Answer(200, _shown(call, call.ids[0]))


@route("GET", "/studies/*/cost")
def cost(call: Call) -> Answer:
    """What was paid so far: rewards (screened-out payments among them) and bonuses, each with fees and tax."""
    platform = call.site.platform
    ident = platform.study(call.ids[0]).id

    def sums(*kinds: Any) -> dict[str, Any]:
        charges = platform.books.of(ident, *kinds)
        amounts = {
            "rewards": sum(charge.amount for charge in charges),  # called so in both parts
            "fees": sum(charge.fee for charge in charges),
            "tax": sum(charge.tax for charge in charges),
        }
        return {key: {"amount": value, "currency": platform.currency} for key, value in amounts.items()}

    with platform.lock:
        return Answer(200, {"rewards": sums("reward", "screened_out"), "bonuses": sums("bonus")})


@route("POST", "/study-cost-calculator")
def calculate(call: Call) -> Answer:
    """The cost of so many places."""
    price = call.site.platform.books.cost(int(call.body["reward"]))
    return Answer(200, {"total_cost": price * int(call.body["total_available_places"])})


@route("GET", "/studies/*/submissions/counts")
def counts(call: Call) -> Answer:
    """How many submissions there are in each status."""
    platform = call.site.platform
    found = [one.status for one in platform.of(platform.study(call.ids[0]))]
    return Answer(200, {status: found.count(status) for status in set(found)} | {"TOTAL": len(found)})


@route("GET", "/studies/*/submissions")
def study_submissions(call: Call) -> Answer:
    """The submissions of a study."""
    platform = call.site.platform
    with platform.lock:
        found = platform.study(call.ids[0])
        return listed(call, [one.listed(platform.clock) for one in platform.of(found)])


@route("GET", "/submissions")
def submissions(call: Call) -> Answer:
    """The same by query."""
    if "study" not in call.query:
        raise bad("A study is required.")
    return study_submissions(Call(call.site, call.path, call.query, call.body, (call.query["study"],)))


@route("GET", "/submissions/*")
def submission(call: Call) -> Answer:
    """One submission."""
    platform = call.site.platform
    return Answer(200, platform.submission(call.ids[0]).shown(platform.clock))


def _shown(call: Call, ident: str) -> dict[str, Any]:
    platform = call.site.platform
    with platform.lock:
        found = platform.study(ident)
        return found.shown(platform.clock, taken=platform.taken(found), currency=platform.currency)
