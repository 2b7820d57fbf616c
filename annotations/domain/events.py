"""The log of what happened."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib.auth.models import AbstractBaseUser

from annotations.models import Event, Participation, Study


def log_event(
    *,
    study: Study,
    name: str,
    data: Mapping[str, Any] | None = None,
    participation: Participation | None = None,
    actor: AbstractBaseUser | None = None,
) -> Event:
    """Write one event; called inside the transaction of the verb, so that log and fact stand or fall together."""
    return Event.objects.create(
        study=study,
        name=name,
        data=dict(data or {}),
        participation=participation,
        actor_id=actor.pk if actor is not None else None,
    )
