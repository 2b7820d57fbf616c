"""The cluster-robust column: against statsmodels, by symmetry, and what is said where there is none."""

from dataclasses import replace

import numpy as np
import pytest

from analysis.inference.robust import cumulative_scores, fit_robust, threshold_shape
from analysis.prepare import Options, prepare, select
from analysis.study import fit_dimension


def model(frame, dimension, **options):
    chosen = Options(**options)
    data = prepare(select(frame, chosen)[0], dimension, chosen)
    return data, fit_dimension(data)


@pytest.mark.parametrize("dimension", ["originality", "fluency"])
def test_choices_and_sliders_are_statsmodels_two_way_clusters(every_measure, dimension):
    import statsmodels.api as sm

    data, fit = model(every_measure, dimension)
    groups = np.column_stack([np.unique(data.frame[name], return_inverse=True)[1] for name in ("rater", "prompt")])
    family = sm.families.Binomial() if data.family == "binomial" else sm.families.Gaussian()
    answer = data.frame["answer"].to_numpy()
    plain = sm.GLM(answer, data.fixed, family=family).fit(cov_type="cluster", cov_kwds={"groups": groups})
    weights = data.contrast("steered", "baseline")

    estimate, se, df, p = fit_robust(data, fit).contrast(weights)

    assert estimate == pytest.approx(weights @ plain.params, rel=1e-6)
    assert se == pytest.approx(np.sqrt(weights @ plain.cov_params() @ weights), rel=1e-4)
    assert df == 8.0
    assert 0.0 < p < 1.0


def test_scores_of_two_levels_are_those_of_the_logit(every_measure):
    data, fit = model(every_measure, "originality")
    two = replace(fit, thresholds=np.zeros(1))
    mean = 1.0 / (1.0 + np.exp(-data.fixed @ fit.estimate))

    scores, information = cumulative_scores(two, data.fixed, data.category, shape=np.zeros((1, 0)))

    assert scores == pytest.approx((data.category - mean)[:, None] * data.fixed, abs=1e-10)
    assert information == pytest.approx(data.fixed.T @ ((mean * (1 - mean))[:, None] * data.fixed), rel=1e-10)


@pytest.mark.parametrize("dimension", ["surprise", "wit"])
def test_scores_are_derivatives_of_the_log_likelihood(every_measure, dimension):
    data, fit = model(every_measure, dimension)
    shape = threshold_shape(data.thresholds, fit.thresholds.size)
    free = np.linalg.lstsq(shape, fit.thresholds, rcond=None)[0]

    def log_likelihood(parameter):
        beta, thresholds = parameter[: fit.estimate.size], shape @ parameter[fit.estimate.size :]
        cut = np.concatenate([[-np.inf], thresholds, [np.inf]])
        eta = data.fixed @ beta
        upper, lower = (1 / (1 + np.exp(-(cut[data.category + step] - eta))) for step in (1, 0))
        return np.log(upper - lower)

    at = np.concatenate([fit.estimate, free])
    steps = np.eye(at.size) * 1e-5
    differences = np.column_stack([(log_likelihood(at + h) - log_likelihood(at - h)) / 2e-5 for h in steps])

    scores, information = cumulative_scores(fit, data.fixed, data.category, shape=shape)

    assert shape @ free == pytest.approx(fit.thresholds, abs=1e-8)
    # central differences of step 1e-5
    assert scores == pytest.approx(differences, abs=1e-7)
    assert np.linalg.eigvalsh(information).min() > 0


@pytest.mark.parametrize("dimension", ["originality", "surprise", "fluency", "wit"])
def test_column_is_near_the_mixed_model(every_measure, dimension):
    data, fit = model(every_measure, dimension)
    weights = data.contrast("steered", "baseline")

    estimate, se, _, _ = fit_robust(data, fit).contrast(weights)

    # marginal estimates of a logit are shrunken by the spread of the random effects, here by up to a third
    assert 0.6 < estimate / float(weights @ fit.estimate) < 1.1
    assert 0.4 < se / float(np.sqrt(weights @ fit.covariance @ weights)) < 1.5


def test_one_prompt_is_clustered_by_rater_only(every_measure):
    frame = every_measure[every_measure["prompt"] == "p00"]
    data, fit = model(frame, "surprise")

    robust = fit_robust(data, fit)

    assert robust.df == data.raters - 1
    assert "errors clustered by rater, t with 15 df" in robust.method


def test_separation_has_no_robust_column(every_measure):
    frame = every_measure[every_measure["dimension"] == "originality"].copy()
    frame.loc[frame["system_a"] == "steered", "answer"] = 1.0
    frame.loc[frame["system_b"] == "steered", "answer"] = 0.0
    data, fit = model(frame, "originality")

    robust = fit_robust(data, fit)

    assert robust.method == "not computed: the answers separate the systems"
    assert np.isnan(robust.contrast(data.contrast("reference", "baseline"))[0])
