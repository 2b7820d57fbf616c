"""Cluster-robust covariances from scores, for one grouping or several crossed ones (Cameron, Gelbach & Miller 2011)."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import numpy.typing as npt
from scipy import sparse

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


def cluster_covariance(
    bread: FloatArray, scores: sparse.csr_array | FloatArray, groups: tuple[IntArray, ...]
) -> tuple[FloatArray, int]:
    """Return the sandwich bread · meat · bread and the smallest number of clusters.

    Parameters
    ----------
    bread
        Inverse information, shape (p, p).
    scores
        Gradient contributions, shape (n, p).
    groups
        One array of cluster numbers, shape (n,), per grouping. Several groupings are added over their non-empty
        intersections with alternating sign; each term is multiplied by G/(G − 1).

    Raises
    ------
    ValueError
        If a grouping has one cluster only: nothing can be said about the spread between clusters then.
    """
    meat = np.zeros_like(bread)
    counts = []
    for size in range(1, len(groups) + 1):
        for chosen in combinations(groups, size):
            label = np.unique(np.column_stack(chosen), axis=0, return_inverse=True)[1].ravel()
            count = int(label.max(initial=-1)) + 1
            if count < 2:  # noqa: PLR2004
                raise ValueError("cluster-robust errors need at least two clusters of each kind")
            if size == 1:
                counts.append(count)
            entries = (np.ones(label.size), (label, np.arange(label.size)))
            total = sparse.csr_array(sparse.coo_array(entries, shape=(count, label.size))) @ scores
            dense = total.toarray() if sparse.issparse(total) else np.asarray(total)
            meat += (-1.0) ** (size + 1) * count / (count - 1.0) * (dense.T @ dense)
    covariance = bread @ meat @ bread
    return _positive(covariance) if len(groups) > 1 else covariance, min(counts)


def _positive(covariance: FloatArray) -> FloatArray:
    """Set negative eigenvalues to zero, as Cameron, Gelbach & Miller do: a difference need not be positive."""
    value, vector = np.linalg.eigh(covariance)
    if value.min(initial=0.0) >= 0.0:
        return covariance
    return np.asarray((vector * np.maximum(value, 0.0)) @ vector.T)
