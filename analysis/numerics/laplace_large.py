"""The Laplace approximation for designs whose dense part is too large to factor: 7,200 raters and more.

Mode, deviance, gradient and information are those of laplace.py; only log|H| and the diagonals of H⁻¹ come from exact
blocks and a few fixed probes (probes.py) instead of a factorisation. The Monte-Carlo error is measured and reported.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from analysis.numerics.conditional import conditional_variances
from analysis.numerics.iterative import IterativeFactor
from analysis.numerics.laplace import Evaluation, Factor, LaplaceModel, LazyEvaluation
from analysis.numerics.partition import Partition, build_partition
from analysis.numerics.probes import TOLERANCE, Probes, Traces, draw_probes

if TYPE_CHECKING:
    from analysis.numerics.cumulative import CumulativeLink
    from analysis.numerics.structure import Structure

FloatArray = npt.NDArray[np.float64]

LARGE: Final = 1500
"""From this many columns of the dense part on, probes are cheaper than a factorisation."""
MOST_PAIRS: Final = 50_000_000
"""Pairs of rows that share an own and a kept block; more would cost more memory than the dense part."""
STALE: Final = 0.02
"""Newton's method keeps its factor while the weights have changed by less than this share."""
FORCING: Final = 1e-4
"""Relative tolerance of the inner solutions of Newton's method for the mode."""


def is_large(structure: Structure) -> bool:
    """Return whether a design is better served without factoring its dense part."""
    core = structure.reduced
    if core.size < LARGE or any(len(factor.slopes) > 1 for factor in structure.factors):
        return False
    partition = _partition(structure)
    return bool(partition.kept.columns.size >= LARGE and partition.cells.pair_start[-1] <= MOST_PAIRS)


def _partition(structure: Structure) -> Partition:
    """Return the partition of the reduced columns, made once per structure."""
    core = structure.reduced
    found = core.__dict__.get("_partition")
    if found is None:
        found = core.__dict__["_partition"] = build_partition(core)
    return found


class ProbedFactor:
    """H by exact blocks; its log-determinant and diagonals by probes, when they are asked for."""

    def __init__(self, factor: IterativeFactor, probes: Probes) -> None:
        """Bind a factor and the probes of the model."""
        self.factor, self.probes = factor, probes

    @cached_property
    def traces(self) -> Traces:
        """The solutions for the probes."""
        return Traces(self.factor, self.probes)

    @property
    def log_determinant(self) -> float:
        """Return log|H|."""
        return self.traces.log_determinant

    def solve(self, right: FloatArray) -> FloatArray:
        """Return H⁻¹ right, shape (r,) or (r, k)."""
        return self.factor.solve(right, TOLERANCE)

    def diagonals(self) -> Diagonals:
        """Return what the gradient needs."""
        leverage, leverage_parts = self.traces.leverages()
        inverse, inverse_parts = self.traces.inverse_diagonal()
        return Diagonals(self.probes, leverage, leverage_parts, share=1.0 - inverse, share_parts=-inverse_parts)


@dataclass(frozen=True)
class Diagonals:
    """Diagonals of ZΛH⁻¹ΛZ' (n,) and of H⁻¹ΛZ'WZΛ = I − H⁻¹ (r,): what is exact, what each probe adds (…, v + m)."""

    probes: Probes
    leverage: FloatArray
    leverage_parts: FloatArray
    share: FloatArray
    share_parts: FloatArray

    def mean(self) -> tuple[FloatArray, FloatArray]:
        """Return the estimates by all probes together."""
        weight = self.probes.share
        return self.leverage + self.leverage_parts @ weight, self.share + self.share_parts @ weight

    def single(self, probe: int) -> tuple[FloatArray, FloatArray]:
        """Return the estimates by one random probe and the exact directions."""
        weight = np.zeros(self.probes.share.size)
        weight[: self.probes.exact], weight[self.probes.exact + probe] = 1.0, 1.0
        return self.leverage + self.leverage_parts @ weight, self.share + self.share_parts @ weight


