"""The lines of a report: contrasts, spreads, matrices, shrunken estimates; NaN where a number does not exist."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from analysis.results.fits import FloatArray

NAN: Final = float("nan")
IntArray = npt.NDArray[np.int64]
Scale = Literal["log-odds", "probit", "points", "rater SD", "log-worth"]
"""Unit of an estimate: log-odds (logit), latent normal SD (probit), answer points (linear model), standard deviations
of one rater's answers (linear model of standardised answers), log-worth (Plackett–Luce)."""


@dataclass(frozen=True, slots=True)
class SignificanceRow:
    """One contrast on one dimension: a line of the significance table.

    ``estimate`` is "first minus second" on ``scale`` for an average rater, prompt and output, without side effect:
    for pairs the log-odds that ``first`` beats ``second``. Values that do not exist are NaN, and ``message`` says why.

    Attributes
    ----------
    task_family
        The task family within which the contrast holds; empty for the contrast pooled over the families.
    df, df_method
        Degrees of freedom of t, and the rule that gave them (``min(raters, prompts) − 1``, ``Satterthwaite``, …).
    p_holm, p_bh
        Corrected over the declared family: all rows of the result (Holm 1979; Benjamini & Hochberg 1995).
    p_single_step, simultaneous_low, simultaneous_high
        Multivariate t over the contrasts of this dimension (Hothorn, Bretz & Westfall 2008), with its intervals.
    odds_ratio
        exp(estimate) on the log-odds scale, NaN elsewhere.
    win_rate
        Pairs: population-averaged share of comparisons that ``first`` wins, ties half; NaN for single stimuli.
    superiority
        Probability that a rater's answer to ``first`` is above his answer to ``second`` for the same prompt (ties
        half), averaged over raters, prompts and outputs; for pairs it is the win rate.
    raw_win_rate
        Pairs: share of direct comparisons won, ties half. Single stimuli: share of all pairs of answers (one to each
        system) in which the first is higher, ties half (Mann–Whitney).
    raw_first, raw_second
        Mean of all answers to each system (single stimuli), NaN for pairs.
    effect_size, effect_denominator, effect_sd
        Cohen's d = estimate / ``effect_sd``; the denominator is named in words.
    effect_size_residual, effect_size_total
        The same with the residual (or latent) SD and with the SD of all spreads of one answer together.
    se, se_plain
        The standard error used; and that of the fit as it is, as lme4 and ordinal print it. They differ where maximum
        likelihood's bias in the spreads was corrected (``numerics.adjustment``).
    robust_estimate, robust_se, robust_df, robust_p, robust_method
        The marginal model with two-way cluster-robust errors (rater × prompt).
    naive_p, naive_test
        The test that takes every answer for independent: shown as a warning, never to be reported.
    n_direct
        Direct comparisons of the two systems (pairs, rankings), or answers to either (single stimuli).
    """

    dimension: str
    first: str
    second: str
    measure: str
    estimate: float
    se: float
    df: float
    low: float
    high: float
    statistic: float
    p: float
    p_holm: float
    odds_ratio: float
    odds_ratio_low: float
    odds_ratio_high: float
    win_rate: float
    win_rate_low: float
    win_rate_high: float
    raw_win_rate: float
    effect_size: float
    effect_size_low: float
    effect_size_high: float
    naive_p: float
    n_raters: int
    n_prompts: int
    n_outputs: int
    n_direct: int
    n_judgements: int
    converged: bool
    message: str
    model: str
    task_family: str = ""
    scale: Scale = "log-odds"
    df_method: str = "min(raters, prompts) − 1"
    p_bh: float = NAN
    p_single_step: float = NAN
    simultaneous_low: float = NAN
    simultaneous_high: float = NAN
    superiority: float = NAN
    superiority_low: float = NAN
    superiority_high: float = NAN
    raw_first: float = NAN
    raw_second: float = NAN
    effect_denominator: str = "latent logistic SD, π/√3"
    effect_sd: float = NAN
    effect_size_residual: float = NAN
    effect_size_total: float = NAN
    robust_estimate: float = NAN
    robust_se: float = NAN
    robust_df: float = NAN
    robust_p: float = NAN
    robust_method: str = ""
    se_plain: float = NAN
    naive_test: str = "binomial test"

    @property
    def contrast(self) -> str:
        """Name the contrast in words, with its task family if it holds within one."""
        within = f" ({self.task_family})" if self.task_family else ""
        return f"{self.first} vs {self.second}{within}"


@dataclass(frozen=True, slots=True)
class VarianceShare:
    """How much of the variance of one answer one source makes.

    ``component`` is a random effect or ``residual`` (π²/3 for a logit, 1 for a probit); ``variance`` is its part of the
    variance of the linear predictor plus error: σ², or 2σ² for effects that enter a pair as a − b. The interval is by
    the delta method on the logit of the share (covariances between the estimated spreads neglected); NaN if the
    spread is zero or the model has no standard error for it.
    """

    component: str
    variance: float
    share: float
    se: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class WinMatrix:
    """How often the system of a row beats that of a column; all arrays have shape (systems, systems).

    ``estimate`` with ``low`` and ``high`` is the model's probability of superiority, ``raw`` the share observed and
    ``counts`` the comparisons behind it (single stimuli: pairs of answers). NaN on the diagonal and where unknown.
    """

    systems: tuple[str, ...]
    estimate: FloatArray
    low: FloatArray
    high: FloatArray
    raw: FloatArray
    counts: IntArray


@dataclass(frozen=True, slots=True)
class SystemEstimate:
    """One system on one dimension.

    ``estimate`` is the estimated marginal mean in answer points (linear model), or the strength relative to the mean of
    all systems (pairs, rankings, ordinal), on the scale of the dimension. ``quasi_se`` (Firth & de Menezes 2004) makes
    any two systems comparable by √(q₁² + q₂²); ``rank_low`` to ``rank_high`` is a simultaneous interval of the rank
    (1 = best), 0 if it was not computed. ``raw`` is the mean answer, for pairs and rankings the share won.
    """

    system: str
    estimate: float
    se: float
    df: float
    low: float
    high: float
    raw: float
    count: int
    quasi_se: float = NAN
    rank_low: int = 0
    rank_high: int = 0


@dataclass(frozen=True, slots=True)
class ShrunkenEstimates:
    """Predictions for every prompt, output or rater, pulled towards the mean as the data about it are few.

    ``unit`` is prompt, output or rater. ``contrast`` names what is predicted: "first vs second" within each prompt or
    for each rater, or "deviation" of an output from the mean of its system. ``estimate``, ``sd``, ``low`` and ``high``
    have shape (labels,), on the scale of the dimension; ``counts`` are the answers about each. Intervals are normal,
    at the estimated spreads, and carry the uncertainty of the fixed effects too (Henderson 1975).
    """

    unit: str
    contrast: str
    labels: tuple[str, ...]
    estimate: FloatArray
    sd: FloatArray
    low: FloatArray
    high: FloatArray
    counts: IntArray


@dataclass(frozen=True, slots=True)
class AgreementRow:
    """One coefficient of agreement on one dimension, with its interval and a remark on how to read it."""

    dimension: str
    coefficient: str
    value: float
    low: float
    high: float
    note: str = ""
