"""Rank correlations of weighted prompts: every resample at once, none of them written out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from scipy import sparse, stats

if TYPE_CHECKING:
    from analysis.results import FloatArray, IntArray

    BoolArray = np.ndarray[Any, np.dtype[np.bool_]]

CELLS: Final = 4_000_000
"""Numbers held at a time."""
FEW: Final = 300
"""Outputs up to which every pair is held, where human scores differ between resamples."""
NO_SPREAD: Final = 1e-12


def spearman(x: FloatArray, y: FloatArray, prompt: IntArray, weights: FloatArray) -> FloatArray:
    """Return Spearman's ρ over all outputs, shape (B,): Pearson's of mid-ranks in the weighted sample.

    Parameters
    ----------
    x
        The judge's scores, shape (n,).
    y
        The human scores, shape (n, 1), or (n, B) where they differ between resamples; NaN leaves an output out.
    prompt, weights
        Prompt of each output, and how often each prompt counts in each resample, shape (P, B).
    """
    found = np.empty(weights.shape[1])
    for part in _parts(len(x), weights.shape[1]):
        outcome = y if y.shape[1] == 1 else y[:, part]
        weight = np.where(np.isnan(outcome), 0.0, weights[prompt][:, part])
        found[part] = _pearson(_midranks(x[:, None], weight), _midranks(outcome, weight), weight)
    return found


def kendall(x: FloatArray, y: FloatArray, prompt: IntArray, weights: FloatArray) -> FloatArray:
    """Return Kendall's τ-b over all pairs of outputs, shape (B,); arguments as of :func:`spearman`.

    With the sums over pairs of prompts S, the weighted sample has ½ w'Sw: copies of an output are tied with itself.
    """
    if y.shape[1] == 1:
        known = ~np.isnan(y[:, 0])
        sums = _pair_sums(x[known], y[known, 0], prompt[known], len(weights))
        agree, apart_x, apart_y = (np.einsum("pb,pq,qb->b", weights, one, weights, optimize=True) for one in sums)
        return _ratio(agree, np.sqrt(apart_x * apart_y))
    if len(x) <= FEW:
        return _over_pairs(x, y, weights[prompt])
    found = np.empty(weights.shape[1])
    for at in range(weights.shape[1]):
        times = np.where(np.isnan(y[:, at]), 0.0, weights[prompt, at]).astype(np.int64)
        one, two = np.repeat(x, times), np.repeat(y[:, at], times)
        found[at] = stats.kendalltau(one, two).statistic if len(one) > 1 else np.nan
    return found


def within_spearman(x: FloatArray, y: FloatArray, prompt: IntArray, weights: FloatArray) -> FloatArray:
    """Return Spearman's ρ within prompts, shape (B,); arguments as of :func:`spearman`.

    Pearson's correlation of mid-ranks that are taken within each prompt, centred there and divided by its number of
    outputs, so that every output counts alike; no monotone change of the scores within a prompt matters.
    """
    cross, one, two = (np.zeros((len(weights), y.shape[1])) for _ in range(3))
    for number, at in _groups(prompt):
        known = ~np.isnan(y[at])
        for column, same in _columns(known):
            rows = at[same]
            if len(rows) < 2:  # noqa: PLR2004
                continue
            a = _centred(x[rows][:, None])
            b = _centred(y[rows][:, column])
            cross[number, column] = (a * b).sum(axis=0)
            one[number, column] = (a * a).sum()
            two[number, column] = (b * b).sum(axis=0)
    top, left, right = ((part * weights).sum(axis=0) for part in (cross, one, two))
    return _ratio(top, np.sqrt(left * right))


def within_kendall(x: FloatArray, y: FloatArray, prompt: IntArray, weights: FloatArray) -> FloatArray:
    """Return Kendall's τ-b over the pairs of outputs of one prompt, shape (B,); arguments as of :func:`spearman`."""
    agree, apart_x, apart_y = (np.zeros((len(weights), y.shape[1])) for _ in range(3))
    for number, at in _groups(prompt):
        i, j = np.triu_indices(len(at), 1)
        a = np.sign(x[at][i] - x[at][j])[:, None]
        b = np.sign(y[at][i] - y[at][j])
        known = ~np.isnan(b)
        b = np.where(known, b, 0.0)
        agree[number] = (a * b).sum(axis=0)
        apart_x[number] = ((a != 0) & known).sum(axis=0)
        apart_y[number] = np.abs(b).sum(axis=0)
    top, left, right = ((part * weights).sum(axis=0) for part in (agree, apart_x, apart_y))
    return _ratio(top, np.sqrt(left * right))


