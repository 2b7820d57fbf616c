"""Anytime-valid looks: a confidence sequence and an e-value, however often one looks.

With information I = 1/se² the score S = θ̂I is, for large samples, a Brownian motion with drift θ. Mixing its likelihood
ratio over N(0, 1/ρ) gives a non-negative martingale, so that by Ville's inequality |S − θI| ≤ √((I + ρ) log((I +
ρ)/(ρα²))) holds at all times together with probability 1 − α (Robbins 1970; Howard, Ramdas, McAuliffe & Sekhon
2021, eq. 14; Waudby-Smith, Arbour, Sinha, Kennedy & Ramdas 2024 for estimated variances).
"""

from __future__ import annotations

import numpy as np
from scipy import special, stats

from analysis.sequential.spending import SequentialError


def tuned_mixture(planned_se: float, alpha: float) -> float:
    """Return ρ that makes the interval narrowest at ``planned_se`` (Howard et al. 2021, section 3.5)."""
    if not planned_se > 0.0:
        raise SequentialError(f"the planned standard error must be positive, but is {planned_se}")
    ratio = -float(special.lambertw(-(alpha**2) / np.e, -1).real) - 1.0
    return float(planned_se**-2.0 / ratio)


def confidence_bound(se: float, *, rho: float, alpha: float) -> float:
    """Return how many standard errors the confidence sequence reaches to either side."""
    information = se**-2.0
    total = information + rho
    return float(np.sqrt(total / information * np.log(total / (rho * alpha**2))))


def e_value(estimate: float, se: float, *, rho: float) -> float:
    """Return the mixture likelihood ratio against θ = 0; under it the mean is at most 1 whenever one stops.

    1/e is an anytime-valid p value; e ≥ 1/α exactly when the confidence sequence at α leaves out 0.
    """
    information = se**-2.0
    score = estimate * information
    total = information + rho
    return float(np.exp(min(0.5 * np.log(rho / total) + 0.5 * score**2 / total, 700.0)))


def normal_quantile_of_t(statistic: float, df: float) -> float:
    """Return the normal deviate with the tail of a t statistic, which carries small samples into sequential theory.

    Jennison & Turnbull 2000, section 11.5: boundaries are used as significance levels.
    """
    log_tail = float(stats.t.logsf(abs(statistic), df))
    return float(np.copysign(-special.ndtri_exp(log_tail), statistic))


def t_quantile_of_normal(z: float, df: float) -> float:
    """Return the t quantile with the tail of a normal deviate, the inverse of :func:`normal_quantile_of_t`."""
    return float(stats.t.isf(stats.norm.sf(z), df))
