"""Subsets of the items: where raters agree or not (entropy of their labels), and where the quality is similar."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from analysis.results.judges import AGREE, ALL, BETWEEN, DISAGREE, SIMILAR

if TYPE_CHECKING:
    from analysis.judges.human import Human
    from analysis.results import FloatArray

    Mask = np.ndarray[tuple[int], np.dtype[np.bool_]]


@dataclass(frozen=True, slots=True)
class Subset:
    """Items that count: ``outputs`` (n,) for correlations, None where there are none, and ``pairs`` (k,).

    ``cut`` is the bound of the entropy in bits (the upper one, for the highest group the lower), or the upper fence.
    """

    name: str
    outputs: Mask | None
    pairs: Mask
    cut: float = float("nan")


def subsets_of(
    human: Human, scores: FloatArray, *, split: Literal["median", "tertiles"], fence: float
) -> tuple[Subset, ...]:
    """Return all items, then those by agreement and of similar quality; a subset that cannot be told is left out.

    Items are outputs where each was rated by itself (a pair counts if both its outputs do), pairs where they were
    compared; a subset of pairs has no correlation.

    *Agreement.* Low entropy of the labels: raters agree. Items at the median (or tertile) belong to the lower
    group; if all entropies are equal there is nothing to split.

    *Similar quality.* Outputs whose human score, less the median of their prompt, lies within Tukey's fences
    [Q1 − k·IQR, Q3 + k·IQR] of all outputs of the dimension; or pairs whose absolute difference in human score lies
    below the upper fence of all pairs. Without outliers this is everything; a smaller k asks for more similar items.

    After Jiang et al. (2025, "Artificial Hivemind", arXiv 2510.22954), who split by Shannon entropy and by Tukey's
    fences. What exactly the fences are taken of is ours to say: centred by prompt, over the whole dimension.
    """
    first, second = human.pairs
    found = [Subset(ALL, np.ones(len(human.outputs), bool), np.ones(len(first), bool))]
    value = human.entropy
    known = value[~np.isnan(value)]
    if known.size and known.min() < known.max():
        for name, mask, cut in _split(value, known, split):
            found.append(_subset(human, name, mask, cut))
    worth = scores[:, 0]
    if human.relative:
        difference = np.abs(worth[first] - worth[second])
        high = _fences(difference, fence)[1]
        found.append(Subset(SIMILAR, None, difference <= high, high))
    else:
        centred = worth - _medians(worth, human)[human.prompt]
        low, high = _fences(centred, fence)
        found.append(_subset(human, SIMILAR, (centred >= low) & (centred <= high), high))
    return tuple(found)


def _split(value: FloatArray, known: FloatArray, split: Literal["median", "tertiles"]) -> list[tuple[str, Mask, float]]:
    if split == "median":
        cut = float(np.median(known))
        if cut == known.max():  # more than half of the items have the highest entropy: they are the upper group
            cut = float(known[known < cut].max())
        return [(AGREE, value <= cut, cut), (DISAGREE, value > cut, cut)]
    low, high = (float(one) for one in np.quantile(known, [1 / 3, 2 / 3], method="inverted_cdf"))
    if high == known.max():
        high = float(known[known < high].max())
    low = min(low, high)
    groups = [
        (AGREE, value <= low, low),
        (BETWEEN, (value > low) & (value <= high), high),
        (DISAGREE, value > high, high),
    ]
    return [group for group in groups if group[1].any()]


def _subset(human: Human, name: str, items: Mask, cut: float) -> Subset:
    if human.relative:
        return Subset(name, None, items, cut)
    first, second = human.pairs
    return Subset(name, items, items[first] & items[second], cut)


def _fences(values: FloatArray, k: float) -> tuple[float, float]:
    values = values[~np.isnan(values)]
    if not values.size:
        return float("nan"), float("nan")
    lower, upper = (float(one) for one in np.quantile(values, [0.25, 0.75]))
    reach = k * (upper - lower)
    return lower - reach, upper + reach


def _medians(worth: FloatArray, human: Human) -> FloatArray:
    return np.array([np.median(worth[human.prompt == number]) for number in range(len(human.prompts))])
