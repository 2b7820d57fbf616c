"""What maximum likelihood takes off the spreads of a Laplace fit, and what that does to standard errors.

Maximum likelihood treats estimated fixed effects as known, so that its variances come out small by about one part in
the number of levels. The adjusted profile likelihood of Cox and Reid (1987), D + log|I(θ)| with I the information of
(β, thresholds) at spreads θ, is restricted likelihood in the linear model. One Newton step of it from the optimum gives
the shift of θ; the covariance of (β, thresholds) is then taken there, to first order.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from analysis.numerics.laplace import Evaluation, FloatArray
    from analysis.numerics.optimise import Optimum

STEP = 1e-3
"""Step of the differences in θ, relative: the information is smooth and good to about 1e-10."""


@dataclass(frozen=True)
class Adjustment:
    """Shift of each estimated θ, (k,), and ∂ covariance of (β, thresholds) / ∂θ, (k, m, m); k counts all factors."""

    shift: FloatArray
    slope: FloatArray

    def of_covariance(self) -> FloatArray:
        """Return what is added to the covariance of (β, thresholds), (m, m)."""
        return np.asarray(np.tensordot(self.shift, self.slope, axes=1))


def adjust(
    evaluate: Callable[[FloatArray], Evaluation | None],
    optimum: Optimum,
    covariance: FloatArray,
    *,
    variances: int,
) -> Adjustment | None:
    """Return the adjustment at an optimum with the covariance of (θ, β, thresholds), None where it has no number.

    Spreads at zero stay there: they have no covariance.
    """
    here = optimum.evaluation.information[variances:, variances:] / 2.0
    inverse = np.linalg.inv(here)
    size = here.shape[0]
    slope, pull = np.zeros((variances, size, size)), np.zeros(variances)
    for k in np.flatnonzero(optimum.free[:variances]):
        moved = optimum.parameter.copy()
        moved[k] *= (1.0 + STEP) ** 2
        there = evaluate(moved)
        if there is None:
            return None
        width = STEP * np.sqrt(optimum.parameter[k])
        change = (there.information[variances:, variances:] / 2.0 - here) / width
        slope[k] = -inverse @ change @ inverse
        pull[k] = np.trace(inverse @ change)
    shift = -0.5 * covariance[:variances, :variances] @ pull
    return Adjustment(shift, slope)
