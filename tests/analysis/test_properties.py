"""What must hold whatever the answers: sides, names, order, constants, size; for pairs, grades, sliders, Likert."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from analysis.prepare import SIDE, Options
from analysis.simulate import PlantedTruth, simulate_answers
from analysis.study import analyse_study

DIMENSIONS = {
    "originality": ("pairwise_choice", 2),
    "surprise": ("pairwise_graded", 5),
    "fluency": ("interval", 0),
    "wit": ("ordinal", 5),
}
PAIRED, SINGLE = ("originality", "surprise"), ("fluency", "wit")
NUMBERS = (
    "estimate", "se", "df", "low", "high", "p", "p_holm", "p_bh", "p_single_step", "simultaneous_low", "win_rate",
    "superiority", "superiority_low", "raw_win_rate", "effect_size", "effect_size_total", "robust_estimate",
    "robust_se", "robust_p", "naive_p",
)  # fmt: skip
# two fits of one model end at most 1e-4 standard errors apart in the Hessian's place: 1e-5 in its numbers, which the
# tail of a p value magnifies up to tenfold
SAME = {"rel": 2e-4, "abs": 1e-7, "nan_ok": True}
PLAIN = Options(shrunken=False)


@pytest.fixture(scope="module", params=[11, 12])
def table(request, make_plan, make_singles):
    """One study with every measure; another for each seed."""
    effects = {"steered": 0.9, "reference": 0.3}
    truth = PlantedTruth(effects=dict.fromkeys(DIMENSIONS, effects))
    pairs = make_plan(questions={name: DIMENSIONS[name] for name in PAIRED}, raters=14, prompts=8, seed=request.param)
    singles = make_singles(
        questions={name: DIMENSIONS[name] for name in SINGLE}, raters=14, prompts=8, seed=request.param
    )
    return simulate_answers(pairs + singles, truth, seed=request.param)


@pytest.fixture(scope="module")
def result(table):
    return analyse_study(table, PLAIN)


def lines(result):
    return {(row.dimension, row.first, row.second): [getattr(row, name) for name in NUMBERS] for row in result.rows}


def spreads(result):
    return {(item.dimension, one.factor): one.sd for item in result.dimensions for one in item.fit.variances}


def assert_same(one, two):
    assert one.keys() == two.keys()
    for key, numbers in one.items():
        assert two[key] == pytest.approx(numbers, **SAME), key


def test_order_of_rows_never_matters(table, result):
    shuffled = analyse_study(table.sample(frac=1.0, random_state=3), PLAIN)

    for one, two in zip(lines(result).values(), lines(shuffled).values(), strict=True):
        assert np.array_equal(one, two, equal_nan=True)
    assert shuffled.input_hash == result.input_hash


def test_swapping_sides_turns_the_side_effect_only(table, result, swap_sides):
    pairs = table[table["measure"].str.startswith("pairwise")]
    turned = pd.concat([swap_sides(pairs), table[~table["measure"].str.startswith("pairwise")]])

    swapped = analyse_study(turned, PLAIN)

    assert_same(lines(result), lines(swapped))
    for name in PAIRED:
        side, other = (item.fits[name].estimate[item.fits[name].names.index(SIDE)] for item in (result, swapped))
        assert other == pytest.approx(-side, **SAME)


def test_relabelling_systems_permutes_the_table(table, result):
    names = {"baseline": "zebra", "reference": "ant", "steered": "mole", "": ""}
    renamed = table.assign(system_a=table["system_a"].map(names), system_b=table["system_b"].map(names))
    contrasts = tuple((names[row.first], names[row.second]) for row in result.rows if row.dimension == "wit")

    again = lines(analyse_study(renamed, replace(PLAIN, contrasts=contrasts)))

    assert_same({(d, names[a], names[b]): numbers for (d, a, b), numbers in lines(result).items()}, again)


def test_relabelling_raters_and_prompts_changes_nothing(table, result):
    rng = np.random.default_rng(5)
    renamed = table.copy()
    for name in ("rater", "prompt"):
        old = table[name].unique()
        renamed[name] = table[name].map(
            dict(zip(old, rng.permutation([f"x{i}" for i in range(old.size)]), strict=True))
        )

    assert_same(lines(result), lines(analyse_study(renamed, PLAIN)))


def test_turning_a_contrast_round_turns_its_signs(table, result):
    turned = replace(PLAIN, contrasts=tuple((row.second, row.first) for row in result.rows if row.dimension == "wit"))

    for row, back in zip(result.rows, analyse_study(table, turned).rows, strict=True):
        assert back.estimate == pytest.approx(-row.estimate, **SAME)
        assert back.superiority == pytest.approx(1.0 - row.superiority, **SAME)
        assert (back.se, back.df, back.p, back.naive_p) == pytest.approx((row.se, row.df, row.p, row.naive_p), **SAME)


def test_a_constant_moves_the_intercept_of_sliders_only(table, result):
    moved = analyse_study(table.assign(answer=table["answer"] + 17.0 * (table["measure"] == "interval")), PLAIN)

    assert_same(lines(result), lines(moved))
    one, two = result.fits["fluency"], moved.fits["fluency"]
    assert two.estimate - one.estimate == pytest.approx([17.0, 0.0, 0.0], abs=1e-6)
    assert spreads(moved) == pytest.approx(spreads(result), rel=1e-5, abs=1e-6)


def test_another_unit_of_sliders_scales_points_and_nothing_else(table, result):
    scaled = analyse_study(
        table.assign(answer=table["answer"].where(table["measure"] != "interval", table["answer"] / 10)), PLAIN
    )

    for row, small in zip(result.rows, scaled.rows, strict=True):
        factor = 10.0 if row.measure == "interval" else 1.0
        assert factor * small.estimate == pytest.approx(row.estimate, **SAME)
        assert factor * small.se == pytest.approx(row.se, **SAME)
        assert (small.p, small.effect_size, small.superiority) == pytest.approx(
            (row.p, row.effect_size, row.superiority), **SAME
        )


def copies(table, count):
    """The same study again with other raters, prompts and outputs."""
    parts = [table]
    for copy in range(1, count):
        new = table.copy()
        for name in ("judgement", "rater", "prompt", "output_a", "output_b"):
            new[name] = new[name].where(new[name] == "", new[name] + f"'{copy}")
        parts.append(new)
    return pd.concat(parts, ignore_index=True)


@pytest.mark.parametrize("measure", ["pairwise_choice", "pairwise_graded", "ordinal"])
def test_the_same_study_twice_halves_the_variance(table, measure):
    """The likelihood of both is the square of the one, so all estimates stay and the information doubles exactly."""
    part = table[table["measure"] == measure]

    once, twice = analyse_study(part, PLAIN), analyse_study(copies(part, 2), PLAIN)

    assert spreads(twice) == pytest.approx(spreads(once), rel=1e-4, abs=1e-3)
    for one, two in zip(once.rows, twice.rows, strict=True):
        assert two.estimate == pytest.approx(one.estimate, rel=1e-4, abs=1e-5)
    # of maximum likelihood; what the table adds for small samples shrinks faster
    one, two = (result.dimensions[0].fit for result in (once, twice))
    assert two.covariance == pytest.approx(one.covariance / 2.0, rel=1e-4, abs=1e-6)
    assert two.log_likelihood == pytest.approx(2.0 * one.log_likelihood, rel=1e-8)


def test_the_same_sliders_twice_halve_the_variance_of_maximum_likelihood(table):
    """Restricted likelihood counts degrees of freedom, of which a copy adds a few more; full likelihood does not."""
    from analysis.models.lmm import fit_linear
    from analysis.prepare import prepare, select

    part = table[table["measure"] == "interval"]

    def fit(frame, *, reml):
        data = prepare(select(frame, PLAIN)[0], "fluency", PLAIN)
        return fit_linear(data.response, data.fixed, data.factors, names=data.names, reml=reml)

    once, twice = fit(part, reml=False), fit(copies(part, 2), reml=False)

    assert twice.estimate == pytest.approx(once.estimate, rel=1e-5)
    assert twice.residual_sd == pytest.approx(once.residual_sd, rel=1e-5)
    assert twice.covariance == pytest.approx(once.covariance / 2.0, rel=1e-4)
    assert twice.log_likelihood == pytest.approx(2.0 * once.log_likelihood, rel=1e-9)
    # by REML the ratio nears ½ from below as the share of the fixed effects in the degrees of freedom goes
    ratio = np.diag(fit(copies(part, 2), reml=True).covariance) / np.diag(fit(part, reml=True).covariance)
    assert ratio == pytest.approx(0.5, abs=0.08)
