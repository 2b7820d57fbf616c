"""What an embedder is, and what its vectors must be."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

FloatVectors = npt.NDArray[np.float32]
Progress = Callable[[int, int, str], None]
TINY: Final = 1e-12


class EmbeddingError(ValueError):
    """The texts could not be embedded; says what to do, and never holds a key."""


@runtime_checkable
class Embedder(Protocol):
    """Turns texts into vectors.

    Attributes
    ----------
    name
        Short, as in tables and on pages: ``tfidf-svd``, ``sentence-transformers:all-MiniLM-L6-v2``.
    unit
        What a call must hold: ``text`` (each text stands alone: texts come in chunks and may be kept on disk),
        ``corpus`` (a vector depends on all texts: they come at once, each distinct text once) or ``row`` (vectors lie
        beside the rows of a table: the texts come at once, in its order).
    """

    @property
    def name(self) -> str: ...

    @property
    def unit(self) -> str: ...

    def embed(self, texts: Sequence[str]) -> FloatVectors:
        """Return one row of length 1 per text, float32, shape (n, d); raises :class:`EmbeddingError`."""
        ...

    def describe(self) -> dict[str, Any]:
        """Return what another needs to get the same vectors, as plain JSON and without any secret."""
        ...


def normalise(vectors: npt.ArrayLike, *, name: str) -> FloatVectors:
    """Return rows of length 1, float32; refuses what is no matrix of finite numbers, and rows without a direction."""
    found = np.asarray(vectors)
    if found.ndim != 2 or not found.shape[1]:  # noqa: PLR2004
        raise EmbeddingError(f"{name} gave an array of shape {found.shape}: one vector per text is needed")
    with np.errstate(over="ignore"):  # what float32 cannot hold is refused below
        found = found.astype(np.float32, copy=False)
    bad = np.flatnonzero(~np.isfinite(found).all(axis=1))
    if bad.size:
        raise EmbeddingError(f"{name} gave no finite vector for text {bad[0] + 1} ({bad.size} of {len(found)} in all)")
    length = np.sqrt(np.einsum("ij,ij->i", found, found, dtype=np.float64))
    bad = np.flatnonzero(length < TINY)
    if bad.size:
        message = f"{name} gave a vector of zeros for text {bad[0] + 1} ({bad.size} of {len(found)} in all)"
        raise EmbeddingError(f"{message}: it has no direction, so leave the text out or use another embedder")
    return np.asarray(found / length[:, None], dtype=np.float32)


def check_vectors(vectors: FloatVectors, texts: int, *, name: str) -> FloatVectors:
    """Return the vectors of length 1, or say that there are not as many as texts."""
    if len(vectors) != texts:
        raise EmbeddingError(f"{name} gave {len(vectors)} vectors for {texts} texts")
    return normalise(vectors, name=name)
