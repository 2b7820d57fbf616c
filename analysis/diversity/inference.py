"""From one number per prompt and system to a verdict: prompts are what was sampled, so prompts are what is drawn."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy import stats

from analysis.diversity.linear import MixedContrast, mixed_contrasts
from analysis.diversity.names import BY_KEY
from analysis.inference.multiplicity import holm

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
class ContrastRow:
    """One measure, ``first`` minus ``second``, over the prompts that both answered.

    Attributes
    ----------
    difference, low, high, interval
        Mean over prompts of the difference; bootstrap interval over prompts, and how it was made.
    standardised
        Mean difference / SD of the differences over prompts (d_z).
    p, test, patterns
        Two-sided sign-flip test; ``exact`` over all ``patterns`` or ``drawn`` with (1 + hits)/(1 + patterns).
    p_holm
        Corrected over the family: all measures of it × all contrasts; NaN beside the family.
    mixed
        The linear mixed model ``value ~ system + (1 | prompt)``.
    at_length
        The same with the logarithm of mean words beside: the difference at equal length.
    """

    measure: str
    first: str
    second: str
    family: bool
    prompts: int
    mean_first: float
    mean_second: float
    difference: float
    low: float
    high: float
    interval: str
    standardised: float
    p: float
    test: str
    patterns: int
    p_holm: float
    mixed: MixedContrast
    at_length: MixedContrast
    message: str = ""


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


def contrast_pairs(systems: Sequence[str], baseline: str | None) -> list[tuple[str, str]]:
    """Return (first, second): each system with the baseline, or all pairs."""
    if baseline is None:
        return [(second, first) for first, second in combinations(systems, 2)]
    return [(name, baseline) for name in systems if name != baseline]


def compare_systems(
    values: Mapping[str, FloatArray],
    systems: Sequence[str],
    *,
    baseline: str | None,
    confidence: float = 0.95,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[ContrastRow, ...]:
    """Test every measure on every contrast.

    Parameters
    ----------
    values
        By measure, shape (P, S); NaN where a prompt and system have no value. ``words`` is needed beside.
    """
    pairs = contrast_pairs(systems, baseline)
    place = {name: at for at, name in enumerate(systems)}
    rows: list[ContrastRow] = []
    changes: list[FloatArray] = []
    for done, (key, table) in enumerate(values.items(), start=1):
        mixed = mixed_contrasts(table, systems, pairs, confidence=confidence)
        adjusted = [MixedContrast(message="the measure is length itself")] * len(pairs)
        if key != "words":
            adjusted = mixed_contrasts(table, systems, pairs, covariate=values["words"], confidence=confidence)
        for (first, second), plain, at_length in zip(pairs, mixed, adjusted, strict=True):
            both = table[:, [place[first], place[second]]]
            both = both[np.isfinite(both).all(axis=1)]
            row = _row(key, first, second, both, confidence=confidence, seed=seed)
            rows.append(replace(row, mixed=plain, at_length=at_length))
            changes.append(both[:, 0] - both[:, 1])
        if progress:
            progress(done, len(values))
    return _tested(rows, changes, confidence=confidence, seed=seed)


def _tested(
    rows: list[ContrastRow], changes: list[FloatArray], *, confidence: float, seed: int
) -> tuple[ContrastRow, ...]:
    family = [at for at, row in enumerate(rows) if row.family]
    tests = sign_flips(changes, seed=seed, family=len(family))
    for at, (row, test) in enumerate(zip(rows, tests, strict=True)):
        least = 2.0 / test.patterns if test.test == "exact" else 0.0
        note = f"p cannot be below {least:.2g} with {row.prompts} prompts" if least > 1.0 - confidence else row.message
        rows[at] = replace(row, p=test.p, test=test.test, patterns=test.patterns, message=note)
    corrected = holm(np.asarray([rows[at].p for at in family]))
    for at, p in zip(family, corrected, strict=True):
        rows[at] = replace(rows[at], p_holm=float(p))
    return tuple(rows)


def _row(key: str, first: str, second: str, both: FloatArray, *, confidence: float, seed: int) -> ContrastRow:
    change = both[:, 0] - both[:, 1]
    count = len(change)
    nothing = MixedContrast()
    means = both.mean(axis=0) if count else np.full(2, NAN)
    base = ContrastRow(
        key, first, second, BY_KEY[key].family, count, float(means[0]), float(means[1]), NAN, NAN, NAN, "none",
        NAN, NAN, "none", 0, NAN, nothing, nothing,
    )  # fmt: skip
    if not count:
        return replace(base, message="no prompt has this number for both systems")
    base = replace(base, difference=float(change.mean()))
    if count == 1:
        return replace(base, message="one prompt: a difference, but nothing to test it with")
    found = mean_interval(change, confidence=confidence, seed=seed)
    spread = float(change.std(ddof=1))
    return replace(
        base,
        low=found.low, high=found.high, interval=found.method,
        standardised=float(change.mean() / spread) if found.method != "no spread" else NAN,
    )  # fmt: skip


def mean_interval(values: FloatArray, *, confidence: float = 0.95, seed: int = 0) -> Interval:
    """Return the interval of a mean over prompts by resampling prompts: BCa (Efron 1987), t with fewer than six."""
    count = values.size
    if count < 2:  # noqa: PLR2004
        return Interval(NAN, NAN, "none")
    mean, spread = float(values.mean()), float(values.std(ddof=1))
    if spread <= 1e-12 * max(1.0, abs(mean)):
        return Interval(mean, mean, "no spread")
    if count < FEW_FOR_BCA:
        half = float(stats.t(count - 1).isf((1.0 - confidence) / 2.0)) * spread / count**0.5
        return Interval(mean - half, mean + half, "t")
    rng = np.random.default_rng([seed, count])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", stats.DegenerateDataWarning)
        found = stats.bootstrap(
            (values,),
            np.mean,
            n_resamples=RESAMPLES,
            batch=BATCH,
            vectorized=True,
            confidence_level=confidence,
            method="BCa",
            rng=rng,
        ).confidence_interval
    if not (np.isfinite(found.low) and np.isfinite(found.high)):
        return Interval(NAN, NAN, "none")
    return Interval(float(found.low), float(found.high), "BCa")


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
