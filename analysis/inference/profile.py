"""Profile-likelihood intervals of fixed effects and standard deviations, as lme4's ``confint(method = "profile")``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy import optimize, stats

from analysis.inference.likelihood import MONTE_CARLO
from analysis.models.constrained import LaplaceProfile, LinearProfile
from analysis.results import INTERCEPT

if TYPE_CHECKING:
    import pandas as pd

    from analysis.models.specification import Specification
    from analysis.results import Fit, FloatArray

RESIDUAL: Final = "sd(residual)"
EXPANSIONS: Final = 12
GROWTH: Final = 1.6
PRECISION: Final = 1e-4
"""Of an end point, as a share of the distance between estimate and end point."""


@dataclass(frozen=True)
class ProfileIntervals:
    """End points where the profile deviance has risen by the χ²(1) quantile; shape (k,) each.

    ``messages`` says why an end is missing (NaN) or infinite. A standard deviation whose profile never rises that far
    towards zero has the lower end 0.
    """

    names: tuple[str, ...]
    estimate: FloatArray
    low: FloatArray
    high: FloatArray
    confidence: float
    messages: tuple[str, ...]

    def frame(self) -> pd.DataFrame:
        """Return the intervals as a data frame."""
        import pandas as pd

        columns = {"name": self.names, "estimate": self.estimate, "low": self.low, "high": self.high}
        return pd.DataFrame({**columns, "message": self.messages})

    def __str__(self) -> str:
        """Return the intervals as text."""
        return str(self.frame().to_string(index=False, float_format=lambda value: f"{value:.4g}"))


def profile_intervals(
    specification: Specification, fit: Fit, parameters: Sequence[str] | None = None, *, confidence: float = 0.95
) -> ProfileIntervals:
    """Profile the deviance of each parameter over all others and find where it has risen enough.

    Parameters
    ----------
    parameters
        Names of fixed effects, and ``sd(rater)``, ``sd(rater, slope)`` or ``sd(residual)``; all by default.

    Raises
    ------
    ValueError
        If the fit has no sound maximum, or a name is not among the parameters.

    Notes
    -----
    A linear model is profiled by maximum likelihood, as in lme4, also if it was fitted by REML. The sign-rooted profile
    is nearly linear, so each end takes a handful of constrained fits, each started from the last.
    """
    if not fit.convergence.converged:
        raise ValueError(f"no profile of a fit without a maximum: {fit.convergence.message}")
    if any(MONTE_CARLO in note for note in fit.notes):
        raise ValueError(
            "the design is so large that its likelihood carries a Monte-Carlo error, which a profile would take for "
            "information: use the intervals of the table, or bootstrap()"
        )
    if fit.family == "gaussian" and fit.method == "REML":
        specification = replace(specification, reml=False)
        fit = specification.fit(start=fit, small_sample=False)
    engine = LinearProfile(specification, fit) if fit.family == "gaussian" else LaplaceProfile(specification, fit)
    known = parameter_names(fit)
    chosen = tuple(known) if parameters is None else tuple(parameters)
    unknown = [name for name in chosen if name not in known]
    if unknown:
        raise ValueError(f"no parameter {unknown[0]!r}: choose from {', '.join(known)}")
    cut = float(stats.norm.isf((1.0 - confidence) / 2.0))
    rows = [_interval(engine, fit, known[name], cut=cut) for name in chosen]
    return ProfileIntervals(
        names=chosen,
        estimate=np.array([row[0] for row in rows]),
        low=np.array([row[1] for row in rows]),
        high=np.array([row[2] for row in rows]),
        confidence=confidence,
        messages=tuple(row[3] for row in rows),
    )


def parameter_names(fit: Fit) -> dict[str, tuple[str, int]]:
    """Return the name of each profiled parameter with its kind (``fixed``, ``sd``, ``residual``) and number."""
    names = {name: ("fixed", k) for k, name in enumerate(fit.names)}
    for k, part in enumerate(fit.variances):
        label = part.factor if part.term == INTERCEPT else f"{part.factor}, {part.term}"
        names[f"sd({label})"] = ("sd", k)
    if np.isfinite(fit.residual_sd):
        names[RESIDUAL] = ("residual", 0)
    return names


def _interval(
    engine: LinearProfile | LaplaceProfile, fit: Fit, key: tuple[str, int], *, cut: float
) -> tuple[float, float, float, str]:
    kind, index = key
    value, se = _centre(fit, kind, index)
    reason = engine.obstacle(kind, index)
    if reason:
        return value, np.nan, np.nan, reason
    step = cut * (se if np.isfinite(se) and se > 0.0 else max(0.1, 0.1 * abs(value)))

    def excess(point: float) -> float:
        return float(np.sqrt(max(engine.deviance(kind, index, point) - engine.least, 0.0))) - cut

    floor = -np.inf if kind == "fixed" else 0.0
    engine.restart()
    low = _end(excess, value, -min(step, value - floor) if value > floor else 0.0, floor=floor)
    engine.restart()
    high = _end(excess, value, step, floor=floor)
    messages = [
        f"the profile does not rise enough {side}" for end, side in ((low, "below"), (high, "above")) if np.isinf(end)
    ]
    return value, low, high, "; ".join(messages)


def _centre(fit: Fit, kind: str, index: int) -> tuple[float, float]:
    if kind == "fixed":
        return float(fit.estimate[index]), float(np.sqrt(fit.covariance[index, index]))
    if kind == "residual":
        return fit.residual_sd, fit.residual_se
    return fit.variances[index].sd, fit.variances[index].se


def _end(excess: Callable[[float], float], value: float, step: float, *, floor: float) -> float:
    """Walk from the estimate until the profile has risen enough, then find the crossing."""
    if step == 0.0:
        return floor
    inside = value
    for _ in range(EXPANSIONS):
        point = max(value + step, floor)
        above = excess(point)
        if above > 0.0:
            tolerance = PRECISION * abs(point - value)
            return float(optimize.brentq(excess, inside, point, xtol=tolerance))
        if point == floor:
            return floor
        inside, step = point, step * GROWTH
    return float(np.sign(step) * np.inf)
