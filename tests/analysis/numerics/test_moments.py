"""The start of the search is near the truth of a large simulated study."""

import numpy as np
import pytest

from analysis.numerics.cumulative import CumulativeLink, fixed_at_zero
from analysis.numerics.laplace import LaplaceModel
from analysis.numerics.structure import SignedFactor, build_structure

TRUE = np.array([0.6, 0.25])


@pytest.fixture(scope="module")
def model():
    rng = np.random.default_rng(5)
    rows = 20_000
    rater, item = rng.integers(500, size=rows), rng.integers(200, size=rows)
    factors = (SignedFactor("rater", (rater,), (1.0,), 500), SignedFactor("item", (item,), (1.0,), 200))
    spread = rng.normal(0.0, np.sqrt(TRUE[0]), 500)[rater] + rng.normal(0.0, np.sqrt(TRUE[1]), 200)[item]
    x = np.column_stack([np.ones(rows), rng.choice([-0.5, 0.5], rows)])
    answer = (x @ [0.3, 1.0] + spread + rng.logistic(size=rows) > 0).astype(np.int64)
    return LaplaceModel(x, build_structure(factors, rows), CumulativeLink(answer, np.ones(rows), fixed_at_zero()))


def test_guess_is_near_the_truth(model):
    p = model.family.category.mean()
    marginal = np.array([np.log(p / (1 - p)), 0.85])

    guess = model.first_guess(marginal)

    # 200 items give a variance within 10%, the linear approximation another 15%
    assert guess[:2] == pytest.approx(TRUE, rel=0.3)
    assert guess[3] == pytest.approx(1.0, rel=0.1)


def test_known_variances_are_kept(model):
    guess = model.first_guess(np.array([0.25, 0.85]), np.array([np.nan, 0.4]))

    assert guess[1] == 0.4
    assert guess[0] == pytest.approx(TRUE[0], rel=0.3)


def test_no_spread_starts_off_the_boundary():
    rows = 300
    factor = SignedFactor("group", (np.repeat(np.arange(100), 3),), (1.0,), 100)
    family = CumulativeLink(np.tile([0, 1, 1], 100), np.ones(rows), fixed_at_zero())
    model = LaplaceModel(np.ones((rows, 1)), build_structure((factor,), rows), family)

    guess = model.first_guess(np.array([np.log(2.0)]))

    assert 0.0 < guess[0] < 0.1


def test_without_random_effects_the_regression_is_the_start():
    family = CumulativeLink(np.array([0, 1, 1]), np.ones(3), fixed_at_zero())
    model = LaplaceModel(np.ones((3, 1)), build_structure((), 3), family)

    assert model.first_guess(np.array([0.7])).tolist() == [0.7]
