"""What a contrast would be without one prompt: one step at the estimated spreads for every prompt.

The step solves the penalised weighted least squares of the fit's last iteration (Henderson's mixed-model equations)
without the prompt's rows; spreads, thresholds and weights stay. For the linear model this is the exact answer at given
spreads; for the others it is the one-step approximation of Pregibon (1981, Ann. Statist. 9, 705–724).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import LinearOperator, cg
from scipy.special import expit, ndtr

from analysis.diagnostics.residuals import predictor_of

if TYPE_CHECKING:
    from analysis.numerics.structure import SignedFactor
    from analysis.results import Fit, FloatArray, IntArray

TOLERANCE = 1e-9
ITERATIONS = 2000


@dataclass(frozen=True)
class Equations:
    """Henderson's equations of a fit: columns [X Z] (n, p + q), prior precision, weights and working response (n,)."""

    columns: Any
    precision: Any
    weight: FloatArray
    response: FloatArray
    fixed: int


def working(fit: Fit, answer: FloatArray | IntArray) -> tuple[FloatArray, FloatArray]:
    """Return the weights and the working response of the fit's last step, each (n,)."""
    eta = predictor_of(fit, rows=answer.size)
    if fit.family == "gaussian":
        return np.full(answer.size, fit.residual_sd**-2), np.asarray(answer, dtype=float)
    code = answer.astype(np.int64)
    upper = np.concatenate([fit.thresholds, [np.inf]])[code] - eta
    lower = np.concatenate([[-np.inf], fit.thresholds])[code] - eta
    (fu, du, cu), (fl, dl, cl) = _curves(fit.link, upper), _curves(fit.link, lower)
    share = np.maximum(fu - fl, 1e-300)
    slope = -(du - dl) / share
    weight = np.maximum(slope**2 - (cu - cl) / share, 1e-10)
    return weight, np.asarray(eta + slope / weight)


def _curves(link: str, value: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return F, its density and the density's derivative, all zero at infinity."""
    if link == "probit":
        density = np.exp(-0.5 * value**2) / np.sqrt(2.0 * np.pi)
        bend = np.where(np.isfinite(value), -np.where(np.isfinite(value), value, 0.0) * density, 0.0)
        return np.asarray(ndtr(value)), density, bend
    share = expit(value)
    density = share * (1.0 - share)
    return np.asarray(share), np.asarray(density), np.asarray(density * (1.0 - 2.0 * share))


def equations(fit: Fit, fixed: FloatArray, factors: tuple[SignedFactor, ...], answer: FloatArray) -> Equations:
    """Set up the equations; factors whose spread was estimated as zero are left out."""
    weight, response = working(fit, answer)
    blocks: list[Any] = [sparse.csr_array(fixed)]
    precisions: list[Any] = [sparse.csr_array((fixed.shape[1],) * 2)]
    for factor in factors:
        names = [name for name in factor.slope_names if _sd(fit, factor.name, name) > 0.0]
        if not names:
            continue
        slopes = [factor.slopes[factor.slope_names.index(name)] for name in names]
        blocks.append(_memberships(factor, slopes, rows=response.size))
        inverse = np.linalg.inv(_covariance(fit, factor.name, names))
        precisions.append(sparse.kron(sparse.eye_array(factor.levels), inverse))
    return Equations(
        sparse.hstack(blocks, format="csr"),
        sparse.block_diag(precisions, format="csr"),
        weight,
        response,
        fixed.shape[1],
    )


def _sd(fit: Fit, factor: str, term: str) -> float:
    return next((part.sd for part in fit.variances if (part.factor, part.term) == (factor, term)), 0.0)


def _covariance(fit: Fit, factor: str, terms: list[str]) -> FloatArray:
    spread = np.array([_sd(fit, factor, term) for term in terms])
    together = np.eye(len(terms))
    for part in fit.correlations:
        if part.factor == factor and part.first in terms and part.second in terms:
            i, j = terms.index(part.first), terms.index(part.second)
            together[i, j] = together[j, i] = part.value
    return np.asarray(spread[:, None] * together * spread)


def _memberships(factor: SignedFactor, slopes: list[FloatArray | None], *, rows: int) -> Any:
    """Return Z of one factor (rows, levels × columns), the columns of one level side by side."""
    row, column, value = [], [], []
    for code, sign in zip(factor.codes, factor.signs, strict=True):
        member = np.flatnonzero(code >= 0)
        for at, slope in enumerate(slopes):
            row.append(member)
            column.append(code[member] * len(slopes) + at)
            value.append(sign * (np.ones(member.size) if slope is None else slope[member]))
    shape = (rows, factor.levels * len(slopes))
    return sparse.csr_array((np.concatenate(value), (np.concatenate(row), np.concatenate(column))), shape=shape)


def drop_each_prompt(system: Equations, prompt: IntArray) -> FloatArray:
    """Return how the fixed effects change without each prompt, shape (prompts, p); ``prompt`` (n,) are codes from 0."""
    everything = _solve(system, np.ones(system.weight.size), start=None)
    changes = [
        _solve(system, (prompt != code).astype(float), start=everything)[: system.fixed] - everything[: system.fixed]
        for code in range(int(prompt.max()) + 1)
    ]
    return np.array(changes)


def _solve(system: Equations, keep: FloatArray, *, start: FloatArray | None) -> FloatArray:
    """Solve (C'WC + P) x = C'Wz on the rows kept, by conjugate gradients preconditioned with the diagonal."""
    columns, weight = system.columns, system.weight * keep
    matrix = (columns.T @ columns.multiply(weight[:, None]).tocsr() + system.precision).tocsr()
    right = columns.T @ (weight * system.response)
    diagonal = matrix.diagonal()
    scale = np.where(diagonal > 0.0, 1.0 / np.where(diagonal > 0.0, diagonal, 1.0), 1.0)
    precondition = LinearOperator(matrix.shape, matvec=lambda value: scale * value, dtype=float)
    found, failed = cg(matrix, right, x0=start, rtol=TOLERANCE, maxiter=ITERATIONS, M=precondition)
    if failed:
        raise ValueError("the equations without one prompt could not be solved")
    return np.asarray(found)
