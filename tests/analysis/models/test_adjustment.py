"""Spreads corrected for the bias of maximum likelihood, against glmmTMB's restricted likelihood and against theory."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.models import mixed
from analysis.models.glmm import fit_logistic
from analysis.numerics.structure import SignedFactor

REFERENCE = Path(__file__).resolve().parents[2] / "reference" / "restricted_likelihood.json"


@pytest.fixture
def adjustments(monkeypatch):
    """What every fit found, in order."""
    found, real = [], mixed.adjust

    def keep(*args, **kwargs):
        found.append(real(*args, **kwargs))
        return found[-1]

    monkeypatch.setattr(mixed, "adjust", keep)
    return found


@pytest.fixture(scope="module")
def restricted():
    """glmmTMB(REML = TRUE) and FALSE; tests/reference/make_restricted_likelihood.R."""
    return json.loads(REFERENCE.read_text(encoding="utf-8"))


def test_crossed_spreads_move_to_restricted_likelihood(shared, restricted, intercepts, adjustments):
    d = pd.read_csv(shared("reference/sim72_pairs.csv"))
    x = np.column_stack([d.system == name for name in ("act", "wt", "prm")] + [d.side]).astype(float)

    fit = fit_logistic(d.choice.to_numpy(), x, intercepts(d, "rater", "prompt", "pair"), names=("a", "w", "p", "side"))

    for part, shift in zip(fit.variances, adjustments[0].shift, strict=True):
        ml, reml = restricted["sim72_pairs"][part.factor]
        assert part.sd == pytest.approx(ml, rel=1e-4)
        # one Newton step, and glmmTMB integrates β by Laplace where Cox and Reid fix it: within 1% of the spread
        assert part.sd + shift == pytest.approx(reml, rel=0.01)
        assert shift > 0.4 * (reml - ml) > 0.0


def test_binomial_counts_move_to_restricted_likelihood(shared, restricted, intercepts, adjustments):
    d = pd.read_csv(shared("reference/cbpp.csv"))
    both = pd.concat([d.assign(y=1, w=d["incidence"]), d.assign(y=0, w=d["size"] - d["incidence"])])
    x = np.column_stack([np.ones(len(both))] + [both.period == k for k in (2, 3, 4)]).astype(float)

    fit = fit_logistic(
        both.y.to_numpy(), x, intercepts(both, "herd"), names=tuple("1234"), weights=both.w.to_numpy(dtype=float)
    )

    assert fit.variances[0].sd + adjustments[0].shift[0] == pytest.approx(restricted["cbpp"]["herd"][1], rel=0.01)
    assert (np.sqrt(np.diag(fit.adjusted_covariance)) > fit.standard_errors()).all()


def grouped(groups, seed=0):
    """Choices of groups with a spread of 1, twelve each; the group is a random intercept."""
    rng = np.random.default_rng(seed)
    group = np.repeat(np.arange(groups), 12)
    y = (rng.normal(size=groups)[group] + rng.logistic(size=group.size) > 0).astype(int)
    return y, np.ones((group.size, 1)), (SignedFactor("group", (group,), (1.0,), groups),)


def test_correction_fades_as_one_over_the_number_of_levels(adjustments):
    gains = []
    for groups in (20, 320):
        found = []
        for seed in range(6):
            y, x, factors = grouped(groups, seed)
            fit = fit_logistic(y, x, factors, names=("(Intercept)",))
            found.append(fit.adjusted_covariance[0, 0] / fit.covariance[0, 0] - 1.0)
        gains.append(np.mean(found))
    # σ² of a mean of G groups is short by about 1/G of the groups' part
    assert 0.5 / 20 < gains[0] < 1.5 / 20
    assert gains[0] / gains[1] == pytest.approx(16.0, rel=0.25)


def test_spread_of_zero_stays_and_costs_nothing():
    y, x, factors = grouped(30)
    order = np.random.default_rng(1).permutation(y.size)
    quiet = (SignedFactor("noise", (factors[0].codes[0][order],), (1.0,), 30),)

    fit = next(
        fit
        for seed in range(20)
        if (fit := fit_logistic(np.random.default_rng(seed).permutation(y), x, quiet, names=("i",))).variances[0].sd
        == 0.0
    )

    assert fit.convergence.code == "singular"
    assert fit.adjusted_covariance == pytest.approx(fit.covariance)


def test_no_correction_where_it_was_not_asked_for_or_nothing_converged():
    y, x, factors = grouped(20)
    assert fit_logistic(y, x, factors, names=("i",), small_sample=False).adjusted_covariance is None
    assert fit_logistic(np.ones_like(y), x, factors, names=("i",)).adjusted_covariance is None
