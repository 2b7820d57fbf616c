"""Semantic distance: how far a text is from its prompt, the usual automatic score of divergent thinking."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, ClassVar

from annotations.errors import GeneratorFailed
from annotations.registry import Option, ScoredText, Scorer, scorers
from annotations.registry.endpoints import EMBEDDING, TFIDF, check_embedding, embedder_line
from annotations.registry.options import complete

CHUNK = 512


@scorers.register
class SemanticDistance(Scorer):
    """1 − cosine of prompt and text."""

    name = "semantic_distance"
    label = "Semantic distance from the prompt"
    takes: ClassVar[tuple[Option, ...]] = EMBEDDING
    secrets: ClassVar[tuple[tuple[str, str], ...]] = (("api_key", "Key of the endpoint"),)
    about = (
        "1 − cosine of prompt and text (0 is the same direction). Off-topic texts score high as well, and TF-IDF only "
        "sees shared words: read it beside human judgements."
    )
    direction = "farther from the prompt"

    def clean_settings(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """See ``registry.endpoints``."""
        return check_embedding(complete(self.takes, settings, of=self.label))

    def depends_on_all(self, settings: Mapping[str, Any]) -> bool:
        """TF-IDF weighs a word by the texts that hold it."""
        return bool(settings["embedder"] == TFIDF)

    def scores(
        self, texts: Iterable[ScoredText], *, settings: Mapping[str, Any], secrets: Mapping[str, str]
    ) -> Iterator[tuple[int, float | None]]:
        """Embed prompts and texts, all at once where the vectors depend on all."""
        import numpy as np

        from analysis.embeddings import EmbeddingError, choose, embed

        remaining = iter(texts)
        size = None if self.depends_on_all(settings) else CHUNK
        try:
            embedder = choose(embedder_line(settings), key=secrets.get("api_key", ""))
            while part := list(islice(remaining, size)):
                filled = [one for one in part if one.text.strip() and one.prompt.strip()]
                yield from ((one.output, None) for one in part if one not in filled)
                if filled:
                    rows = embed([one.prompt for one in filled] + [one.text for one in filled], embedder)
                    cosines = np.einsum("ij,ij->i", rows[: len(filled)], rows[len(filled) :], dtype=np.float64)
                    yield from zip((one.output for one in filled), (1.0 - cosines).tolist(), strict=True)
        except EmbeddingError as error:
            raise GeneratorFailed(f"The texts could not be embedded: {error}.", lasting=True) from None
