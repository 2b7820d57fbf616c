"""Bradley–Terry against BradleyTerry2 and glm (make_strengths.R), and where it has no finite answer."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.models.bradley_terry import Comparisons, comparisons_from_counts, fit_bradley_terry, win_probability

R = json.loads((Path(__file__).resolve().parents[2] / "reference" / "strengths.json").read_text(encoding="utf-8"))
# glm's weights are those before its last step: its standard errors are up to 1e-5 off, its estimates 1e-9.
ESTIMATE, ERROR = 1e-6, 1e-5


@pytest.fixture(scope="session")
def bradley_terry_2(shared):
    return json.loads(Path(shared("reference/fit_bradley_terry.json")).read_text(encoding="utf-8"))


def codes(*columns):
    names = tuple(sorted({name for column in columns for name in column}))
    return [np.array([names.index(name) for name in column]) for column in columns], names


def compare(fit, expected, *, prefix="team"):
    table = {
        name.removeprefix(prefix): (row["Estimate"], row["Std. Error"])
        for name, row in zip(expected["names"], expected["coef"], strict=True)
    }
    assert fit.convergence.code == "ok"
    for name, estimate, error in zip(fit.names, fit.estimate, fit.standard_errors(), strict=True):
        key = name.removeprefix("system[").removesuffix("]")
        key = {"side (first)": "at.home" if "at.home" in table else "home.ice"}.get(key, key)
        assert estimate == pytest.approx(table[key][0], abs=ESTIMATE)
        assert error == pytest.approx(table[key][1], rel=ERROR)
    assert len(fit.names) == len(table)


def reference_of(expected, systems, *, prefix="team"):
    (found,) = [name for name in systems if prefix + name not in expected["names"]]
    return found


def saturated(successes, trials):
    share = np.clip(successes / trials, 1e-300, 1.0)
    rest = np.clip(1.0 - successes / trials, 1e-300, 1.0)
    return float((successes * np.log(share) + (trials - successes) * np.log(rest)).sum())


def test_citations_equal_bradleyterry2(shared, bradley_terry_2):
    d = pd.read_csv(shared("reference/bt_citations.csv"))
    (one, two), names = codes(d.journal1, d.journal2)
    expected = bradley_terry_2["citations"]

    fit = fit_bradley_terry(comparisons_from_counts(one, two, wins=d.win1, losses=d.win2), names)

    compare(fit, expected, prefix="..")
    assert fit.covariance == pytest.approx(np.array(expected["vcov"]), rel=1e-5)
    deviance = 2 * (saturated(d.win1.to_numpy(), (d.win1 + d.win2).to_numpy()) - fit.log_likelihood)
    assert deviance == pytest.approx(expected["deviance"], rel=1e-8)


@pytest.mark.parametrize("key", ["baseball", "baseball_home"])
def test_baseball_equals_bradleyterry2(shared, bradley_terry_2, key):
    d = pd.read_csv(shared("reference/bt_baseball.csv"))
    (home, away), names = codes(d["home.team"], d["away.team"])

    fit = fit_bradley_terry(
        comparisons_from_counts(home, away, wins=d["home.wins"], losses=d["away.wins"]),
        names,
        side=key.endswith("home"),
    )

    compare(fit, bradley_terry_2[key])


@pytest.mark.parametrize("key", ["icehockey", "icehockey_home"])
def test_icehockey_with_ties_as_halves_equals_bradleyterry2(shared, bradley_terry_2, key):
    d = pd.read_csv(shared("reference/bt_icehockey.csv"))
    (one, two), names = codes(d.visitor, d.opponent)

    fit = fit_bradley_terry(
        Comparisons(one, two, d.result.to_numpy()),
        names,
        ties="half",
        reference=reference_of(bradley_terry_2[key], names),
        side=-d["home.ice"].to_numpy(float) if key.endswith("home") else False,
    )

    compare(fit, bradley_terry_2[key])


@pytest.fixture(scope="session")
def hockey(shared):
    """One conference of the ice-hockey data, with its ties."""
    d = pd.read_csv(shared("reference/bt_icehockey.csv"))
    d = d[d.conference == "AH"]
    teams = tuple(R["davidson"]["teams"])
    return d, d.visitor.map(teams.index).to_numpy(), d.opponent.map(teams.index).to_numpy(), teams


def test_davidsons_ties_equal_optim(hockey):
    d, one, two, teams = hockey
    expected = R["davidson"]

    fit = fit_bradley_terry(Comparisons(one, two, d.result.to_numpy()), teams, side=-d["home.ice"].to_numpy(float))

    # R's optimiser and its differenced Hessian are good to 1e-6
    assert np.append(fit.estimate, fit.thresholds) == pytest.approx(expected["estimate"], abs=2e-6)
    assert np.append(fit.standard_errors(), fit.threshold_se) == pytest.approx(expected["se"], rel=1e-5)
    assert fit.log_likelihood == pytest.approx(expected["log_likelihood"], abs=1e-9)
    assert fit.threshold_names == ("tie (log ν)",)
    assert fit.model == "Bradley–Terry model with Davidson's ties"
    win, tie = win_probability(fit, np.array([0.0, 1.0]))
    assert 2 * win[0] + tie[0] == pytest.approx(1.0)
    assert tie[0] / win[0] == pytest.approx(np.exp(fit.thresholds[0]))
    assert win[1] > win[0]


@pytest.mark.parametrize(
    ("key", "kinds"), [("month", ["month"]), ("visitor", ["visitor"]), ("both", ["month", "visitor"])]
)
def test_clustered_errors_equal_sandwich(hockey, key, kinds):
    d, one, two, teams = hockey
    labels = {"month": (d.date // 100).to_numpy(), "visitor": one}

    fit = fit_bradley_terry(
        Comparisons(one, two, d.result.to_numpy()), teams, ties="drop", clusters={kind: labels[kind] for kind in kinds}
    )

    assert fit.estimate == pytest.approx(R["clustered"]["estimate"], abs=1e-8)
    assert fit.standard_errors() == pytest.approx(R["clustered"][key], rel=ERROR)
    assert kinds[0] in fit.notes[-1]


def test_firths_correction_equals_brglm(shared):
    d = pd.read_csv(shared("reference/bt_baseball.csv"))
    (home, away), names = codes(d["home.team"], d["away.team"])
    counts = comparisons_from_counts(home, away, wins=d["home.wins"], losses=d["away.wins"])

    fit = fit_bradley_terry(counts, names, side=True, bias_reduction=True)

    assert fit.estimate == pytest.approx(R["baseball_firth"]["estimate"], abs=1e-8)
    assert fit.standard_errors() == pytest.approx(R["baseball_firth"]["se"], rel=1e-8)
    assert fit.notes == ("bias reduced by Firth's correction",)
    assert fit.method == "penalised ML"


def games(*pairs):
    """Games as (winner, loser) by letter."""
    one, two = np.array([ord(a) - 97 for a, _ in pairs]), np.array([ord(b) - 97 for _, b in pairs])
    return Comparisons(one, two, np.ones(len(pairs)))


def test_system_that_always_wins_is_named_and_the_others_are_still_compared():
    fit = fit_bradley_terry(games("ab", "ba", "bc", "cb", "ac", "da", "db"), tuple("abcd"))

    assert fit.convergence.converged
    assert fit.convergence.code == "separation"
    assert "best first: {d} > {a, b, c}" in fit.convergence.message
    weights = np.array([0.0, 0.0, 1.0])  # d − a
    assert np.abs(weights @ fit.infinite).max() > 0.0
    alone = fit_bradley_terry(games("ab", "ba", "bc", "cb", "ac"), tuple("abc"))
    assert fit.estimate[:2] == pytest.approx(alone.estimate)
    assert fit.covariance[:2, :2] == pytest.approx(alone.covariance)
    assert np.abs(np.array([1.0, 0.0, 0.0]) @ fit.infinite).max() == 0.0


def test_groups_that_never_met_are_named_and_their_contrasts_not_estimable():
    fit = fit_bradley_terry(games("ab", "ba", "cd", "dc"), tuple("abcd"))

    assert fit.convergence.code == "ok"
    assert "fall into 2 groups that never met, comparable only within: {a, b}, {c, d}" in fit.convergence.message
    across, within = np.array([0.0, 1.0, 0.0]), np.array([0.0, 1.0, -1.0])
    assert np.abs(across @ fit.null).max() > 0.0
    assert np.abs(within @ fit.null).max() == pytest.approx(0.0)


def test_first_that_always_wins_is_separation_of_the_side():
    fit = fit_bradley_terry(games("ab", "ba", "ca", "ac"), tuple("abc"), side=True)

    assert fit.convergence.code == "separation"
    assert "side (first)" in fit.convergence.message
    assert np.abs(fit.infinite[2]).max() > 0.0


@pytest.mark.parametrize("options", [{"ridge": 0.5}, {"bias_reduction": True}])
def test_penalties_make_a_separated_strength_finite(options):
    fit = fit_bradley_terry(games("ab", "ab", "ab", "bc", "cb"), tuple("abc"), **options)

    assert fit.convergence.code == "ok"
    assert -5.0 < fit.estimate[0] < -0.5
    assert fit.method == "penalised ML"


def test_firths_estimate_of_one_comparison_is_half_a_game_each():
    """Jeffreys' prior on one logit adds half a win to both sides: log(3.5 / 0.5)."""
    fit = fit_bradley_terry(games("ba", "ba", "ba"), tuple("ab"), bias_reduction=True)

    assert fit.estimate[0] == pytest.approx(np.log(3.5 / 0.5), rel=1e-9)


