"""A whole analysis: what went in, the model of each dimension, the significance table and its words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from analysis.declaration import Declaration
from analysis.results.checks import Account, DimensionCheck, ExclusionRow, RoundProgress, SensitivityRow
from analysis.results.fits import Fit
from analysis.results.judges import JudgeComparison
from analysis.results.rows import (
    AgreementRow,
    Scale,
    ShrunkenEstimates,
    SignificanceRow,
    SystemEstimate,
    VarianceShare,
    WinMatrix,
)


@dataclass(frozen=True, slots=True)
class DimensionResult:
    """The model of one dimension with what went into it.

    Attributes
    ----------
    levels
        Number of answer levels of the model (0 for a linear model).
    scale
        Unit of estimates and spreads, see :data:`Scale`.
    paired
        Whether two outputs were shown at once, so that effects enter as a − b.
    systems
        Each system's mean or strength.
    shares
        Where the variance of one answer comes from; they add up to 1.
    wins
        Who beats whom; None if there is no model.
    shrunken
        Predictions per prompt, output and rater.
    data
        The arrays behind the fit (:class:`analysis.prepare.DimensionData`), for diagnostics and refits; never written
        to a file.
    """

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
    scale: Scale = "log-odds"
    paired: bool = True
    systems: tuple[SystemEstimate, ...] = ()
    shares: tuple[VarianceShare, ...] = ()
    wins: WinMatrix | None = None
    shrunken: tuple[ShrunkenEstimates, ...] = ()
    data: Any = field(default=None, repr=False, compare=False)


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
    models that need not worry anybody. ``agreement``, ``account``, ``checks``, ``sensitivity``, ``exclusions`` (empty
    if there is none to lift) and ``rounds`` (None if there are no rounds) are filled by
    :func:`analysis.report.examine`; ``left_out`` names the parts that it was told to leave out. ``judges`` (None
    without scores) is filled by :func:`analysis.report.with_judges`. ``declaration`` is the frozen plan if there is
    one, ``changed`` says what was analysed otherwise than declared, and ``correction`` (holm, bh, single-step or none)
    is the one that decides. ``table`` is the validated long table, kept for examining and never written to a file.
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
    agreement: tuple[AgreementRow, ...] = ()
    account: Account | None = None
    checks: tuple[DimensionCheck, ...] = ()
    sensitivity: tuple[SensitivityRow, ...] = ()
    exclusions: tuple[ExclusionRow, ...] = ()
    rounds: RoundProgress | None = None
    judges: JudgeComparison | None = None
    declaration: Declaration | None = None
    left_out: tuple[str, ...] = ()
    correction: str = "holm"
    changed: tuple[str, ...] = ()
    table: Any = field(default=None, repr=False, compare=False)

    def corrected(self, row: SignificanceRow) -> float:
        """Return the p value of a row by the declared correction."""
        found = {"holm": row.p_holm, "bh": row.p_bh, "single-step": row.p_single_step, "none": row.p}
        return found[self.correction]

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
