"""What chance gives: exact reference distributions that the checks compare a rater with. No check itself."""

from __future__ import annotations

import math
from collections.abc import Sequence

from scipy import special

TINY = 1e-12
MOST_POINTS = 3.0
RARITY = "how rare: 2 is one ordinary rater in a hundred, 3 one in a thousand"
HINT = 0.5  # points from which a comparison with others counts beside other findings


def strength(p: float) -> float:
    """Return −log10 of a p value, at most 12: 2 is one in a hundred, 3 one in a thousand."""
    return round(-math.log10(max(min(p, 1.0), TINY)), 3)


def two_sided(count: int, trials: int, chance: float = 0.5) -> float:
    """Return the exact binomial p of a count at least as unlikely on its side, doubled."""
    lower = float(special.bdtr(count, trials, chance))
    upper = at_least(count, trials, chance)
    return min(1.0, 2 * min(lower, upper))


def at_least(count: int, trials: int, chance: float) -> float:
    """Return the exact binomial probability of so many or more."""
    return float(special.bdtrc(count - 1, trials, chance)) if count else 1.0


def at_least_mixed(count: int, trials: int, *, mean: float, weight: float) -> float:
    """Return the same when the chance itself differs between people: Beta with this mean and weight."""
    a, b = mean * weight, (1 - mean) * weight
    whole = special.betaln(a, b)
    return float(
        sum(
            math.exp(math.log(math.comb(trials, k)) + special.betaln(k + a, trials - k + b) - whole)
            for k in range(count, trials + 1)
        )
    )


def run_of_at_least(length: int, trials: int, chance: float) -> float:
    """Return the exact probability of a run of at least `length` successes in so many independent trials."""
    if length <= 0:
        return 1.0
    free = [1.0] * length  # probability that no such run stands in the first n trials
    for n in range(length, trials + 1):
        if n == length:
            free.append(1.0 - chance**length)
        else:
            free.append(free[n - 1] - free[n - length - 1] * (1 - chance) * chance**length)
    return float(1.0 - free[trials]) if trials >= length else 0.0


def median(values: Sequence[float]) -> float:
    """Return the middle value."""
    ordered = sorted(values)
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2
