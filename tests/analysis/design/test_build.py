"""The door: what a design holds, says and refuses."""

import numpy as np
import pytest

from analysis.design import FormulaError, build_design, parse_formula


def test_design_of_pairs_reads_as_one_line(pairs):
    design = build_design("answer ~ system + (1|rater/system)", pairs)

    assert design.pairs
    assert design.text == "answer ~ system + (1 | rater) + (1 | rater:system), utility of a − b, side ~ 1"
    assert design.fixed.shape == (120, 3)


def test_parsed_formula_is_accepted(ratings):
    design = build_design(parse_formula("y ~ s + (1|g)"), ratings)

    assert design.text == "y ~ s + (1 | g)"
    assert not design.pairs


def test_rows_that_lack_a_response_are_dropped_with_a_note(ratings):
    design = build_design("y ~ s + (1|g)", ratings.assign(y=ratings.y.where(ratings.index > 9)))

    np.testing.assert_array_equal(design.rows, np.arange(10, 60))
    assert design.notes == ("10 of 60 rows have a missing value in y (10); left out",)
    assert design.fixed.shape[0] == design.factors[0].codes[0].size == 50


def test_structure_is_made_once(ratings):
    design = build_design("y ~ s + (1|g)", ratings)

    assert design.structure is design.structure
    assert design.structure.size == 5


def test_empty_table_is_refused(ratings):
    with pytest.raises(FormulaError, match="no rows"):
        build_design("y ~ s", ratings[:0])
