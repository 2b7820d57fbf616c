"""What every model returns: a frozen fit with its convergence, spreads, predictions; no bare floats."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
INTERCEPT: Final = "(Intercept)"


@dataclass(frozen=True, slots=True)
class Convergence:
    """Whether a fit can be trusted, and why not.

    Attributes
    ----------
    converged
        Whether the estimates are those of the maximum.
    code
        ``ok``, ``singular`` (a spread is zero; fine), ``near_separation`` (estimates stand on little), ``separation``
        (something is infinite), ``not_converged``, ``not_fitted``.
    distance
        Largest remaining Newton step, in standard errors of the parameter; NaN if nothing was fitted.
    evaluations, iterations
        Work done.
    singular
        Random effects whose spread is estimated as zero.
    message
        The same in words.
    """

    converged: bool
    code: str
    distance: float
    evaluations: int
    iterations: int
    singular: tuple[str, ...] = ()
    message: str = "converged"


@dataclass(frozen=True, slots=True)
class VarianceComponent:
    """The spread of one random effect on the scale of the linear predictor; ``term`` names the column of a slope.

    ``difference_sd`` is the spread of a difference of two levels.
    """

    factor: str
    levels: int
    sd: float
    se: float
    signed: bool
    term: str = INTERCEPT

    @property
    def difference_sd(self) -> float:
        """Return √2 σ for effects that enter a pair as a − b, σ otherwise."""
        return float(self.sd * np.sqrt(2.0)) if self.signed else self.sd


@dataclass(frozen=True, slots=True)
class Correlation:
    """The correlation of two correlated random terms of one factor, as in ``(1 + x | g)``."""

    factor: str
    first: str
    second: str
    value: float


@dataclass(frozen=True, slots=True)
class RandomEffects:
    """Predicted random effects (conditional modes) of one factor and term, with their conditional standard deviations.

    ``labels`` names the levels, ``mode`` and ``sd`` have shape (levels,), on the scale of the linear predictor.
    """

    factor: str
    labels: tuple[str, ...]
    mode: FloatArray
    sd: FloatArray
    term: str = INTERCEPT


@dataclass(frozen=True, slots=True)
class SmallSample:
    """What degrees of freedom need; φ are the variances (of random effects, and the residual one last if there is one).

    Attributes
    ----------
    variance_covariance
        Asymptotic covariance of φ, shape (k, k); parameters at the boundary are left out.
    gradient
        ∂ covariance of the fixed effects / ∂φ, shape (k, p, p).
    kr_covariance
        Kenward and Roger's adjusted covariance of the fixed effects, shape (p, p); None where it does not exist.
    kr_terms
        Θ-free parts of their degrees of freedom: P_i, shape (k, p, p), with Φ and W as ``covariance`` and
        ``kr_weights`` (the inverse expected information of φ); None where they do not exist.
    """

    variance_covariance: FloatArray
    gradient: FloatArray
    kr_covariance: FloatArray | None = None
    kr_terms: FloatArray | None = None
    kr_weights: FloatArray | None = None


@dataclass(frozen=True, slots=True)
class Fit:
    """A fitted model of any kind.

    ``null`` (p, d) spans the directions of the fixed effects that the data cannot tell; ``infinite`` (p, d)
    those along which the likelihood rises for ever. ``covariance`` accounts for the estimation of variances and
    thresholds in the non-linear models; in the linear model it is that at the estimated variances, as in lme4.
    ``family`` is gaussian, binomial or cumulative; ``link`` identity, logit or probit; ``method`` REML, ML,
    Laplace or AGQ(k). ``residual_sd`` is NaN unless gaussian. ``linear_predictor`` is Xβ + Zb at the modes, (rows,),
    and ``fixed_predictor`` is Xβ. ``parameters`` counts everything estimated (for AIC and likelihood ratios).
    ``joint_covariance`` (p + t, p + t) is that of fixed effects and thresholds together, None without thresholds.
    ``adjusted_covariance`` (p, p) is ``covariance`` at spreads corrected for the bias of maximum likelihood
    (``numerics.adjustment``); only Laplace fits have it, the linear model has ``small_sample`` instead.
    """

    model: str
    formula: str
    names: tuple[str, ...]
    estimate: FloatArray
    covariance: FloatArray
    threshold_names: tuple[str, ...]
    thresholds: FloatArray
    threshold_se: FloatArray
    variances: tuple[VarianceComponent, ...]
    log_likelihood: float
    rows: int
    convergence: Convergence
    null: FloatArray
    infinite: FloatArray
    notes: tuple[str, ...] = ()
    family: str = "cumulative"
    link: str = "logit"
    method: str = "Laplace"
    residual_sd: float = float("nan")
    residual_se: float = float("nan")
    correlations: tuple[Correlation, ...] = ()
    random_effects: tuple[RandomEffects, ...] = ()
    small_sample: SmallSample | None = None
    linear_predictor: FloatArray | None = None
    fixed_predictor: FloatArray | None = None
    parameters: int = 0
    joint_covariance: FloatArray | None = None
    adjusted_covariance: FloatArray | None = None

    @property
    def aic(self) -> float:
        """Return Akaike's criterion, −2 log L + 2 · number of estimated parameters."""
        return 2.0 * self.parameters - 2.0 * self.log_likelihood

    @property
    def covariance_for_tests(self) -> FloatArray:
        """Return the covariance of the fixed effects that a study's table uses: adjusted where there is such a one."""
        return self.covariance if self.adjusted_covariance is None else self.adjusted_covariance

    def standard_errors(self) -> FloatArray:
        """Return the standard errors of the fixed effects."""
        return np.asarray(np.sqrt(np.diag(self.covariance)))
