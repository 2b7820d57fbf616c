"""The information that a plan holds about its fixed effects: X'V⁻¹X at expected working weights on its real design.

More raters or prompts need no new design: f replicates of every rater give f Σ_r K_r(W, G) = Σ_r K_r(fW, G/f),
where K_r is what rater r adds once his own effects are integrated out, so that scaled weights and variances stand
for them exactly. The same holds for prompts, over which a fixed number of trials is spread.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from scipy.special import expit

from analysis.numerics.cholesky import Factorised, Layout, build_layout
from analysis.numerics.cumulative import flexible, symmetric
from analysis.numerics.structure import FloatArray, IntArray
from analysis.power.assumptions import Assumptions, spread_of, spreads_of
from analysis.power.trials import PAIRWISE, RATER_SIDE, PlannedTrials, PowerError, Question

NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(25)
EXACT_UP_TO: Final = 300
"""Up to so many random-effect columns the traces of Satterthwaite's formula are exact, above by fixed probes."""
PROBES: Final = 24


@dataclass(frozen=True, slots=True)
class Scale:
    """How many times the plan's raters and prompts; 1 and 1 are the plan itself."""

    raters: float = 1.0
    prompts: float = 1.0


ONE: Final = Scale()


@dataclass(frozen=True)
class Weights:
    """Expected information of each answer: about η (n,), η with thresholds (n, t); summed about thresholds (t, t)."""

    eta: FloatArray
    mixed: FloatArray
    thresholds: FloatArray


@dataclass(frozen=True)
class Precision:
    """Standard errors (c,), degrees of freedom (c,), correlation (c, c) of the contrasts; covariance (p, p) of all."""

    se: FloatArray
    df: FloatArray
    correlation: FloatArray
    covariance: FloatArray


class PlannedModel:
    """The final model of one question on one plan, before any answer is given."""

    def __init__(self, trials: PlannedTrials, question: Question, contrasts: tuple[tuple[str, str], ...]) -> None:
        """Lay out design, fixed effects and contrasts (c, p); raises PowerError if they do not fit one another."""
        check_design(trials, question)
        self.trials = trials
        self.question = question
        self.pairs = contrasts
        self.fixed = trials.fixed(question.measure)
        self.contrasts = np.array([trials.contrast(question.measure, pair) for pair in contrasts])

    @cached_property
    def layout(self) -> Layout:
        """Return where each entry of Z'WZ goes."""
        return build_layout(self.trials.structure)

    def linear_predictor(self, assumptions: Assumptions) -> FloatArray:
        """Return the fixed part of η, shape (n,). With one effect for each contrast, every comparison shows it."""
        trials, effect = self.trials, assumptions.effect
        side = assumptions.side if trials.pairs else 0.0
        if not isinstance(effect, float | int):
            strength = np.array([effect.get(name, 0.0) for name in trials.systems])
            eta = strength[trials.system[0]]
            return side + (eta - strength[trials.system[1]] if trials.pairs else eta)
        sign = np.zeros((len(trials.systems),) * 2)
        for first, second in self.pairs:
            one, two = trials.systems.index(first), trials.systems.index(second)
            sign[one, two], sign[two, one] = 1.0, -1.0
        other = trials.system[1] if trials.pairs else trials.system[0]
        return side + float(effect) * sign[trials.system[0], other]

    def weights(self, assumptions: Assumptions) -> Weights:
        """Return the expected information per answer, averaged over the random effects by Gauss–Hermite."""
        if self.question.measure == "interval":
            eta = np.full(len(self.trials), assumptions.spreads.residual**-2.0)
            return Weights(eta, np.zeros((eta.size, 0)), np.zeros((0, 0)))
        spread = spread_of(self.trials, assumptions.spreads)
        tau = assumptions.thresholds(self.question, spread=spread)
        basis = threshold_basis(self.question)
        values, where = np.unique(self.linear_predictor(assumptions), return_inverse=True)
        each = np.array([_expected_information(value, spread, tau=tau, basis=basis) for value in values])
        count = np.bincount(where, minlength=values.size)
        return Weights(each[where, 0, 0], each[where, 0, 1:], np.einsum("v,vij->ij", count, each[:, 1:, 1:]))

    def solve(self, assumptions: Assumptions, scale: Scale = ONE) -> Precision:
        """Return the precision of every contrast on the plan, or on so many times its raters and prompts.

        Degrees of freedom are those of the report: Satterthwaite's in the linear model, else min(raters, prompts)
        − 1.
        """
        solved = _Solved(self, self.weights(assumptions), assumptions, scale)
        joint = self.contrasts @ solved.covariance @ self.contrasts.T
        se = np.sqrt(np.diag(joint))
        df = solved.satterthwaite() if self.question.measure == "interval" else self.rule_of_df(scale)
        return Precision(se, df, joint / np.outer(se, se), solved.covariance)

    def rule_of_df(self, scale: Scale = ONE) -> FloatArray:
        """Return min(raters, prompts) − 1 over those that vary, for each contrast."""
        trials = self.trials
        counts = [n * f for n, f in ((trials.raters, scale.raters), (trials.prompts, scale.prompts)) if n > 1]
        return np.full(len(self.pairs), max(round(min(counts)) - 1.0, 1.0))


