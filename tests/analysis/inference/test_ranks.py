"""Rank intervals: what they prove, and that they hold all true ranks at once as often as they say."""

import numpy as np
import pytest

from analysis.inference.quasi import Effects
from analysis.inference.ranks import rank_intervals


def effects(estimate, covariance):
    estimate = np.asarray(estimate, dtype=float)
    return Effects(tuple(f"s{k}" for k in range(estimate.size)), estimate, np.asarray(covariance, dtype=float))


def limits(found):
    return {interval.label: (interval.rank, interval.low, interval.high) for interval in found}


def test_far_apart_systems_have_certain_ranks():
    found = rank_intervals(effects([0.0, 10.0, 5.0], np.eye(3) * 0.01))

    assert limits(found) == {"s1": (1, 1, 1), "s2": (2, 2, 2), "s0": (3, 3, 3)}
    assert [interval.label for interval in found] == ["s1", "s2", "s0"]


def test_indistinguishable_systems_may_have_any_rank():
    found = rank_intervals(effects([0.0, 0.01, 0.02], np.eye(3)))

    assert {(low, high) for _, low, high in limits(found).values()} == {(1, 3)}


def test_one_clear_loser_frees_nobody_else():
    found = limits(rank_intervals(effects([0.0, 0.1, -9.0], np.eye(3) * 0.1)))

    assert found["s2"] == (3, 3, 3)
    assert found["s0"][1:] == found["s1"][1:] == (1, 2)


def test_two_systems_are_the_two_sided_test():
    """With one comparison the critical value is that of a two-sided z test, here 1.96."""
    for z, proven in ((1.90, False), (2.02, True)):
        found = limits(rank_intervals(effects([0.0, z * np.sqrt(2.0)], np.eye(2))))

        assert (found["s1"][1:] == (1, 1)) is proven


def test_few_degrees_of_freedom_widen_the_intervals():
    given = effects([0.0, 2.4 * np.sqrt(2.0)], np.eye(2))

    assert limits(rank_intervals(given))["s1"][1:] == (1, 1)
    assert limits(rank_intervals(given, df=4.0))["s1"][1:] == (1, 2)  # t(4) asks for 2.78


def test_stepping_down_proves_more_than_one_step():
    """One step asks for 2.73 (Tukey's 3.858 / √2); with nine of ten claims proven, 2.6 is enough for the last."""
    estimate = [0.0, 2.6 * np.sqrt(2.0), 40.0, 60.0, 80.0]

    found = limits(rank_intervals(effects(estimate, np.eye(5))))

    assert found["s1"] == (4, 4, 4)
    assert found["s0"] == (5, 5, 5)


def test_common_error_cancels():
    shifted = rank_intervals(effects([0.0, 3.0, 1.0], np.eye(3) * 0.3 + 50.0))

    assert limits(shifted) == limits(rank_intervals(effects([0.0, 3.0, 1.0], np.eye(3) * 0.3)))


@pytest.mark.parametrize("truth", [[0.0, 0.0, 0.0, 0.0], [0.0, 1.0, 1.0, 3.0]])
def test_all_true_ranks_are_covered_at_once(truth):
    """300 studies at 90%: the share that hold all ranks is 270 or more, less three Monte-Carlo errors of 5.2."""
    rng = np.random.default_rng(1)
    truth = np.asarray(truth)
    covariance = np.diag([0.5, 1.0, 1.5, 0.8]) + 0.3
    root = np.linalg.cholesky(covariance)
    above, below = (truth[None, :] > truth[:, None]).sum(axis=1), (truth[None, :] < truth[:, None]).sum(axis=1)
    held = 0

    for _ in range(300):
        found = rank_intervals(effects(truth + root @ rng.normal(size=4), covariance), confidence=0.90)
        by_label = {interval.label: interval for interval in found}
        # a system tied with others may take any of their places, and all of them must be inside
        held += all(
            by_label[f"s{k}"].low <= 1 + above[k] and by_label[f"s{k}"].high >= truth.size - below[k]
            for k in range(truth.size)
        )

    assert held >= 254


def test_same_seed_gives_the_same_intervals():
    given = effects([0.0, 1.0, 2.0, 2.5], np.eye(4) * 0.4)

    assert rank_intervals(given, seed=3) == rank_intervals(given, seed=3)


def test_missing_comparisons_are_refused():
    with pytest.raises(ValueError, match="finite estimate and variance of every comparison"):
        rank_intervals(effects([0.0, np.nan], np.eye(2)))
    with pytest.raises(ValueError, match="finite estimate and variance of every comparison"):
        rank_intervals(effects([0.0, 1.0], np.zeros((2, 2))))
    with pytest.raises(ValueError, match="between 0 and 1"):
        rank_intervals(effects([0.0, 1.0], np.eye(2)), confidence=95.0)