def test_sum_constraint_is_the_same_model_in_other_words(hockey):
    d, one, two, teams = hockey
    data = Comparisons(one, two, d.result.to_numpy())
    plain = fit_bradley_terry(data, teams)

    fit = fit_bradley_terry(data, teams, constraint="sum")

    assert fit.names == tuple(f"system[{team}]" for team in teams)
    assert fit.estimate.sum() == pytest.approx(0.0, abs=1e-12)
    assert fit.estimate[1:] - fit.estimate[0] == pytest.approx(plain.estimate)
    contrast = np.array([0.0, 1.0, -1.0] + [0.0] * (len(teams) - 3))
    assert contrast @ fit.covariance @ contrast == pytest.approx(contrast[1:] @ plain.covariance @ contrast[1:])


def test_reference_can_be_chosen(hockey):
    d, one, two, teams = hockey
    data = Comparisons(one, two, d.result.to_numpy())

    first, other = fit_bradley_terry(data, teams), fit_bradley_terry(data, teams, reference="RIT")

    index = first.names.index("system[RIT]")
    assert other.estimate[0] == pytest.approx(-first.estimate[index])
    assert other.log_likelihood == pytest.approx(first.log_likelihood, rel=1e-12)


def test_swapping_the_order_turns_the_side_only(hockey):
    d, one, two, teams = hockey
    result = d.result.to_numpy()

    fit = fit_bradley_terry(Comparisons(one, two, result), teams, side=True)
    swapped = fit_bradley_terry(Comparisons(two, one, 1.0 - result), teams, side=True)

    assert swapped.estimate[:-1] == pytest.approx(fit.estimate[:-1], abs=1e-9)
    assert swapped.estimate[-1] == pytest.approx(-fit.estimate[-1], abs=1e-9)
    assert swapped.thresholds == pytest.approx(fit.thresholds)


