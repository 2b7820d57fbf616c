"""Classical looks: error spending by O'Brien–Fleming and Pocock, boundaries by recursive numerical integration.

The standardised estimates Z_k at information I_k of a maximum-likelihood or generalised least-squares fit are
jointly normal with Cov(Z_j, Z_k) = √(I_j / I_k), whatever the random effects (Scharfstein, Tsiatis & Robins
1997), so that one recursion serves every model (Armitage, McPherson & Rowe 1969; Lan & DeMets 1983; Jennison &
Turnbull 2000, chapters 7 and 19).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy import optimize, stats

from analysis.numerics.structure import FloatArray

FARTHEST: Final = 8.5
"""Beyond so many standard deviations nothing is left of a normal density in double precision."""
NODES: Final = 96


class SequentialError(ValueError):
    """Looks that make no sense; the message says what to change."""


def obrien_fleming(time: float, alpha: float) -> float:
    """Return the two-sided error spent at information fraction ``time``, 4 − 4Φ(z_{α/4} / √t): nearly all at the end.

    Lan & DeMets' function α*(t) = 2 − 2Φ(z_{α/2}/√t) at level α/2 on either side, as in gsDesign and in their tables.
    """
    return float(4.0 * stats.norm.sf(stats.norm.isf(alpha / 4.0) / np.sqrt(time)))


def pocock(time: float, alpha: float) -> float:
    """Return the two-sided error spent at information fraction ``time``, α log(1 + (e − 1)t): much of it early."""
    return float(alpha * np.log1p((np.e - 1.0) * time))


SPENDING: Final[Mapping[str, Callable[[float, float], float]]] = {"obrien_fleming": obrien_fleming, "pocock": pocock}


@dataclass(frozen=True, slots=True)
class Boundary:
    """One look: at information fraction ``time`` stop when |Z| ≥ ``z``, that is, when p ≤ ``nominal_p``.

    ``spent`` is the error spent by all looks up to this one.
    """

    time: float
    z: float
    nominal_p: float
    spent: float


def spending_boundaries(times: Sequence[float], *, method: str, alpha: float) -> tuple[Boundary, ...]:
    """Return the symmetric two-sided boundaries of looks at information fractions ``times``, ascending, the last at 1.

    Parameters
    ----------
    method
        ``obrien_fleming`` or ``pocock``.
    alpha
        Two-sided error of all looks together.
    """
    if method not in SPENDING:
        raise SequentialError(f"there is no spending function {method!r}: choose from {', '.join(SPENDING)}")
    check_times(times)
    walk, found, before = _Walk(), [], 0.0
    for time in times:
        spent = SPENDING[method](time, alpha)
        z = walk.boundary(time, spent - before)
        found.append(Boundary(time, z, float(2.0 * stats.norm.sf(z)), spent))
        walk.step(time, z)
        before = spent
    return tuple(found)


def check_times(times: Sequence[float]) -> None:
    """Refuse looks that do not ascend within (0, 1] up to 1."""
    if not times or any(late <= early for early, late in zip([0.0, *times], times, strict=False)) or times[-1] != 1.0:
        raise SequentialError(
            f"looks must ascend from above 0 to 1, the end of the study, for example 0.5, 1; they are {_list(times)}"
        )


def _list(times: Sequence[float]) -> str:
    return ", ".join(f"{time:g}" for time in times) or "none"


def crossing_probabilities(times: Sequence[float], z: Sequence[float], *, drift: float = 0.0) -> FloatArray:
    """Return the probability of crossing ±z first at each look, shape (looks,); ``drift`` is E[Z] at information 1."""
    walk, found = _Walk(drift), []
    for time, bound in zip(times, z, strict=True):
        found.append(walk.crossing(time, bound))
        walk.step(time, bound)
    return np.array(found)


def constant_boundaries(looks: int, *, alpha: float, shape: float) -> FloatArray:
    """Return the classical boundaries C · (k/K)^(shape − 1/2) of equally spaced looks, shape (looks,).

    ``shape`` 0 is O'Brien & Fleming 1979 (2.040 √(5/k) for five looks), 1/2 Pocock 1977 (2.413) (Wang & Tsiatis
    1987).
    """
    times = np.arange(1, looks + 1) / looks
    form = times ** (shape - 0.5)

    def excess(constant: float) -> float:
        return float(crossing_probabilities(times.tolist(), (constant * form).tolist()).sum()) - alpha

    return np.asarray(optimize.brentq(excess, 0.5, FARTHEST, xtol=1e-10) * form)


class _Walk:
    """The sub-density of the score S = Z√t among paths that have not crossed yet, at Gauss–Legendre nodes."""

    def __init__(self, drift: float = 0.0) -> None:
        self.drift, self.time = drift, 0.0
        self.nodes, self.mass = np.zeros(1), np.ones(1)

    def crossing(self, time: float, z: float) -> float:
        """Return the probability that a path still going is beyond ±z at ``time``."""
        gap = np.sqrt(time - self.time)
        mean = self.nodes + self.drift * (time - self.time)
        edge = z * np.sqrt(time)
        return float(self.mass @ (stats.norm.sf((edge - mean) / gap) + stats.norm.cdf((-edge - mean) / gap)))

    def boundary(self, time: float, error: float) -> float:
        """Return z so that ``error`` is spent at ``time``."""
        if self.crossing(time, FARTHEST) >= error:
            return FARTHEST  # nothing that could ever be seen: no test at this look
        return float(optimize.brentq(lambda z: self.crossing(time, z) - error, 0.0, FARTHEST, xtol=1e-12))

    def step(self, time: float, z: float) -> None:
        """Go on to ``time`` with the paths that stayed within ±z."""
        gap = np.sqrt(time - self.time)
        half = min(z, FARTHEST + abs(self.drift)) * np.sqrt(time)
        # Nodes closer than half a step of the next increment: the kernel is smooth on them.
        count = int(min(max(NODES, 8.0 * half / gap), 1000.0))
        x, w = np.polynomial.legendre.leggauss(count)
        nodes = half * x
        mean = self.nodes + self.drift * (time - self.time)
        density = stats.norm.pdf((nodes[:, None] - mean) / gap) @ self.mass / gap
        self.nodes, self.mass, self.time = nodes, half * w * density, time