def check_design(trials: PlannedTrials, question: Question) -> None:
    """Raise PowerError when the question cannot be asked of this plan."""
    if (question.measure in PAIRWISE) != trials.pairs:
        shown = "pairs of texts" if trials.pairs else "one text at a time"
        raise PowerError(f"dimension {question.dimension!r} is {question.measure}, but the plan shows {shown}")
    if trials.raters < 2 and trials.prompts < 2:  # noqa: PLR2004
        raise PowerError("one rater and one prompt have no power over others: plan at least two of either")


def threshold_basis(question: Question) -> FloatArray:
    """Return what is estimated about the thresholds, (levels − 1, t): mirrored ones for pairs, each one for ordinal."""
    if question.measure == "interval":
        return np.zeros((0, 0))
    return (flexible if question.measure == "ordinal" else symmetric)(question.levels).basis


def _expected_information(eta: float, spread: float, *, tau: FloatArray, basis: FloatArray) -> FloatArray:
    """Return an answer's Fisher information (1 + t, 1 + t) about η and free thresholds, averaged over N(η, spread²)."""
    points = tau - (eta + spread * NODES)[:, None]
    edge = np.zeros((NODES.size, 1))
    cumulative = np.hstack([edge, expit(points), edge + 1.0])
    density = np.hstack([edge, expit(points) * expit(-points), edge])
    probability = np.diff(cumulative)
    slope = np.zeros((NODES.size, probability.shape[1], 1 + basis.shape[1]))
    slope[:, :, 0] = -np.diff(density)
    slope[:, :-1, 1:] = density[:, 1:-1, None] * basis
    slope[:, 1:, 1:] -= density[:, 1:-1, None] * basis
    scaled = slope * (WEIGHTS / WEIGHTS.sum())[:, None, None] / np.maximum(probability, 1e-300)[:, :, None]
    return np.asarray(np.einsum("kji,kjl->il", scaled, slope))


