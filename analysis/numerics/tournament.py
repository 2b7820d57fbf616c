"""The graph of who beat whom: which strengths the comparisons connect, and which of them are finite (Ford 1957).

A maximum-likelihood strength is finite relative to another one only if a chain of wins leads both ways.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.sparse.csgraph import connected_components

IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Tournament:
    """Groups of systems.

    Attributes
    ----------
    connected
        Group of each system such that some chain of comparisons links its members, shape (systems,).
    finite
        Group such that chains of wins lead both ways, shape (systems,).
    level
        0 for groups of the second kind that never won outside, more for those above; shape (systems,).
    """

    connected: IntArray
    finite: IntArray
    level: IntArray


def examine(winner: IntArray, loser: IntArray, systems: int) -> Tournament:
    """Return the groups of ``systems`` given the pairs (winner, loser) that occurred; a tie is two pairs."""
    entries = (np.ones(winner.size), (winner, loser))
    graph = sparse.csr_array(sparse.coo_array(entries, shape=(systems, systems)))
    connected = connected_components(graph, directed=False)[1].astype(np.int64)
    count, finite = connected_components(graph, directed=True, connection="strong")
    above, below = finite[winner].astype(np.int64), finite[loser].astype(np.int64)
    edges = np.unique(np.column_stack([above, below])[above != below], axis=0)
    return Tournament(connected, finite.astype(np.int64), _levels(edges, count)[finite])


def _levels(edges: IntArray, count: int) -> IntArray:
    """Return for each node of an acyclic graph the length of the longest way down."""
    level = np.zeros(count, dtype=np.int64)
    if not edges.size:
        return level
    above, below = edges[:, 0], edges[:, 1]
    for _ in range(count):
        raised = level.copy()
        np.maximum.at(raised, above, level[below] + 1)
        if np.array_equal(raised, level):
            break
        level = raised
    return level
