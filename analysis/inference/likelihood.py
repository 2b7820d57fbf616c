"""Likelihood-ratio tests of nested fits, with the mixture of χ² laws that variances at their boundary need."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy import stats

if TYPE_CHECKING:
    from analysis.models.specification import Specification
    from analysis.results import Fit, FloatArray

SLACK: Final = 1e-4
"""How far a larger model's likelihood may lie below a smaller one's by rounding of the optimiser."""
SPAN: Final = 1e-8
MONTE_CARLO: Final = "Monte-Carlo error"
"""In the notes of large fits, whose log-determinants are estimated; the test repeats them."""


class NotNestedError(ValueError):
    """Two fits cannot be compared by a likelihood ratio."""


@dataclass(frozen=True)
class LikelihoodRatio:
    """A likelihood-ratio test.

    Attributes
    ----------
    statistic
        2 (log L of the larger − log L of the smaller model).
    df
        Difference in the number of parameters.
    mixture
        (weight, degrees of freedom) of the χ² laws whose mixture is the reference; one entry if nothing lies at a
        boundary.
    p, p_plain
        By the mixture; and by χ² with all ``df`` (conservative when variances are tested).
    boundary
        Variances that are zero in the smaller model.
    note
        How the mixture came about.
    """

    statistic: float
    df: int
    mixture: tuple[tuple[float, int], ...]
    p: float
    p_plain: float
    boundary: tuple[str, ...] = ()
    note: str = ""

    def __str__(self) -> str:
        """Return the test in one line."""
        law = " + ".join(f"{weight:.3g} χ²({df})" for weight, df in self.mixture)
        return f"likelihood ratio {self.statistic:.4f}, reference {law}: p = {self.p:.4g}" + (
            f" ({self.note})" if self.note else ""
        )


@dataclass(frozen=True)
class _Extra:
    """What the larger model has more: regular parameters, single variances, and terms joined to q others."""

    regular: int
    singles: tuple[tuple[str, str], ...]
    joined: tuple[tuple[str, str], ...]
    partners: int


def check_nested(small: Specification, large: Specification) -> None:
    """Refuse models of different rows, answers or laws, and fixed effects that are not nested.

    Raises
    ------
    NotNestedError
        Saying what differs and what to do.
    """
    if small.family != large.family or small.link != large.link:
        raise NotNestedError(f"{small.family} ({small.link}) and {large.family} ({large.link}) are different laws")
    if small.rows != large.rows:
        raise NotNestedError(
            f"the models have {small.rows} and {large.rows} rows: fit both to the same rows (missing values drop rows)"
        )
    if not np.array_equal(small.response, large.response) or not _same(small.weights, large.weights):
        raise NotNestedError("the models have different answers, weights or order of rows: fit both to the same table")
    inside, outside = small.fixed, large.fixed
    if large.family == "cumulative" and large.thresholds != "symmetric":
        outside = np.column_stack([np.ones(large.rows), outside])
    if not _spans(outside, inside):
        raise NotNestedError(
            "not nested: the fixed effects of the model with fewer parameters are not all in the other one"
        )
    if small.family == "gaussian" and (small.reml or large.reml):
        if small.reml != large.reml:
            raise NotNestedError("one model is fitted by REML, the other by ML: fit both alike, .refit(reml=False)")
        if not _spans(inside, outside):
            raise NotNestedError(
                "REML likelihoods of different fixed effects do not compare: fit both by maximum likelihood, "
                ".refit(reml=False)"
            )


def likelihood_ratio(small: Fit, large: Fit, *, correlation: FloatArray | None = None) -> LikelihoodRatio:
    """Test the smaller of two nested fits of the same rows.

    Variances that are zero under the smaller model lie at the boundary of their space (Self & Liang 1987): for k
    independent ones the reference is Σ w_j χ²(d + j), d the number of regular parameters; one term added to q
    correlated ones has ½ χ²(d + q) + ½ χ²(d + q + 1) (Stram & Lee 1994).

    Parameters
    ----------
    correlation
        Of the estimates of the k variances, (k, k), for the weights w_j; by default taken from a linear ``large`` where
        it is known there, else the variances count as orthogonal (w_j binomial).

    Raises
    ------
    NotNestedError
        For fits of different laws, rows or methods, that did not converge, or whose random terms are not nested.
    """
    _check_fits(small, large)
    extra = _extra_terms(small, large)
    statistic = 2.0 * (large.log_likelihood - small.log_likelihood)
    if statistic < -SLACK * max(1.0, abs(large.log_likelihood) * 1e-3):
        raise NotNestedError(
            f"the larger model has the lower likelihood (by {-statistic / 2.0:.4g}): the models are not nested"
        )
    statistic, df = max(statistic, 0.0), large.parameters - small.parameters
    mixture, note = _mixture(extra, large, correlation=correlation)
    inexact = [line for fit in (small, large) for line in fit.notes if MONTE_CARLO in line]
    note = "; ".join(part for part in (note, *dict.fromkeys(inexact)) if part)
    p = sum(weight * (float(stats.chi2.sf(statistic, k)) if k else float(statistic <= 0.0)) for weight, k in mixture)
    return LikelihoodRatio(
        statistic=statistic,
        df=df,
        mixture=mixture,
        p=float(p),
        p_plain=float(stats.chi2.sf(statistic, df)) if df else 1.0,
        boundary=tuple(_name(key) for key in extra.singles + extra.joined),
        note=note,
    )


def chi_bar_weights(covariance: FloatArray) -> FloatArray:
    """Return w_0 … w_k: the chances that j of k estimated variances are positive when all are zero (Kudô 1963).

    ``covariance`` (k, k) is that of the estimates without the bound. For each set J of positive ones
    w_J = P(N(0, C_KK⁻¹) > 0) · P(N(0, C_JJ − C_JK C_KK⁻¹ C_KJ) > 0), K the others.
    """
    k = covariance.shape[0]
    weights: FloatArray = np.zeros(k + 1)
    for size in range(k + 1):
        for chosen in combinations(range(k), size):
            j, rest = list(chosen), [i for i in range(k) if i not in chosen]
            inverse: FloatArray = np.asarray(np.linalg.inv(covariance[np.ix_(rest, rest)]), dtype=np.float64)
            across = covariance[np.ix_(j, rest)]
            given: FloatArray = covariance[np.ix_(j, j)] - across @ inverse @ across.T
            weights[size] += _orthant(inverse) * _orthant(given)
    return np.asarray(weights / weights.sum())


def _orthant(covariance: FloatArray) -> float:
    """Return P(N(0, C) > 0): closed forms up to three dimensions, else by quadrature."""
    k = covariance.shape[0]
    if k == 0:
        return 1.0
    scale = np.sqrt(np.diag(covariance))
    correlation = np.clip(covariance / np.outer(scale, scale), -1.0, 1.0)
    if k <= 3:  # noqa: PLR2004
        angles = np.arcsin(correlation[np.triu_indices(k, 1)]).sum()
        return float(0.5**k + angles / (2.0 ** (k - 1) * np.pi))
    law = stats.multivariate_normal(cov=correlation, allow_singular=True, seed=0)
    return float(law.cdf(np.zeros(k)))


def _check_fits(small: Fit, large: Fit) -> None:
    if (small.family, small.link) != (large.family, large.link):
        raise NotNestedError(f"{small.family} ({small.link}) and {large.family} ({large.link}) are different laws")
    if small.rows != large.rows:
        raise NotNestedError(f"the fits used {small.rows} and {large.rows} rows: they must be the same rows")
    for fit in (small, large):
        if not fit.convergence.converged:
            raise NotNestedError(f"{fit.formula or fit.model} has no maximum: {fit.convergence.message}")
    integrated = {fit.method for fit in (small, large) if fit.variances}
    if len(integrated) > 1:
        raise NotNestedError(f"the fits are by {' and '.join(sorted(integrated))}: fit both by one method")
    if small.method == "REML" and small.names != large.names:
        raise NotNestedError(
            "REML likelihoods of different fixed effects do not compare: fit both by maximum likelihood (reml=False)"
        )
    if large.parameters <= small.parameters:
        raise NotNestedError(f"nothing to test: the models have {small.parameters} and {large.parameters} parameters")


def _extra_terms(small: Fit, large: Fit) -> _Extra:
    """Sort the additional parameters into regular ones and variances at the boundary."""
    before = {(v.factor, v.term) for v in small.variances}
    after = [(v.factor, v.term) for v in large.variances]
    lost = [key for key in before if key not in after]
    if lost:
        raise NotNestedError(f"not nested: the larger model has no random effect {_name(lost[0])}")
    new = [key for key in after if key not in before]
    links = {
        key: {(c.factor, c.second if key[1] == c.first else c.first) for c in large.correlations if _touches(c, key)}
        for key in new
    }
    singles = tuple(key for key in new if not links[key])
    joined = tuple(key for key in new if links[key])
    covariances = {frozenset({key, other}) for key in joined for other in links[key]}
    total = large.parameters - small.parameters
    partners = len(links[joined[0]]) if len(joined) == 1 else len(covariances)
    return _Extra(total - len(new) - len(covariances), singles, joined, partners)


def _touches(correlation: object, key: tuple[str, str]) -> bool:
    factor, first, second = (getattr(correlation, name) for name in ("factor", "first", "second"))
    return factor == key[0] and key[1] in (first, second)


def _mixture(extra: _Extra, large: Fit, *, correlation: FloatArray | None) -> tuple[tuple[tuple[float, int], ...], str]:
    """Return the reference law and how it came about."""
    k = len(extra.singles)
    if len(extra.joined) > 1:
        full = extra.regular + k + len(extra.joined) + extra.partners
        return ((1.0, full),), "several correlated terms at once: no exact mixture is known, this p is conservative"
    weights, note = _single_weights(extra, large, correlation=correlation) if k else (np.ones(1), "")
    law = {extra.regular + j: float(weight) for j, weight in enumerate(weights)}
    if extra.joined:
        note = "; ".join(part for part in (note, "correlated term: Stram and Lee's mixture") if part)
        law = _shifted(law, extra.partners)
    return tuple((weight, df) for df, weight in sorted(law.items())), note


def _shifted(law: dict[int, float], partners: int) -> dict[int, float]:
    """Add ½ χ²(q) + ½ χ²(q + 1)."""
    result: dict[int, float] = {}
    for df, weight in law.items():
        for more in (partners, partners + 1):
            result[df + more] = result.get(df + more, 0.0) + weight / 2.0
    return result


def _single_weights(extra: _Extra, large: Fit, *, correlation: FloatArray | None) -> tuple[FloatArray, str]:
    k = len(extra.singles)
    if k == 1:
        return np.full(2, 0.5), "variance at its boundary"
    if correlation is None:
        correlation = _known_correlation(extra, large)
    if correlation is None:
        return np.asarray(
            stats.binom.pmf(np.arange(k + 1), k, 0.5)
        ), f"{k} variances at the boundary, taken as orthogonal"
    if correlation.shape != (k, k):
        raise ValueError(f"correlation must have shape ({k}, {k}), one row per variance that is tested")
    return chi_bar_weights(correlation), f"{k} variances at the boundary"


def _known_correlation(extra: _Extra, large: Fit) -> FloatArray | None:
    """Take the covariance of the tested variances from a linear fit whose variances are all positive and scalar."""
    pieces = large.small_sample
    if pieces is None or large.correlations or any(v.sd <= 0.0 for v in large.variances):
        return None
    if pieces.variance_covariance.shape[0] != len(large.variances) + 1:
        return None
    place = [k for k, v in enumerate(large.variances) if (v.factor, v.term) in extra.singles]
    return np.asarray(pieces.variance_covariance[np.ix_(place, place)])


def _spans(outside: FloatArray, inside: FloatArray) -> bool:
    """Return whether every column of ``inside`` is a combination of the columns of ``outside``."""
    if not inside.shape[1]:
        return True
    solved = np.linalg.lstsq(outside, inside)[0]
    rest = np.abs(inside - outside @ solved).max(axis=0)
    return bool((rest <= SPAN * np.maximum(np.abs(inside).max(axis=0), 1.0)).all())


def _same(one: FloatArray | None, two: FloatArray | None) -> bool:
    if one is None or two is None:
        return one is two
    return bool(np.array_equal(one, two))


def _name(key: tuple[str, str]) -> str:
    return key[0] if key[1] == "(Intercept)" else f"{key[0]} ({key[1]})"
