"""Fixed effects: R's coding, differences of utilities, side terms, rows at other values."""

import numpy as np
import pandas as pd
import pytest

from analysis.design import SIDE, FormulaError, build_design
from analysis.results import INTERCEPT


def test_names_and_order_of_columns_are_those_of_r(ratings):
    design = build_design("y ~ s * f + x + flag", ratings)

    # R: colnames(model.matrix(~ s * f + x + flag)) with [ ] taken out
    names = "(Intercept) sb sc fx x flagTRUE sb:fx sc:fx"
    assert " ".join(design.names).translate(str.maketrans("", "", "[]")) == names.replace("TRUE", "True")
    assert design.effects.terms == (INTERCEPT, "s", "s", "f", "x", "flag", "s:f", "s:f")


def test_no_intercept_codes_every_level(ratings):
    design = build_design("y ~ 0 + s", ratings)

    assert design.names == ("s[a]", "s[b]", "s[c]")
    np.testing.assert_array_equal(design.fixed.sum(axis=1), 1.0)


def test_constant_can_be_taken_out_after_coding(ratings):
    assert build_design("y ~ s", ratings, constant=False).names == ("s[b]", "s[c]")


def test_pair_is_the_difference_of_utilities(pairs):
    design = build_design("answer ~ system + length", pairs)

    assert design.names == (SIDE, "system[ref]", "system[steer]", "length")
    expected = [
        np.ones(len(pairs)),
        (pairs.system_a == "ref").astype(float) - (pairs.system_b == "ref"),
        (pairs.system_a == "steer").astype(float) - (pairs.system_b == "steer"),
        pairs.length_a - pairs.length_b,
    ]
    np.testing.assert_array_equal(design.fixed, np.column_stack(expected))


def test_swapping_sides_flips_utility_columns_only(pairs):
    swapped = pairs.rename(columns=lambda name: {"_a": name[:-2] + "_b", "_b": name[:-2] + "_a"}.get(name[-2:], name))
    formula = "answer ~ system * task_family + scale(length)"

    one = build_design(formula, pairs, side="1 + position")
    two = build_design(formula, swapped, side="1 + position")

    # scale() learns mean and SD from both sides: rounding only
    np.testing.assert_allclose(two.fixed, one.fixed * np.where(one.effects.utility, -1.0, 1.0), atol=1e-12)


def test_interaction_with_a_variable_of_the_row_survives_and_its_main_effect_cancels(pairs):
    design = build_design("answer ~ system * task_family", pairs)

    assert design.names[1:] == (
        "system[ref]",
        "system[steer]",
        "system[ref]:task_family[story]",
        "system[steer]:task_family[story]",
    )
    assert design.notes == ()


def test_main_effect_that_cancels_is_named_when_it_was_written(pairs):
    design = build_design("answer ~ system + task_family", pairs)

    assert design.names == (SIDE, "system[ref]", "system[steer]")
    assert design.notes[0].startswith("task_family left out: the same on both sides of every pair")


def test_pairs_are_coded_against_a_reference_even_without_intercept(pairs):
    assert build_design("~ 0 + system", pairs).names == build_design("~ system", pairs).names


def test_side_terms_are_of_the_row(pairs):
    assert build_design("~ system", pairs, side="1 + position").names[:2] == (SIDE, "side:position")
    assert build_design("~ system", pairs, side="0").names == ("system[ref]", "system[steer]")
    with pytest.raises(FormulaError, match="length differs between the two sides"):
        build_design("~ system", pairs, side="1 + length")


def test_rows_at_other_values_use_the_learnt_levels_and_transforms(ratings, pairs):
    single = build_design("y ~ s + poly(x, 2)", ratings)
    np.testing.assert_allclose(single.effects.rows(single.variables.frames[0]), single.fixed, atol=1e-12)

    paired = build_design("answer ~ system * task_family + scale(length)", pairs)
    left, right = (paired.effects.rows(frame) for frame in paired.variables.frames)
    np.testing.assert_allclose((left - right)[:, 1:], paired.fixed[:, 1:], atol=1e-12)
    np.testing.assert_array_equal(left[:, 0], 0.0)


def test_rows_of_a_grid_of_one_level(ratings):
    design = build_design("y ~ s", ratings)
    grid = pd.DataFrame({"s": pd.Categorical(["c"], categories=["a", "b", "c"])})

    np.testing.assert_array_equal(design.effects.rows(grid), [[1.0, 0.0, 1.0]])


def test_factor_of_one_level_is_refused(ratings):
    with pytest.raises(FormulaError, match=r"s has one level \('a'\)"):
        build_design("y ~ s", ratings.assign(s="a"))


def test_numbers_that_overflow_are_refused_with_their_row(ratings):
    with pytest.raises(FormulaError, match=r"log\(h\) is not a finite number in 15 rows \(first: row 0\)"):
        build_design("y ~ log(h)", ratings)


def test_syntax_error_is_told_without_colours(ratings):
    with pytest.raises(FormulaError, match=r"^formula 's \+\* x' cannot be used: Operator `\+\*` is incorrectly used"):
        build_design("y ~ s +* x", ratings)


def test_thresholds_that_hold_the_constant_need_no_full_coding(ratings):
    assert build_design("y ~ 0 + s", ratings, constant=False).names == ("s[b]", "s[c]")
