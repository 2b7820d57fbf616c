"""Starting values of a linear mixed model: variances that match the residual sums of squares per level (MINQUE(0)).

Rao (1972). Sums over levels of squared residual totals are equated with their expectations, which are traces of the
sparse cross-products; correlations start at zero.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analysis.numerics.reml_terms import square_root

if TYPE_CHECKING:
    from analysis.numerics.reml import LinearModel
    from analysis.numerics.structure import FloatArray

LOWEST, HIGHEST = 0.02, 25.0
"""Range of the relative variances to start from."""


def starting_roots(model: LinearModel) -> list[FloatArray]:
    """Return square roots of diagonal relative covariances to start from."""
    relative = _moments(model)
    roots, first = [], 0
    for term in model.terms.terms:
        sizes = np.clip(relative[first : first + term.width] * term.units**2, LOWEST, HIGHEST)
        roots.append(square_root(np.diag(sizes / term.units**2), term.units))
        first += term.width
    return roots


def _moments(model: LinearModel) -> FloatArray:
    """Solve the moment equations for the relative variance of each column of each factor."""
    group = _groups(model)
    count = int(group.max(initial=-1)) + 1
    p, terms = model.width, model.terms
    fixed, response = model.cross[:, :p], model.cross[:, p]
    squares = np.zeros((count, count))
    one, two, value = group[terms.row], group[terms.column], np.square(model.gram)
    np.add.at(squares, (one, two), value)
    np.add.at(squares, (two, one), np.where(terms.row == terms.column, 0.0, value))
    inner = [fixed[group == k].T @ fixed[group == k] for k in range(count)]
    crossed = np.zeros((count, count))
    image = _product(model, fixed, group, count)
    for k in range(count):
        for m in range(count):
            crossed[k, m] = float((fixed[group == k] * image[m][group == k]).sum())
    projected = squares - crossed - crossed.T + np.array([[float((a * b).sum()) for b in inner] for a in inner])
    diagonal = model.gram[terms.diagonal]
    trace = np.array([diagonal[group == k].sum() - np.trace(inner[k]) for k in range(count)])
    matrix = np.block([[projected, trace[:, None]], [trace[None, :], np.array([[float(model.rows - p)]])]])
    seen = np.array([float(np.square(response[group == k]).sum()) for k in range(count)] + [model.total])
    variances = np.linalg.lstsq(matrix, seen)[0]
    residual = max(float(variances[-1]), 0.05 * model.total / max(model.rows - p, 1))
    return np.asarray(variances[:-1] / residual)


def _groups(model: LinearModel) -> np.ndarray:
    """Return the number of the (factor, slope) that each column of Z belongs to."""
    group, first = np.zeros(model.terms.factor_of.size, dtype=np.int64), 0
    for term in model.terms.terms:
        group[term.columns] = first + np.tile(np.arange(term.width), term.levels)
        first += term.width
    return group


def _product(model: LinearModel, fixed: FloatArray, group: np.ndarray, count: int) -> list[FloatArray]:
    """Return Z'WZ restricted to the columns of one group, times the fixed part, for every group."""
    from scipy import sparse

    terms, size = model.terms, fixed.shape[0]
    lower = sparse.csr_array((model.gram, (terms.row, terms.column)), shape=(size, size))
    off = terms.row != terms.column
    upper = sparse.csr_array((model.gram[off], (terms.column[off], terms.row[off])), shape=(size, size))
    whole = (lower + upper).tocsr()
    return [np.asarray(whole @ np.where((group == k)[:, None], fixed, 0.0)) for k in range(count)]
