"""Random effects: level numbers, labels, signs and slopes."""

import numpy as np
import pytest

from analysis.design import FormulaError, build_design
from analysis.numerics.structure import build_structure
from analysis.prepare import Options, prepare, select
from analysis.results import INTERCEPT


def test_combinations_are_numbered_in_order_with_labels(ratings):
    (factor,) = build_design("y ~ 1 + (1 | g:h)", ratings).factors

    expected = (ratings.g + ":" + ratings.h.astype(str)).to_numpy()
    assert factor.levels == 20
    assert list(np.array(factor.labels)[factor.codes[0]]) == list(expected)
    assert factor.labels == tuple(sorted(factor.labels))
    assert factor.signs == (1.0,)


def test_only_combinations_that_occur_count(ratings):
    (factor,) = build_design("y ~ 1 + (1 | g:s)", ratings[ratings.s != "b"]).factors

    assert factor.levels == len(ratings[ratings.s != "b"].groupby(["g", "s"]).size())


def test_slopes_are_columns_of_the_row(ratings):
    correlated, single = build_design("y ~ x + (1 + x + s | g) + (0 + x | h)", ratings).factors

    assert correlated.slope_names == (INTERCEPT, "x", "s[b]", "s[c]")
    assert correlated.slopes[0] is None
    np.testing.assert_array_equal(correlated.slopes[1], ratings.x)
    np.testing.assert_array_equal(correlated.slopes[3], ratings.s == "c")
    assert single.slope_names == ("x",)


def test_groups_of_a_side_are_signed_and_groups_of_the_row_are_not(pairs):
    output, rater, both = build_design("~ system + (1|output) + (1|rater) + (1|rater:system)", pairs).factors

    assert (output.signs, rater.signs, both.signs) == ((1.0, -1.0), (1.0,), (1.0, -1.0))
    assert list(np.array(output.labels)[output.codes[1]]) == list(pairs.output_b)
    assert list(np.array(both.labels)[both.codes[0]]) == list(pairs.rater + ":" + pairs.system_a)


def test_slope_of_a_side_varying_variable_applies_to_the_difference(pairs):
    one, two = build_design("~ system + (1 + length + position | rater) + (0 + system | prompt)", pairs).factors

    assert one.slope_names == (INTERCEPT, "length", "position")
    np.testing.assert_array_equal(one.slopes[1], pairs.length_a - pairs.length_b)
    np.testing.assert_array_equal(one.slopes[2], pairs.position)
    # differences only: coded against the first system, without the intercept that would be a side preference
    assert two.slope_names == ("system[ref]", "system[steer]")
    np.testing.assert_array_equal(two.slopes[0], (pairs.system_a == "ref") * 1.0 - (pairs.system_b == "ref"))


def test_slope_and_group_that_both_differ_between_sides_are_refused(pairs):
    with pytest.raises(FormulaError, match="length differs between the sides and so does output"):
        build_design("~ system + (length | output)", pairs)


def test_memberships_equal_those_of_the_report(study):
    rows, _ = select(study, Options(random=("output", "prompt:system", "rater:system", "rater")))
    data = prepare(rows, "originality", Options(random=("output", "prompt:system", "rater:system", "rater")))

    design = build_design("~ system + (1|output) + (1|prompt:system) + (1|rater:system) + (1|rater)", data.frame)

    np.testing.assert_array_equal(design.fixed, data.fixed)
    assert design.names == data.names
    ours, theirs = (build_structure(factors, len(data.frame)).z for factors in (design.factors, data.factors))
    assert abs(ours - theirs).max() == 0.0
