"""Whether the analytic power is that of simulated studies, and whether early looks keep their level.

``python -m tests.benchmarks.foresight power --studies 400``, and ``looks`` for the other; tables: ``foresight.md``.
"""

from __future__ import annotations

import argparse
import sys
import time
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

from analysis.models.glmm import fit_logistic
from analysis.power import Assumptions, Question, analyse_power, simulate_power
from analysis.power.information import PlannedModel, Scale
from analysis.power.simulation import Simulator
from analysis.sequential import METHODS, Looks, describe
from tests.analysis.power import plans

if TYPE_CHECKING:
    from analysis.power import PlannedTrials

PAIR = (("s1", "s0"),)
MEASURE = "pairwise_choice"
SHARES = (0.2, 0.4, 0.6, 0.8, 1.0)


def designs() -> list[tuple[PlannedTrials, Question, float]]:
    """Return plans, questions and effects that are found about four times in five."""
    small = plans.pairs(samples=2)
    middle = plans.pairs(raters=60, prompts=30, samples=2)
    large = plans.pairs(raters=720, prompts=20, samples=4)
    single = plans.single(raters=40, prompts=20, per_rater=20)
    return [
        (small, Question("x"), 0.6),
        (small, Question("x", "pairwise_graded", 5), 0.55),
        (middle, Question("x"), 0.42),
        (middle, Question("x", "pairwise_choice", 3), 0.42),
        (single, Question("x", "interval"), 0.5),
        (single, Question("x", "ordinal", 5), 1.2),
        (large, Question("x"), 0.3),
    ]


def compare_power(studies: int, seed: int) -> None:
    """Print one line per design."""
    names = ("raters", "prompts", "question", "effect", "analytic", "simulated", "SE", "mean SE", "no fit", "CPU")
    print(f"| {' | '.join(names)} |\n|{'---|' * len(names)}")
    for trials, question, effect in designs():
        scenario = Assumptions.default(question.measure, effect=effect)
        begin = time.process_time()
        row = analyse_power(trials, [question], PAIR, assumptions={"x": scenario}).rows[0]
        spent = time.process_time() - begin
        found = simulate_power(trials, question, PAIR, assumptions=scenario, simulations=studies, seed=seed)
        one = found.contrasts[0]
        print(
            f"| {trials.raters} | {trials.prompts} | {question.measure}, {question.levels} | {effect} "
            f"| {row.power:.3f} | {one.power:.3f} [{one.low:.3f}, {one.high:.3f}] | {row.se:.3f} | {one.mean_se:.3f} "
            f"| {one.failed} | {spent:.2f} s |",
            flush=True,
        )


def count_crossings(studies: int, seed: int) -> None:
    """Print how often nothing planted is found by five looks at 8 to 40 raters on 20 prompts."""
    trials, scenario = plans.pairs(raters=40, samples=2), Assumptions(effect=0.0)
    model = PlannedModel(trials, Question("x"), PAIR)
    errors = [float(model.solve(scenario, Scale(raters=share)).se[0]) for share in SHARES]
    kinds = [Looks(method, SHARES).planned(errors) for method in METHODS[1:]]
    simulator = Simulator(model, scenario)
    parts = [trials.take(trials.rater < 8 * (at + 1)) for at in range(len(SHARES))]
    crossed = dict.fromkeys([*(looks.method for looks in kinds), "ordinary p at each look", "the last look alone"], 0)
    for number in range(studies):
        answers, stopped, p = simulator.answers(seed, number), set(), 1.0
        for share, part in zip(SHARES, parts, strict=True):
            fit = fit_logistic(
                answers[: len(part)].astype(np.int64),
                part.fixed(MEASURE),
                part.structure.factors,
                names=part.names(MEASURE),
                structure=part.structure,
            )
            estimate, se = float(fit.estimate[1]), float(fit.covariance_for_tests[1, 1] ** 0.5)
            df = min(part.raters, part.prompts) - 1.0
            for looks in kinds:
                if describe(estimate, se, df, looks=looks, time=share).decided:
                    stopped.add(looks.method)
            p = float(2.0 * stats.t.sf(abs(estimate / se), df))
            if p < scenario.alpha:
                stopped.add("ordinary p at each look")
        if p < scenario.alpha:
            stopped.add("the last look alone")
        for name in stopped:
            crossed[name] += 1
    print(f"| five looks, {studies} studies with nothing planted | crossed |\n|---|---|")
    for name, count in crossed.items():
        print(f"| {name} | {count / studies:.1%} |")


def main() -> int:
    """Measure what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("power", "looks"))
    parser.add_argument("--studies", type=int, default=400)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    (compare_power if given.what == "power" else count_crossings)(given.studies, given.seed)
    return 0


if __name__ == "__main__":
    sys.exit(main())
