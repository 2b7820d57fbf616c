"""The information of a plan against dense matrices, brute-force integrals and plans that are really larger."""

import numpy as np
import pytest
from scipy import integrate
from scipy.special import expit
from scipy.stats import norm

from analysis.power import Assumptions, PowerError, Question, Spreads
from analysis.power.assumptions import spreads_of
from analysis.power.information import PlannedModel, Scale
from tests.analysis.power import plans

CHOICE = Question("originality")
SLIDER = Question("originality", "interval")
PAIR = (("s1", "s0"),)


def dense_v(model, assumptions, weight):
    """Return V = W⁻¹ + ZGZ' as a full matrix."""
    spreads = spreads_of(model.trials, assumptions.spreads)
    structure = model.trials.structure
    sd = np.array([spreads[factor.name] for factor in structure.factors])[structure.factor_of]
    z = structure.z.toarray() * sd
    return np.diag(1.0 / weight) + z @ z.T


def dense_satterthwaite(model, assumptions):
    """Satterthwaite's formula with every matrix written out."""
    trials = model.trials
    weight = model.weights(assumptions).eta
    inverse = np.linalg.inv(dense_v(model, assumptions, weight))
    x = model.fixed
    c = np.linalg.inv(x.T @ inverse @ x)
    p = inverse - inverse @ x @ c @ x.T @ inverse
    z = trials.structure.z.toarray()
    parts = [z[:, trials.structure.factor_of == k] for k in range(len(trials.structure.factors))]
    derivative = [part @ part.T for part in parts] + [np.eye(len(trials))]
    information = 0.5 * np.array([[np.trace(p @ a @ p @ b) for b in derivative] for a in derivative])
    left = inverse @ x @ c @ model.contrasts[0]
    gradient = np.array([left @ a @ left for a in derivative])
    variance = model.contrasts[0] @ c @ model.contrasts[0]
    return 2.0 * variance**2 / (gradient @ np.linalg.inv(information) @ gradient)


def test_covariance_is_that_of_the_dense_matrices():
    model = PlannedModel(plans.pairs(systems=3, samples=2), CHOICE, (("s1", "s0"), ("s2", "s0")))
    assumptions = Assumptions.default("pairwise_choice")

    found = model.solve(assumptions).covariance

    inverse = np.linalg.inv(dense_v(model, assumptions, model.weights(assumptions).eta))
    expected = np.linalg.inv(model.fixed.T @ inverse @ model.fixed)
    np.testing.assert_allclose(found, expected, rtol=1e-9)  # the same numbers by another order of elimination


def test_weight_of_a_choice_is_its_expected_variance():
    model = PlannedModel(plans.pairs(), CHOICE, PAIR)
    assumptions = Assumptions(effect=0.8, side=0.2)

    found = np.unique(model.weights(assumptions).eta.round(12))

    spread = np.sqrt(2.0 * (0.42**2 + 0.28**2 + 0.35**2))

    def expected(eta):
        def density(b):
            mean = expit(eta + b)
            return mean * (1.0 - mean) * norm.pdf(b, scale=spread)

        return integrate.quad(density, -10.0, 10.0)[0]

    np.testing.assert_allclose(found, sorted({expected(1.0), expected(-0.6)}), rtol=1e-7)  # 25 nodes against quadrature


def test_two_grades_are_a_choice_and_more_grades_tell_more():
    trials, assumptions = plans.pairs(), Assumptions()

    errors = [
        PlannedModel(trials, question, PAIR).solve(assumptions).se[0]
        for question in (
            CHOICE,
            Question("x", "pairwise_graded", 2),
            *(Question("x", "pairwise_graded", k) for k in (4, 6)),
        )
    ]

    assert errors[0] == pytest.approx(errors[1], rel=1e-12)
    assert errors[1] > errors[2] > errors[3]


def test_information_of_a_grade_is_the_expected_curvature():
    """The Fisher information without random effects is the mean outer product of the scores."""
    trials = plans.pairs()
    question = Question("x", "pairwise_graded", 5)
    nothing = Spreads(output=0.0, prompt_system=0.0, rater_system=0.0)
    assumptions = Assumptions(effect=0.7, spreads=nothing, side=0.0)
    model = PlannedModel(trials, question, PAIR)

    found = model.solve(assumptions).covariance

    tau = assumptions.thresholds(question, spread=0.0)
    names = np.array([-tau[3], -tau[2], tau[2], tau[3]])
    np.testing.assert_allclose(tau, names)

    def log_probability(parameter, row):
        cuts = np.array([-parameter[3], -parameter[2], parameter[2], parameter[3]])
        return np.log(np.diff(np.concatenate([[0.0], expit(cuts - model.fixed[row] @ parameter[:2]), [1.0]])))

    sign = model.fixed[:, 1]
    truth = np.array([0.0, 0.7, tau[2], tau[3]])
    information = np.zeros((4, 4))
    for row in (int(np.argmax(sign)), int(np.argmin(sign))):
        steps = np.eye(4) * 1e-6
        scores = np.array([(log_probability(truth + h, row) - log_probability(truth - h, row)) / 2e-6 for h in steps])
        share = np.exp(log_probability(truth, row))
        information += (scores * share) @ scores.T * np.sum(sign == sign[row])
    np.testing.assert_allclose(
        found, np.linalg.inv(information)[:2, :2], rtol=1e-6, atol=1e-9
    )  # central differences of 1e-6


