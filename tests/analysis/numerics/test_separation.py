"""Aliasing and separation are found, whichever column they hide in."""

import numpy as np
import pytest

from analysis.numerics.cumulative import CumulativeLink, fixed_at_zero, flexible
from analysis.numerics.separation import find_separation, independent_columns, null_space


def binary(y):
    return CumulativeLink(np.asarray(y), np.ones(len(y)), fixed_at_zero())


def test_overlapping_answers_are_not_separated():
    x = np.column_stack([np.ones(8), np.tile([0.0, 1.0], 4)])

    assert find_separation(x, binary([0, 0, 1, 1, 0, 0, 1, 1])) is None


def test_complete_separation_names_the_direction_and_rows():
    x = np.column_stack([np.ones(6), [0.0, 0, 0, 1, 1, 1]])

    found = find_separation(x, binary([0, 1, 0, 1, 1, 1]))

    assert found is not None
    assert found.fixed[1] > 0
    assert found.rows.tolist() == [False, False, False, True, True, True]


def test_a_system_that_always_wins_is_separation_in_signed_pairs():
    left, right = np.array([0, 1, 0, 2, 1, 2, 0, 1]), np.array([1, 0, 2, 0, 2, 1, 1, 0])
    x = np.column_stack([np.ones(8)] + [(left == k) * 1.0 - (right == k) * 1.0 for k in (1, 2)])
    y = np.where(left == 2, 1, np.where(right == 2, 0, [1, 1, 0, 0, 0, 0, 0, 0]))

    found = find_separation(x, binary(y))

    assert found is not None
    assert found.fixed[0] == pytest.approx(0.0)
    assert found.fixed[2] > 0
    assert found.rows.tolist() == [False, False, True, True, True, True, False, False]


def test_unused_outer_level_is_separation_of_a_threshold():
    family = CumulativeLink(np.array([0, 1, 0, 1]), np.ones(4), flexible(3))

    found = find_separation(np.array([[0.0], [1.0], [1.0], [0.0]]), family)

    assert found is not None
    assert found.thresholds[1] > 0


def test_dependent_columns_are_found_in_order():
    x = np.array([[1.0, 2.0, 0.0, 1.0], [1.0, 2.0, 1.0, 2.0], [1.0, 2.0, 2.0, 3.0]])

    assert independent_columns(x).tolist() == [True, False, True, False]
    assert null_space(x).shape == (4, 2)
    assert np.abs(x @ null_space(x)).max() == pytest.approx(0.0, abs=1e-12)
