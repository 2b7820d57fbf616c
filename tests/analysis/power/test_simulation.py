"""Simulated studies: reproducible, the same in any number of processes, and in agreement with the analytic answer."""

import numpy as np
import pytest

from analysis.power import Assumptions, PowerError, Question, analyse_power, simulate_power
from analysis.power.information import PlannedModel
from analysis.power.simulation import Simulator, summarise
from tests.analysis.power import plans

PAIR = (("s1", "s0"),)


@pytest.mark.parametrize(
    ("question", "effect"),
    [(Question("x"), 0.6), (Question("x", "pairwise_graded", 5), 0.5)],
)
def test_simulated_power_agrees_with_the_analytic_one(question, effect):
    trials, scenario = plans.pairs(samples=2), Assumptions(effect=effect)

    simulated = simulate_power(trials, question, PAIR, assumptions=scenario, simulations=150, processes=1).contrasts[0]

    row = analyse_power(trials, [question], PAIR, assumptions={"x": scenario}, curves=False).rows[0]
    error = np.sqrt(row.power * (1.0 - row.power) / 150)
    assert abs(simulated.power - row.power) < 0.02 + 2.5 * error  # the analytic answer may be 2 points off
    assert simulated.mean_estimate == pytest.approx(effect, abs=4.0 * row.se / np.sqrt(150))
    assert simulated.mean_se == pytest.approx(row.se, rel=0.06)
    assert simulated.failed == 0


@pytest.mark.parametrize(
    ("question", "effect", "studies"),
    [(Question("x", "interval"), 0.8, 60), (Question("x", "ordinal", 5), 2.2, 24)],
)
def test_single_stimuli_agree_too(question, effect, studies):
    trials = plans.single(raters=20, prompts=10, per_rater=10)
    scenario = Assumptions.default(question.measure, effect=effect)

    simulated = simulate_power(
        trials, question, PAIR, assumptions=scenario, simulations=studies, processes=1
    ).contrasts[0]

    row = analyse_power(trials, [question], PAIR, assumptions={"x": scenario}, curves=False).rows[0]
    error = np.sqrt(row.power * (1.0 - row.power) / studies)
    assert abs(simulated.power - row.power) < 0.02 + 3.0 * error
    assert simulated.mean_se == pytest.approx(row.se, rel=0.1)
    assert simulated.failed == 0


def test_process_that_cannot_work_is_said(monkeypatch):
    monkeypatch.setattr("analysis.power.worker.sys.executable", "/bin/false")

    with pytest.raises(PowerError, match="a simulating process ended with code 1"):
        simulate_power(plans.pairs(), Question("x"), PAIR, simulations=4, processes=2)


def test_processes_do_not_change_the_result():
    trials, question = plans.pairs(raters=12, systems=3), Question("x")
    contrasts = (("s1", "s0"), ("s2", "s0"), ("s2", "s1"))
    seen = []

    one, two = (
        simulate_power(
            trials,
            question,
            contrasts,
            assumptions=Assumptions(effect=1.2),
            simulations=9,
            dimensions=2,
            seed=5,
            processes=processes,
            progress=lambda done, total: seen.append((done, total)),
        )
        for processes in (1, 2)
    )

    assert one.contrasts[1].studies == 3
    assert one.family == 6
    for a, b in zip(one.contrasts, two.contrasts, strict=True):
        assert (a.power, a.power_holm, a.studies) == (b.power, b.power_holm, b.studies)
        assert a.mean_estimate == pytest.approx(b.mean_estimate, rel=1e-6)  # text keeps all digits; starts are the same
    assert seen == [(done, 9) for done in range(1, 10)] * 2


def test_answers_carry_the_planted_effect():
    trials = plans.pairs(raters=200)
    model = PlannedModel(trials, Question("x"), PAIR)
    answers = Simulator(model, Assumptions(effect=3.0)).answers(1, 0)

    won = np.where(trials.system[0] == 1, answers, 1 - answers)

    assert 0.85 < won.mean() < 0.98


def test_strengths_are_planted_all_at_once():
    trials = plans.pairs(raters=12, systems=3)
    contrasts = (("s1", "s0"), ("s2", "s0"))
    scenario = Assumptions(effect={"s1": 0.0, "s2": 3.0})

    found = simulate_power(trials, Question("x"), contrasts, assumptions=scenario, simulations=8, processes=1)

    assert [one.studies for one in found.contrasts] == [8, 8]
    assert found.contrasts[1].power == 1.0
    assert found.contrasts[0].power < 0.6


def test_studies_without_a_fit_are_counted_and_reject_nothing():
    model = PlannedModel(plans.pairs(raters=12), Question("x"), PAIR)
    studies = [
        {"number": 0, "estimate": [1.0], "se": [0.1], "p": [0.001]},
        {"number": 1, "estimate": [float("nan")], "se": [float("nan")], "p": [float("nan")]},
    ]

    found = summarise(model, Assumptions(), studies, dimensions=1, seed=1).contrasts[0]

    assert (found.studies, found.failed, found.power) == (2, 1, 0.5)
    assert found.low < 0.5 < found.high
    assert found.mean_estimate == 1.0


def test_holm_takes_other_studies_for_the_other_dimensions():
    model = PlannedModel(plans.pairs(raters=12), Question("x"), PAIR)
    studies = [{"number": at, "estimate": [1.0], "se": [1.0], "p": [p]} for at, p in enumerate((0.02, 0.04, 0.04))]

    found = summarise(model, Assumptions(), studies, dimensions=2, seed=1).contrasts[0]

    # families (.02, .04), (.04, .02), (.04, .04): both of the first two are rejected, none of the last
    assert (found.power, found.power_holm) == (1.0, pytest.approx(2 / 3))


def test_too_few_studies_are_refused():
    with pytest.raises(PowerError, match="at least 1 studies"):
        simulate_power(plans.pairs(), Question("x"), PAIR, simulations=0)
