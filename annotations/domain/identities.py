"""What a recruiter calls a person: found again by a keyed hash, so that the id itself can be encrypted at rest."""

from __future__ import annotations

import hashlib
import hmac

from django.conf import settings

SALT = b"annotations.identity"


def digest_of(value: str) -> str:
    """Return the keyed hash (HMAC-SHA256, hex) of an id under the current secret; empty for an empty id."""
    return _digest(value, settings.SECRET_KEY) if value else ""


def digests_of(value: str) -> tuple[str, ...]:
    """Return the hashes under the current secret and the ones before it, so that a new secret finds old people."""
    return tuple(_digest(value, secret) for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS) if value)


def _digest(value: str, secret: str) -> str:
    key = hmac.digest(secret.encode(), SALT, hashlib.sha256)
    return hmac.digest(key, value.encode(), hashlib.sha256).hex()
