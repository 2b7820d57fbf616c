"""From all strengths to the estimates that are printed: differences from one system, or strengths that sum to zero."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
from scipy import sparse

if TYPE_CHECKING:
    from analysis.numerics.choice import FloatArray, IntArray

Constraint = Literal["reference", "sum"]


def code(
    systems: tuple[str, ...], extras: tuple[str, ...], *, constraint: Constraint, reference: str | None
) -> tuple[sparse.csr_array, tuple[str, ...]]:
    """Return the matrix from all strengths and other effects to the estimates, (out, S + c), and their names."""
    names = tuple(f"system[{name}]" for name in systems)
    if not systems:
        strengths = sparse.csr_array((0, 0))
    elif constraint == "sum":
        strengths = sparse.csr_array(np.eye(len(systems)) - 1.0 / len(systems))
    else:
        home = systems.index(reference) if reference is not None else 0
        others = np.delete(np.arange(len(systems)), home)
        strengths = _differences(others, home, count=len(systems))
        names = tuple(names[k] for k in others)
    whole = sparse.block_diag([strengths, sparse.eye_array(len(extras))], format="csr")
    return sparse.csr_array(whole), names + extras


def _differences(others: IntArray, home: int, *, count: int) -> sparse.csr_array:
    rows = np.arange(others.size)
    values = np.repeat([1.0, -1.0], others.size)
    entries = (values, (np.tile(rows, 2), np.concatenate([others, np.full(others.size, home)])))
    return sparse.csr_array(sparse.coo_array(entries, shape=(others.size, count)))


def null_directions(coding: sparse.csr_array, groups: IntArray) -> FloatArray:
    """Return the directions of the estimates (out, d) that no comparison tells: one linked group against the others.

    ``groups`` (S,) is the group of each system.
    """
    count = int(groups.max(initial=-1)) + 1
    if count <= 1:
        return np.zeros((coding.shape[0], 0))
    members = np.zeros((coding.shape[1], count))
    members[np.arange(groups.size), groups] = 1.0
    null = np.asarray(coding @ members)
    return np.asarray(null[:, np.abs(null).max(axis=0) > 0.0])
