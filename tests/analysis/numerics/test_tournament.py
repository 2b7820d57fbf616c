"""Who is connected with whom, and who always won."""

import numpy as np

from analysis.numerics.tournament import examine


def test_cycle_is_one_finite_group():
    found = examine(np.array([0, 1, 2]), np.array([1, 2, 0]), 3)

    assert np.unique(found.finite).size == 1
    assert found.level.tolist() == [0, 0, 0]


def test_chain_of_winners_has_ascending_levels():
    found = examine(np.array([2, 1]), np.array([1, 0]), 3)

    assert np.unique(found.connected).size == 1
    assert np.unique(found.finite).size == 3
    assert found.level.tolist() == [0, 1, 2]


def test_groups_that_never_met_are_apart():
    found = examine(np.array([0, 1, 3]), np.array([1, 0, 2]), 5)

    assert found.connected[0] == found.connected[1]
    assert np.unique(found.connected).size == 3
    assert found.level.tolist() == [0, 0, 0, 1, 0]


def test_level_is_the_longest_way_down():
    winner, loser = np.array([3, 3, 2, 1, 4]), np.array([0, 2, 1, 0, 3])

    assert examine(winner, loser, 5).level.tolist() == [0, 1, 2, 3, 4]
