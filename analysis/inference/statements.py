"""Linear functions of the fixed effects with standard error, degrees of freedom, interval, test and correction."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np
from scipy import stats

from analysis.inference.degrees import kenward_roger, satterthwaite
from analysis.inference.multiplicity import SingleStep, benjamini_hochberg, bonferroni, holm, single_step

if TYPE_CHECKING:
    import pandas as pd

    from analysis.results import Fit, FloatArray

Degrees = Literal["satterthwaite", "kenward-roger", "asymptotic"] | float
Adjust = Literal["none", "holm", "bh", "bonferroni", "single-step", "tukey"]
TOLERANCE = 1e-7
"""A direction that touches the null space by less than this is estimable."""
SCALE_OF_LINK = {"identity": "response", "logit": "logit", "probit": "probit"}


@dataclass(frozen=True)
class Statements:
    """A table of linear functions of the fixed effects, one per entry.

    Attributes
    ----------
    names, groups, by
        What each is; the levels of the variables ``by`` within which it holds.
    matrix
        Rows L, shape (k, p).
    estimate, se, df, low, high, statistic, p
        Shape (k,); ``p`` and the interval are corrected as ``adjust`` says. NaN where ``messages`` gives a reason.
    covariance
        Of the estimates, shape (k, k).
    scale
        ``logit``, ``probit`` or ``response``; ``odds ratio`` after :meth:`on_response_scale`.
    adjust, confidence, degrees
        The correction, the level of the intervals, the rule of the degrees of freedom.
    """

    names: tuple[str, ...]
    groups: tuple[tuple[str, ...], ...]
    by: tuple[str, ...]
    matrix: FloatArray
    estimate: FloatArray
    se: FloatArray
    df: FloatArray
    low: FloatArray
    high: FloatArray
    statistic: FloatArray
    p: FloatArray
    covariance: FloatArray
    messages: tuple[str, ...]
    scale: str
    adjust: str
    confidence: float
    degrees: str

    def labels(self) -> tuple[str, ...]:
        """Return one name per row, its group in brackets."""
        return tuple(
            f"{name} ({', '.join(group)})" if group else name
            for name, group in zip(self.names, self.groups, strict=True)
        )

    def frame(self) -> pd.DataFrame:
        """Return the table as a data frame."""
        import pandas as pd

        columns: dict[str, object] = {"name": list(self.names)}
        columns |= {name: [group[k] for group in self.groups] for k, name in enumerate(self.by)}
        columns |= {
            name: getattr(self, name) for name in ("estimate", "se", "df", "low", "high", "statistic", "p", "messages")
        }
        return pd.DataFrame(columns).rename(columns={"messages": "message"})

    def __str__(self) -> str:
        """Return the table as text, with its scale, correction and degrees of freedom below."""
        frame = self.frame()
        if not any(self.messages):
            frame = frame.drop(columns="message")
        text = frame.to_string(index=False, float_format=lambda value: f"{value:.4g}", na_rep="-")
        return (
            f"{text}\nscale: {self.scale}; degrees of freedom: {self.degrees}; correction: {self.adjust}; "
            f"{100 * self.confidence:g}% intervals"
        )

    def _repr_html_(self) -> str:
        """Return the table for a notebook."""
        return str(self.frame().to_html(index=False, float_format=lambda value: f"{value:.4g}", na_rep="-"))


def state(
    fit: Fit,
    matrix: FloatArray,
    names: tuple[str, ...],
    *,
    groups: tuple[tuple[str, ...], ...] | None = None,
    by: tuple[str, ...] = (),
    degrees: Degrees = "satterthwaite",
    adjust: Adjust = "none",
    confidence: float = 0.95,
    across: bool = False,
    means: int = 0,
    thresholds: bool = False,
    adjusted: bool = False,
) -> Statements:
    """Estimate, test and correct the rows of ``matrix`` (k, p).

    Parameters
    ----------
    degrees
        ``satterthwaite``, ``kenward-roger`` (with its standard errors), ``asymptotic`` (z), or a number.
    adjust
        ``none``; ``holm``, ``bh``, ``bonferroni`` (their intervals are Bonferroni's, as emmeans has it);
        ``single-step`` (multivariate t, Hothorn, Bretz & Westfall 2008); ``tukey`` (all pairs of ``means`` means).
    across
        Whether the family is all rows; by default each group is a family, as in emmeans.
    thresholds
        For means of a cumulative model: measure from the average threshold, emmeans' ``mode = "latent"``.
    adjusted
        Use the covariance corrected for the bias of maximum likelihood where the fit has it, as a study's table does.
    """
    if not 0.5 < confidence < 1.0:  # noqa: PLR2004
        raise ValueError("confidence must lie between 0.5 and 1, for example 0.95")
    groups = groups or ((),) * len(names)
    value, covariance = _moments(fit, matrix, thresholds=thresholds, adjusted=adjusted)
    value, se, df, messages = _refer(fit, matrix, value, covariance=covariance, degrees=degrees)
    with np.errstate(invalid="ignore", divide="ignore"):
        statistic = value / se
    p, reach = np.full(len(names), np.nan), np.full(len(names), np.nan)
    for group in (None,) if across else dict.fromkeys(groups):
        inside = np.array([group is None or mine == group for mine in groups])
        part = covariance[np.ix_(inside, inside)]
        p[inside] = _p_values(statistic[inside], df[inside], adjust, covariance=part, means=means)
        reach[inside] = _reach(df[inside], adjust, confidence, covariance=part, means=means)
    return Statements(
        names=names,
        groups=groups,
        by=by,
        matrix=matrix,
        estimate=value,
        se=se,
        df=df,
        low=value - reach * se,
        high=value + reach * se,
        statistic=statistic,
        p=p,
        covariance=covariance,
        messages=messages,
        scale=SCALE_OF_LINK.get(fit.link, fit.link),
        adjust=adjust,
        confidence=confidence,
        degrees=degrees if isinstance(degrees, str) else f"{degrees:g}",
    )


def on_response_scale(table: Statements, *, differences: bool) -> Statements:
    """Turn means into probabilities and differences of logits into odds ratios; standard errors by the delta method.

    Tests and intervals are those of the linear predictor, transformed.

    Raises
    ------
    ValueError
        If a difference has no meaning there (probit).
    """
    if table.scale == "response":
        return table
    if differences and table.scale != "logit":
        raise ValueError("differences of a probit model have no meaning on the scale of the response: use scale='link'")
    if differences:
        points = [np.exp(part) for part in (table.estimate, table.low, table.high)]
        slope, name = points[0], "odds ratio"
    else:
        law = stats.logistic if table.scale == "logit" else stats.norm
        points = [law.cdf(part) for part in (table.estimate, table.low, table.high)]
        slope, name = law.pdf(table.estimate), "probability"
    return replace(table, estimate=points[0], low=points[1], high=points[2], se=slope * table.se, scale=name)


def obstacle(fit: Fit, row: FloatArray, se: float) -> str:
    """Return why L'β cannot be stated, empty if it can."""
    if fit.infinite.size and np.abs(row @ fit.infinite).max() > TOLERANCE:
        return "infinite: the answers separate completely in this direction"
    if fit.null.size and np.abs(row @ fit.null).max() > TOLERANCE:
        return "not estimable: the data hold no information on it (an empty cell, or no chain of comparisons)"
    if not fit.convergence.converged:
        return fit.convergence.message
    return "" if se > 0.0 else "the standard error could not be computed"


def _refer(
    fit: Fit, matrix: FloatArray, value: FloatArray, *, covariance: FloatArray, degrees: Degrees
) -> tuple[FloatArray, FloatArray, FloatArray, tuple[str, ...]]:
    """Return values, standard errors and degrees of freedom, (k,), NaN where there is a reason; and the reasons."""
    with np.errstate(invalid="ignore"):
        se = np.sqrt(np.diag(covariance))
    messages = tuple(obstacle(fit, row, error) for row, error in zip(matrix, se, strict=True))
    known = np.array([not message for message in messages], dtype=bool)
    value, se, df = np.where(known, value, np.nan), np.where(known, se, np.nan), np.full(se.size, np.nan)
    for index in np.flatnonzero(known):
        df[index], better = _degrees(fit, matrix[index], degrees)
        se[index] = se[index] if better is None else better
    return value, se, df, messages


def _moments(fit: Fit, matrix: FloatArray, *, thresholds: bool, adjusted: bool) -> tuple[FloatArray, FloatArray]:
    """Return estimates (k,) and their covariance (k, k)."""
    covariance = fit.covariance_for_tests if adjusted else fit.covariance
    if thresholds and fit.joint_covariance is not None and fit.thresholds.size:
        wide = np.column_stack([matrix, np.full((matrix.shape[0], fit.thresholds.size), -1.0 / fit.thresholds.size)])
        value = wide @ np.concatenate([fit.estimate, fit.thresholds])
        more = matrix @ (covariance - fit.covariance) @ matrix.T
        return np.asarray(value), np.asarray(wide @ fit.joint_covariance @ wide.T + more)
    return np.asarray(matrix @ fit.estimate), np.asarray(matrix @ covariance @ matrix.T)


def _degrees(fit: Fit, row: FloatArray, degrees: Degrees) -> tuple[float, float | None]:
    """Return degrees of freedom, and the standard error that goes with them if it is another."""
    if degrees == "satterthwaite":
        return satterthwaite(fit, row), None
    if degrees == "kenward-roger":
        se, df = kenward_roger(fit, row)
        return df, se
    if degrees == "asymptotic":
        return np.inf, None
    try:
        known = float(degrees)
    except ValueError:
        known = float("nan")
    if not known > 0.0:
        raise ValueError(f"df = {degrees!r}: use 'satterthwaite', 'kenward-roger', 'asymptotic' or a number above 0")
    return known, None


def _p_values(
    statistic: FloatArray, df: FloatArray, adjust: Adjust, *, covariance: FloatArray, means: int
) -> FloatArray:
    if adjust == "single-step":
        return single_step(statistic, covariance, df)
    if adjust == "tukey":
        return np.array([_range_tail(abs(t) * np.sqrt(2.0), means, v) for t, v in zip(statistic, df, strict=True)])
    corrections = {"none": lambda p: p, "holm": holm, "bh": benjamini_hochberg, "bonferroni": bonferroni}
    if adjust not in corrections:
        raise ValueError(f"correction {adjust!r} is not known: choose {', '.join(corrections)}, single-step or tukey")
    return np.asarray(corrections[adjust](2.0 * stats.t.sf(np.abs(statistic), df)))


def _reach(df: FloatArray, adjust: Adjust, confidence: float, *, covariance: FloatArray, means: int) -> FloatArray:
    """Return half the width of the intervals in standard errors."""
    alpha, known = 1.0 - confidence, np.isfinite(df) | np.isinf(df)
    if adjust == "single-step" and known.any():
        family = SingleStep(covariance[np.ix_(known, known)])
        found = {v: family.critical(1.0 - alpha * known.mean(), v) for v in np.unique(df[known])}
        return np.array([found.get(v, np.nan) for v in df])
    if adjust == "tukey":
        law = stats.studentized_range
        return np.array([law.isf(alpha, means, _finite(v)) / np.sqrt(2.0) if not np.isnan(v) else v for v in df])
    return np.asarray(stats.t.isf(alpha / 2.0 / (1 if adjust == "none" else df.size), df))


def _range_tail(q: float, means: int, df: float) -> float:
    return float("nan") if np.isnan(q) else float(stats.studentized_range.sf(q, means, _finite(df)))


def _finite(df: float) -> float:
    """SciPy takes the normal limit of the studentised range from 100,000 degrees of freedom on."""
    return min(df, 1e6)
