"""Simulated raters: the mark on their participations, and the record of what was planted."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from django.db import transaction

from annotations.models import Participation, Study

from .events import log_event
from .identities import digests_of


def record_simulation(*, study: Study, persons: Collection[str], planted: Mapping[str, Any]) -> int:
    """Mark the participations of these persons as simulated and log what was planted; returns how many are new.

    Simulated raters come through the public pages, which cannot tell them from people; so they are marked afterwards.
    """
    with transaction.atomic():
        digests = [digest for person in persons for digest in digests_of(person)]
        marked = Participation.objects.filter(
            identity__study=study, identity__digest__in=digests, simulated=False
        ).update(simulated=True)
        if marked:
            log_event(study=study, name="simulated", data={"raters": marked, **planted})
    return marked
