"""What a recruiter calls a person: found again by a keyed hash, so that the id itself can be encrypted at rest."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable

from django.db import transaction
from django.db.models import Model, QuerySet

from annotations.models import Invitation, RecruiterAccount, RecruiterEvent, RecruitmentIdentity, Submission
from annotations.models.encrypted import digest_keys

PAGE = 500


def digest_of(value: str) -> str:
    """Return the keyed hash (HMAC-SHA256, hex) of an id under the current key; empty for an empty id."""
    return _digest(value, digest_keys()[0]) if value else ""


def digests_of(value: str) -> tuple[str, ...]:
    """Return the hashes under the current key and the ones before it, so that a new key finds old people."""
    return tuple(_digest(value, key) for key in digest_keys() if value)


def _digest(value: str, key: bytes) -> str:
    return hmac.digest(key, value.encode(), hashlib.sha256).hex()


def invitation_digest(address: str) -> str:
    """Return the keyed hash of an address or code; capitals do not make another person."""
    return digest_of(address.strip().casefold())


def seat_digest(session: str) -> str:
    """Return the keyed hash of the place that a session names before its colon; empty where there is none."""
    seat, colon, _ = session.partition(":")
    return digest_of(seat) if colon else ""


# Which columns are encrypted, and how the hashes beside them are made.
ENCRYPTED: tuple[tuple[type[Model], tuple[str, ...], dict[str, tuple[str, Callable[[str], str]]]], ...] = (
    (RecruiterAccount, ("secrets",), {}),
    (
        RecruitmentIdentity,
        ("person", "session", "extra"),
        {
            "digest": ("person", digest_of),
            "session_digest": ("session", digest_of),
            "seat_digest": ("session", seat_digest),
        },
    ),
    (Submission, ("session", "person"), {"session_digest": ("session", digest_of)}),
    (RecruiterEvent, ("session",), {}),
    (Invitation, ("address",), {"digest": ("address", invitation_digest)}),
)


def rotate_encryption() -> int:
    """Encrypt every column anew with the current key and hash the ids with it; returns how many rows were written.

    A row is locked while it is written, so that it may run beside the site; doing it twice changes nothing. Nothing
    is logged: no study changes.
    """
    written = 0
    for model, encrypted, hashed in ENCRYPTED:
        last = 0
        while rows := _page(model, after=last, encrypted=encrypted, hashed=hashed):
            written, last = written + len(rows), rows[-1].pk
    return written


@transaction.atomic
def _page(
    model: type[Model],
    *,
    after: int,
    encrypted: tuple[str, ...],
    hashed: dict[str, tuple[str, Callable[[str], str]]],
) -> list[Model]:
    """Write the next rows again and return them."""
    rows: list[Model] = list(QuerySet(model).select_for_update().filter(pk__gt=after).order_by("pk")[:PAGE])
    for row in rows:
        for digest, (source, make) in hashed.items():
            if value := getattr(row, source):
                setattr(row, digest, make(value))
        row.save(update_fields=[*encrypted, *hashed])
    return rows
