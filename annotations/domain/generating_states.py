"""Where a generation stands, for those who only want to know that."""

from __future__ import annotations

import datetime as dt
from typing import Final

from django.utils import timezone

from annotations.enums import GenerationState
from annotations.errors import WrongState
from annotations.models import Generation, Study

STALE: Final = dt.timedelta(seconds=30)
UNDER_WAY: Final = (GenerationState.QUEUED, GenerationState.RUNNING)
UNFINISHED: Final = (*UNDER_WAY, GenerationState.STOPPED)


def is_silent(generation: Generation) -> bool:
    """Say whether no process has worked at it for longer than one that lives would be silent."""
    return generation.beat_at is None or generation.beat_at < timezone.now() - STALE


def left_behind() -> list[int]:
    """Return generations that should run and that nobody works at: a worker died, or a message was lost."""
    since = timezone.now() - STALE
    return list(Generation.objects.filter(state__in=UNDER_WAY).exclude(beat_at__gte=since).values_list("pk", flat=True))


def refuse_while_generating(*, study: Study) -> None:
    """Raise WrongState while outputs are on their way into this study; the caller holds the study."""
    if Generation.objects.filter(study=study, state__in=UNDER_WAY).exists():
        raise WrongState("Outputs are still being generated. Wait until that is done, or stop it, then freeze.")
