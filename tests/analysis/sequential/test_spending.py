"""Boundaries against published tables and against simulated paths."""

import numpy as np
import pytest
from scipy import stats

from analysis.sequential import SequentialError, constant_boundaries, crossing_probabilities, spending_boundaries

FIVE = (0.2, 0.4, 0.6, 0.8, 1.0)


@pytest.mark.parametrize(
    ("method", "published"),
    [
        # gsDesign 3 and the tables of Lan & DeMets 1983, Reboussin et al. 2000: five equal looks, two-sided .05
        ("obrien_fleming", (4.877, 3.357, 2.680, 2.290, 2.031)),
        ("pocock", (2.438, 2.427, 2.410, 2.397, 2.386)),
    ],
)
def test_spending_boundaries_are_the_published_ones(method, published):
    found = spending_boundaries(FIVE, method=method, alpha=0.05)

    assert [look.z for look in found] == pytest.approx(published, abs=5e-4)  # printed to three digits
    assert found[-1].spent == pytest.approx(0.05)
    assert [look.nominal_p for look in found] == pytest.approx([2 * stats.norm.sf(look.z) for look in found])


@pytest.mark.parametrize(
    ("looks", "shape", "published"),
    [(2, 0.0, 1.977), (5, 0.0, 2.040), (10, 0.0, 2.087), (2, 0.5, 2.178), (5, 0.5, 2.413), (10, 0.5, 2.555)],
)
def test_classical_constants_are_those_of_jennison_and_turnbull(looks, shape, published):
    """Tables 2.1 and 2.3 of Jennison & Turnbull 2000, two-sided .05."""
    found = constant_boundaries(looks, alpha=0.05, shape=shape)

    assert found[-1] == pytest.approx(published, abs=6e-4)  # printed to three digits
    assert found[0] == pytest.approx(found[-1] * looks ** (0.5 - shape))


@pytest.mark.parametrize("times", [(1.0,), (0.5, 1.0), (0.1, 0.15, 0.9, 1.0), (0.3, 0.301, 0.99, 1.0)])
@pytest.mark.parametrize("method", ["obrien_fleming", "pocock"])
def test_looks_at_any_times_spend_exactly_the_level(times, method):
    found = spending_boundaries(times, method=method, alpha=0.01)

    crossed = crossing_probabilities(times, [look.z for look in found])

    np.testing.assert_allclose(np.cumsum(crossed), [look.spent for look in found], atol=1e-9)
    assert crossed.sum() == pytest.approx(0.01, abs=1e-9)


def test_one_look_is_the_ordinary_test():
    assert spending_boundaries((1.0,), method="pocock", alpha=0.05)[0].z == pytest.approx(1.959964, abs=1e-6)


def test_crossing_agrees_with_simulated_paths():
    times = np.array([0.2, 0.5, 0.7, 1.0])
    bounds = [look.z for look in spending_boundaries(times.tolist(), method="pocock", alpha=0.2)]
    rng = np.random.default_rng(1)
    for drift in (0.0, 2.0):
        steps = rng.standard_normal((200_000, 4)) * np.sqrt(np.diff(times, prepend=0.0))
        z = (np.cumsum(steps, axis=1) + drift * times) / np.sqrt(times)
        first = np.argmax(np.abs(z) >= bounds, axis=1)
        crossed = (np.abs(z) >= bounds).any(axis=1)
        shares = np.array([np.mean(crossed & (first == k)) for k in range(4)])

        found = crossing_probabilities(times.tolist(), bounds, drift=drift)

        np.testing.assert_allclose(found, shares, atol=0.005)  # 200,000 paths: standard error .0011


@pytest.mark.parametrize("times", [(), (0.5,), (0.5, 0.5, 1.0), (0.0, 1.0), (0.5, 1.2)])
def test_times_that_do_not_ascend_to_the_end_are_refused(times):
    with pytest.raises(SequentialError, match="must ascend from above 0 to 1"):
        spending_boundaries(times, method="pocock", alpha=0.05)


def test_unknown_spending_is_refused():
    with pytest.raises(SequentialError, match="no spending function 'haybittle': choose from obrien_fleming, pocock"):
        spending_boundaries((1.0,), method="haybittle", alpha=0.05)
