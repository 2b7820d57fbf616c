"""The simulated population: same truth in any order, the planted numbers in the answers."""

import numpy as np
import pytest

from analysis.simulate import PlantedTruth, SimulatedPopulation, Trial, ranks_of, simulate_answers

TRIAL = Trial(prompt="p", output_a="p/A", system_a="A", output_b="p/B", system_b="B")
QUIET = {"output_sd": 0.0, "prompt_system_sd": 0.0, "rater_system_sd": 0.0, "side_bias": 0.0}


def swapped(trial):
    return Trial(trial.prompt, trial.output_b, trial.system_b, trial.output_a, trial.system_a)


def test_draws_depend_on_names_not_on_order():
    truth = PlantedTruth(effects={"d": {"A": 1.0}})
    one, two = SimulatedPopulation(truth, 7), SimulatedPopulation(truth, 7)
    names = [str(i) for i in range(20)]

    forward = [one.rater(name).answer("d", TRIAL, measure="pairwise_choice", levels=2) for name in names]
    backward = [two.rater(name).answer("d", TRIAL, measure="pairwise_choice", levels=2) for name in reversed(names)]

    assert forward == backward[::-1]


def test_another_seed_is_another_population():
    truth = PlantedTruth(effects={})

    draws = {SimulatedPopulation(truth, seed).draw("d", "output", "x") for seed in range(5)}

    assert len(draws) == 5


def test_draws_are_standard_normal_and_correlated_between_dimensions():
    population = SimulatedPopulation(PlantedTruth(effects={}, dimension_correlation=0.5), 1)

    pairs = np.array([[population.draw(d, "output", str(i)) for d in ("x", "y")] for i in range(20_000)])

    # four standard errors of a mean, a standard deviation and a correlation of 20,000 draws
    assert pairs.mean(axis=0) == pytest.approx([0.0, 0.0], abs=0.03)
    assert pairs.std(axis=0) == pytest.approx([1.0, 1.0], abs=0.02)
    assert np.corrcoef(pairs.T)[0, 1] == pytest.approx(0.5, abs=0.025)


def test_preference_swaps_with_the_sides_but_for_the_side_bias():
    population = SimulatedPopulation(PlantedTruth(effects={"d": {"A": 1.0}}, side_bias=0.3), 1)
    rater = population.rater("r")

    there, back = rater.preference("d", TRIAL), rater.preference("d", swapped(TRIAL))

    assert there + back == pytest.approx(0.6)


def test_share_of_wins_is_the_planted_logit():
    truth = PlantedTruth(effects={"d": {"A": 1.0}}, **QUIET)
    population = SimulatedPopulation(truth, 3)

    wins = [population.rater(str(i)).answer("d", TRIAL, measure="pairwise_choice", levels=2) for i in range(4000)]

    assert np.mean(wins) == pytest.approx(1 / (1 + np.exp(-1.0)), abs=0.03)


@pytest.mark.parametrize(
    ("measure", "levels", "scale"),
    [
        ("pairwise_choice", 2, {0.0, 1.0}),
        ("pairwise_choice", 3, {0.0, 0.5, 1.0}),
        ("pairwise_graded", 4, {-2.0, -1.0, 1.0, 2.0}),
        ("pairwise_graded", 5, {-2.0, -1.0, 0.0, 1.0, 2.0}),
        ("pairwise_graded", 7, {-3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0}),
        ("pairwise_graded", 9, set(map(float, range(-4, 5)))),
    ],
)
def test_answers_use_the_whole_scale_of_the_schema(measure, levels, scale):
    population = SimulatedPopulation(PlantedTruth(effects={}), 5)

    answers = {population.rater(str(i)).answer("d", TRIAL, measure=measure, levels=levels) for i in range(600)}

    assert answers == scale


def test_a_rater_who_always_lapses_does_not_see_the_texts():
    truth = PlantedTruth(effects={"d": {"A": 50.0}}, lapse_rate=1.0, **QUIET)
    population = SimulatedPopulation(truth, 2)

    wins = [population.rater(str(i)).answer("d", TRIAL, measure="pairwise_choice", levels=2) for i in range(2000)]

    assert np.mean(wins) == pytest.approx(0.5, abs=0.05)


def test_own_generator_makes_the_noise():
    rater = SimulatedPopulation(PlantedTruth(effects={}), 1).rater("r")

    def answers(seed):
        rng = np.random.default_rng(seed)
        return [rater.answer("d", TRIAL, measure="pairwise_choice", levels=2, rng=rng) for _ in range(30)]

    assert answers(1) == answers(1)
    assert answers(1) != answers(2)


def test_truth_survives_json_and_knows_its_contrasts():
    truth = PlantedTruth(effects={"d": {"A": 1.0, "B": 0.4}}, lapse_rate=0.02)

    assert PlantedTruth.from_json(truth.to_json()) == truth
    assert truth.contrast("d", "A", "B") == pytest.approx(0.6)
    assert truth.contrast("d", "A", "unnamed") == pytest.approx(1.0)
    assert truth.contrast("other", "A", "B") == 0.0


