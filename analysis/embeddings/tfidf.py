"""The default, which needs nothing but the texts: TF-IDF of words and word pairs with truncated SVD, no meaning."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, ClassVar, Final

import numpy as np

from analysis.embeddings.contract import TINY, EmbeddingError, FloatVectors, normalise
from analysis.embeddings.words import words

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

BLOCK: Final = 4_096
BITS: Final = 18
FITTED: Final = 20_000
"""The decomposition is found on so many texts at most; all texts are then projected, block by block."""


@dataclass(frozen=True)
class TfidfSvd:
    """TF-IDF with truncated SVD (latent semantic analysis, Deerwester et al. 1990), fitted on the texts given.

    Words and pairs of neighbouring words are hashed into 2^18 features, weighted (1 + ln tf) (1 + ln((1 + n)/(1 + df)))
    with n and df counted over distinct texts, and scaled to length 1. Up to ``dimensions`` texts are kept exactly: the
    cosines are those of TF-IDF. For more, randomised SVD (Halko et al. 2011) keeps the leading dimensions. The
    same set of texts gives the same vectors, whatever their order and however often one is repeated.
    """

    dimensions: int = 256
    seed: int = 0

    name: ClassVar[str] = "tfidf-svd"
    unit: ClassVar[str] = "corpus"

    def __post_init__(self) -> None:
        """Refuse a dimension that keeps nothing."""
        if self.dimensions < 2:  # noqa: PLR2004
            raise EmbeddingError(f"tfidf-svd needs at least 2 dimensions, not {self.dimensions}")

    def embed(self, texts: Sequence[str]) -> FloatVectors:
        """Return the vectors; see :class:`analysis.embeddings.Embedder`."""
        distinct = sorted(set(texts))
        weighted = _weigh(distinct)
        small = len(distinct) <= self.dimensions
        vectors = _exact(weighted) if small else self._reduced(weighted)
        lost = np.flatnonzero(np.linalg.norm(vectors, axis=1) < TINY)
        for at in lost:  # shares no word with what was kept: a direction of its own, the same every time
            digest = hashlib.sha256(distinct[at].encode("utf-8", "surrogatepass")).digest()
            vectors[at] = np.random.default_rng(list(digest)).standard_normal(vectors.shape[1])
        place = {text: at for at, text in enumerate(distinct)}
        return normalise(vectors, name=self.name)[[place[text] for text in texts]]

    def describe(self) -> dict[str, Any]:
        """Return features, weights, dimensions, seed and version."""
        import sklearn

        return {
            "embedder": self.name,
            "what": "TF-IDF of words and word pairs with truncated SVD, fitted on these texts; no language model",
            "features": 2**BITS,
            "dimensions": self.dimensions,
            "fitted_on_at_most": FITTED,
            "seed": self.seed,
            "scikit-learn": sklearn.__version__,
        }

    def _reduced(self, weighted: csr_matrix) -> FloatVectors:
        from sklearn.utils.extmath import randomized_svd

        count = weighted.shape[0]
        chosen = np.arange(count)
        if count > FITTED:
            chosen = np.sort(np.random.default_rng(self.seed).choice(count, FITTED, replace=False))
        used = np.unique(weighted[chosen].indices)
        narrow = weighted[:, used]
        size = min(self.dimensions, used.size)
        _, _, components = randomized_svd(narrow[chosen], size, n_iter=4, random_state=self.seed)
        turned = np.ascontiguousarray(components.T, dtype=np.float32)
        vectors = np.empty((count, size), np.float32)
        for start in range(0, count, BLOCK):
            vectors[start : start + BLOCK] = narrow[start : start + BLOCK] @ turned
        return vectors


def _exact(weighted: csr_matrix) -> FloatVectors:
    """Return coordinates with exactly the cosines of the rows, from the eigenvectors of their Gram matrix."""
    gram = np.asarray((weighted @ weighted.T).toarray(), dtype=np.float64)
    values, vectors = np.linalg.eigh(gram)
    return np.asarray(vectors * np.sqrt(np.clip(values, 0.0, None)), dtype=np.float32)


def _weigh(texts: Sequence[str]) -> csr_matrix:
    from scipy.sparse import csr_matrix, vstack
    from sklearn.feature_extraction.text import HashingVectorizer
    from sklearn.preprocessing import normalize

    hasher = HashingVectorizer(
        analyzer=_features, n_features=2**BITS, alternate_sign=False, norm=None, dtype=np.float32
    )
    counts: csr_matrix = vstack(
        [hasher.transform(texts[start : start + BLOCK]) for start in range(0, len(texts), BLOCK)], format="csr"
    )
    df = np.bincount(counts.indices, minlength=counts.shape[1])
    weight = (1.0 + np.log((1.0 + len(texts)) / (1.0 + df))).astype(np.float32)
    counts.data = (1.0 + np.log(counts.data)) * weight[counts.indices]
    return csr_matrix(normalize(counts, copy=False))


def _features(text: str) -> list[str]:
    found = words(text)
    if not found:  # only signs, or nothing: such texts are alike only if they are equal
        return [f"\0{text.strip()}"]
    return found + [f"{one} {two}" for one, two in pairwise(found)]
