"""Degrees of freedom of the linear mixed model: Satterthwaite's and Kenward and Roger's, for one row or an F test.

Satterthwaite as lmerTest has it (Kuznetsova, Brockhoff and Christensen 2017; Fai and Cornelius 1996 for several rows),
Kenward and Roger (1997) as pbkrtest has it (Halekoh and Højsgaard 2014).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from scipy import stats

if TYPE_CHECKING:
    from analysis.results import Fit, FloatArray, SmallSample

RANK = 1e-8


@dataclass(frozen=True, slots=True)
class FTest:
    """An F test of Lβ = 0; ``statistic`` is already scaled for Kenward and Roger's method."""

    statistic: float
    df_numerator: int
    df_denominator: float
    p: float


def satterthwaite(fit: Fit, L: FloatArray) -> float:
    """Return the degrees of freedom of L'β, L of shape (p,): 2 (L'CL)² / (g'Ag), g = ∂(L'CL)/∂φ, A = cov(φ).

    Raises
    ------
    ValueError
        If the fit holds no small-sample pieces: another family, or fitted with ``small_sample=False``.
    """
    pieces = _pieces(fit)
    row = _row(fit, L)
    variance = float(row @ fit.covariance @ row)
    slope = pieces.gradient @ row @ row
    noise = float(slope @ pieces.variance_covariance @ slope)
    return 2.0 * variance**2 / noise if noise > 0.0 else float("inf")


def kenward_roger(fit: Fit, L: FloatArray) -> tuple[float, float]:
    """Return the adjusted standard error of L'β and its degrees of freedom, L of shape (p,).

    Raises
    ------
    ValueError
        If the adjusted covariance was not made: ML, another family, or too many random effects.
    """
    row = _row(fit, L)
    adjusted, _, _ = _kenward_roger_pieces(fit)
    return float(np.sqrt(row @ adjusted @ row)), _kenward_roger_f(fit, row[None, :]).df_denominator


def f_test(fit: Fit, L: FloatArray, method: Literal["satterthwaite", "kenward-roger"] = "satterthwaite") -> FTest:
    """Test all rows of L (r, p) together; linearly dependent rows count once."""
    rows = _independent_rows(np.atleast_2d(np.asarray(L, dtype=float)))
    if not rows.shape[0]:
        raise ValueError("L has no row other than zero: name at least one contrast")
    return _satterthwaite_f(fit, rows) if method == "satterthwaite" else _kenward_roger_f(fit, rows)


def _satterthwaite_f(fit: Fit, rows: FloatArray) -> FTest:
    """Average independent t tests along the eigenvectors of LCL' (lmerTest's contestMD)."""
    pieces = _pieces(fit)
    value, vector = np.linalg.eigh(rows @ fit.covariance @ rows.T)
    if value.min() <= RANK * value.max():
        raise ValueError("a row of L is not estimable, or the covariance of the estimates is singular along it")
    turned = vector.T @ rows
    t_squared = np.square(turned @ fit.estimate) / value
    slopes = np.einsum("ri,kij,rj->rk", turned, pieces.gradient, turned)
    noise = np.einsum("rk,kl,rl->r", slopes, pieces.variance_covariance, slopes)
    degrees = np.divide(2.0 * value**2, noise, out=np.full(noise.size, np.inf), where=noise > 0.0)
    size = rows.shape[0]
    statistic, df = float(t_squared.mean()), _fai_cornelius(degrees)
    return FTest(statistic, size, df, float(stats.f.sf(statistic, size, df)))


def _fai_cornelius(degrees: FloatArray) -> float:
    """Return the denominator's degrees of freedom from those of independent t tests."""
    if np.ptp(degrees[np.isfinite(degrees)]) < RANK if np.isfinite(degrees).all() else False:
        return float(degrees.mean())
    if (degrees <= 2.0).any():  # noqa: PLR2004 - the mean of F exists above two
        return 2.0
    expected = float(np.where(np.isfinite(degrees), degrees / (degrees - 2.0), 1.0).sum())
    return 2.0 * expected / (expected - degrees.size) if expected > degrees.size else float("inf")


def _kenward_roger_f(fit: Fit, rows: FloatArray) -> FTest:
    """Return Kenward and Roger's scaled F (their equations 7 and 8)."""
    adjusted, terms, weights = _kenward_roger_pieces(fit)
    size, plain = rows.shape[0], fit.covariance
    theta = rows.T @ np.linalg.solve(rows @ plain @ rows.T, rows)
    images = np.einsum("ij,kjl,lm->kim", theta @ plain, terms, plain)
    traces = np.einsum("kii->k", images)
    first = float(traces @ weights @ traces)
    second = float(np.einsum("kl,kij,lji->", weights, images, images))
    b = (first + 6.0 * second) / (2.0 * size)
    g = ((size + 1.0) * first - (size + 4.0) * second) / ((size + 2.0) * second)
    c1, c2, c3 = np.array([g, size - g, size + 2.0 - g]) / (3.0 * size + 2.0 * (1.0 - g))
    mean = 1.0 / (1.0 - second / size)
    spread = (2.0 / size) * (1.0 + c1 * b) / ((1.0 - c2 * b) ** 2 * (1.0 - c3 * b))
    ratio = spread / (2.0 * mean**2)
    df = 4.0 + (size + 2.0) / (size * ratio - 1.0)
    # For one row λ is 1; the formula would divide two numbers that vanish together near two degrees of freedom.
    scale = df / (mean * (df - 2.0)) if size > 1 else 1.0
    values = rows @ fit.estimate
    statistic = scale * float(values @ np.linalg.solve(rows @ adjusted @ rows.T, values)) / size
    return FTest(statistic, size, float(df), float(stats.f.sf(statistic, size, df)))


def _pieces(fit: Fit) -> SmallSample:
    if fit.small_sample is None:
        raise ValueError(
            f"no small-sample pieces in this fit ({fit.model}, {fit.convergence.message}): only a linear mixed model "
            "fitted with small_sample=True has them"
        )
    return fit.small_sample


def _kenward_roger_pieces(fit: Fit) -> tuple[FloatArray, FloatArray, FloatArray]:
    pieces = _pieces(fit)
    if pieces.kr_covariance is None or pieces.kr_terms is None or pieces.kr_weights is None:
        raise ValueError(
            "Kenward–Roger needs REML and moderately many random effects; use Satterthwaite's degrees of freedom"
        )
    return pieces.kr_covariance, pieces.kr_terms, pieces.kr_weights


def _row(fit: Fit, L: FloatArray) -> FloatArray:
    row = np.asarray(L, dtype=float)
    if row.shape != fit.estimate.shape:
        raise ValueError(f"L has shape {row.shape}, the fit has {fit.estimate.size} fixed effects")
    return row


def _independent_rows(rows: FloatArray) -> FloatArray:
    """Return rows that span the same space and are independent (an orthonormal basis if some were not)."""
    if np.linalg.matrix_rank(rows, tol=RANK) == rows.shape[0]:
        return rows
    _, size, basis = np.linalg.svd(rows, full_matrices=False)
    return np.asarray(basis[size > RANK * max(float(size.max(initial=0.0)), RANK)])
