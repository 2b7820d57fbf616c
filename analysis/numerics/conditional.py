"""How well the random effects are known: their variances given the answers, from the inverse on the pattern."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from analysis.numerics.cholesky import Factorised
    from analysis.numerics.pattern import FloatArray, IntArray
    from analysis.numerics.reduction import Reduction


def conditional_variances(
    core: Reduction, theta: FloatArray, inverse_entries: Callable[[IntArray, IntArray], FloatArray]
) -> FloatArray:
    """Return var(b | answers), shape (q,), for original effects b with standard deviations ``theta`` of the factors.

    ``inverse_entries`` returns entries of H⁻¹ by rows and columns (row ≥ column), H = I + ΛZ̃'WZ̃Λ over the reduced
    columns b̃ = G b, whose prior variances are D = GΓG'. Then b given b̃ is ΓG'D⁻¹b̃ with the rest of its prior variance,
    so that var(b | answers) = Γ − ΓG'D^(−½)(I − H⁻¹)D^(−½)GΓ.
    """
    variance = theta[core.factor_of] ** 2
    scale = core.scale(theta)
    inverse_scale = np.divide(1.0, scale, out=np.zeros_like(scale), where=scale > 0.0)
    effect, first, second, weight = _pairs(core)
    known = np.where(first == second, 1.0, 0.0) - inverse_entries(first, second)
    known *= weight * inverse_scale[first] * inverse_scale[second]
    explained = np.bincount(effect, weights=known, minlength=variance.size)
    return np.asarray(np.maximum(variance - variance**2 * explained, 0.0))


def _pairs(core: Reduction) -> tuple[IntArray, IntArray, IntArray, FloatArray]:
    """Return all (effect j, columns c ≥ d, G_cj G_dj), twice that off the diagonal."""
    by_effect = core.basis_transposed
    count = np.diff(by_effect.indptr)
    effects, firsts, seconds, weights = [], [], [], []
    for a in range(int(count.max(initial=0))):
        for b in range(a + 1):
            effect = np.flatnonzero(count > a)
            one, two = by_effect.indptr[effect] + a, by_effect.indptr[effect] + b
            c, d = by_effect.indices[one], by_effect.indices[two]
            effects.append(effect)
            firsts.append(np.maximum(c, d))
            seconds.append(np.minimum(c, d))
            weights.append(by_effect.data[one] * by_effect.data[two] * (1.0 if a == b else 2.0))
    if not effects:
        return (np.zeros(0, dtype=np.int64),) * 3 + (np.zeros(0),)
    return (
        np.concatenate(effects).astype(np.int64),
        np.concatenate(firsts).astype(np.int64),
        np.concatenate(seconds).astype(np.int64),
        np.concatenate(weights),
    )


def entries_on_pattern(core: Reduction, factor: Factorised, first: IntArray, second: IntArray) -> FloatArray:
    """Return entries of H⁻¹; the few that lie off the pattern (effects never met in one row) are solved for."""
    keys, wanted = core.row * core.size + core.column, first * core.size + second
    at = np.minimum(np.searchsorted(keys, wanted), max(keys.size - 1, 0))
    entries = factor.inverse_on_pattern(core.row.size)[at] if keys.size else np.zeros(0)
    for column in np.unique(second[keys[at] != wanted]) if keys.size else ():
        missing = np.flatnonzero((keys[at] != wanted) & (second == column))
        unit = np.zeros(core.size)
        unit[column] = 1.0
        entries[missing] = factor.solve(unit)[first[missing]]
    return entries
