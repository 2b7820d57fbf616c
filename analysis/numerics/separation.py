"""Directions in which a cumulative-link likelihood is flat (aliasing) or rises for ever (separation)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import linalg, optimize

from analysis.numerics.cumulative import CumulativeLink

FloatArray = npt.NDArray[np.float64]
TOLERANCE = 1e-7


@dataclass(frozen=True)
class Separation:
    """A direction of recession in (β, free thresholds) and the rows whose probability goes to one along it."""

    fixed: FloatArray
    thresholds: FloatArray
    rows: npt.NDArray[np.bool_]


def independent_columns(x: FloatArray) -> npt.NDArray[np.bool_]:
    """Return which columns to keep so that the rest are linear combinations of those before them (as in R's lm)."""
    keep = np.zeros(x.shape[1], dtype=bool)
    basis = np.zeros((x.shape[0], 0))
    for j in range(x.shape[1]):
        length = float(np.linalg.norm(x[:, j]))
        rest = x[:, j] / length if length else x[:, j]
        for _ in range(2):  # once is not enough in floating point (Björck)
            rest = rest - basis @ (basis.T @ rest)
        size = float(np.linalg.norm(rest))
        keep[j] = size > 1e-7  # noqa: PLR2004 - the tolerance of R's lm
        if keep[j]:
            basis = np.column_stack([basis, rest / size])
    return keep


def null_space(x: FloatArray) -> FloatArray:
    """Return an orthonormal basis (p, d) of the directions that change no row of ``x``."""
    if not x.shape[0]:
        return np.eye(x.shape[1])
    return np.asarray(linalg.null_space(np.unique(x, axis=0), rcond=1e-10))


def find_separation(x: FloatArray, family: CumulativeLink) -> Separation | None:
    """Look for a direction of recession by a linear programme (Konis 2007, here for cumulative links).

    An answer y asks that the threshold above it does not fall and the one below it does not rise relative to
    x'β. A direction that fulfils this for all rows, and strictly for one, makes the maximum infinite.
    """
    p = x.shape[1]
    basis = family.thresholds.basis
    levels = family.thresholds.fixed.size + 1
    y = family.category
    above, below = y < levels - 1, y > 0
    scale = np.maximum(np.abs(x).max(axis=0, initial=0.0), 1e-300)
    x = x / scale
    upper = np.hstack([-x[above], basis[y[above]]])
    lower = np.hstack([x[below], -basis[y[below] - 1]])
    constraints = np.unique(np.vstack([upper, lower]), axis=0)
    size = p + basis.shape[1]
    if not size or not constraints.size:
        return None
    found = optimize.linprog(
        -constraints.sum(axis=0), A_ub=-constraints, b_ub=np.zeros(constraints.shape[0]), bounds=[(-1.0, 1.0)] * size
    )
    if found.status != 0 or found.x is None or float(constraints.sum(axis=0) @ found.x) < TOLERANCE:
        return None
    direction = np.where(np.abs(found.x) < TOLERANCE, 0.0, found.x)
    rows = np.zeros(x.shape[0], dtype=bool)
    rows[above] |= upper @ direction > TOLERANCE
    rows[below] |= lower @ direction > TOLERANCE
    return Separation(direction[:p] / scale, direction[p:], rows)
