"""Cluster-robust covariances against statsmodels and against their definition."""

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import sparse

from analysis.numerics.sandwich import cluster_covariance


@pytest.fixture(scope="module")
def logit():
    rng = np.random.default_rng(0)
    x = np.column_stack([np.ones(300), rng.normal(size=(300, 2))])
    groups = (rng.integers(25, size=300), rng.integers(14, size=300))
    y = (x @ [0.2, 0.5, -0.4] + rng.normal(size=25)[groups[0]] + rng.logistic(size=300) > 0).astype(float)
    fit = sm.Logit(y, x).fit(disp=0)
    bread, scores = np.linalg.inv(-fit.model.hessian(fit.params)), fit.model.score_obs(fit.params)
    return y, x, groups, bread, scores


def test_one_grouping_equals_statsmodels(logit):
    y, x, groups, bread, scores = logit

    found, count = cluster_covariance(bread, scores, groups[:1])

    other = sm.Logit(y, x).fit(disp=0, cov_type="cluster", cov_kwds={"groups": groups[0], "df_correction": False})
    # statsmodels multiplies by (n − 1)/(n − p) as well, for models with a residual variance
    assert found == pytest.approx(other.cov_params() * (300 - 3) / (300 - 1), rel=1e-6)
    assert count == 25


def test_two_groupings_are_added_less_their_intersection(logit):
    _, _, groups, bread, scores = logit

    def meat(label):
        count = np.unique(label).size
        total = np.array([scores[label == k].sum(axis=0) for k in np.unique(label)])
        return count / (count - 1) * total.T @ total

    found, count = cluster_covariance(bread, sparse.csr_array(scores), groups)

    both = groups[0] * 100 + groups[1]
    assert found == pytest.approx(bread @ (meat(groups[0]) + meat(groups[1]) - meat(both)) @ bread, rel=1e-9)
    assert count == 14


def test_difference_that_is_not_positive_is_made_so():
    rng = np.random.default_rng(1)
    scores = rng.normal(size=(6, 3))

    found, _ = cluster_covariance(np.eye(3), scores, (np.array([0, 0, 0, 1, 1, 1]), np.array([0, 1, 0, 1, 0, 1])))

    assert np.linalg.eigvalsh(found).min() >= -1e-12


def test_one_cluster_is_refused():
    with pytest.raises(ValueError, match="at least two clusters"):
        cluster_covariance(np.eye(1), np.ones((4, 1)), (np.zeros(4, dtype=int),))