@pytest.mark.parametrize("times", [2, 3])
def test_scaled_plan_is_the_plan_given_to_more_raters(times):
    for trials, question in ((plans.pairs(raters=8, samples=2), CHOICE), (plans.single(), SLIDER)):
        assumptions = Assumptions.default(question.measure)
        scaled = PlannedModel(trials, question, PAIR).solve(assumptions, Scale(raters=times))

        real = PlannedModel(plans.replicate_raters(trials, times), question, PAIR).solve(assumptions)

        np.testing.assert_allclose(scaled.se, real.se, rtol=1e-10)  # an identity
        np.testing.assert_allclose(scaled.df, real.df, rtol=0.02)  # information between sides is spread evenly


def test_scaled_prompts_are_close_to_a_plan_with_more_prompts():
    assumptions = Assumptions()
    scaled = PlannedModel(plans.pairs(raters=60), CHOICE, PAIR).solve(assumptions, Scale(prompts=2.0))

    real = PlannedModel(plans.pairs(raters=60, prompts=40), CHOICE, PAIR).solve(assumptions)

    np.testing.assert_allclose(scaled.se, real.se, rtol=0.01)  # the larger plan spreads its trials as evenly
    assert scaled.df[0] == real.df[0] == 39.0


def test_satterthwaite_is_that_of_the_dense_matrices():
    model = PlannedModel(plans.single(), SLIDER, PAIR)
    assumptions = Assumptions.default("interval")

    found = model.solve(assumptions).df[0]

    assert found == pytest.approx(dense_satterthwaite(model, assumptions), rel=1e-7)


def test_satterthwaite_by_probes_is_close_to_the_exact_one(monkeypatch):
    model = PlannedModel(plans.single(raters=40, prompts=12), SLIDER, PAIR)
    assumptions = Assumptions.default("interval")
    exact = model.solve(assumptions).df[0]

    monkeypatch.setattr("analysis.power.information.EXACT_UP_TO", 10)

    assert model.solve(assumptions).df[0] == pytest.approx(exact, rel=0.05)  # 24 probes


def test_spread_of_zero_leaves_the_component_out():
    model = PlannedModel(plans.single(), SLIDER, PAIR)
    assumptions = Assumptions(
        effect=0.3, spreads=Spreads(output=0, prompt_system=0, rater_system=0, rater=0.5, prompt=0.4)
    )

    found = model.solve(assumptions)

    # rater and prompt cancel in a balanced difference: left is the residual's n − p − (raters − 1) − (prompts − 1)
    assert found.se[0] == pytest.approx(np.sqrt(4.0 / 144.0), rel=0.01)
    assert found.df[0] == pytest.approx(126.0, rel=0.02)


def test_effect_is_oriented_by_the_declared_contrast():
    trials = plans.pairs()
    one, two = PlannedModel(trials, CHOICE, (("s1", "s0"),)), PlannedModel(trials, CHOICE, (("s0", "s1"),))
    assumptions = Assumptions(effect=0.5, side=0.1)

    np.testing.assert_allclose(one.linear_predictor(assumptions) - 0.1, -(two.linear_predictor(assumptions) - 0.1))
    planted = one.linear_predictor(assumptions.with_effect({"s1": 0.5}))
    np.testing.assert_allclose(one.linear_predictor(assumptions), planted)


def test_question_that_does_not_fit_the_plan_is_refused_in_words():
    with pytest.raises(PowerError, match="shows pairs of texts"):
        PlannedModel(plans.pairs(), SLIDER, PAIR)
    with pytest.raises(PowerError, match="one text at a time"):
        PlannedModel(plans.single(), CHOICE, PAIR)
    with pytest.raises(PowerError, match="no system 'human' in the plan: it shows s0, s1"):
        PlannedModel(plans.pairs(), CHOICE, (("human", "s0"),))
    with pytest.raises(PowerError, match="at least two of either"):
        PlannedModel(plans.pairs(raters=1, prompts=1, per_rater=1), CHOICE, PAIR)


def test_systems_that_never_meet_are_refused_in_words():
    rows = plans.rows_of_pairs(raters=6)
    for number, row in enumerate(rows):
        if number % 2:
            row |= {
                name: row[name].replace("s0", "s2").replace("s1", "s3") for name in row if name[-2:] in ("_a", "_b")
            }
    model = PlannedModel(type(plans.pairs()).from_rows(rows), CHOICE, (("s1", "s0"),))

    with pytest.raises(PowerError, match="no chain of comparisons"):
        model.solve(Assumptions())
