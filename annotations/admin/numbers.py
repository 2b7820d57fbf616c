"""Whole numbers out of addresses and forms, which anybody may have typed."""

from __future__ import annotations

from typing import Final

MOST_DIGITS: Final = 9  # more is no key and no page of ours, and the database takes no more than eighteen


def whole(text: str, *, otherwise: int = 0) -> int:
    """Return the number that the text is; `otherwise` where it is none: "²" is a digit too, but no number."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS else otherwise
