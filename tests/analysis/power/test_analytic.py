"""The table, the curves and the words of the analytic answer."""

import json
import time

import numpy as np
import pytest

from analysis.power import Assumptions, PowerError, Price, Question, Spreads, analyse_power, power_figure, power_svg
from analysis.power.trials import PlannedTrials
from analysis.results import Convergence, Fit, VarianceComponent
from tests.analysis.power import plans

ALL_PAIRS = (("s1", "s0"), ("s2", "s0"), ("s2", "s1"))
DIMENSIONS = [Question("originality"), Question("surprise", "pairwise_graded", 5), Question("creativity")]


@pytest.fixture(scope="module")
def answer():
    price = Price(minutes=20.0, hourly=12.0, fee=0.25, currency="USD")
    return analyse_power(plans.pairs(systems=3, raters=60, samples=2), DIMENSIONS, ALL_PAIRS, price=price)


def test_rows_are_dimensions_by_contrasts_in_their_order(answer):
    assert [(row.dimension, row.first, row.second) for row in answer.rows] == [
        (question.dimension, *pair) for question in DIMENSIONS for pair in ALL_PAIRS
    ]
    assert {row.family for row in answer.rows} == {9}
    assert {row.df for row in answer.rows} == {19.0}


def test_correction_costs_power(answer):
    for row in answer.rows:
        assert 0.05 < row.power_bonferroni < row.power_holm + 0.01 < row.power + 0.02
        assert row.detectable_80 < row.detectable_90 < row.detectable_90_corrected
        assert row.detectable_80 < row.detectable_80_corrected


def test_holm_takes_the_truth_that_a_simulation_plants(answer):
    """One effect cannot hold for all three contrasts at once: each is planted in turn, the others get half of it."""
    trials = plans.pairs(systems=3, raters=60, samples=2)
    for at, (first, second) in enumerate(ALL_PAIRS):
        asked = [row for row in answer.rows if (row.first, row.second) == (first, second)]
        truth = {first: asked[0].effect / 2.0, second: -asked[0].effect / 2.0}
        named = {question.dimension: Assumptions(effect=truth) for question in DIMENSIONS}
        alone = analyse_power(trials, DIMENSIONS, ALL_PAIRS, assumptions=named, curves=False)
        for row, same in zip(asked, alone.rows[at::3], strict=True):
            # the information is taken at the effects, which differ a little; 4 SE of a share of 6,666 draws are .024
            assert row.power == pytest.approx(same.power, abs=0.005)
            assert row.power_holm == pytest.approx(same.power_holm, abs=0.03)


def test_detectable_effect_has_the_power_it_promises():
    trials = plans.pairs()
    first = analyse_power(trials, DIMENSIONS[:1], ALL_PAIRS[:1], curves=False).rows[0]

    again = {
        name: analyse_power(
            trials,
            DIMENSIONS[:1],
            ALL_PAIRS[:1],
            assumptions={"originality": Assumptions(effect=getattr(first, name))},
            curves=False,
        ).rows[0]
        for name in ("detectable_80", "detectable_90")
    }

    assert again["detectable_80"].power == pytest.approx(0.8, abs=0.003)  # one correction of the weights
    assert again["detectable_90"].power == pytest.approx(0.9, abs=0.003)
    assert again["detectable_80"].win_rate == pytest.approx(first.win_rate_80, abs=1e-12)


def test_win_rate_is_what_many_draws_say(answer):
    rng = np.random.default_rng(3)
    spread = np.sqrt(2.0 * (0.42**2 + 0.28**2 + 0.35**2))
    eta = 0.5 + spread * rng.standard_normal(400_000)
    left = np.mean(0.1 + eta + rng.logistic(size=eta.size) > 0)
    right = np.mean(-0.1 + eta + rng.logistic(size=eta.size) > 0)

    assert answer.rows[0].win_rate == pytest.approx((left + right) / 2.0, abs=0.003)  # standard error .0008


def test_curves_grow_with_raters_and_prompts_and_pass_through_the_plan(answer):
    assert {curve.axis for curve in answer.curves} == {"raters", "prompts"}
    assert {curve.dimensions for curve in answer.curves} == {("originality", "creativity"), ("surprise",)}
    for curve in answer.curves:
        power = [point.power for point in curve.points]
        assert power == sorted(power)
        detectable = [point.detectable_80 for point in curve.points]
        assert detectable == sorted(detectable, reverse=True)
        here = next(point for point in curve.points if point.times == 1.0)
        row = next(r for r in answer.rows if (r.dimension, r.first) == (curve.dimensions[0], curve.first))
        assert (here.raters, here.prompts) == (60, 20)
        assert here.power == pytest.approx(row.power, abs=0.01)


def test_cost_is_raters_by_pay_and_fee(answer):
    points = answer.curves[0].points

    assert answer.curves[0].axis == "raters"
    assert [point.cost for point in points] == pytest.approx([point.raters * 4.0 * 1.25 for point in points])
    assert Price(minutes=10.0, hourly=10.0).cost(3) == pytest.approx(3 * 1.67)  # rounded up to cents


def test_strengths_give_each_contrast_its_difference():
    scenario = Assumptions(effect={"s1": 0.3, "s2": 0.9})

    rows = analyse_power(
        plans.pairs(systems=3), DIMENSIONS[:1], ALL_PAIRS, assumptions={"originality": scenario}, curves=False
    ).rows

    assert [row.effect for row in rows] == pytest.approx([0.3, 0.9, 0.6])
    assert rows[0].power < rows[2].power < rows[1].power


