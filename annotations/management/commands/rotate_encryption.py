"""Encrypts everything anew with the first of FIELD_ENCRYPTION_KEYS, after which the others may be taken out."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from annotations.domain.identities import rotate_encryption


class Command(BaseCommand):
    """Rotate the keys of the encrypted columns."""

    help = "Encrypt all encrypted columns with the first of FIELD_ENCRYPTION_KEYS; may run beside the site, and twice."

    def handle(self, *args: Any, **options: Any) -> None:
        """Rewrite, and say how much."""
        self.stdout.write(f"{rotate_encryption()} rows are encrypted with the current key.")
