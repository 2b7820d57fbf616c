"""Length: how many words a text has. Any judge that cannot beat it has learnt to count."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from annotations.registry import ScoredText, Scorer, scorers


@scorers.register
class Length(Scorer):
    """The number of words, counted as the measures of diversity count them."""

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
        from analysis.embeddings import words

        for text in texts:
            yield text.output, float(len(words(text.text)))