def _over_pairs(x: FloatArray, y: FloatArray, weight: FloatArray) -> FloatArray:
    """Return τ-b from all pairs of outputs, a block of resamples at a time."""
    i, j = np.triu_indices(len(x), 1)
    a = np.sign(x[i] - x[j])[:, None]
    found = np.empty(weight.shape[1])
    for part in _parts(len(i), weight.shape[1]):
        b = np.sign(y[i, part] - y[j, part])
        both = np.where(np.isnan(b), 0.0, weight[i, part] * weight[j, part])
        b = np.nan_to_num(b)
        sums = ((a * b * both).sum(axis=0), (np.abs(a) * both).sum(axis=0), (np.abs(b) * both).sum(axis=0))
        found[part] = _ratio(sums[0], np.sqrt(sums[1] * sums[2]))
    return found


def _parts(rows: int, columns: int) -> Iterator[slice]:
    step = max(1, CELLS // max(rows, 1))
    for start in range(0, columns, step):
        yield slice(start, min(start + step, columns))


def _groups(prompt: IntArray) -> Iterator[tuple[int, IntArray]]:
    order = np.argsort(prompt, kind="stable")
    numbers, starts = np.unique(prompt[order], return_index=True)
    for number, at in zip(numbers, np.split(order, starts[1:]), strict=True):
        yield int(number), at


def _columns(known: BoolArray) -> Iterator[tuple[IntArray, BoolArray]]:
    """Yield columns together that know the same rows, and those rows."""
    if known.all():
        yield np.arange(known.shape[1], dtype=np.int64), known[:, 0]
        return
    patterns, which = np.unique(known, axis=1, return_inverse=True)
    for number in range(patterns.shape[1]):
        yield np.flatnonzero(which.reshape(-1) == number).astype(np.int64), patterns[:, number]


def _centred(values: FloatArray) -> FloatArray:
    ranks = stats.rankdata(values, axis=0)
    return np.asarray((ranks - ranks.mean(axis=0)) / len(values))


def _midranks(values: FloatArray, weight: FloatArray) -> FloatArray:
    """Return mid-ranks in the sample in which row i stands ``weight[i]`` times, shape of ``weight``."""
    if values.shape[1] == 1:
        _, level = np.unique(values[:, 0], return_inverse=True)
        gather = sparse.csr_matrix((np.ones(len(level)), (level, np.arange(len(level)))))
        size: FloatArray = np.asarray(gather @ weight)
        return np.asarray((np.cumsum(size, axis=0) - size / 2.0)[level])
    found = np.empty(weight.shape)
    for at in range(weight.shape[1]):
        _, level = np.unique(values[:, at], return_inverse=True)
        mass = np.bincount(level, weights=weight[:, at])
        found[:, at] = (np.cumsum(mass) - mass / 2.0)[level]
    return found


def _pearson(a: FloatArray, b: FloatArray, weight: FloatArray) -> FloatArray:
    total = np.maximum(weight.sum(axis=0), NO_SPREAD)
    a = a - (a * weight).sum(axis=0) / total
    b = b - (b * weight).sum(axis=0) / total
    return _ratio((a * b * weight).sum(axis=0), np.sqrt((a * a * weight).sum(axis=0) * (b * b * weight).sum(axis=0)))


def _pair_sums(
    x: FloatArray, y: FloatArray, prompt: IntArray, prompts: int
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return, by prompt and prompt, the sums over pairs of outputs of sign·sign and of "not tied" in x and in y."""
    gather = sparse.csr_matrix((np.ones(len(x)), (prompt, np.arange(len(x)))), shape=(prompts, len(x)))
    sums = [np.zeros((prompts, prompts)) for _ in range(3)]
    step = max(1, CELLS // max(len(x), 1))
    for start in range(0, len(x), step):
        rows = slice(start, start + step)
        a, b = (np.sign(one[rows, None] - one[None, :]) for one in (x, y))
        home = gather[:, rows]
        for at, part in enumerate((a * b, np.abs(a), np.abs(b))):
            sums[at] += home @ (gather @ part.T).T
    return sums[0], sums[1], sums[2]


def _ratio(top: FloatArray, below: FloatArray) -> FloatArray:
    """Return top / below, NaN where there is no spread."""
    sound = below > NO_SPREAD
    return np.where(sound, np.clip(top / np.where(sound, below, 1.0), -1.0, 1.0), np.nan)
