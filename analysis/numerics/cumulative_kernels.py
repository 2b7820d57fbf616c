"""Compiled loops of the cumulative-link likelihood: one pass over the answers, logit or probit.

With a = τ_y − η above an answer and b = τ_{y−1} − η below it, a row's log-likelihood is log(F(a) − F(b)). The logit is
split as log F(a) + log F(−b) + log(1 − e^{b−a}), the probit goes through the Mills ratio Φ/φ; both are accurate in
either tail, however improbable the answer.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from analysis.numerics.compiled import compiled

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

LOGIT, PROBIT = 0, 1
TERMS = 11
ROOT_HALF = math.sqrt(0.5)
LOG_ROOT_TWO_PI = 0.5 * math.log(2.0 * math.pi)
TAIL = -8.0
"""Below this the Mills ratio comes from its continued fraction; above, erfc loses nothing against e^{x²/2}."""
FRACTION_DEPTH = 40
FAR = 8.0

Pair = tuple[float, float]
Triple = tuple[float, float, float]


@compiled(reorder=False)
def _mills(x: float) -> float:
    """Return Φ(x)/φ(x) for x ≤ FAR."""
    if x < TAIL:
        below = -x
        for k in range(FRACTION_DEPTH, 0, -1):
            below = -x + k / below
        return 1.0 / below
    return 0.5 * math.erfc(-x * ROOT_HALF) * math.exp(0.5 * x * x + LOG_ROOT_TWO_PI)


@compiled(reorder=False)
def _half_line(a: float) -> Pair:
    """Return log Φ(a) and φ(a)/Φ(a)."""
    if a > 0.0:
        beyond = 0.5 * math.erfc(a * ROOT_HALF)
        return math.log1p(-beyond), math.exp(-0.5 * a * a - LOG_ROOT_TWO_PI) / (1.0 - beyond)
    ratio = _mills(a)
    return math.log(ratio) - 0.5 * a * a - LOG_ROOT_TWO_PI, 1.0 / ratio


@compiled(reorder=False)
def _interval(a: float, b: float) -> Triple:
    """Return log P, φ(a)/P and φ(b)/P, P = Φ(a) − Φ(b), for finite a > b, seen from the nearer tail."""
    turned = a + b > 0.0
    if turned:
        a, b = -b, -a
    if a > FAR:
        outside = 0.5 * (math.erfc(a * ROOT_HALF) + math.erfc(-b * ROOT_HALF))
        inside = 1.0 - outside
        value = math.log1p(-outside)
        ra = math.exp(-0.5 * a * a - LOG_ROOT_TWO_PI) / inside
        rb = math.exp(-0.5 * b * b - LOG_ROOT_TWO_PI) / inside
    else:
        ratio = math.exp(0.5 * (a - b) * (a + b))
        inside = _mills(a) - _mills(b) * ratio
        value = math.log(inside) - 0.5 * a * a - LOG_ROOT_TWO_PI
        ra, rb = 1.0 / inside, ratio / inside
    if turned:
        return value, rb, ra
    return value, ra, rb


@compiled(reorder=False)
def _normal(y: int, top: int, tau: FloatArray, eta: float) -> tuple[float, float, float, float, float]:
    """Return the log-likelihood of one probit answer, a, b (0 where infinite), φ(a)/P and φ(b)/P."""
    if y == 0:
        a = tau[0] - eta
        value, ra = _half_line(a)
        return value, a, 0.0, ra, 0.0
    if y == top:
        b = tau[top - 1] - eta
        value, rb = _half_line(-b)
        return value, 0.0, b, 0.0, rb
    a, b = tau[y] - eta, tau[y - 1] - eta
    value, ra, rb = _interval(a, b)
    return value, a, b, ra, rb


@compiled(reorder=False)
def _logistic(x: float) -> tuple[float, float, float, float]:
    """Return log F(x), F(x), 1 − F(x) and F(x)(1 − F(x))."""
    small = math.exp(-abs(x))
    near, far = 1.0 / (1.0 + small), small / (1.0 + small)
    if x >= 0.0:
        return -math.log1p(small), near, far, near * far
    return x - math.log1p(small), far, near, near * far


@compiled(reorder=False)
def core(  # noqa: PLR0917 - compiled loops take arrays by position
    link: int,
    category: IntArray,
    weights: FloatArray,
    tau: FloatArray,
    eta: FloatArray,
    score: FloatArray,
    weight: FloatArray,
) -> float:
    """Fill ``score`` and ``weight`` (both (n,)) and return the log-likelihood; ``tau`` are the J − 1 thresholds."""
    top, total = tau.size, 0.0
    gaps = np.zeros(top + 1)
    for j in range(1, top):
        gaps[j] = math.log(-math.expm1(tau[j - 1] - tau[j]))
    for i in range(eta.size):
        y, w = category[i], weights[i]
        if link == PROBIT:
            value, a, b, ra, rb = _normal(y, top, tau, eta[i])
            score[i] = w * (rb - ra)
            weight[i] = w * max(a * ra - b * rb + (ra - rb) ** 2, 0.0)
        else:
            value, slope, curve = gaps[y], 0.0, 0.0
            if y < top:
                log_p, _, rest, density = _logistic(tau[y] - eta[i])
                value, slope, curve = value + log_p, slope - rest, curve + density
            if y > 0:
                log_p, _, rest, density = _logistic(eta[i] - tau[y - 1])
                value, slope, curve = value + log_p, slope + rest, curve + density
            score[i], weight[i] = w * slope, w * curve
        total += w * value
    return total


@compiled(reorder=False)
def terms(  # noqa: PLR0917 - compiled loops take arrays by position
    link: int, category: IntArray, weights: FloatArray, tau: FloatArray, eta: FloatArray, out: FloatArray
) -> None:
    """Fill ``out`` (11, n) in the order of the fields of ``cumulative.Terms``."""
    top = tau.size
    gaps, kappas = np.zeros(top + 1), np.zeros(top + 1)
    for j in range(1, top):
        gaps[j] = math.log(-math.expm1(tau[j - 1] - tau[j]))
        kappas[j] = 1.0 / math.expm1(tau[j] - tau[j - 1])
    for i in range(eta.size):
        y, w = category[i], weights[i]
        if link == PROBIT:
            value, a, b, ra, rb = _normal(y, top, tau, eta[i])
            both = ra * rb
            score, upper, lower, gap = rb - ra, ra, -rb, both
            raa, rbb = -ra * (a + ra), rb * (rb - b)
            score_upper, score_lower = -raa - both, rbb - both
            excess = 2.0 * (ra - rb)
            weight_upper = ra + a * raa + b * both + excess * (raa + both)
            weight_lower = a * both - rb - b * rbb + excess * (both - rbb)
        else:
            value, score, kappa = gaps[y], 0.0, kappas[y]
            upper, lower, score_upper, score_lower, weight_upper, weight_lower = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
            if y < top:
                log_p, p, rest, score_upper = _logistic(tau[y] - eta[i])
                value, score, upper, weight_upper = value + log_p, score - rest, rest + kappa, score_upper * (rest - p)
            if y > 0:
                log_p, p, rest, score_lower = _logistic(eta[i] - tau[y - 1])
                value, score, lower, weight_lower = value + log_p, score + rest, -rest - kappa, score_lower * (p - rest)
            gap = kappa * (1.0 + kappa)
        out[0, i], out[1, i], out[2, i] = w * value, w * score, w * max(score_upper + score_lower, 0.0)
        out[3, i] = -w * (weight_upper + weight_lower)
        out[4, i], out[5, i], out[6, i], out[7, i] = w * upper, w * lower, w * score_upper, w * score_lower
        out[8, i], out[9, i], out[10, i] = w * weight_upper, w * weight_lower, w * gap
