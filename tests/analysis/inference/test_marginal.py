"""Rows of marginal means and contrasts: what is averaged, and how."""

import numpy as np
import pandas as pd
import pytest

from analysis.design import FormulaError, build_design
from analysis.inference.marginal import compare, marginal_means, parse_spec, reference_grid


@pytest.fixture(scope="module")
def design():
    """A 2 × 3 design with a covariate, unbalanced in f."""
    n = 24
    table = pd.DataFrame(
        {
            "y": np.arange(n, dtype=float),
            "f": np.where(np.arange(n) < 6, "one", "two"),
            "s": np.resize(["a", "b", "c"], n),
            "x": np.linspace(0.0, 23.0, n),
            "half": np.resize([0.0, 1.0, 1.0, 1.0], n),
        }
    )
    return build_design("y ~ s * f + x + half", table)


@pytest.mark.parametrize(
    ("spec", "by", "expected"),
    [
        ("a", None, (("a",), ())),
        ("a | b", None, (("a",), ("b",))),
        ("a:b | c", None, (("a", "b"), ("c",))),
        ("a * b", "c", (("a", "b"), ("c",))),
        (["a", "b"], ["c", "d"], (("a", "b"), ("c", "d"))),
    ],
)
def test_specification_is_read(spec, by, expected):
    assert parse_spec(spec, by) == expected


def test_grid_crosses_factors_and_two_valued_covariates_at_the_mean_of_others(design):
    grid = reference_grid(design)

    assert len(grid) == 3 * 2 * 2
    assert set(grid["x"]) == {11.5}
    assert set(grid["half"]) == {0.0, 1.0}


def test_grid_takes_given_values(design):
    grid = reference_grid(design, {"x": [1.0, 2.0], "s": ["b"]})

    assert set(grid["x"]) == {1.0, 2.0}
    assert set(grid["s"]) == {"b"}


def test_means_average_over_the_other_factors_equally_or_as_observed(design):
    equal = marginal_means(design, "s")
    proportional = marginal_means(design, "s", weights="proportional")

    two = design.names.index("f[two]")
    assert equal.matrix[:, two] == pytest.approx(0.5)
    assert proportional.matrix[:, two] == pytest.approx(0.75)
    assert equal.matrix[:, design.names.index("half")] == pytest.approx(0.5)
    assert equal.matrix[:, design.names.index("x")] == pytest.approx(11.5)


def test_first_variable_changes_fastest_within_a_group(design):
    margins = marginal_means(design, ["s", "f"])
    grouped = marginal_means(design, "s | f")

    assert margins.names()[:4] == ("a one", "b one", "c one", "a two")
    assert grouped.groups == (("one",),) * 3 + (("two",),) * 3
    np.testing.assert_allclose(margins.matrix, grouped.matrix)


def test_pairwise_contrasts_are_differences_within_groups(design):
    margins = marginal_means(design, "s | f")

    found = compare(margins)

    assert found.names == ("a - b", "a - c", "b - c") * 2
    np.testing.assert_allclose(found.matrix[4], margins.matrix[3] - margins.matrix[5])
    assert found.means == 3


def test_control_effects_and_weights(design):
    margins = marginal_means(design, "s")
    mean = margins.matrix.mean(axis=0)

    assert compare(margins, "control").names == ("b - a", "c - a")
    assert compare(margins, "control", reference="b").names == ("a - b", "c - b")
    np.testing.assert_allclose(compare(margins, "effects").matrix, margins.matrix - mean, atol=1e-12)
    np.testing.assert_allclose(compare(margins, {"trend": [-1, 0, 1]}).matrix[0], margins.matrix[2] - margins.matrix[0])


def test_single_level_leaves_nothing_to_compare(design):
    with pytest.raises(FormulaError, match="x has one level"):
        compare(marginal_means(design, "x"))


def test_utilities_are_centred_within_groups():
    table = pd.DataFrame(
        {
            "system_a": np.resize(["p", "q", "r"], 12),
            "system_b": np.resize(["q", "r", "p"], 12),
            "family": np.repeat(["u", "v"], 6),
        }
    )
    design = build_design("~ system * family", table)

    margins = marginal_means(design, "system | family")

    np.testing.assert_allclose(margins.matrix[:3].sum(axis=0), 0.0, atol=1e-12)
    np.testing.assert_allclose(compare(margins).matrix[0], margins.matrix[0] - margins.matrix[1])
    assert margins.matrix[:, 0] == pytest.approx(0.0)