def test_sliders_use_satterthwaite_and_have_no_win_rate():
    rows = analyse_power(plans.single(), [Question("beauty", "interval")], ALL_PAIRS[:1]).rows

    assert rows[0].df > 5.0
    assert np.isnan(rows[0].win_rate)


def test_likert_as_ordinal_is_answered_too():
    found = analyse_power(plans.single(raters=40), [Question("beauty", "ordinal", 7)], ALL_PAIRS[:1])

    assert 0.05 < found.rows[0].power < 1.0


def test_answer_is_plain_json_and_says_its_sources(answer):
    content = json.loads(json.dumps(answer.to_json(), allow_nan=False))

    assert len(content["rows"]) == 9
    assert any("Spreads: SD of a difference" in text for text in content["assumed"])
    assert any("Hasselblad" in text for text in content["assumed"])
    assert "Holm's over 20,000 draws" in content["method"]


def pilot(*, converged=True):
    spreads = {"prompt:system": 0.8, "rater:system": 0.4, "side by rater": 3.0}
    return Fit(
        model="",
        formula="",
        names=(),
        estimate=np.zeros(0),
        covariance=np.zeros((0, 0)),
        threshold_names=(),
        thresholds=np.zeros(0),
        threshold_se=np.zeros(0),
        variances=tuple(VarianceComponent(name, 12, sd, 0.1, signed=True) for name, sd in spreads.items()),
        log_likelihood=0.0,
        rows=240,
        convergence=Convergence(converged, "ok", 0.0, 1, 1, message="no wonder"),
        null=np.zeros((0, 0)),
        infinite=np.zeros((0, 0)),
    )


def test_spreads_of_a_pilot_replace_the_defaults():
    spreads = Spreads.from_fit(pilot())

    assert (spreads.prompt_system, spreads.rater_system, spreads.output) == (0.8, 0.4, 0.0)
    assert "pilot of 240 answers" in spreads.source
    wide = {"originality": Assumptions(spreads=spreads)}
    narrow = analyse_power(plans.pairs(), DIMENSIONS[:1], ALL_PAIRS[:1], curves=False).rows[0]
    assert (
        analyse_power(plans.pairs(), DIMENSIONS[:1], ALL_PAIRS[:1], assumptions=wide, curves=False).rows[0].se
        > narrow.se
    )
    with pytest.raises(PowerError, match=r"did not converge \(no wonder\): use the defaults"):
        Spreads.from_fit(pilot(converged=False))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Question("x", "free_text"), "power is known for pairwise_choice"),
        (lambda: Question("x", "ordinal", 1), "at least 2 levels"),
        (lambda: Spreads(output=-1.0), "spread output must be a number from 0 up"),
        (lambda: Spreads(residual=0.0), "residual spread must be positive"),
        (lambda: Assumptions(alpha=5.0), "alpha must lie between 0 and 0.5"),
        (
            lambda: Assumptions(cuts=(2.0, 1.0)).thresholds(Question("x", "pairwise_graded", 5), spread=0.0),
            "2 ascending",
        ),
        (lambda: PlannedTrials.from_rows([]), "no column rater, prompt, system_a, output_a"),
        (
            lambda: PlannedTrials.from_rows([row | {"kind": "practice"} for row in plans.rows_of_pairs()]),
            "no main trial",
        ),
        (lambda: analyse_power(plans.pairs(), [], ALL_PAIRS), "at least one dimension"),
        (lambda: power_figure([]), "curves of one axis"),
    ],
)
def test_nonsense_is_refused_in_words(make, words):
    with pytest.raises(PowerError, match=words):
        make()


def test_dimensions_share_one_alpha():
    scenarios = {"originality": Assumptions(alpha=0.01)}

    with pytest.raises(PowerError, match="share one alpha"):
        analyse_power(plans.pairs(), DIMENSIONS, (("s1", "s0"),), assumptions=scenarios)


def test_checks_and_practice_do_not_count():
    rows = plans.rows_of_pairs()
    more = [row | {"kind": "attention", "system_a": "check", "output_a": "c"} for row in rows[:5]]

    trials = PlannedTrials.from_rows([*rows, *more])

    assert len(trials) == len(rows)
    assert trials.systems == ("s0", "s1")


def test_picture_is_the_same_every_time_and_carries_the_cost(answer):
    curves = [curve for curve in answer.curves if curve.axis == "raters"]

    picture = power_figure(curves, price=answer.price)

    assert power_svg(curves, price=answer.price) == power_svg(curves, price=answer.price)
    axes = picture.axes[0]
    assert axes.get_xlabel() == "raters (with 20 prompts)"
    assert [child.get_xlabel() for child in axes.child_axes] == ["cost (USD)"]


def test_answer_at_720_raters_is_computed_and_not_simulated():
    trials = plans.pairs(raters=720, prompts=40, systems=3, samples=2)
    questions = [Question(name) for name in ("originality", "surprise", "creativity")]
    analyse_power(plans.pairs(), questions, ALL_PAIRS[:1], curves=False)

    begin = time.process_time()
    analyse_power(trials, questions, ALL_PAIRS)

    assert time.process_time() - begin < 30  # .65 s of CPU alone; 500 refits for each of 9 contrasts take some 370 s