def test_simulated_plan_is_a_valid_table_and_equals_single_answers(make_plan):
    plan = make_plan(raters=4)
    truth = PlantedTruth(effects={"originality": {"steered": 1.0}})

    table = simulate_answers(plan, truth, seed=9)

    row = table[table["dimension"] == "originality"].iloc[5]
    trial = Trial(row.prompt, row.output_a, row.system_a, row.output_b, row.system_b)
    rater = SimulatedPopulation(truth, 9).rater(row.rater)
    assert len(table) == len(plan)
    assert row.answer == rater.answer("originality", trial, measure="pairwise_choice", levels=2)


ALONE = Trial(prompt="p", output_a="p/A", system_a="A")


def answers_alone(truth, measure, levels, count=3000):
    population = SimulatedPopulation(truth, 3)
    return np.array([population.rater(str(i)).answer("d", ALONE, measure=measure, levels=levels) for i in range(count)])


def test_slider_has_the_planted_mean_and_spread():
    truth = PlantedTruth(effects={"d": {"A": 1.0}}, **QUIET, rater_sd=0.6, prompt_sd=0.0)

    points = answers_alone(truth, "interval", 0)

    # four standard errors of a mean and a standard deviation of 3,000 answers of spread √(6² + 12²)
    assert points.mean() == pytest.approx(60.0, abs=1.0)
    assert points.std() == pytest.approx(np.hypot(6.0, 12.0), abs=0.7)


def test_slider_with_ends_stays_between_them_in_whole_points():
    truth = PlantedTruth(effects={"d": {"A": 5.0}}, **QUIET)

    points = answers_alone(truth, "interval", 101, count=300)

    assert points.max() == 100.0
    assert (points == points.round()).all()


def test_likert_uses_every_level_and_lapses_ignore_the_text():
    assert set(answers_alone(PlantedTruth(effects={}), "ordinal", 5, count=600)) == {1.0, 2.0, 3.0, 4.0, 5.0}

    lapsed = answers_alone(PlantedTruth(effects={"d": {"A": 50.0}}, lapse_rate=1.0), "ordinal", 5)

    assert lapsed.mean() == pytest.approx(3.0, abs=0.11)


def test_ranking_is_of_plackett_and_luce():
    truth = PlantedTruth(effects={"d": {"A": 1.0}}, **QUIET)
    plan = [
        {"judgement": f"j{i}", "rater": f"r{i}", "prompt": "p", "output_a": f"p/{s}", "system_a": s, "dimension": "d",
         "measure": "ranking", "levels": 3}
        for i in range(2000) for s in "ABC"
    ]  # fmt: skip

    table = simulate_answers(plan, truth, seed=2)

    assert {tuple(sorted(part)) for _, part in table.groupby("judgement")["answer"]} == {(1.0, 2.0, 3.0)}
    best = (table[table["system_a"] == "A"]["answer"] == 1.0).mean()
    assert best == pytest.approx(np.e / (np.e + 2.0), abs=0.045)


def test_verdicts_are_no_and_yes():
    truth = PlantedTruth(effects={"d": {"A": 1.0}}, **QUIET, rater_sd=0.0, prompt_sd=0.0)

    answers = answers_alone(truth, "nominal", 2)

    assert set(answers) == {1.0, 2.0}
    # four standard errors of a share of 3,000
    assert (answers == 2.0).mean() == pytest.approx(np.e / (1.0 + np.e), abs=0.033)


def test_slider_between_two_texts_favours_the_better_one():
    truth = PlantedTruth(effects={"d": {"A": 1.0}}, **QUIET)
    population = SimulatedPopulation(truth, 3)

    points = [population.rater(str(i)).answer("d", TRIAL, measure="interval", levels=0) for i in range(3000)]

    # four standard errors of a mean of spread 12
    assert np.mean(points) == pytest.approx(10.0, abs=0.9)


def test_ranks_of_utilities():
    utility = np.array([0.2, 3.0, 2.9, -1.0])

    assert ranks_of(utility).tolist() == [3.0, 1.0, 2.0, 4.0]
    assert ranks_of(utility, width=0.5).tolist() == [3.0, 1.0, 1.0, 4.0]
    assert ranks_of(utility, best_worst=True).tolist() == [2.0, 1.0, 2.0, 3.0]


def test_effect_changes_from_round_to_round():
    truth = PlantedTruth(effects={"d": {"A": 1.0}}, round_slopes={"d": {"A": 0.5}}, **QUIET)
    population = SimulatedPopulation(truth, 3)

    merits = [population.merit("d", Trial("p", "p/A", "A", round=number), side="a") for number in (0, 1, 4)]

    assert merits == pytest.approx([1.0, 1.5, 3.0])
    assert PlantedTruth.from_json(truth.to_json()) == truth
