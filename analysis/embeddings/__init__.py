"""Texts as vectors: one protocol, four ways, and vectors once computed are kept on disk.

from analysis.embeddings import TfidfSvd, VectorCache, choose, embed
vectors = embed(texts, choose("tfidf-svd"))  # float32, rows of length 1: cosine = dot product
"""

from analysis.embeddings.cache import VectorCache
from analysis.embeddings.choose import FORMS, choose
from analysis.embeddings.contract import Embedder, EmbeddingError, FloatVectors, Progress, normalise
from analysis.embeddings.endpoint import OpenAIEndpoint
from analysis.embeddings.run import embed
from analysis.embeddings.sentences import SentenceTransformers
from analysis.embeddings.tfidf import TfidfSvd
from analysis.embeddings.vectors import Vectors
from analysis.embeddings.words import words

__all__ = [
    "FORMS",
    "Embedder",
    "EmbeddingError",
    "FloatVectors",
    "OpenAIEndpoint",
    "Progress",
    "SentenceTransformers",
    "TfidfSvd",
    "VectorCache",
    "Vectors",
    "choose",
    "embed",
    "normalise",
    "words",
]
