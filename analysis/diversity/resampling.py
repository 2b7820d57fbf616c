"""Prompts drawn again, and signs flipped: intervals and tests of means over prompts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy import special, stats

FloatArray = npt.NDArray[np.float64]
NAN: Final = float("nan")
RESAMPLES: Final = 9_999
MOST_EXACT: Final = 2**14
"""All sign patterns are enumerated up to so many (14 prompts); above, ``RESAMPLES`` are drawn."""
FEW_FOR_BCA: Final = 6
"""With fewer prompts the acceleration of BCa rests on nothing: the interval is t's, and says so."""
MOST_DRAWN: Final = 199_999
BATCH: Final = 1_000


@dataclass(frozen=True, slots=True)
class Interval:
    """Low and high end and how they were made."""

    low: float
    high: float
    method: str


@dataclass(frozen=True, slots=True)
class SignFlip:
    """A p value, ``exact`` or ``drawn``, and the number of sign patterns."""

    p: float
    test: str
    patterns: int


def mean_intervals(sets: Sequence[FloatArray], *, confidence: float = 0.95, seed: int = 0) -> list[Interval]:
    """Return the interval of the mean of each set, one value per prompt, by drawing prompts with replacement.

    Bias-corrected and accelerated (Efron 1987), ``RESAMPLES`` resamples, expanded for small samples as in
    :func:`expanded`; t with fewer than six prompts; the value itself where all are equal. Sets with as many prompts
    share their resamples.
    """
    found = [_simple(values, confidence=confidence) for values in sets]
    for count in sorted({values.size for values, one in zip(sets, found, strict=True) if one is None}):
        members = [at for at, values in enumerate(sets) if values.size == count and found[at] is None]
        low, high = _bca(np.column_stack([sets[at] for at in members]), confidence=confidence, seed=seed)
        for at, start, stop in zip(members, low, high, strict=True):
            found[at] = Interval(float(start), float(stop), "BCa")
    return [one for one in found if one is not None]


def mean_interval(values: FloatArray, *, confidence: float = 0.95, seed: int = 0) -> Interval:
    """Return the interval of one mean; see :func:`mean_intervals`."""
    return mean_intervals([values], confidence=confidence, seed=seed)[0]


def expanded(count: int, *, confidence: float = 0.95) -> float:
    """Return the normal quantile from which resamples of so many prompts are taken.

    Resamples of n values spread too little, by √((n − 1)/n), and know nothing of t's tails: √(n/(n − 1)) t replaces z
    (Hesterberg 2015, "What teachers should know about the bootstrap"). Without it 95% intervals of 8 prompts held the
    truth in 88% of simulated studies.
    """
    tail = stats.t(count - 1).isf((1.0 - confidence) / 2.0)
    return float((count / (count - 1)) ** 0.5 * tail)


def _simple(values: FloatArray, *, confidence: float) -> Interval | None:
    """Return the interval that needs no resampling, if it is such a case."""
    if values.size < 2:  # noqa: PLR2004
        return Interval(NAN, NAN, "none")
    mean, spread = float(values.mean()), float(values.std(ddof=1))
    if spread <= 1e-12 * max(1.0, abs(mean)):
        return Interval(mean, mean, "no spread")
    if values.size < FEW_FOR_BCA:
        half = float(stats.t(values.size - 1).isf((1.0 - confidence) / 2.0)) * spread / values.size**0.5
        return Interval(mean - half, mean + half, "t")
    return None


def _bca(columns: FloatArray, *, confidence: float, seed: int) -> tuple[FloatArray, FloatArray]:
    """Return the ends of the interval of each column's mean, none of them constant."""
    count = len(columns)
    rng = np.random.default_rng([seed, count])
    drawn = np.empty((RESAMPLES, columns.shape[1]))
    for start in range(0, RESAMPLES, BATCH):
        size = min(BATCH, RESAMPLES - start)
        times = rng.multinomial(count, np.full(count, 1.0 / count), size=size)
        drawn[start : start + size] = times @ columns / count
    mean = columns.mean(axis=0)
    # A resample with every prompt once has the mean itself, but for the last digit: it counts half.
    close = 1e-12 * np.abs(columns).max(axis=0)
    below = ((drawn < mean - close).mean(axis=0) + (drawn <= mean + close).mean(axis=0)) / 2.0
    bias = special.ndtri(np.clip(below, 0.5 / RESAMPLES, 1.0 - 0.5 / RESAMPLES))
    centred = columns - mean
    acceleration = (centred**3).sum(axis=0) / (6.0 * (centred**2).sum(axis=0) ** 1.5)
    reach = expanded(count, confidence=confidence)
    ends = []
    for tail in (-reach, reach):
        shifted = bias + tail
        level = special.ndtr(bias + shifted / (1.0 - acceleration * shifted))
        ends.append(np.asarray([np.quantile(one, at) for one, at in zip(drawn.T, level, strict=True)]))
    return ends[0], ends[1]


def sign_flips(changes: Sequence[FloatArray], *, seed: int = 0, family: int = 1) -> list[SignFlip]:
    """Return a two-sided sign-flip test of the mean of each set of differences, one difference per prompt.

    If the two systems were exchangeable within each prompt, each difference could as well have had the other sign. All
    2^P patterns are taken up to ``MOST_EXACT``, else random ones, with the observed one among them:
    p = (1 + hits)/(1 + patterns) (Phipson & Smyth 2010). Sets with as many prompts share their patterns.

    Parameters
    ----------
    family
        How many tests are corrected together: enough patterns are drawn that Holm's smallest p can reach .05 / 4.
    """
    found = [SignFlip(NAN, "none", 0)] * len(changes)
    drawn = max(RESAMPLES, min(MOST_DRAWN, 80 * family - 1))
    for count in sorted({change.size for change in changes if change.size > 1}):
        members = [at for at, change in enumerate(changes) if change.size == count]
        stacked = np.column_stack([changes[at] for at in members])
        exact = 2**count <= MOST_EXACT
        patterns = 2**count if exact else drawn
        hits = _hits(stacked, patterns, exact=exact, seed=seed)
        p = hits / patterns if exact else (1.0 + hits) / (1.0 + patterns)
        for at, one in zip(members, p, strict=True):
            found[at] = SignFlip(float(one), "exact" if exact else "drawn", patterns)
    return found


def _hits(changes: FloatArray, patterns: int, *, exact: bool, seed: int) -> FloatArray:
    """Return how many sign patterns give a sum at least as far from zero; ``changes`` has one column per test."""
    count = len(changes)
    rng = np.random.default_rng([seed, count])
    # Equal sums may differ in their last digit.
    least = np.abs(changes.sum(axis=0)) - 1e-9 * np.abs(changes).sum(axis=0)
    hits = np.zeros(changes.shape[1])
    for start in range(0, patterns, BATCH):
        size = min(BATCH, patterns - start)
        number = np.arange(start, start + size)[:, None]
        bits = (number >> np.arange(count)) & 1 if exact else rng.integers(0, 2, size=(size, count))
        hits += (np.abs((1.0 - 2.0 * bits) @ changes) >= least).sum(axis=0)
    return hits
