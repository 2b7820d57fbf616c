"""The addresses at which a researcher decides and pays, and those of webhooks."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

from .errors import Refused, bad
from .hooks import EVENT_TYPES
from .routes import CATEGORIES, MOST_AT_ONCE, MOST_BONUSES, SHORTEST_MESSAGE, Answer, Call, route
from .things import Submission, new_id


@route("POST", "/submissions/*/transition")
def move_submission(call: Call) -> Answer:
    """APPROVE, REJECT or COMPLETE."""
    platform = call.site.platform
    one = platform.submission(call.ids[0])
    action = call.body.get("action")
    if action == "APPROVE":
        platform.approve(one)
    elif action == "REJECT":
        category, message = call.body.get("rejection_category"), str(call.body.get("message") or "")
        if category not in CATEGORIES:
            raise bad([{"rejection_category": ["Not a valid choice."]}])
        if len(message) < SHORTEST_MESSAGE:
            raise bad([{"message": [f"Must be at least {SHORTEST_MESSAGE} characters long."]}])
        platform.reject(one, category=category, message=message)
    elif action == "COMPLETE":
        platform.finish_for(one, str(call.body.get("completion_code")))
    else:
        raise bad([{"action": ["Not a valid choice."]}])
    return Answer(200, one.shown(platform.clock))


@route("POST", "/submissions/*/request-return")
def request_return(call: Call) -> Answer:
    """Ask the participant to return a submission."""
    platform = call.site.platform
    one = platform.submission(call.ids[0])
    reasons = call.body.get("request_return_reasons")
    if not reasons:
        raise bad([{"request_return_reasons": ["This field is required."]}])
    platform.request_return(one, list(reasons))
    return Answer(200, one.shown(platform.clock))


@route("POST", "/submissions/bulk-approve")
def bulk_approve(call: Call) -> Answer:
    """Approve many; done a moment later, and those that cannot be approved are left alone."""
    platform = call.site.platform
    wanted = [platform.submission(ident) for ident in call.body.get("submission_ids", [])]
    if not 0 < len(wanted) <= MOST_AT_ONCE:
        raise bad(f"Between 1 and {MOST_AT_ONCE} submissions.")

    def approve(one: Submission) -> None:
        try:
            platform.approve(one)
        except Refused:
            return

    for one in wanted:
        platform.after(call.site.bulk_lag, lambda one=one: approve(one))
    return Answer(200, "The request to bulk approve has been made successfully.")


@route("POST", "/submissions/bonus-payments")
def set_up_bonuses(call: Call) -> Answer:
    """Write down bonuses; nothing is paid yet. Amounts are decimal, in the study's currency."""
    platform = call.site.platform
    study = platform.study(str(call.body.get("study_id")))
    lines = [line for line in str(call.body.get("csv_bonuses") or "").splitlines() if line.strip()]
    if not 0 < len(lines) <= MOST_BONUSES:
        raise bad([{"csv_bonuses": [f"Between 1 and {MOST_BONUSES} lines."]}])
    orders: list[tuple[Submission, int]] = []
    unknown = []
    for line in lines:
        ident, _, amount = line.partition(",")
        found = next((one for one in platform.of(study) if ident.strip() in (one.id, one.participant)), None)
        if found is None:
            unknown.append(ident)
            continue
        orders.append((found, _minor(amount)))
    if unknown:
        raise bad(f"These ids did not take part in the study: {', '.join(unknown)}")
    ident = new_id()
    call.site.bonuses[ident] = orders
    amount = sum(minor for _, minor in orders)
    quotes = [platform.books.quote(minor) for _, minor in orders]
    fees, tax = sum(fee for fee, _ in quotes), sum(tax for _, tax in quotes)
    total = amount + fees + tax
    shown = {"id": ident, "study": study.id, "amount": amount, "fees": fees, "vat": tax, "total_amount": total}
    return Answer(201, shown)


def _minor(text: str) -> int:
    try:
        minor = Decimal(text.strip()) * 100
    except InvalidOperation:
        raise bad([{"csv_bonuses": [f"'{text}' is no amount."]}]) from None
    if minor <= 0 or minor != minor.to_integral_value():
        raise bad([{"csv_bonuses": [f"'{text}' is no amount."]}])
    return int(minor)


@route("POST", "/bulk-bonus-payments/*/pay")
def pay_bonuses(call: Call) -> Answer:
    """Pay what was written down. Not idempotent: called twice it pays twice, as the documentation warns."""
    platform = call.site.platform
    orders = call.site.bonuses.get(call.ids[0])
    if orders is None:
        raise bad("No such bonus payment.")
    for one, amount in orders:
        platform.after(platform.bonus_lag, lambda one=one, amount=amount: platform.pay_bonus(one, amount))
    platform.settle()
    return Answer(202, None)


@route("GET", "/hooks/event-types")
def event_types(call: Call) -> Answer:
    """What can be subscribed to."""
    return Answer(200, {"results": [{"event_type": kind, "description": kind} for kind in EVENT_TYPES]})


@route("GET", "/hooks/secrets")
def secrets(call: Call) -> Answer:
    """The secrets of a workspace."""
    wanted = call.query.get("workspace_id")
    found = [secret for secret in call.site.hooks.secrets.values() if wanted in (None, secret["workspace_id"])]
    return Answer(200, {"results": found})


@route("POST", "/hooks/secrets")
def make_secret(call: Call) -> Answer:
    """Make or replace the workspace's secret."""
    if call.body.get("workspace_id") != call.site.platform.workspace:
        raise bad([{"workspace_id": ["Unknown workspace."]}])
    return Answer(201, call.site.hooks.make_secret(str(call.body["workspace_id"])))


@route("GET", "/hooks/subscriptions")
def subscriptions(call: Call) -> Answer:
    """The enabled subscriptions, or those that are not."""
    enabled = call.query.get("is_enabled", "true") == "true"
    found = [one.shown() for one in call.site.hooks.subscriptions.values() if one.is_enabled == enabled]
    return Answer(200, {"results": found, "meta": {"count": len(found)}})


@route("POST", "/hooks/subscriptions")
def subscribe(call: Call) -> Answer:
    """Subscribe; the header X-Hook-Secret has to be sent back to confirm."""
    made = call.site.hooks.subscribe(**call.body)
    return Answer(201, made.shown(), (("X-Hook-Secret", made.confirmation),))


@route("POST", "/hooks/subscriptions/*")
def confirm(call: Call) -> Answer:
    """Confirm a subscription."""
    return Answer(200, call.site.hooks.confirm(call.ids[0], str(call.body.get("secret"))).shown())


@route("PATCH", "/hooks/subscriptions/*")
def change_subscription(call: Call) -> Answer:
    """Turn it off or on, or send it elsewhere."""
    found = call.site.hooks.subscription(call.ids[0])
    found.is_enabled = bool(call.body.get("is_enabled", found.is_enabled))
    found.target_url = str(call.body.get("target_url", found.target_url))
    return Answer(200, found.shown())


@route("DELETE", "/hooks/subscriptions/*")
def unsubscribe(call: Call) -> Answer:
    """End a subscription."""
    del call.site.hooks.subscriptions[call.site.hooks.subscription(call.ids[0]).id]
    return Answer(204, None)
