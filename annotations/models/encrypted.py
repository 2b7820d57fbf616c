"""Columns that are encrypted at rest with keys of their own (``FIELD_ENCRYPTION_KEYS``), apart from SECRET_KEY.

The first key encrypts, all of them decrypt: put a new one in front, run ``manage.py rotate_encryption``, then take the
old one out. A value that no key opens is an error and never taken for its own ciphertext.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import hmac
import json
from typing import TYPE_CHECKING, Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from encrypted_fields.fields import EncryptedFieldMixin

from annotations.errors import KeyMissing

if TYPE_CHECKING:  # the library is not typed: to a type checker these columns are what they decrypt to
    from django.db.models import JSONField as EncryptedJSONField
    from django.db.models import TextField as EncryptedTextField
else:
    from encrypted_fields.fields import EncryptedJSONField, EncryptedTextField

ENCRYPTION, DIGEST = b"annotations.encryption", b"annotations.identity"


def _derived(secret: str, purpose: bytes) -> bytes:
    return hmac.digest(secret.encode(), purpose, hashlib.sha256)


@functools.cache
def _fernet(secrets: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(base64.urlsafe_b64encode(_derived(secret, ENCRYPTION))) for secret in secrets])


def digest_keys() -> tuple[bytes, ...]:
    """Return the keys by which ids are hashed, the current one first."""
    return tuple(_derived(secret, DIGEST) for secret in settings.FIELD_ENCRYPTION_KEYS)


def sealed(text: str) -> str:
    """Encrypt a text that is no column of ours (the secret of a second factor)."""
    return _fernet(tuple(settings.FIELD_ENCRYPTION_KEYS)).encrypt(text.encode()).decode()


def unsealed(text: str) -> str:
    """Decrypt it; raises KeyMissing when no key opens it."""
    try:
        return _fernet(tuple(settings.FIELD_ENCRYPTION_KEYS)).decrypt(text.encode()).decode()
    except InvalidToken:
        raise KeyMissing from None


class OwnKeysMixin(EncryptedFieldMixin):  # type: ignore[misc] # the library is not typed
    """Takes the keys from FIELD_ENCRYPTION_KEYS and refuses what none of them opens."""

    @property
    def f(self) -> MultiFernet:
        """What encrypts and decrypts; asked anew each time, so that a changed setting counts at once."""
        return _fernet(tuple(settings.FIELD_ENCRYPTION_KEYS))

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Any:  # noqa: ARG002 - Django's signature
        """Decrypt what the database holds."""
        if value is None:
            return None
        try:
            return self.opened(value)
        except InvalidToken:
            raise KeyMissing from None

    def opened(self, value: str) -> Any:
        """Return the plain text."""
        return self.f.decrypt(value.encode()).decode()


class SecretText(OwnKeysMixin, EncryptedTextField):  # type: ignore[type-arg] # no generic at run time
    """Text, encrypted at rest; an empty text is NULL."""


class Secrets(dict[str, Any]):
    """What must not be shown: a traceback or Django's debug page prints the locals of every frame."""

    def __repr__(self) -> str:
        return "(hidden)"

    __str__ = __repr__


class SecretJSON(OwnKeysMixin, EncryptedJSONField):
    """JSON whose values are encrypted at rest; its keys are in clear."""

    def opened(self, value: str) -> Any:
        """Return the JSON with plain values."""
        found = self._decrypt_values(value=json.loads(value))
        return Secrets(found) if isinstance(found, dict) else found
