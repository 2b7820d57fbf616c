"""Words of a text, the same for every measure that counts them."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

# Scripts written without spaces: each sign is a word. Thai, Lao, Khmer, kana, Chinese, Hangul stays in words.
_ALONE: Final = "\u0e00-\u0eff\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
WORD: Final = re.compile(rf"[{_ALONE}\U00020000-\U0003ffff]|[^\W_{_ALONE}\U00020000-\U0003ffff]+(?:['’][^\W_]+)*")


def words(text: str) -> list[str]:
    """Return the words of a text: letters and digits, in small letters (NFKC), apostrophes inside kept.

    Signs of scripts that are written without spaces count as one word each. Punctuation is no word.
    """
    return WORD.findall(unicodedata.normalize("NFKC", text).casefold())
