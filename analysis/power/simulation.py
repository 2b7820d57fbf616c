"""Power by simulation: raters with a planted truth answer the plan's trials, and the report's model is fitted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any, Final

import numpy as np
from scipy import stats

from analysis.numerics.structure import FloatArray
from analysis.power.assumptions import Assumptions, spread_of, spreads_of
from analysis.power.information import PlannedModel
from analysis.power.records import plain
from analysis.power.testing import BoolArray, holm_rejections
from analysis.power.trials import PlannedTrials, PowerError, Question
from analysis.results import Fit

Pairs = tuple[tuple[str, str], ...]
PILOT: Final = 2**31 - 1
"""The number of the study whose fit warms up all others; it is not counted."""


@dataclass(frozen=True, slots=True)
class SimulatedContrast:
    """One contrast over all simulated studies that plant it; intervals are Wilson's 95%.

    ``mean_estimate`` and ``mean_se`` are of fits that converged; a fit that did not is no rejection, and is
    counted in ``failed``.
    """

    first: str
    second: str
    effect: float
    studies: int
    failed: int
    power: float
    low: float
    high: float
    power_holm: float
    low_holm: float
    high_holm: float
    mean_estimate: float
    sd_estimate: float
    mean_se: float


@dataclass(frozen=True, slots=True)
class SimulatedPower:
    """All contrasts of one question; ``family`` is the number of tests that Holm corrects for."""

    measure: str
    levels: int
    family: int
    seed: int
    contrasts: tuple[SimulatedContrast, ...]

    def to_json(self) -> dict[str, Any]:
        """Return plain values for ``json.dumps``; numbers that do not exist are None."""
        return dict(plain(asdict(self)))


class Simulator:
    """Draws studies and fits them; one per process, so that the design is analysed once."""

    def __init__(self, model: PlannedModel, assumptions: Assumptions) -> None:
        """Keep design and scenario; ``start`` is the fit of one more study, the same in every process."""
        self.model = model
        self.assumptions = assumptions
        self.trials = model.trials
        self.question = model.question
        self.scenarios = assumptions.planted(model.pairs)
        self.spreads = spreads_of(self.trials, assumptions.spreads)
        self.tau = assumptions.thresholds(self.question, spread=spread_of(self.trials, assumptions.spreads))
        self._start: Fit | None = None

    def study(self, seed: int, number: int) -> dict[str, Any]:
        """Simulate and fit one study; the same seed and number give the same study in any process."""
        if self._start is None:
            self._start = self.fit(self.answers(seed, PILOT), None)
        fit = self.fit(self.answers(seed, number), self._start if self._start.convergence.converged else None)
        estimate, se, p = self._tests(fit)
        return {"number": number, "estimate": estimate.tolist(), "se": se.tolist(), "p": p.tolist()}

    def answers(self, seed: int, number: int) -> FloatArray:
        """Return the answers of study ``number``: numbers on an interval scale, else levels from 0."""
        rng = np.random.default_rng([seed, number])
        scenario = self.assumptions.with_effect(self.scenarios[number % len(self.scenarios)])
        structure = self.trials.structure
        sd = np.array([self.spreads[factor.name] for factor in structure.factors])[structure.factor_of]
        eta = self.model.linear_predictor(scenario) + structure.z @ (sd * rng.standard_normal(structure.size))
        if self.question.measure == "interval":
            return np.asarray(eta + self.assumptions.spreads.residual * rng.standard_normal(eta.size))
        return np.asarray(np.searchsorted(self.tau, eta + rng.logistic(size=eta.size)), dtype=float)

    def fit(self, answers: FloatArray, start: Fit | None) -> Fit:
        """Fit the report's model of the question."""
        from analysis.models.glmm import fit_logistic
        from analysis.models.ordinal import fit_cumulative

        trials, measure = self.trials, self.question.measure
        common: dict[str, Any] = {"names": trials.names(measure), "structure": trials.structure, "start": start}
        factors = trials.structure.factors
        if measure == "interval":
            from analysis.models.lmm import fit_linear

            return fit_linear(answers, self.model.fixed, factors, **common)
        if self.question.levels == 2:  # noqa: PLR2004
            return fit_logistic(answers.astype(np.int64), self.model.fixed, factors, **common)
        return fit_cumulative(
            answers.astype(np.int64),
            self.model.fixed,
            factors,
            levels=self.question.levels,
            thresholds="flexible" if measure == "ordinal" else "symmetric",
            labels=tuple(map(str, range(self.question.levels))),
            **common,
        )

    def _tests(self, fit: Fit) -> tuple[FloatArray, FloatArray, FloatArray]:
        contrasts = self.model.contrasts
        if not fit.convergence.converged or fit.infinite.size:
            missing = np.full(len(contrasts), np.nan)
            return missing, missing, missing
        estimate = contrasts @ fit.estimate
        se = np.sqrt(np.einsum("ci,ij,cj->c", contrasts, fit.covariance_for_tests, contrasts))
        return estimate, np.asarray(se), np.asarray(2.0 * stats.t.sf(np.abs(estimate / se), self._degrees(fit)))

    def _degrees(self, fit: Fit) -> FloatArray:
        if self.question.measure != "interval":
            return self.model.rule_of_df()
        from analysis.inference.degrees import satterthwaite

        return np.array([satterthwaite(fit, row) for row in self.model.contrasts], dtype=float)


