"""From one number per prompt and system to a verdict: prompts are what was sampled, so prompts are what is drawn."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Final

import numpy as np
import numpy.typing as npt

from analysis.diversity.linear import MixedContrast, mixed_contrasts
from analysis.diversity.names import BY_KEY
from analysis.diversity.resampling import mean_intervals, sign_flips
from analysis.inference.multiplicity import holm

FloatArray = npt.NDArray[np.float64]
NAN: Final = float("nan")
PRIMARY: Final = "primary"
SECONDARY: Final = "secondary"


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
    family
        ``primary`` (the measure that was declared as such), ``secondary`` (the others that are tested), or empty for
        what stands beside them.
    p_holm
        Corrected over its own family, measures × contrasts: the primary measure over contrasts alone. NaN beside them.
    mixed
        The linear mixed model ``value ~ system + (1 | prompt)``.
    at_length
        The same with the logarithm of mean words beside: the difference at equal length.
    """

    measure: str
    first: str
    second: str
    family: str
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


def contrast_pairs(systems: Sequence[str], baseline: str | None) -> list[tuple[str, str]]:
    """Return (first, second): each system with the baseline, or all pairs."""
    if baseline is None:
        return [(second, first) for first, second in combinations(systems, 2)]
    return [(name, baseline) for name in systems if name != baseline]


def family_of(key: str, primary: str) -> str:
    """Return the family of tests that a measure belongs to, empty for one that stands beside them."""
    if not BY_KEY[key].family:
        return ""
    return PRIMARY if key == primary else SECONDARY


def compare_systems(
    values: Mapping[str, FloatArray],
    systems: Sequence[str],
    *,
    baseline: str | None,
    primary: str = "",
    confidence: float = 0.95,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[ContrastRow, ...]:
    """Test every measure on every contrast.

    Parameters
    ----------
    primary
        The measure whose tests are a family of their own; none if empty.
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
            row = _row(key, first, second, both, family=family_of(key, primary))
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
    found = mean_intervals(changes, confidence=confidence, seed=seed)
    for at, (row, test, ends, change) in enumerate(zip(rows, tests, found, changes, strict=True)):
        least = 2.0 / test.patterns if test.test == "exact" else 0.0
        note = f"p cannot be below {least:.2g} with {row.prompts} prompts" if least > 1.0 - confidence else row.message
        spread = float(change.std(ddof=1)) if ends.method in {"BCa", "t"} else NAN
        rows[at] = replace(
            row,
            low=ends.low, high=ends.high, interval=ends.method, standardised=row.difference / spread,
            p=test.p, test=test.test, patterns=test.patterns, message=note,
        )  # fmt: skip
    for name in (PRIMARY, SECONDARY):
        members = [at for at in family if rows[at].family == name]
        corrected = holm(np.asarray([rows[at].p for at in members]))
        for at, p in zip(members, corrected, strict=True):
            rows[at] = replace(rows[at], p_holm=float(p))
    return tuple(rows)


def _row(key: str, first: str, second: str, both: FloatArray, *, family: str) -> ContrastRow:
    change = both[:, 0] - both[:, 1]
    count = len(change)
    nothing = MixedContrast()
    means = both.mean(axis=0) if count else np.full(2, NAN)
    base = ContrastRow(
        key, first, second, family, count, float(means[0]), float(means[1]), NAN, NAN, NAN, "none",
        NAN, NAN, "none", 0, NAN, nothing, nothing,
    )  # fmt: skip
    if not count:
        return replace(base, message="no prompt has this number for both systems")
    message = "one prompt: a difference, but nothing to test it with" if count == 1 else ""
    return replace(base, difference=float(change.mean()), message=message)
