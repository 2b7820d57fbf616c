"""Choices from sets: derivatives, the certificate of a finite maximum, and what is left when there is none."""

import numpy as np
import pytest
from scipy import sparse

from analysis.numerics.choice import ChoiceSets, find_recession, fit_choice, is_finite, scores_of_sets, without_beaten


def random_sets(*, sets=40, p=3, seed=0):
    rng = np.random.default_rng(seed)
    size = rng.integers(2, 5, size=sets)
    start = np.concatenate([[0], np.cumsum(size)])
    design = sparse.csr_array(rng.normal(size=(start[-1], p)))
    chosen = np.zeros(start[-1])
    chosen[start[:-1] + rng.integers(size)] = rng.integers(1, 4, size=sets)
    return ChoiceSets(design, start, chosen, np.arange(sets))


def log_likelihood(sets, beta):
    eta, total = sets.design @ beta, 0.0
    for begin, end in zip(sets.start[:-1], sets.start[1:], strict=True):
        total += sets.chosen[begin:end] @ (eta[begin:end] - np.log(np.exp(eta[begin:end]).sum()))
    return total


def test_maximum_has_no_slope_and_the_curvature_of_differences():
    sets = random_sets()

    found = fit_choice(sets)

    h = 1e-4
    assert found.finite
    assert found.log_likelihood == pytest.approx(log_likelihood(sets, found.parameter), rel=1e-12)
    for j, one in enumerate(np.eye(3) * h):
        slope = (log_likelihood(sets, found.parameter + one) - log_likelihood(sets, found.parameter - one)) / (2 * h)
        assert slope == pytest.approx(0.0, abs=1e-6)
        for k, two in enumerate(np.eye(3) * h):
            mixed = sum(
                a * b * log_likelihood(sets, found.parameter + a * one + b * two) for a in (1, -1) for b in (1, -1)
            ) / (4 * h * h)
            # four numbers near 100, good to 1e-14 of that, over a step of 1e-4 twice
            assert found.curvature.toarray()[j, k] == pytest.approx(-mixed, rel=1e-4, abs=1e-3)
    assert found.covariance == pytest.approx(np.linalg.inv(found.curvature.toarray()), rel=1e-10)


def test_scores_of_sets_sum_to_the_gradient():
    sets = random_sets()
    found = fit_choice(sets, penalty=np.full(3, 2.0))

    total = np.asarray(scores_of_sets(sets, found).sum(axis=0)).ravel()

    assert total == pytest.approx(2.0 * found.parameter, abs=1e-9)


@pytest.mark.parametrize("seed", range(25))
def test_certificate_agrees_with_the_linear_programme(seed):
    sets = random_sets(sets=6, seed=seed)

    assert is_finite(sets, fit_choice(sets)) == (find_recession(sets) is None)


def test_limit_drops_what_falls_behind_and_keeps_the_rest():
    """Three alternatives, of which the last never stands a chance: the first two are still compared."""
    design = sparse.csr_array(np.tile([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]], (3, 1)))
    chosen = np.array([1.0, 0, 0, 0, 1, 0, 1, 0, 0])
    sets = ChoiceSets(design, np.array([0, 3, 6, 9]), chosen, np.arange(3))

    direction = find_recession(sets)
    limit = without_beaten(sets, direction)
    found = fit_choice(limit.columns(np.array([0])))

    assert direction is not None
    assert direction[1] < 0.0
    assert np.diff(limit.start).tolist() == [2, 2, 2]
    assert found.parameter[0] == pytest.approx(np.log(1 / 2), rel=1e-9)


def test_sets_left_with_one_alternative_disappear_and_origins_stay():
    sets = random_sets(sets=3, seed=5)
    keep = np.ones(sets.chosen.size, dtype=bool)
    keep[sets.start[1] + 1 : sets.start[2]] = False

    left = sets.keep(keep)

    assert left.origin.tolist() == [0, 2]
    assert left.size == 2


def test_bias_reduction_is_for_pairs():
    with pytest.raises(ValueError, match="sets of two"):
        fit_choice(random_sets(), bias_reduction=True)


def test_flat_directions_are_not_called_finite():
    sets = random_sets()
    twice = ChoiceSets(
        sparse.csr_array(sparse.hstack([sets.design, sets.design])), sets.start, sets.chosen, sets.origin
    )

    assert not fit_choice(twice).finite
