"""The worth of outputs within their prompt, against a general optimiser and known solutions."""

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import log_expit

from analysis.judges.strengths import PRIOR_SD, worths

FIRST, SECOND = np.array([0, 0, 1, 3]), np.array([1, 2, 2, 4])
PROMPT = np.array([0, 0, 0, 1, 1])
WINS, COUNT = np.array([[3.0], [4.5], [2.0], [5.0]]), np.array([[4.0], [5.0], [4.0], [5.0]])


def test_strengths_are_the_mode_that_a_general_optimiser_finds():
    def objective(worth):
        eta = worth[FIRST] - worth[SECOND]
        fit = WINS[:, 0] @ log_expit(eta) + (COUNT - WINS)[:, 0] @ log_expit(-eta)
        return -fit + 0.5 * (worth**2).sum() / PRIOR_SD**2

    found = worths((FIRST, SECOND), PROMPT, total=WINS, count=COUNT, logistic=True)

    best = minimize(objective, np.zeros(5), method="BFGS", options={"gtol": 1e-10})
    assert found[:, 0] == pytest.approx(best.x, abs=1e-6)  # BFGS stops there
    assert np.isfinite(found).all()  # the second prompt's winner won every time
    assert [found[p == PROMPT].sum() for p in (0, 1)] == pytest.approx([0.0, 0.0], abs=1e-8)


def test_points_are_least_squares_within_the_prompt():
    differences = np.array([[2.0], [6.0], [4.0], [1.0]])

    found = worths((FIRST, SECOND), PROMPT, total=differences, count=np.ones((4, 1)), logistic=False)

    # a - b = 2, b - c = 4, a - c = 6 fit exactly: 8/3, 2/3, -10/3; the ridge of 1e-6 moves the sixth digit
    assert found[:, 0] == pytest.approx([8 / 3, 2 / 3, -10 / 3, 0.5, -0.5], abs=1e-5)


def test_columns_are_separate_and_an_output_that_nobody_compared_has_no_worth():
    total = np.repeat(WINS, 2, axis=1)
    count = np.repeat(COUNT, 2, axis=1)
    total[[1, 2], 1] = count[[1, 2], 1] = 0.0

    found = worths((FIRST, SECOND), PROMPT, total=total, count=count, logistic=True)

    alone = worths((FIRST, SECOND), PROMPT, total=WINS, count=COUNT, logistic=True)
    assert np.array_equal(found[:, :1], alone)
    assert np.isnan(found[2, 1])
    assert found[0, 1] == -found[1, 1] > 0
