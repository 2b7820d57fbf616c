"""Messages of platforms: the signature is checked, the message kept once, and the work left to the next round."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from django.utils import timezone

from annotations.errors import BadSignature, BadToken
from annotations.models import RecruiterEvent, Recruitment

from .recruiting import platform_of

LONGEST = 64 * 1024  # bytes; real ones have a few hundred
ON_THE_WAY = dt.timedelta(seconds=10)  # a round that was asked for so lately will see this message too


def receive(*, platform: str, public_id: str, headers: Mapping[str, str], body: bytes) -> int | None:
    """Keep a message once; returns the recruitment that has to look, or None when a look is on its way already.

    Raises BadToken for an address that nobody listens at, and BadSignature. A message says only that something
    changed: a forged, late or repeated one can make us ask, never pay.
    """
    recruitment = Recruitment.objects.select_related("account").filter(public_id=public_id).first()
    if recruitment is None or recruitment.account.platform != platform or not platform_of(recruitment.account).hooks:
        raise BadToken("Nobody listens at this address.")
    if len(body) > LONGEST:
        raise BadSignature("The message is too long.")
    event = platform_of(recruitment.account).read_event(
        headers=headers, body=body, secrets=recruitment.account.secrets, now=timezone.now()
    )
    waiting = RecruiterEvent.objects.filter(
        recruitment=recruitment, handled_at=None, received_at__gte=timezone.now() - ON_THE_WAY
    ).exists()
    RecruiterEvent.objects.bulk_create(
        [
            RecruiterEvent(
                recruitment=recruitment,
                event_id=f"hook:{event.id}"[:120],
                kind=f"hook:{event.kind}"[:80],
                data={"state": event.state},
                session=event.session or None,
                happened_at=event.happened_at,
            )
        ],
        ignore_conflicts=True,
    )
    return None if waiting else recruitment.pk
