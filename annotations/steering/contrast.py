"""Pairs of prompts that differ in one thing: one asks for something new, its twin for the usual."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from .errors import SteeringError

DATA = Path(__file__).with_name("contrast.json")


@dataclass(frozen=True, slots=True)
class Contrast:
    """Two lists of prompts of equal length; those of the same place are a pair."""

    creative: tuple[str, ...]
    routine: tuple[str, ...]

    def __post_init__(self) -> None:
        if not self.creative or len(self.creative) != len(self.routine):
            message = (
                f"creative and routine prompts are pairs: there are {len(self.creative)} of the first and "
                f"{len(self.routine)} of the second"
            )
            raise SteeringError(message)
        if not all(text.strip() for text in (*self.creative, *self.routine)):
            raise SteeringError("a prompt of the contrast is empty")

    @property
    def digest(self) -> str:
        """Return the SHA-256 of both lists in order."""
        text = json.dumps([list(self.creative), list(self.routine)], ensure_ascii=False, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()


@cache
def own_contrast() -> Contrast:
    """Return the pairs written for this project."""
    pairs = json.loads(DATA.read_text(encoding="utf-8"))
    return Contrast(tuple(pair["creative"] for pair in pairs), tuple(pair["routine"] for pair in pairs))


def contrast_of(creative: Sequence[str], routine: Sequence[str]) -> Contrast:
    """Return the researcher's own pairs, or this project's when none are given; raises SteeringError."""
    if not creative and not routine:
        return own_contrast()
    return Contrast(tuple(creative), tuple(routine))
