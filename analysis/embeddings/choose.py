"""One line of text names an embedder, in the shell and in the settings of a job."""

from __future__ import annotations

from typing import Final

from analysis.embeddings.contract import Embedder, EmbeddingError
from analysis.embeddings.endpoint import OpenAIEndpoint
from analysis.embeddings.sentences import SentenceTransformers
from analysis.embeddings.tfidf import TfidfSvd
from analysis.embeddings.vectors import Vectors

FORMS: Final = "tfidf-svd, sentence-transformers:PATH-OR-NAME[@REVISION], endpoint:URL#MODEL, vectors:FILE"


def choose(spec: str = "tfidf-svd", *, key: str = "", seed: int = 0) -> Embedder:
    """Return the embedder that a line names.

    Parameters
    ----------
    spec
        ``tfidf-svd``, ``sentence-transformers:PATH-OR-NAME`` (``@REVISION`` of the hub behind it if wanted),
        ``endpoint:URL#MODEL`` or ``vectors:FILE``.
    key
        Of the endpoint; kept out of all that is written.

    Raises
    ------
    EmbeddingError
        If the line names none; the message lists the forms.
    """
    kind, _, rest = spec.strip().partition(":")
    if kind == "tfidf-svd" and not rest:
        return TfidfSvd(seed=seed)
    if kind == "sentence-transformers" and rest:
        model, _, revision = rest.partition("@")
        return SentenceTransformers(model, revision=revision)
    if kind == "endpoint" and "#" in rest:
        url, _, model = rest.rpartition("#")
        return OpenAIEndpoint(url, model, key)
    if kind == "vectors" and rest:
        return Vectors(rest)
    raise EmbeddingError(f"{kind!r} names no embedder: write one of {FORMS}")
