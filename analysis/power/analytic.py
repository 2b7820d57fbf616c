"""The analytic answer: power of each dimension and contrast, detectable effects, curves over raters and prompts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from scipy import linalg
from scipy.special import expit

from analysis.numerics.structure import FloatArray
from analysis.power.assumptions import SOURCE_EFFECT, Assumptions, spread_of, spreads_of
from analysis.power.information import NODES, ONE, WEIGHTS, PlannedModel, Precision, Scale
from analysis.power.records import Axis, CurvePoint, PowerAnalysis, PowerCurve, PowerRow, Price
from analysis.power.testing import DRAWS, power_of_holm, power_of_test, required_noncentrality
from analysis.power.trials import PlannedTrials, PowerError, Question

Pairs = tuple[tuple[str, str], ...]
TARGETS: Final = (0.8, 0.9)
RATER_TIMES: Final = (0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0)
PROMPT_TIMES: Final = (0.5, 1.0, 1.5, 2.0, 3.0)
LEAST_LEVELS: Final = 4
LEAST_DRAWS: Final = 2_000


def analyse_power(
    trials: PlannedTrials,
    questions: Sequence[Question],
    contrasts: Pairs,
    *,
    assumptions: Mapping[str, Assumptions] | None = None,
    price: Price | None = None,
    curves: bool = True,
) -> PowerAnalysis:
    """Return power and detectable effects of every dimension and contrast on a plan.

    Parameters
    ----------
    questions
        One per dimension; together with the contrasts they are the family of tests that is corrected.
    contrasts
        (first, second) pairs of systems.
    assumptions
        By dimension; a dimension not named takes ``Assumptions.default`` of its measure. All must have one alpha.
    curves
        Whether to compute the curves over raters and prompts too (some 0.05 s per point at 720 × 20).
    """
    if not questions or not contrasts:
        raise PowerError("power needs at least one dimension and one contrast")
    given = assumptions or {}
    scenarios = {q.dimension: given.get(q.dimension) or Assumptions.default(q.measure) for q in questions}
    if len({one.alpha for one in scenarios.values()}) > 1:
        raise PowerError("all dimensions must share one alpha: it is the level of the whole family")
    price = price or Price()
    family = len(questions) * len(contrasts)
    groups = _groups(questions, scenarios)
    solved = [
        _Answer(
            PlannedModel(trials, group[0], contrasts),
            group,
            assumptions=scenarios[group[0].dimension],
            family=family,
        )
        for group in groups
    ]
    rows = _with_holm(solved, questions)
    found = tuple(curve for answer in solved for curve in answer.curves(price)) if curves else ()
    alpha = next(iter(scenarios.values())).alpha
    assumed = tuple(dict.fromkeys(text for answer in solved for text in answer.words()))
    return PowerAnalysis(trials.raters, trials.prompts, len(trials), alpha, rows, found, price, assumed)


def _groups(questions: Sequence[Question], scenarios: Mapping[str, Assumptions]) -> list[list[Question]]:
    """Put dimensions with the same model and scenario together."""
    groups: list[list[Question]] = []
    for question in questions:
        scenario = scenarios[question.dimension]
        for group in groups:
            if group[0].model == question.model and scenarios[group[0].dimension] == scenario:
                group.append(question)
                break
        else:
            groups.append([question])
    return groups


class _Answer:
    """Everything about dimensions that share model and scenario."""

    def __init__(
        self, model: PlannedModel, questions: list[Question], *, assumptions: Assumptions, family: int
    ) -> None:
        self.model = model
        self.questions, self.assumptions, self.family = questions, assumptions, family
        self.effects = assumptions.effects(model.pairs)
        self.found = self.model.solve(assumptions)
        self.shift = self._shift_at_detectable()

    def planted_effects(self) -> FloatArray:
        """Return the effects of all contrasts under each truth that a simulation plants, (truths, contrasts)."""
        return np.array(
            [
                self.assumptions.with_effect(truth).effects(self.model.pairs)
                for truth in self.assumptions.planted(self.model.pairs)
            ]
        )

    def power(self, found: Precision, *, tests: int) -> FloatArray:
        """Return the power of each contrast at level α / tests."""
        alpha = self.assumptions.alpha / tests
        return power_of_test(self.effects / found.se, found.df, alpha=alpha)

    def detectable(self, found: Precision, target: float, *, tests: int = 1) -> FloatArray:
        """Return the smallest effect of each contrast that is found with ``target`` power at level α / tests."""
        alpha = self.assumptions.alpha / tests
        needed = [required_noncentrality(target, float(df), alpha=alpha) for df in found.df]
        return np.asarray(np.array(needed) * found.se * self.shift)

    def _shift_at_detectable(self) -> float:
        """Return by how much the standard error at the detectable effect differs from that at the assumed one.

        The weights of a logit fall slowly with the effect, so that one correction is enough (within 1%).
        """
        if self.model.question.measure == "interval":
            return 1.0
        self.shift = 1.0
        effect = float(np.mean(self.detectable(self.found, TARGETS[0])))
        there = self.model.solve(self.assumptions.with_effect(effect))
        return float(np.mean(there.se / self.found.se))

    def rows(self) -> list[PowerRow]:
        alone, bound = self.power(self.found, tests=1), self.power(self.found, tests=self.family)
        at_80, at_90 = (self.detectable(self.found, target) for target in TARGETS)
        corrected_80, corrected_90 = (self.detectable(self.found, target, tests=self.family) for target in TARGETS)
        return [
            PowerRow(
                dimension=question.dimension,
                measure=question.measure,
                first=first,
                second=second,
                effect=float(self.effects[at]),
                se=float(self.found.se[at]),
                df=float(self.found.df[at]),
                power=float(alone[at]),
                power_bonferroni=float(bound[at]),
                power_holm=float("nan"),
                detectable_80=float(at_80[at]),
                detectable_90=float(at_90[at]),
                detectable_80_corrected=float(corrected_80[at]),
                detectable_90_corrected=float(corrected_90[at]),
                win_rate=self.win_rate(float(self.effects[at])),
                win_rate_80=self.win_rate(float(at_80[at])),
                family=self.family,
            )
            for question in self.questions
            for at, (first, second) in enumerate(self.model.pairs)
        ]

    def win_rate(self, effect: float) -> float:
        """Return the share of wins (ties half) that an effect means, averaged over random effects and both sides."""
        trials, question = self.model.trials, self.model.question
        if not trials.pairs:
            return float("nan")
        spread = spread_of(trials, self.assumptions.spreads)
        tau = self.assumptions.thresholds(question, spread=spread)
        middle = [tau[(tau.size - 1) // 2], tau[tau.size // 2]]
        shown = [self.assumptions.side + effect + spread * NODES, self.assumptions.side - effect + spread * NODES]
        left, right = (np.mean([expit(eta - cut) for cut in middle], axis=0) @ WEIGHTS / WEIGHTS.sum() for eta in shown)
        return float((left + 1.0 - right) / 2.0)

    def curves(self, price: Price) -> list[PowerCurve]:
        trials = self.model.trials
        rater_scales = [Scale(raters=f) for f in RATER_TIMES if f * trials.raters >= LEAST_LEVELS or f == 1.0]
        prompt_scales = [Scale(prompts=f) for f in PROMPT_TIMES if f * trials.prompts >= LEAST_LEVELS or f == 1.0]
        raters = [self._points(scale, scale.raters, price) for scale in rater_scales]
        prompts = [self._points(scale, scale.prompts, price) for scale in prompt_scales]
        names = tuple(question.dimension for question in self.questions)
        along_axes: tuple[tuple[Axis, list[list[CurvePoint]]], ...] = (("raters", raters), ("prompts", prompts))
        return [
            PowerCurve(axis, names, self.model.question.measure, *pair, tuple(points[at] for points in along))
            for at, pair in enumerate(self.model.pairs)
            for axis, along in along_axes
        ]

    def _points(self, scale: Scale, times: float, price: Price) -> list[CurvePoint]:
        """Return the point of every contrast at one size of the study."""
        trials = self.model.trials
        found = self.found if scale == ONE else self.model.solve(self.assumptions, scale)
        alone, bound = self.power(found, tests=1), self.power(found, tests=self.family)
        at_80, at_90 = (self.detectable(found, target) for target in TARGETS)
        raters, prompts = round(trials.raters * scale.raters), round(trials.prompts * scale.prompts)
        return [
            CurvePoint(
                times=times,
                raters=raters,
                prompts=prompts,
                cost=price.cost(raters),
                power=float(alone[at]),
                power_bonferroni=float(bound[at]),
                detectable_80=float(at_80[at]),
                detectable_90=float(at_90[at]),
            )
            for at in range(len(self.model.pairs))
        ]

    def words(self) -> list[str]:
        """Say what was assumed, one sentence for each thing."""
        measure, effect = self.model.question.measure, self.assumptions.effect
        names = ", ".join(question.dimension for question in self.questions)
        unit = "units of the scale" if measure == "interval" else "log-odds"
        spreads = spreads_of(self.model.trials, self.assumptions.spreads)
        if measure == "interval":
            spreads["residual"] = self.assumptions.spreads.residual
        if isinstance(effect, Mapping):
            planted = "strengths " + ", ".join(f"{name} {value:g}" for name, value in effect.items())
        else:
            planted = f"each contrast {effect:g}"
        listed = ", ".join(f"{name} {sd:.2f}" for name, sd in spreads.items())
        found = [f"{names}: {planted} {unit}; SDs {listed}.", f"Spreads: {self.assumptions.spreads.source}."]
        return found if measure == "interval" else [*found, f"Effects: {SOURCE_EFFECT}."]


def _with_holm(solved: Sequence[_Answer], questions: Sequence[Question]) -> tuple[PowerRow, ...]:
    """Return all rows in the order of the dimensions, with the power after Holm's correction of the whole family."""
    rows = [row for answer in solved for row in answer.rows()]
    contrasts = len(solved[0].model.pairs)
    dimension = np.repeat(np.arange(len(rows) // contrasts), contrasts)
    blocks = [answer.found.correlation for answer in solved for _ in answer.questions]
    planted = [answer.planted_effects() for answer in solved for _ in answer.questions]
    count = max(effects.shape[0] for effects in planted)
    powers = np.array(
        [
            power_of_holm(
                np.concatenate([effects[at % effects.shape[0]] for effects in planted]) / [row.se for row in rows],
                np.array([row.df for row in rows]),
                correlation=linalg.block_diag(*blocks),
                dimension=dimension,
                alpha=solved[0].assumptions.alpha,
                draws=max(LEAST_DRAWS, DRAWS // count),
            )
            for at in range(count)
        ]
    )
    # each contrast is asked for where it is planted itself
    asked = np.concatenate([np.arange(contrasts) % effects.shape[0] for effects in planted])
    power = powers[asked, np.arange(len(rows))]
    found = [replace(row, power_holm=float(value)) for row, value in zip(rows, power, strict=True)]
    order = [question.dimension for question in questions]
    return tuple(sorted(found, key=lambda row: order.index(row.dimension)))
