"""The state of a Laplace fit in words, gravest first; nothing is left to a silent number."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from analysis.numerics.cumulative import LATENT_SD, UNIT
from analysis.results import Convergence

if TYPE_CHECKING:
    from collections.abc import Sequence

    from analysis.numerics.cumulative import FloatArray
    from analysis.numerics.optimise import Optimum
    from analysis.results import VarianceComponent

NEAR_SEPARATION: Final = 5.0 / LATENT_SD["logit"]
"""A spread of differences above this (5 logits, in latent SDs): nearly all answers within a level agree."""
DISTANCE_LIMIT: Final = 1e-2


def judge(
    optimum: Optimum,
    covariance: FloatArray | None,
    *,
    variances: tuple[VarianceComponent, ...],
    link: str,
    separation: Sequence[str],
    evaluations: int,
) -> Convergence:
    """Put the state of the fit in words; ``covariance`` (θ, β, thresholds) is None if the Hessian was not positive."""
    distance = float("nan") if covariance is None else distance_left(optimum, covariance, len(variances))
    singular = tuple(component.factor for component in variances if component.sd == 0.0)
    wide = [component for component in variances if component.difference_sd > NEAR_SEPARATION * LATENT_SD[link]]
    code, messages = "ok", list(separation)
    if singular:
        code = "singular"
        messages.append(f"no spread found for {', '.join(singular)} (estimated as zero, left out)")
    if wide:
        code = "near_separation"
        names = ", ".join(
            f"{component.factor} (SD of a difference {component.difference_sd:.1f} {UNIT[link]})" for component in wide
        )
        messages.append(
            f"near separation: nearly all answers agree within levels of {names}; read estimates with caution"
        )
    if separation:
        code = "separation"
    if covariance is None or not optimum.converged or distance >= DISTANCE_LIMIT:
        code = "not_converged"
        detail = "the likelihood is flat or not concave at the estimate" if covariance is None else optimum.reason
        messages.append(f"not converged ({detail}): do not report; more data or fewer random effects are needed")
    return Convergence(
        converged=code != "not_converged",
        code=code,
        distance=distance,
        evaluations=evaluations,
        iterations=optimum.iterations,
        singular=singular,
        message="; ".join(["converged", *messages] if code != "not_converged" else messages),
    )


def distance_left(optimum: Optimum, covariance: FloatArray, variances: int) -> float:
    """Return the largest remaining Newton step in standard errors of its parameter."""
    gradient = optimum.evaluation.gradient.copy()
    gradient[:variances] *= 2.0 * np.sqrt(optimum.parameter[:variances])
    free = optimum.free
    if not free.any():
        return 0.0
    part = covariance[np.ix_(free, free)]
    step = 0.5 * part @ gradient[free]
    return float(np.max(np.abs(step) / np.sqrt(np.diag(part))))


def invert(hessian: FloatArray, free: np.ndarray) -> FloatArray | None:
    """Return 2 H⁻¹ on the free parameters (zero elsewhere), or None if H is not positive definite there."""
    covariance = np.zeros_like(hessian)
    if not free.any():
        return covariance
    part = hessian[np.ix_(free, free)]
    if not np.isfinite(part).all() or np.linalg.eigvalsh(part).min() <= 0.0:
        return None
    inverse = 2.0 * np.linalg.inv(part)
    covariance[np.ix_(free, free)] = (inverse + inverse.T) / 2.0
    return covariance