def simulate_power(
    trials: PlannedTrials,
    question: Question,
    contrasts: Pairs,
    *,
    assumptions: Assumptions | None = None,
    simulations: int = 500,
    dimensions: int = 1,
    seed: int = 1,
    processes: int = 2,
    progress: Callable[[int, int], None] | None = None,
) -> SimulatedPower:
    """Simulate ``simulations`` studies on a plan, fit the final model to each, and count the rejections.

    Parameters
    ----------
    contrasts
        (first, second) pairs of systems. With one effect for each contrast the studies plant them in turn, and
        only the planted one is counted.
    dimensions
        So many dimensions with this question belong to the family; Holm corrects contrasts × dimensions tests,
        where the other dimensions of a study are other simulated studies.
    processes
        0 or 1 works in this process; more start ``python -m analysis.power.worker``.
    progress
        Called with (done, all) after each study.

    Returns
    -------
    The same for the same seed, whatever the number of processes.
    """
    if simulations < len(contrasts) or dimensions < 1:
        raise PowerError(
            f"simulate at least {len(contrasts)} studies (one for each contrast) of at least one dimension"
        )
    assumptions = assumptions or Assumptions.default(question.measure)
    model = PlannedModel(trials, question, contrasts)
    if processes > 1:
        from analysis.power.worker import run_elsewhere

        found = run_elsewhere(model, assumptions, seed=seed, simulations=simulations, processes=processes)
    else:
        found = _run_here(model, assumptions, seed=seed, simulations=simulations)
    studies = []
    for study in islice(found, simulations):
        studies.append(study)
        if progress:
            progress(len(studies), simulations)
    return summarise(
        model, assumptions, sorted(studies, key=lambda one: one["number"]), dimensions=dimensions, seed=seed
    )


def _run_here(
    model: PlannedModel, assumptions: Assumptions, *, seed: int, simulations: int
) -> Iterator[dict[str, Any]]:
    simulator = Simulator(model, assumptions)
    for number in range(simulations):
        yield simulator.study(seed, number)


def summarise(
    model: PlannedModel, assumptions: Assumptions, studies: list[dict[str, Any]], *, dimensions: int, seed: int
) -> SimulatedPower:
    """Count rejections, alone and by Holm over contrasts × dimensions."""
    names = ("estimate", "se", "p")
    estimate, se, p = (np.array([study[name] for study in studies], dtype=float) for name in names)
    planted = len(assumptions.planted(model.pairs))
    rows = []
    for at, (pair, effect) in enumerate(zip(model.pairs, assumptions.effects(model.pairs), strict=True)):
        used = slice(at if planted > 1 else 0, None, planted)
        own = p[used]
        family = np.hstack([np.roll(own, shift, axis=0) for shift in range(dimensions)])
        alone = own[:, at] <= assumptions.alpha
        holm = holm_rejections(family, alpha=assumptions.alpha)[:, at]
        power, power_holm = _share(alone), _share(holm)
        good = np.isfinite(own[:, at])
        kept = estimate[used, at][good]
        rows.append(
            SimulatedContrast(
                first=pair[0],
                second=pair[1],
                effect=float(effect),
                studies=own.shape[0],
                failed=int((~good).sum()),
                power=power[0],
                low=power[1],
                high=power[2],
                power_holm=power_holm[0],
                low_holm=power_holm[1],
                high_holm=power_holm[2],
                mean_estimate=float(kept.mean()) if kept.size else float("nan"),
                sd_estimate=float(kept.std(ddof=1)) if kept.size > 1 else float("nan"),
                mean_se=float(se[used, at][good].mean()) if kept.size else float("nan"),
            )
        )
    question = model.question
    return SimulatedPower(question.measure, question.levels, len(model.pairs) * dimensions, seed, tuple(rows))


def _share(rejected: BoolArray) -> tuple[float, float, float]:
    """Return the share with Wilson's 95% interval (Wilson 1927)."""
    found = stats.binomtest(int(rejected.sum()), rejected.size).proportion_ci(method="wilson")
    return float(rejected.mean()), float(found.low), float(found.high)