class _Solved:
    """One factorisation of I + ΛZ'WZΛ with everything that is read off it."""

    def __init__(self, model: PlannedModel, weights: Weights, assumptions: Assumptions, scale: Scale) -> None:
        self.model, self.structure = model, model.trials.structure
        names = [factor.name for factor in self.structure.factors]
        self.rater_side = np.array([name in RATER_SIDE for name in names])
        times = np.where(self.rater_side, scale.raters, scale.prompts)
        sd = spreads_of(model.trials, assumptions.spreads)
        self.times, self.scale = times, scale
        self.theta = (np.array([sd[name] for name in names]) / np.sqrt(times))[self.structure.factor_of]
        self.weight = weights.eta * scale.raters
        self.residual = assumptions.spreads.residual
        self._factor = self._factorise()
        mixed = np.column_stack([weights.eta[:, None] * model.fixed, weights.mixed]) * scale.raters
        projected = self.theta[:, None] * np.asarray(self.structure.z_transposed @ mixed)
        cross = model.fixed.T @ mixed[:, model.fixed.shape[1] :]
        curvature = np.block(
            [[model.fixed.T @ mixed[:, : model.fixed.shape[1]], cross], [cross.T, weights.thresholds * scale.raters]]
        )
        self.solved = self._factor.solve(projected)
        p = model.fixed.shape[1]
        self.covariance = _inverse(curvature - projected.T @ self.solved)[:p, :p]

    def _factorise(self) -> Factorised:
        structure = self.structure
        values = (structure.products @ self.weight) * self.theta[structure.row] * self.theta[structure.column]
        values[structure.row == structure.column] += 1.0
        return Factorised(self.model.layout, values)

    def _v_inverse(self, right: FloatArray) -> FloatArray:
        """Return V⁻¹ times columns (n, k)."""
        weighted = self.weight[:, None] * right
        inner = self._factor.solve(self.theta[:, None] * np.asarray(self.structure.z_transposed @ weighted))
        back = np.asarray(self.structure.z @ (self.theta[:, None] * inner))
        return np.asarray(weighted - self.weight[:, None] * back)

    def _p(self, right: FloatArray, solved_fixed: FloatArray) -> FloatArray:
        """Return P = V⁻¹ − V⁻¹X(X'V⁻¹X)⁻¹X'V⁻¹ times columns (n, k)."""
        return self._v_inverse(right) - solved_fixed @ (self.covariance @ (solved_fixed.T @ right))

    def satterthwaite(self) -> FloatArray:
        """Return Satterthwaite's degrees of freedom 2 v²/(g'Ag) of each contrast (linear model, REML).

        A is twice the inverse of the matrix of tr(P V_i P V_j); g = ∂v/∂φ by Fai & Cornelius (1996). Effects
        without spread are at the boundary and are left out.
        """
        fixed = self.model.fixed
        solved = self._v_inverse(fixed)
        active = [k for k in range(len(self.times)) if self.theta[self.structure.factor_of == k].any()]
        information = self._reml_information(active, solved)
        weights = self.model.contrasts @ self.covariance
        columns = np.asarray(self.structure.z_transposed @ (solved @ weights.T))
        gradient = [np.sum(columns[self.structure.factor_of == k] ** 2, axis=0) / self.times[k] for k in active]
        gradient.append(np.sum((solved @ weights.T) ** 2, axis=0) / self.scale.raters)
        g = np.array(gradient)
        variance = np.einsum("ci,ci->c", weights, self.model.contrasts)
        spread = np.einsum("kc,kl,lc->c", g, 2.0 * _inverse(information), g)
        return np.asarray(np.maximum(2.0 * variance**2 / spread, 1.0))

    def _reml_information(self, active: list[int], solved: FloatArray) -> FloatArray:
        """Return tr(P V_i P V_j) over the active factors and the residual; those of the residual follow from P V P = P.

        On a scaled plan each trace is that of all replicates together.
        """
        structure, residual = self.structure, self.residual**2
        k = len(active)
        cross, single = np.zeros((k, k)), np.zeros(k)
        for j, factor in enumerate(active):
            here = np.flatnonzero(structure.factor_of == factor)
            probe = _probes(structure.size, here)
            image = np.asarray(structure.z_transposed @ self._p(np.asarray(structure.z @ probe), solved))
            average = 1.0 if here.size <= EXACT_UP_TO else 1.0 / probe.shape[1]
            single[j] = average * np.sum(probe * image)
            for i, other in enumerate(active):
                cross[i, j] = average * np.sum(image[structure.factor_of == other] ** 2)
        side = self.rater_side[active]
        apart = np.where(side[:, None] == side, self.times[active], self.scale.raters * self.scale.prompts)
        cross = (cross + cross.T) / 2.0 / apart
        gamma = np.array([self.theta[structure.factor_of == factor][0] ** 2 for factor in active]) * self.times[active]
        rows = self.model.fixed.shape[0] * self.scale.raters - self.model.fixed.shape[1]
        edge = (single - cross @ gamma) / residual
        corner = ((rows - single @ gamma) / residual - edge @ gamma) / residual
        return np.block([[cross, edge[:, None]], [edge, np.array([[corner]])]])


def _probes(size: int, here: IntArray) -> FloatArray:
    """Return unit columns of the levels ``here``, or Rademacher probes on them when they are many."""
    if here.size <= EXACT_UP_TO:
        columns = np.zeros((size, here.size))
        columns[here, np.arange(here.size)] = 1.0
        return columns
    columns = np.zeros((size, PROBES))
    columns[here] = np.random.default_rng(0).choice([-1.0, 1.0], (here.size, PROBES))
    return columns


def _inverse(matrix: FloatArray) -> FloatArray:
    values, vectors = np.linalg.eigh((matrix + matrix.T) / 2.0)
    if values[0] <= 1e-10 * values[-1]:
        raise PowerError("no chain of comparisons in the plan connects all systems: compare them with a common one")
    return np.asarray((vectors / values) @ vectors.T)