@dataclass(frozen=True)
class Precision:
    """What the probes leave uncertain: the standard error of −2 log L, and the covariance of its gradient.

    The gradient is that in (θ, β, thresholds), shape (parameters, parameters).
    """

    probes: int
    deviance: float
    gradient: FloatArray

    def errors(self, covariance: FloatArray) -> FloatArray:
        """Return the Monte-Carlo standard errors of the estimates, given the estimates' covariance."""
        half = 0.5 * covariance
        return np.asarray(np.sqrt(np.maximum(np.diag(half @ self.gradient @ half), 0.0)))

    def describe(self, covariance: FloatArray) -> str:
        """Say in words how little the probes leave open."""
        se = np.sqrt(np.diag(covariance))
        share = float(np.max(self.errors(covariance)[se > 0.0] / se[se > 0.0], initial=0.0))
        return (
            f"the dense part of this design is too large to factor: log-determinant by {self.probes} random probes "
            f"around exact blocks, Monte-Carlo error of −2 log L {self.deviance:.1g}, of the estimates at most "
            f"{share:.1g} standard errors"
        )


class LargeLaplaceModel(LaplaceModel):
    """A Laplace model that never forms the dense part; the same numbers up to the error told by :meth:`precision`."""

    def __init__(self, fixed: FloatArray, structure: Structure, family: CumulativeLink) -> None:
        """Bind fixed effects (n, p), random structure and likelihood."""
        super().__init__(fixed, structure, family)
        self.partition = _partition(structure)
        self._probes: Probes | None = None
        self._searching: tuple[FloatArray, FloatArray, IterativeFactor] | None = None

    def factorise(self, scale: FloatArray, weight: FloatArray) -> tuple[Factor, FloatArray]:
        """Return the factor of H; the probes are drawn at the first and stay."""
        return self._probed(scale, weight), np.zeros(0)

    def leverage_and_share(self, factor: Factor, gram: FloatArray, scale: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the diagonals of ZΛH⁻¹ΛZ', shape (n,), and of H⁻¹ΛZ'WZΛ, shape (r,)."""
        del gram, scale
        assert isinstance(factor, ProbedFactor)  # noqa: S101 - what factorise returns
        return factor.diagonals().mean()

    def conditional_variances(self, parameter: FloatArray, at: Evaluation) -> FloatArray:
        """Return the variances of the original random effects given the answers, shape (q,).

        Exact for factors of few levels; for the others from the exact blocks, which is right to a few parts in 1,000.
        """
        theta, _, free = self.split(parameter)
        scale, weight = self.core.scale(theta), self.family.core(at.eta, free)[2]
        factor = IterativeFactor(self.partition, scale, weight)
        return conditional_variances(self.core, theta, factor.inverse_entries)

    def precision(self, parameter: FloatArray) -> Precision:
        """Return the Monte-Carlo error of deviance and gradient at a parameter, from how the probes differ."""
        found = self.evaluate(parameter)
        assert isinstance(found, LazyEvaluation)  # noqa: S101 - what evaluate returns
        factor = found.derivative.factor
        assert isinstance(factor, ProbedFactor)  # noqa: S101 - what factorise returns
        diagonals, count = factor.diagonals(), factor.probes.count
        gradients = np.array([found.derivative.gradient_of(*diagonals.single(probe)) for probe in range(count)])
        gradients[:, : self.variances] *= 2.0 * np.sqrt(parameter[: self.variances])
        return Precision(count, factor.traces.log_determinant_error, np.cov(gradients, rowvar=False) / count)

    def _probed(self, scale: FloatArray, weight: FloatArray) -> ProbedFactor:
        factor = IterativeFactor(self.partition, scale, weight)
        if self._probes is None:
            self._probes = draw_probes(factor)
        return ProbedFactor(factor, self._probes)

    def _inner_step(self, slope: FloatArray, scale: FloatArray, weight: FloatArray) -> FloatArray:
        """Solve nearly, with the last factor as long as the weights hardly differ from its own."""
        last = self._searching
        if (
            last is None
            or not np.array_equal(last[0], scale)
            or np.abs(weight - last[1]).sum() > STALE * np.abs(weight).sum()
        ):
            last = self._searching = (scale, weight, IterativeFactor(self.partition, scale, weight))
        return last[2].solve(slope, FORCING)
