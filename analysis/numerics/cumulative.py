"""The cumulative-link likelihood (logit or probit), of which a forced choice is the case of one threshold at zero.

With a = τ_y − η above an answer and b = τ_{y−1} − η below it, a row adds log(F(a) − F(b)), which is concave in (a, b)
for both links (Pratt 1981): the inner problem has one mode and every weight is non-negative.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from analysis.numerics import cumulative_kernels as kernels

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
LinkName = Literal["logit", "probit"]
LATENT_SD: Final[dict[str, float]] = {"logit": float(np.pi / np.sqrt(3.0)), "probit": 1.0}
"""Standard deviation of the latent error, in units of the linear predictor: the denominator of a latent d."""
UNIT: Final[dict[str, str]] = {"logit": "logits", "probit": "probits"}


@dataclass(frozen=True)
class Thresholds:
    """Thresholds as ``fixed + basis @ free``: flexible, equidistant, symmetric, or one fixed at zero."""

    fixed: FloatArray
    basis: FloatArray

    @property
    def free(self) -> int:
        """Return the number of free parameters."""
        return int(self.basis.shape[1])

    def at(self, free: FloatArray) -> FloatArray:
        """Return the thresholds themselves, in ascending order if ``free`` is admissible."""
        return np.asarray(self.fixed + self.basis @ free)


def fixed_at_zero() -> Thresholds:
    """Return the single threshold of a forced choice."""
    return Thresholds(np.zeros(1), np.zeros((1, 0)))


def flexible(levels: int) -> Thresholds:
    """Return one free threshold between each two neighbouring levels."""
    return Thresholds(np.zeros(levels - 1), np.eye(levels - 1))


def symmetric(levels: int) -> Thresholds:
    """Return thresholds that mirror each other about zero; with an even number of levels the middle one is zero."""
    count = levels - 1
    half = count // 2
    basis = np.zeros((count, half))
    for step in range(half):
        basis[count - half + step, step] = 1.0
        basis[half - 1 - step, step] = -1.0
    return Thresholds(np.zeros(count), basis)


def equidistant(levels: int) -> Thresholds:
    """Return thresholds a, a + s, a + 2s and so on."""
    return Thresholds(np.zeros(levels - 1), np.column_stack([np.ones(levels - 1), np.arange(levels - 1.0)]))


@dataclass(frozen=True)
class Terms:
    """Log-likelihood per row and its derivatives in η and in the thresholds above (a) and below (b) the answer.

    ``score`` is ∂l/∂η, ``weight`` −∂²l/∂η², ``weight_slope`` ∂weight/∂η. ``upper``/``lower`` are ∂l/∂a and ∂l/∂b,
    ``score_upper``/``score_lower`` ∂score/∂a and ∂b, ``weight_upper``/``weight_lower`` ∂weight/∂a and ∂b, ``gap`` is
    ∂²l/∂a∂b; so −∂²l/∂a² = score_upper + gap and −∂²l/∂b² = score_lower + gap. All have shape (n,).
    """

    log_likelihood: FloatArray
    score: FloatArray
    weight: FloatArray
    weight_slope: FloatArray
    upper: FloatArray
    lower: FloatArray
    score_upper: FloatArray
    score_lower: FloatArray
    weight_upper: FloatArray
    weight_lower: FloatArray
    gap: FloatArray


@dataclass(frozen=True)
class CumulativeLink:
    """Answers ``category`` 0 … J−1, shape (n,), with row weights; P(answer ≤ j) = F(τ_j − η), F by ``link``."""

    category: IntArray
    weights: FloatArray
    thresholds: Thresholds
    link: LinkName = "logit"

    def __post_init__(self) -> None:
        """Lay the arrays out as the compiled loops need them."""
        for name, kind in (("category", np.int64), ("weights", np.float64)):
            object.__setattr__(self, name, np.require(getattr(self, name), kind, ["C", "W"]))

    @property
    def code(self) -> int:
        """Return the number by which the compiled loops know the link."""
        return ("logit", "probit").index(self.link)

    def is_admissible(self, free: FloatArray) -> bool:
        """Return whether the thresholds ascend."""
        return bool(np.all(np.diff(self.thresholds.at(free)) > 0))

    def core(self, eta: FloatArray, free: FloatArray) -> tuple[float, FloatArray, FloatArray]:
        """Return the log-likelihood, the score and the weight in η: what the inner iterations need."""
        score, weight = np.empty(self.category.size), np.empty(self.category.size)
        tau = self.thresholds.at(free)
        value = kernels.core(self.code, self.category, self.weights, tau, eta, score, weight)
        return float(value), score, weight

    def terms(self, eta: FloatArray, free: FloatArray) -> Terms:
        """Return everything that the gradient of the Laplace approximation needs."""
        out = np.empty((kernels.TERMS, self.category.size))
        kernels.terms(self.code, self.category, self.weights, self.thresholds.at(free), eta, out)
        return Terms(*out)

    def gather(self, upper: FloatArray, lower: FloatArray) -> FloatArray:
        """Sum row values of ∂/∂a and ∂/∂b, shape (n,), into a gradient of the free threshold parameters, (free,)."""
        count = self.thresholds.fixed.size
        if not self.thresholds.free:
            return np.zeros(0)
        by_answer = np.bincount(self.category, weights=upper, minlength=count + 1)[:count]
        by_answer = by_answer + np.bincount(self.category, weights=lower, minlength=count + 1)[1:]
        return np.asarray(self.thresholds.basis.T @ by_answer)

    def incidence(self, *, above: bool) -> FloatArray:
        """Return the (n, J−1) indicator of the threshold above (or below) each answer; zero rows at the ends."""
        return self._incidence[0 if above else 1]

    @cached_property
    def _incidence(self) -> tuple[FloatArray, FloatArray]:
        at = np.arange(self.thresholds.fixed.size)
        return (self.category[:, None] == at).astype(float), (self.category[:, None] - 1 == at).astype(float)
