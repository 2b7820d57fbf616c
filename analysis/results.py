"""What a fit and an analysis return: frozen records, no bare floats. Tables, figures and reports read only these."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Mapping

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Convergence:
    """Whether a fit can be trusted, and why not.

    Attributes
    ----------
    converged
        Whether the estimates are those of the maximum.
    code
        ``ok``, ``singular`` (a spread is zero; fine), ``near_separation`` (estimates stand on little), ``separation``
        (something is infinite), ``not_converged``, ``not_fitted``.
    distance
        Largest remaining Newton step, in standard errors of the parameter; NaN if nothing was fitted.
    evaluations, iterations
        Work done.
    singular
        Random effects whose spread is estimated as zero.
    message
        The same in words.
    """

    converged: bool
    code: str
    distance: float
    evaluations: int
    iterations: int
    singular: tuple[str, ...] = ()
    message: str = "converged"


@dataclass(frozen=True, slots=True)
class VarianceComponent:
    """The spread of one random effect on the latent scale; ``difference_sd`` is that of a difference of two levels."""

    factor: str
    levels: int
    sd: float
    se: float
    signed: bool

    @property
    def difference_sd(self) -> float:
        """Return √2 σ for effects that enter a pair as a − b, σ otherwise."""
        return float(self.sd * np.sqrt(2.0)) if self.signed else self.sd


@dataclass(frozen=True, slots=True)
class Fit:
    """A fitted model of any kind.

    ``null`` (p, d) spans the directions of the fixed effects that the data cannot tell; ``infinite`` (p, d)
    those along which
    the likelihood rises for ever. ``covariance`` accounts for the estimation of variances and thresholds.
    """

    model: str
    formula: str
    names: tuple[str, ...]
    estimate: FloatArray
    covariance: FloatArray
    threshold_names: tuple[str, ...]
    thresholds: FloatArray
    threshold_se: FloatArray
    variances: tuple[VarianceComponent, ...]
    log_likelihood: float
    rows: int
    convergence: Convergence
    null: FloatArray
    infinite: FloatArray
    notes: tuple[str, ...] = ()

    def standard_errors(self) -> FloatArray:
        """Return the standard errors of the fixed effects."""
        return np.asarray(np.sqrt(np.diag(self.covariance)))


@dataclass(frozen=True, slots=True)
class SignificanceRow:
    """One contrast on one dimension: a line of the significance table.

    ``estimate`` is the log-odds that ``first`` beats ``second`` for an average rater, prompt and output, shown
    without side effect. Values that do not exist are NaN, and ``message`` says why. ``model`` names the model and its
    formula in words.
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

    @property
    def contrast(self) -> str:
        """Name the contrast in words."""
        return f"{self.first} vs {self.second}"


@dataclass(frozen=True, slots=True)
class DimensionResult:
    """The model of one dimension with what went into it."""

    dimension: str
    measure: str
    levels: int
    question: str
    n_raters: int
    n_prompts: int
    n_outputs: int
    n_judgements: int
    fit: Fit
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DataSummary:
    """What was in the table and what was left out, with reasons; counts are of judgements, whatever the dimensions."""

    total: int
    used: int
    by_kind: Mapping[str, int]
    excluded: Mapping[str, int]
    late: int
    ties: Mapping[str, float]
    studies: tuple[str, ...]
    design_hashes: tuple[str, ...]
    ignored_dimensions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StudyResult:
    """A whole analysis: the significance table, the models behind it, and sentences for a paper.

    ``title`` heads the report. ``warnings`` must be read before the table is believed; ``notes`` are remarks on the
    models that need not worry anybody.
    """

    rows: tuple[SignificanceRow, ...]
    dimensions: tuple[DimensionResult, ...]
    data: DataSummary
    confidence: float
    family: str
    sentences: tuple[str, ...]
    methods: str
    warnings: tuple[str, ...]
    options: Mapping[str, Any]
    input_hash: str
    seed: int
    notes: tuple[str, ...] = ()
    title: str = ""

    @property
    def sentence(self) -> str:
        """Return the one sentence a paper would print first."""
        return self.sentences[0]

    @property
    def fits(self) -> Mapping[str, Fit]:
        """Return the fit of each dimension by name."""
        return {result.dimension: result.fit for result in self.dimensions}

    @property
    def converged(self) -> bool:
        """Return whether every model converged."""
        return all(result.fit.convergence.converged for result in self.dimensions)
