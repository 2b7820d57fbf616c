"""What simulated raters type: plain words, so long as the page asks for."""

from __future__ import annotations

import numpy as np

WORDS = (
    *("I", "liked", "the", "idea", "because", "it", "turns", "an", "ordinary", "thing", "around", "and", "leaves"),
    *("room", "for", "more", "though", "its", "ending", "is", "a", "little", "plain", "but", "still", "fresh"),
)
SPARE = 40  # characters beyond the fewest


def words_between(least: int, most: int, *, rng: np.random.Generator) -> str:
    """Return words of at least and at most so many characters."""
    wanted = min(max(least, 1) + int(rng.integers(SPARE)), most)
    text = ""
    while len(text) < wanted:
        text = f"{text} {WORDS[int(rng.integers(len(WORDS)))]}".strip()
    text = text[:most].strip()
    return text if len(text) >= least else text.ljust(least, ".")
