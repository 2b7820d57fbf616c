"""Length: how many words a text has. Any judge that cannot beat it has learnt to count."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from annotations.registry import ScoredText, Scorer, scorers

# Runs of letters and digits, joined inside by apostrophes and hyphens; scripts without blanks count by character.
WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]|(?:(?![\u3040-\u30ff\u3400-\u9fff])[^\W_])+(?:['’\-][^\W_]+)*")


@scorers.register
class Length(Scorer):
    """The number of words."""

    name = "length"
    label = "Length in words"
    about = "A baseline that every study should report: raters, and language models even more, prefer longer texts."
    direction = "more words"

    def scores(
        self,
        texts: Iterable[ScoredText],
        *,
        settings: Mapping[str, Any],  # noqa: ARG002 - takes none
        secrets: Mapping[str, str],  # noqa: ARG002 - takes none
    ) -> Iterator[tuple[int, float | None]]:
        """Count."""
        for text in texts:
            yield text.output, float(sum(1 for _ in WORD.finditer(text.text)))