def test_counts_rows_and_weights_say_the_same():
    one, two = np.array([0, 1, 0]), np.array([1, 2, 2])
    wins, losses, ties = np.array([4.0, 3.0, 5.0]), np.array([2.0, 3.0, 1.0]), np.array([1.0, 2.0, 0.0])
    counts = comparisons_from_counts(one, two, wins=wins, losses=losses, ties=ties)
    times = counts.weights.astype(int)
    rows = Comparisons(
        np.repeat(counts.first, times), np.repeat(counts.second, times), np.repeat(counts.outcome, times)
    )

    collected, expanded = fit_bradley_terry(counts, tuple("abc")), fit_bradley_terry(rows, tuple("abc"))

    assert collected.estimate == pytest.approx(expanded.estimate)
    assert collected.covariance == pytest.approx(expanded.covariance)
    assert collected.rows == expanded.rows == 21


def test_covariates_of_pairs_and_of_systems():
    rng = np.random.default_rng(0)
    one = rng.integers(5, size=600)
    two = (one + rng.integers(1, 5, size=600)) % 5
    length = rng.normal(size=600)
    skill = np.array([0.0, 0.4, 0.8, 1.2, 1.6])
    eta = skill[one] - skill[two] + 0.7 * length
    won = (rng.random(600) < 1 / (1 + np.exp(-eta))).astype(float)
    data = Comparisons(one, two, won)

    free = fit_bradley_terry(data, tuple("abcde"), covariates=length[:, None], names=("length",))
    explained = fit_bradley_terry(data, tuple("abcde"), system_covariates=np.arange(5.0)[:, None], names=("skill",))

    assert free.estimate[-1] == pytest.approx(0.7, abs=3 * free.standard_errors()[-1])
    assert free.estimate[:4] == pytest.approx(skill[1:], abs=3 * free.standard_errors()[3])
    assert explained.names == ("skill",)
    assert explained.estimate[0] == pytest.approx(0.4, abs=0.15)  # 0.4 per step, shrunken by the missing length


