"""The log of what happened: every action of every researcher, and what befell an account."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db.models import Q, QuerySet

from annotations.models import Event, Participation, Study

_ADDRESS: ContextVar[str | None] = ContextVar("address", default=None)
FIELDS = ("at", "study", "event", "actor", "rater", "address", "data")


@contextmanager
def from_address(address: str | None) -> Iterator[None]:
    """Note this address with whatever is logged inside; used around the requests of researchers, never of raters."""
    token = _ADDRESS.set(address)
    try:
        yield
    finally:
        _ADDRESS.reset(token)


def log_event(
    *,
    study: Study | None,
    name: str,
    data: Mapping[str, Any] | None = None,
    participation: Participation | None = None,
    actor: AbstractBaseUser | AnonymousUser | None = None,
) -> Event:
    """Write one event; called inside the transaction of the verb, so that log and fact stand or fall together.

    `study` is None for what concerns an account. What a rater does is logged without an address.
    """
    return Event.objects.create(
        study=study,
        name=name,
        data=dict(data or {}),
        participation=participation,
        actor_id=actor.pk if actor is not None else None,
        address=None if participation is not None and actor is None else _ADDRESS.get(),
    )


def events_of(*, study: Study, name: str = "", actor: int | None = None, text: str = "") -> QuerySet[Event]:
    """Return a study's log, newest first, narrowed by the name of the event, the person, or a text in either."""
    found = Event.objects.filter(study=study).select_related("actor", "participation__rater")
    if name:
        found = found.filter(name=name)
    if actor is not None:
        found = found.filter(actor=actor)
    if text:
        found = found.filter(
            Q(name__icontains=text) | Q(data__icontains=text) | Q(participation__rater__pseudonym__icontains=text)
        )
    return found


def event_row(event: Event) -> dict[str, Any]:
    """Return an event as one flat row for people and files; an account by its name, a rater by pseudonym."""
    who, rater = event.actor, event.participation
    return {
        "at": event.at.isoformat(),
        "study": event.study.slug if event.study else "",
        "event": event.name,
        "actor": who.get_username() if who else "",
        "rater": rater.rater.pseudonym if rater else "",
        "address": event.address or "",
        "data": event.data,
    }
