"""Quantities for readers: closed forms, simulation, and numbers that must add up."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from analysis.inference.quantities import effect_size, spread_of, superiority, variance_shares, win_rate
from analysis.prepare import Options, prepare, select
from analysis.results import VarianceComponent
from analysis.study import fit_dimension


@pytest.fixture(scope="module")
def fits(every_measure):
    options = Options()
    rows, _ = select(every_measure, options)
    found = {}
    for name in ("originality", "surprise", "fluency", "wit"):
        data = prepare(rows, name, options)
        found[name] = (data, fit_dimension(data))
    return found


def components(**sds):
    return tuple(VarianceComponent(name.replace("_", ":"), 10, sd, 0.1, signed=False) for name, sd in sds.items())


def test_superiority_of_sliders_is_the_common_language_effect_size(fits):
    _, fit = fits["fluency"]
    fit = replace(fit, variances=components(rater=6.0, prompt=5.0, output=3.0, rater_system=2.0), residual_sd=10.0)

    # rater and prompt are shared: √(2 (9 + 4 + 100)) remains
    assert superiority(fit, np.array([5.0]))[0] == pytest.approx(stats.norm.cdf(5.0 / np.sqrt(226.0)))
    assert superiority(fit, np.array([0.0]))[0] == pytest.approx(0.5)


@pytest.mark.parametrize("link", ["logit", "probit"])
def test_superiority_of_ordered_answers_equals_a_simulation(fits, link):
    _, fit = fits["wit"]
    fit = replace(fit, variances=components(rater=0.9, output=0.6), link=link)
    rng, draws = np.random.default_rng(2), 400_000
    noise = rng.logistic if link == "logit" else rng.normal
    common = rng.normal(scale=0.9, size=draws)
    first, second = (
        np.searchsorted(
            fit.thresholds, 0.3 + sign * 0.4 + common + rng.normal(scale=0.6, size=draws) + noise(size=draws)
        )
        for sign in (1, -1)
    )
    simulated = ((first > second) + 0.5 * (first == second)).mean()

    # four standard errors of a share of 400,000 draws
    assert superiority(fit, np.array([0.8]), level=0.3)[0] == pytest.approx(simulated, abs=0.0032)


def test_superiority_of_the_second_is_the_rest(fits):
    _, fit = fits["wit"]

    there, back = superiority(fit, np.array([0.7, -0.7]), level=0.2)

    assert there + back == pytest.approx(1.0, abs=1e-12)


def test_win_rate_of_a_probit_without_spread_is_the_normal_distribution(fits):
    _, fit = fits["originality"]
    bare = replace(fit, link="probit", variances=(), estimate=np.zeros(3), thresholds=np.zeros(1))

    assert win_rate(bare, np.array([1.0]))[0] == pytest.approx(stats.norm.cdf(1.0))


def test_effect_size_names_its_denominator(fits):
    points = np.array([2.0, 1.0, 3.0])
    _, slider = fits["fluency"]
    slider = replace(slider, variances=components(rater=3.0, output=4.0), residual_sd=12.0)
    _, choice = fits["originality"]
    choice = replace(choice, variances=components(rater_system=0.5))

    by_total, by_latent = effect_size(slider, points, paired=False), effect_size(choice, points, paired=True)

    assert by_total.denominator == "total SD of one answer"
    assert (by_total.sd, by_total.by_residual, by_total.by_total) == pytest.approx((13.0, 2 / 12, 2 / 13))
    assert by_total.value == pytest.approx(points / 13.0)
    assert by_latent.denominator == "latent logistic SD, π/√3"
    assert by_latent.value == pytest.approx(points * np.sqrt(3) / np.pi)
    assert by_latent.by_total == pytest.approx(2.0 / np.sqrt(np.pi**2 / 3 + 0.25))


@pytest.mark.parametrize("dimension", ["originality", "surprise", "fluency", "wit"])
def test_variance_shares_add_up_and_lie_in_their_intervals(fits, dimension):
    data, fit = fits[dimension]

    shares = variance_shares(fit, confidence=0.95)

    assert [share.component for share in shares] == [one.factor for one in fit.variances] + ["residual"]
    assert sum(share.share for share in shares) == pytest.approx(1.0)
    assert sum(share.variance for share in shares) == pytest.approx(spread_of(fit, paired=data.paired).total)
    for share in shares:
        if share.variance > 0.0:
            assert 0.0 < share.low < share.share < share.high < 1.0
        else:
            assert np.isnan(share.se)
            assert np.isnan(share.low)


def test_variance_of_a_share_is_that_of_the_delta_method(fits):
    _, fit = fits["originality"]
    fit = replace(fit, variances=(VarianceComponent("rater:system", 48, 0.8, 0.2, signed=True),))
    latent = np.pi**2 / 3

    share = variance_shares(fit, confidence=0.95)[0]

    # v = 2σ², var(v) = (4σ se)², share = v / (v + π²/3)
    v = 2 * 0.8**2
    assert share.share == pytest.approx(v / (v + latent))
    assert share.se == pytest.approx(latent / (v + latent) ** 2 * 4 * 0.8 * 0.2)


def test_shares_of_a_linear_model_know_the_covariance_of_its_variances(fits):
    _, fit = fits["fluency"]
    without = replace(fit, small_sample=None)

    one, two = (variance_shares(item, confidence=0.95)[-1] for item in (fit, without))

    assert one.share == two.share
    assert one.se != two.se
    assert one.se == pytest.approx(two.se, rel=0.5)
