"""The marginal model with errors clustered by rater and by prompt: a column beside the mixed model.

The same fixed effects without random effects, by statsmodels; two-way clustering adds the covariance within raters and
within prompts and takes off what both count (Cameron, Gelbach & Miller 2011); t with min(raters, prompts) − 1. In
simulation this holds the 5% level about as well as the mixed model. Its estimates are marginal: with logit or probit
links they are nearer to zero than those for an average rater.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from scipy import stats

from analysis.inference.working import distribution, level_probabilities

if TYPE_CHECKING:
    from analysis.prepare import DimensionData
    from analysis.results import Fit, FloatArray, IntArray

NAN = float("nan")
FEW: Final = 2
SMALLEST: Final = 1e-10


@dataclass(frozen=True)
class Robust:
    """Estimates and their cluster-robust covariance; ``method`` says how, or why there are none (then empty)."""

    estimate: FloatArray
    covariance: FloatArray
    df: float
    method: str

    def contrast(self, weights: FloatArray) -> tuple[float, float, float, float]:
        """Return estimate, standard error, degrees of freedom and p of L'β; NaN where there are none."""
        if not self.estimate.size:
            return NAN, NAN, NAN, NAN
        variance = float(weights @ self.covariance @ weights)
        if not variance > 0.0:
            return NAN, NAN, NAN, NAN
        value, se = float(weights @ self.estimate), float(np.sqrt(variance))
        return value, se, self.df, float(2.0 * stats.t.sf(abs(value / se), self.df))


def fit_robust(data: DimensionData, fit: Fit) -> Robust:
    """Fit the marginal model of one dimension; every difficulty ends in words, never in a number that misleads."""
    raters, prompts = (_codes(data, name) for name in ("rater", "prompt"))
    counts = [int(codes.max()) + 1 for codes in (raters, prompts)]
    varying = [codes for codes, count in zip((raters, prompts), counts, strict=True) if count >= FEW]
    if not varying:
        return _nothing("one rater and one prompt: nothing to cluster by")
    if data.family == "plackett_luce":
        return _nothing("not computed for rankings (random=() gives errors clustered by rater and prompt)")
    if fit.infinite.size or fit.convergence.code in {"separation", "not_fitted"}:
        return _nothing("not computed: the answers separate the systems")
    df = float(min(count for count in counts if count >= FEW) - 1)
    names = [name for name, count in zip(("rater", "prompt"), counts, strict=True) if count >= FEW]
    groups = np.column_stack(varying) if len(varying) > 1 else varying[0]
    found = _cumulative(data, groups) if data.family == "cumulative" else _by_statsmodels(data, groups)
    if found is None or not np.isfinite(found[0]).all() or not np.isfinite(found[1]).all():
        return _nothing("not computed: the marginal model did not converge")
    method = f"marginal {_model(data)}, errors clustered by {' and '.join(names)}, t with {df:g} df"
    return Robust(found[0], found[1], df, method)


def _nothing(reason: str) -> Robust:
    return Robust(np.empty(0), np.empty((0, 0)), NAN, reason)


def _model(data: DimensionData) -> str:
    return "linear model" if data.family == "gaussian" else f"{data.family} {data.link} model"


def _codes(data: DimensionData, name: str) -> IntArray:
    return np.unique(data.frame[name].to_numpy().astype(str), return_inverse=True)[1].astype(np.int64)


def _by_statsmodels(data: DimensionData, groups: IntArray) -> tuple[FloatArray, FloatArray] | None:
    """OLS or GLM with cov_type="cluster"."""
    from statsmodels.genmod import families
    from statsmodels.genmod.generalized_linear_model import GLM
    from statsmodels.regression.linear_model import OLS
    from statsmodels.tools.sm_exceptions import PerfectSeparationError

    options: dict[str, Any] = {"cov_type": "cluster", "cov_kwds": {"groups": groups}}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of rank and separation: judged by what comes out
        try:
            if data.family == "gaussian":
                result = OLS(data.response, data.fixed).fit(**options)
            else:
                link = families.links.Logit() if data.link == "logit" else families.links.Probit()
                family = families.Binomial(link)
                result = GLM(data.category.astype(float), data.fixed, family=family).fit(**options)
                if not result.converged:
                    return None
        except (PerfectSeparationError, np.linalg.LinAlgError, ValueError):
            return None
        return np.asarray(result.params), np.asarray(result.cov_params())


def _cumulative(data: DimensionData, groups: IntArray) -> tuple[FloatArray, FloatArray] | None:
    """Sandwich of the cumulative model: Fisher information, and scores summed within clusters by statsmodels."""
    from statsmodels.stats.sandwich_covariance import S_crosssection

    from analysis.models.ordinal import fit_cumulative

    plain = fit_cumulative(
        data.category, data.fixed, (), levels=len(data.labels), names=data.names, thresholds=data.thresholds,
        link=data.link if data.link != "identity" else "logit",
    )  # fmt: skip
    if not plain.convergence.converged or plain.infinite.size:
        return None
    scores, information = cumulative_scores(
        plain, data.fixed, data.category, shape=threshold_shape(data.thresholds, plain.thresholds.size)
    )
    bread = np.linalg.pinv(information, hermitian=True)
    columns = [groups] if groups.ndim == 1 else [groups[:, 0], groups[:, 1], _both(groups)]
    signs = [1.0] if groups.ndim == 1 else [1.0, 1.0, -1.0]
    n, p = data.fixed.shape
    meat = np.zeros_like(bread)
    for sign, codes in zip(signs, columns, strict=True):
        count = int(codes.max()) + 1
        meat += sign * count / (count - 1.0) * (n - 1.0) / (n - p) * np.asarray(S_crosssection(scores, codes))
    return plain.estimate, (bread @ meat @ bread)[:p, :p]


def _both(groups: IntArray) -> IntArray:
    """Number the combinations of two groupings."""
    whole = groups[:, 0] * (int(groups[:, 1].max()) + 1) + groups[:, 1]
    return np.asarray(np.unique(whole, return_inverse=True)[1], dtype=np.int64)


def threshold_shape(kind: str, count: int) -> FloatArray:
    """Return the matrix (thresholds, free): how the free thresholds make all of them."""
    if kind == "flexible":
        return np.eye(count)
    if kind == "equidistant":
        return np.column_stack([np.ones(count), np.arange(count)])
    half = count // 2
    shape = np.zeros((count, half))
    for free in range(half):
        shape[count - half + free, free] = 1.0
        shape[half - 1 - free, free] = -1.0
    return shape


def cumulative_scores(
    fit: Fit, fixed: FloatArray, category: IntArray, *, shape: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return the score of each answer in (β, free thresholds), (n, k), and the Fisher information, (k, k)."""
    eta = fixed @ fit.estimate
    p, slope = level_probabilities(fit.link, fit.thresholds, eta)
    _, density = distribution(fit.link, fit.thresholds[None, :] - eta[:, None])
    n, levels = p.shape
    p = np.maximum(p, SMALLEST)
    scores, information = np.zeros((n, fixed.shape[1] + shape.shape[1])), 0.0
    for level in range(levels):
        upper = shape[level] * density[:, [level]] if level < levels - 1 else np.zeros((n, shape.shape[1]))
        lower = shape[level - 1] * density[:, [level - 1]] if level else np.zeros((n, shape.shape[1]))
        change = np.column_stack([slope[:, [level]] * fixed, upper - lower])
        information = information + (change / p[:, [level]]).T @ change
        here = category == level
        scores[here] = change[here] / p[here][:, [level]]
    return scores, np.asarray(information)
