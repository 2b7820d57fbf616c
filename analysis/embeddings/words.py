"""Words of a text, the same for every measure that counts them."""

from __future__ import annotations

import re
import sys
import unicodedata
from functools import cache
from itertools import groupby
from typing import Final

# Scripts written without spaces: each sign is a word. Thai, Lao, Myanmar, Khmer, kana, Chinese; Hangul stays in words.
_ALONE: Final = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
)
_JOINERS: Final = "\u200c\u200d"
_PLAIN: Final = re.compile(r"[a-z0-9]+(?:'[a-z0-9]+)*")


def words(text: str) -> list[str]:
    """Return the words of a text: letters and digits, in small letters (NFKC), apostrophes inside kept.

    Signs above and below a letter (vowels of Devanagari, points of Arabic and Hebrew, accents) belong to it. Signs of
    scripts that are written without spaces count as one word each. Punctuation is no word.
    """
    if text.isascii():
        return _PLAIN.findall(text.lower())
    return _any().findall(unicodedata.normalize("NFKC", text).casefold())


@cache
def _any() -> re.Pattern[str]:
    """Return the pattern of a word in any script."""
    marks = _marks()
    letter = rf"[^\W_{_ALONE}]"
    run = rf"{letter}+(?:[{marks}{_JOINERS}]+{letter}*)*"
    return re.compile(rf"[{_ALONE}][{marks}]*|{run}(?:['’]{run})*")


def _marks() -> str:
    """Return all combining marks as ranges of a class of characters."""
    every = (code for code in range(sys.maxunicode + 1) if unicodedata.category(chr(code)).startswith("M"))
    groups = (list(group) for _, group in groupby(enumerate(every), key=lambda pair: pair[1] - pair[0]))
    return "".join(f"{chr(group[0][1])}-{chr(group[-1][1])}" for group in groups)
