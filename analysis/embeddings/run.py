"""The verb: distinct texts once, what is kept on disk not again, all checked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np

from analysis.embeddings.contract import Embedder, EmbeddingError, FloatVectors, Progress, check_vectors

if TYPE_CHECKING:
    from analysis.embeddings.cache import VectorCache

CHUNK: Final = 1_024
"""Texts given to an embedder at once: progress is told, and the cache filled, after each chunk."""


def embed(
    texts: Sequence[str],
    embedder: Embedder,
    *,
    cache: VectorCache | None = None,
    progress: Progress | None = None,
) -> FloatVectors:
    """Return the vectors of texts, float32 of length 1, shape (n, d).

    Equal texts are embedded once, unless the embedder goes by rows. With a cache only what is not there is computed,
    and it is kept chunk by chunk, so that a run that was cut short does not pay twice.

    Parameters
    ----------
    cache
        Used for embedders whose texts stand alone (``unit`` is ``text``).
    progress
        Called with (done, total, what) after each chunk; an exception raised there ends the run.

    Raises
    ------
    EmbeddingError
        If there are no texts, or the embedder cannot embed them.
    """
    if not len(texts):
        raise EmbeddingError("there are no texts to embed")
    tell = progress or _silent
    if embedder.unit == "row":
        return check_vectors(embedder.embed(texts), len(texts), name=embedder.name)
    distinct = list(dict.fromkeys(texts))
    tell(0, len(distinct), "Embedding")
    if embedder.unit == "corpus":
        vectors = check_vectors(embedder.embed(distinct), len(distinct), name=embedder.name)
    else:
        vectors = _one_by_one(distinct, embedder, cache=cache, tell=tell)
    tell(len(distinct), len(distinct), "Embedding")
    if len(distinct) == len(texts):
        return vectors
    place = {text: at for at, text in enumerate(distinct)}
    return vectors[np.fromiter((place[text] for text in texts), np.int64, len(texts))]


def _one_by_one(texts: Sequence[str], embedder: Embedder, *, cache: VectorCache | None, tell: Progress) -> FloatVectors:
    known = cache.get(embedder, texts) if cache else {}
    missing = [at for at in range(len(texts)) if at not in known]
    filled = _Rows(len(texts), embedder.name)
    for at, vector in known.items():
        filled.put([at], vector[None, :])
    for start in range(0, len(missing), CHUNK):
        part = missing[start : start + CHUNK]
        fresh = check_vectors(embedder.embed([texts[at] for at in part]), len(part), name=embedder.name)
        filled.put(part, fresh)
        if cache:
            cache.put(embedder, [texts[at] for at in part], fresh)
        tell(len(known) + start + len(part), len(texts), "Embedding")
    return filled.rows


class _Rows:
    """A matrix whose width is known with the first vector."""

    def __init__(self, count: int, name: str) -> None:
        self.count, self.name = count, name
        self.rows: FloatVectors = np.empty((0, 0), np.float32)

    def put(self, at: Sequence[int], vectors: FloatVectors) -> None:
        if not self.rows.size:
            self.rows = np.empty((self.count, vectors.shape[1]), np.float32)
        if vectors.shape[1] != self.rows.shape[1]:
            raise EmbeddingError(
                f"{self.name} gave vectors of {vectors.shape[1]} and of {self.rows.shape[1]} numbers: "
                "was its model changed? Empty the cache and start again"
            )
        self.rows[at] = vectors


def _silent(_done: int, _total: int, _what: str) -> None:
    """Tell nobody."""