def test_covariate_that_strengths_explain_is_dropped_and_named():
    data = games("ab", "ba", "bc", "cb", "ac", "ca")
    level = np.array([0.0, 1.0, 2.0])

    fit = fit_bradley_terry(
        data, tuple("abc"), covariates=(level[data.first] - level[data.second])[:, None], names=("x",)
    )

    assert fit.notes == ("not told apart by the data, set to 0: x",)
    assert fit.estimate[-1] == 0.0


def test_many_systems_take_the_sparse_way_to_the_same_answer(monkeypatch):
    rng = np.random.default_rng(1)
    count = 80
    one = rng.integers(count, size=count * 30)
    two = (one + 1 + rng.integers(count - 1, size=one.size)) % count
    skill = rng.normal(size=count)
    won = (rng.random(one.size) < 1 / (1 + np.exp(skill[two] - skill[one]))).astype(float)
    names = tuple(f"s{k}" for k in range(count))
    dense = fit_bradley_terry(Comparisons(one, two, won), names, side=True)
    monkeypatch.setattr("analysis.numerics.choice.DENSE_UP_TO", 10)

    sparse = fit_bradley_terry(Comparisons(one, two, won), names, side=True)

    assert dense.convergence.code == "ok"
    assert sparse.estimate == pytest.approx(dense.estimate, abs=1e-9)
    assert np.corrcoef(sparse.estimate[:-1], skill[1:])[0, 1] > 0.9


def test_nothing_but_ties_is_separation_of_the_tie_parameter():
    data = games("ab", "bc", "ca")

    fit = fit_bradley_terry(Comparisons(data.first, data.second, np.full(3, 0.5)), tuple("abc"))

    assert fit.convergence.code == "separation"
    assert "tie (log ν)" in fit.convergence.message


def test_system_without_comparisons_is_named():
    fit = fit_bradley_terry(games("ab", "ba"), tuple("abc"))

    assert "comparable only within: {a, b}, {c}" in fit.convergence.message
    assert np.abs(fit.null[1]).max() > 0.0


def test_bad_input_is_refused_in_words():
    good = games("ab", "ba")

    with pytest.raises(ValueError, match="compares a system with itself"):
        fit_bradley_terry(Comparisons(good.first, good.first, good.outcome), tuple("ab"))
    with pytest.raises(ValueError, match="outcome must be 1"):
        fit_bradley_terry(Comparisons(good.first, good.second, good.outcome * 0.3), tuple("ab"))
    with pytest.raises(ValueError, match="must lie between 0 and 0"):
        fit_bradley_terry(good, ("a",))
    with pytest.raises(ValueError, match="there is no comparison"):
        fit_bradley_terry(games(), tuple("ab"))
    with pytest.raises(ValueError, match="no system 'z' to refer to: have a, b"):
        fit_bradley_terry(good, tuple("ab"), reference="z")
    with pytest.raises(ValueError, match="one entry per comparison"):
        fit_bradley_terry(Comparisons(good.first, good.second, good.outcome[:1]), tuple("ab"))
    with pytest.raises(ValueError, match="one column per name"):
        fit_bradley_terry(good, tuple("ab"), covariates=np.ones((2, 2)), names=("x",))
    with pytest.raises(ValueError, match="does not go with modelled ties"):
        fit_bradley_terry(Comparisons(good.first, good.second, np.array([0.5, 1.0])), tuple("ab"), bias_reduction=True)
    with pytest.raises(ValueError, match="no comparison counts"):
        fit_bradley_terry(Comparisons(good.first, good.second, np.full(2, 0.5)), tuple("ab"), ties="drop")
    with pytest.raises(ValueError, match="at least two clusters"):
        fit_bradley_terry(good, tuple("ab"), clusters={"rater": np.zeros(2, dtype=int)})
    with pytest.raises(ValueError, match="two systems have the same name"):
        fit_bradley_terry(good, ("a", "a"))
    with pytest.raises(ValueError, match="cannot be negative"):
        fit_bradley_terry(good, tuple("ab"), ridge=-1.0)
