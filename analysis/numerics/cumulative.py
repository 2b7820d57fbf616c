"""The cumulative logit likelihood, of which the Bernoulli logit is the case of one threshold fixed at zero.

With a = τ_y − η above an answer and b = τ_{y−1} − η below it, log(F(a) − F(b)) = log F(a) + log F(−b) + log(1
− e^{b−a}).
The last term does not depend on η; so every derivative is simple, stable and of one sign (the likelihood is
log-concave).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import expit, log_expit

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


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
    ``score_upper``/``score_lower`` ∂score/∂a and ∂b, ``weight_upper``/``weight_lower`` ∂weight/∂a and ∂b, ``gap`` the
    curvature −∂²/∂(a−b)² of the term in a − b.
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
class CumulativeLogit:
    """Answers ``category`` 0 … J−1 with row weights; P(answer ≤ j) = F(τ_j − η)."""

    category: IntArray
    weights: FloatArray
    thresholds: Thresholds

    def bounds(self, free: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the thresholds above and below each answer, ±inf at the ends."""
        tau = np.concatenate([[-np.inf], self.thresholds.at(free), [np.inf]])
        return tau[self.category + 1], tau[self.category]

    def is_admissible(self, free: FloatArray) -> bool:
        """Return whether the thresholds ascend."""
        return bool(np.all(np.diff(self.thresholds.at(free)) > 0))

    def core(self, eta: FloatArray, free: FloatArray) -> tuple[float, FloatArray, FloatArray]:
        """Return the log-likelihood, the score and the weight in η: what the inner iterations need."""
        above, below = self.bounds(free)
        a, b = above - eta, below - eta
        with np.errstate(over="ignore"):
            gap = np.log(-np.expm1(below - above))
        value = log_expit(a) + log_expit(-b) + gap
        fa, fb = expit(a), expit(b)
        score = fa + fb - 1.0
        weight = fa * (1.0 - fa) + fb * (1.0 - fb)
        return float(self.weights @ value), self.weights * score, self.weights * weight

    def terms(self, eta: FloatArray, free: FloatArray) -> Terms:
        """Return everything that the gradient of the Laplace approximation needs."""
        above, below = self.bounds(free)
        a, b = above - eta, below - eta
        w = self.weights
        fa, fb = expit(a), expit(b)
        da, db = fa * (1.0 - fa), fb * (1.0 - fb)
        dda, ddb = da * (1.0 - 2.0 * fa), db * (1.0 - 2.0 * fb)
        with np.errstate(over="ignore"):
            exponent = np.expm1(above - below)
            gap = np.log(-np.expm1(below - above))
            kappa = np.where(np.isfinite(exponent), 1.0 / exponent, 0.0)
        return Terms(
            log_likelihood=w * (log_expit(a) + log_expit(-b) + gap),
            score=w * (fa + fb - 1.0),
            weight=w * (da + db),
            weight_slope=-w * (dda + ddb),
            upper=w * (expit(-a) + kappa),
            lower=-w * (fb + kappa),
            score_upper=w * da,
            score_lower=w * db,
            weight_upper=w * dda,
            weight_lower=w * ddb,
            gap=w * kappa * (1.0 + kappa),
        )

    def gather(self, upper: FloatArray, lower: FloatArray) -> FloatArray:
        """Sum row values of ∂/∂a and ∂/∂b into a gradient of the free threshold parameters, shape (free, …)."""
        return np.asarray(
            self.thresholds.basis.T @ (self.incidence(above=True).T @ upper + self.incidence(above=False).T @ lower)
        )

    def incidence(self, *, above: bool) -> FloatArray:
        """Return the (n, J−1) indicator of the threshold above (or below) each answer; zero rows at the ends."""
        count = self.thresholds.fixed.size
        at = self.category if above else self.category - 1
        return np.asarray((at[:, None] == np.arange(count)).astype(float))
