"""Equivalence classes and how many of them there are in effect; NoveltyBench's two numbers of a partition."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from analysis.embeddings import FloatVectors

ClassRule = Literal["average", "components"]
FloatArray = npt.NDArray[np.float64]


def distinct_classes(partition: Sequence[Hashable]) -> int:
    """Return how many classes a partition has (NoveltyBench, Zhang et al. 2025: ``distinct_k``)."""
    return len(set(partition))


def cumulative_utility(scores: Sequence[float], *, patience: float = 0.8) -> float:
    """Return NoveltyBench's utility: what a user gets who reads on with probability ``patience`` after each text.

    (1 − p) / (1 − p^k) · Σ p^(i−1) u_i for the k texts in the order in which they came, u_i being the quality of the
    first text of a class and 0 for a text whose class was there before (Zhang et al. 2025, NoveltyBench, eq. 3).

    Parameters
    ----------
    scores
        u_1, …, u_k; of the shipped data ``generation_scores``.
    """
    if not len(scores):
        raise ValueError("utility needs the score of at least one text")
    if not 0.0 <= patience <= 1.0:
        raise ValueError(f"patience is a probability, not {patience}")
    weights = patience ** np.arange(len(scores), dtype=float)
    return float(weights @ np.asarray(scores, float) / weights.sum())


def hill_number(counts: npt.ArrayLike, order: float) -> float:
    """Return the Hill number (Hill 1973): how many equally frequent classes would be as diverse.

    (Σ p^q)^(1/(1−q)) with p the shares of the classes; order 0 counts them, 1 is exp(Shannon entropy), 2 is 1/Σp².
    """
    found = np.asarray(counts, float)
    if (found < 0.0).any() or not found.sum() > 0.0:
        raise ValueError("a Hill number needs counts of at least one class")
    if order < 0.0:
        raise ValueError("the order of a Hill number is not negative")
    shares = found[found > 0.0] / found.sum()
    if order == 0.0:
        return float(shares.size)
    if order == 1.0:
        return float(np.exp(-(shares * np.log(shares)).sum()))
    return float((shares**order).sum() ** (1.0 / (1.0 - order)))


def classes_by_similarity(similarity: npt.ArrayLike, *, threshold: float, rule: ClassRule = "average") -> list[int]:
    """Return the class of each text from their cosines, shape (n, n).

    ``average``: hierarchical clustering with average linkage on 1 − cosine, cut where classes are less alike than the
    threshold on average. ``components``: texts linked by any chain of pairs at or above the threshold are one class.
    """
    found = np.asarray(similarity, float)
    count = len(found)
    if count < 2:  # noqa: PLR2004
        return [0] * count
    if rule == "components":
        from scipy.sparse.csgraph import connected_components

        return [int(one) for one in connected_components(found >= threshold, directed=False)[1]]
    from scipy.cluster.hierarchy import fcluster, linkage
    from scipy.spatial.distance import squareform

    apart = np.clip(1.0 - (found + found.T) / 2.0, 0.0, 2.0)
    np.fill_diagonal(apart, 0.0)
    tree = linkage(squareform(apart, checks=False), method="average")
    return [int(one) - 1 for one in fcluster(tree, 1.0 - threshold, criterion="distance")]


def vendi_score(vectors: FloatVectors) -> float:
    """Return the Vendi score of vectors of length 1 (Friedman & Dieng 2023): the effective number of different texts.

    exp of the entropy of the eigenvalues of K/n, K the matrix of cosines; from the d × d matrix V'V/n where d < n,
    which has the same eigenvalues.
    """
    count, width = vectors.shape
    wide = np.asarray(vectors, float)
    gram = wide.T @ wide if width < count else wide @ wide.T
    values = np.linalg.eigvalsh(gram / count)
    values = values[values > 1e-12]  # noqa: PLR2004
    values = values / values.sum()
    return float(np.exp(-(values * np.log(values)).sum()))
