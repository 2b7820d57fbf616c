"""Binomial mixed model for forced choices (logit or probit): crossed random effects with signed memberships."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analysis.models.mixed import Problem, fit_mixed
from analysis.numerics.cumulative import fixed_at_zero

if TYPE_CHECKING:
    from analysis.numerics.cumulative import FloatArray, IntArray, LinkName
    from analysis.numerics.structure import SignedFactor, Structure
    from analysis.results import Fit

KINDS = {"logit": "logistic", "probit": "probit"}


def fit_logistic(
    success: IntArray,
    fixed: FloatArray,
    factors: tuple[SignedFactor, ...],
    *,
    names: tuple[str, ...],
    weights: FloatArray | None = None,
    link: LinkName = "logit",
    quadrature: int = 1,
    formula: str = "",
    notes: tuple[str, ...] = (),
    structure: Structure | None = None,
    start: Fit | None = None,
    small_sample: bool = True,
) -> Fit:
    """Fit P(success) = F(Xβ + Zb), b independent normal with one variance per factor.

    Parameters
    ----------
    success
        0 or 1, shape (n,).
    fixed
        Fixed effects, shape (n, p), with column names ``names``; an intercept is an ordinary column.
    factors
        Random intercepts (or one slope each); a pair enters a factor twice with signs +1 and −1.
    weights
        How often each row counts (binomial data as two rows of weights); 1 by default.
    link
        ``logit`` or ``probit``.
    quadrature
        1 is Laplace; more are the nodes of adaptive Gauss–Hermite quadrature, for one random effect only.
    structure
        ``build_structure(factors, n)``, if it was made before: it depends on the design alone.
    start
        An earlier fit of the same columns, as a warm start; it changes the work, not the answer.
    small_sample
        Fill ``adjusted_covariance``; without it a fit is a little cheaper.

    Raises
    ------
    ValueError
        If shapes, values, link or quadrature make no sense; what the data cannot tell is said in ``Convergence``.

    Notes
    -----
    Equals ``lme4::glmer(..., binomial(link), nAGQ = quadrature)`` at ``tolPwrss = 1e-12``; standard errors come from
    the Hessian of the (Laplace) deviance in all parameters, as with ``use.hessian = TRUE`` and in glmmTMB. The log-
    likelihood leaves out binomial coefficients.
    """
    success = np.asarray(success)
    if not np.isin(success, (0, 1)).all():
        raise ValueError("success must be 0 or 1; counts go in as rows with weights")
    return fit_mixed(
        Problem(
            model=f"{KINDS.get(link, link)} mixed model",
            family="binomial",
            link=link,
            formula=formula,
            category=success,
            weights=weights,
            thresholds=fixed_at_zero(),
            threshold_names=("b|a",),
            fixed=fixed,
            names=names,
            factors=factors,
            notes=notes,
            quadrature=quadrature,
            structure=structure,
            start=start,
            small_sample=small_sample,
        )
    )
