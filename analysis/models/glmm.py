"""Logistic mixed model for forced choices: full Laplace, crossed random effects with signed memberships."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analysis.models.mixed import Problem, fit_mixed
from analysis.numerics.cumulative import fixed_at_zero

if TYPE_CHECKING:
    from analysis.numerics.cumulative import FloatArray, IntArray
    from analysis.numerics.structure import SignedFactor
    from analysis.results import Fit


def fit_logistic(
    success: IntArray,
    fixed: FloatArray,
    factors: tuple[SignedFactor, ...],
    *,
    names: tuple[str, ...],
    weights: FloatArray | None = None,
    formula: str = "",
    notes: tuple[str, ...] = (),
) -> Fit:
    """Fit P(success) = F(Xβ + Zb), b independent normal with one variance per factor.

    Parameters
    ----------
    success
        0 or 1, shape (n,).
    fixed
        Fixed effects, shape (n, p), with column names ``names``; an intercept is an ordinary column.
    factors
        Random intercepts; a pair enters a factor twice with signs +1 and −1.
    weights
        How often each row counts (binomial data as two rows of weights); 1 by default.

    Notes
    -----
    Equals ``lme4::glmer(..., family = binomial, nAGQ = 1)`` at ``tolPwrss = 1e-12``; standard errors come from
    the Hessian of the Laplace deviance in all parameters, as with ``use.hessian = TRUE``.
    """
    return fit_mixed(
        Problem(
            model="logistic mixed model (Laplace)",
            formula=formula,
            category=success.astype(np.int64),
            weights=np.ones(success.size) if weights is None else weights,
            thresholds=fixed_at_zero(),
            threshold_names=("b|a",),
            fixed=fixed,
            names=names,
            factors=factors,
            notes=notes,
        )
    )
