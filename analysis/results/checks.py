"""What stands behind the trust in a table: the account of the data, diagnostics of the fits, sensitivity to choices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from analysis.results.fits import FloatArray

DECLARED: Final = "declared exclusions"
EVERYONE: Final = "everyone"


@dataclass(frozen=True, slots=True)
class FlowStep:
    """A line of the flow of judgements: ``count`` are left after it, ``lost`` went with it, ``reason`` says why."""

    label: str
    count: int
    lost: int = 0
    reason: str = ""


@dataclass(frozen=True, slots=True)
class SystemCount:
    """How often a system was analysed: outputs, prompts, showings, and how many of these on the left (or first)."""

    system: str
    outputs: int
    prompts: int
    shown: int
    left: int


@dataclass(frozen=True, slots=True)
class PairCount:
    """How often two systems were compared, and how often the first of them stood on the left."""

    first: str
    second: str
    judgements: int
    first_left: int


@dataclass(frozen=True, slots=True)
class Load:
    """How many judgements fall on each unit of one kind (rater, prompt, task, output): least, median, most."""

    what: str
    units: int
    least: int
    median: float
    most: int


@dataclass(frozen=True, slots=True)
class Account:
    """Where the judgements went and how the design was carried out, counted from the table itself.

    ``prompts_twice`` counts the pairs of rater and prompt judged more than once among the analysed judgements.
    """

    flow: tuple[FlowStep, ...]
    systems: tuple[SystemCount, ...]
    pairs: tuple[PairCount, ...]
    loads: tuple[Load, ...]
    prompts_twice: int


@dataclass(frozen=True, slots=True)
class ResidualCheck:
    """Randomised quantile residuals (Dunn & Smyth 1996): standard normal where the model is right.

    ``fitted`` and ``residual`` have shape (rows,), in the order of the model's rows; ``sd`` and the shares beyond 2
    and 3 summarise them (expected 1, 4.6% and 0.27%).
    """

    fitted: FloatArray
    residual: FloatArray
    sd: float
    beyond_2: float
    beyond_3: float


@dataclass(frozen=True, slots=True)
class EffectCheck:
    """The predicted effects of one factor, each divided by the spread that shrunken effects must have, in order.

    ``expected`` are the normal quantiles, both of shape (levels,); ``farthest`` names the level that is farthest out.
    """

    factor: str
    term: str
    expected: FloatArray
    observed: FloatArray
    farthest: str


@dataclass(frozen=True, slots=True)
class InfluenceRow:
    """A contrast without one prompt. ``estimate`` is what is left, ``change`` the difference, ``change_in_se`` in SEs.

    ``exact`` tells a refit of the whole model from one step at the estimated spreads.
    """

    dimension: str
    first: str
    second: str
    prompt: str
    estimate: float
    change: float
    change_in_se: float
    exact: bool


@dataclass(frozen=True, slots=True)
class DimensionCheck:
    """The diagnostics of one dimension; ``notes`` say what could not be checked and what stands out."""

    dimension: str
    residuals: ResidualCheck | None
    effects: tuple[EffectCheck, ...]
    influence: tuple[InfluenceRow, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SensitivityRow:
    """One contrast under one other choice; not confirmatory.

    ``choice`` is what was declared, ``alternative`` what was done instead. ``scale`` may differ from that of the
    declared analysis (points after standardising, say): then only the verdicts compare. ``p`` is not corrected;
    ``agrees`` tells whether sign and uncorrected verdict are those of the declared analysis.
    """

    dimension: str
    first: str
    second: str
    task_family: str
    choice: str
    alternative: str
    estimate: float
    low: float
    high: float
    p: float
    declared_estimate: float
    declared_p: float
    scale: str
    agrees: bool
    judgements: int
    message: str = ""

    @property
    def contrast(self) -> str:
        """Name the contrast in words."""
        within = f" ({self.task_family})" if self.task_family else ""
        return f"{self.first} vs {self.second}{within}"


@dataclass(frozen=True, slots=True)
class ExclusionRow:
    """One contrast under one set of exclusions: those declared, none, or all but those that one check alone made.

    ``variant`` names the set, ``check`` the check that is left out. ``p_corrected`` is by the correction that decides,
    over the same family; ``same`` tells whether it leads to the conclusion of the declared analysis. ``raters`` and
    ``judgements`` are those analysed.
    """

    dimension: str
    first: str
    second: str
    task_family: str
    variant: str
    check: str
    estimate: float
    se: float
    low: float
    high: float
    p: float
    p_corrected: float
    scale: str
    raters: int
    judgements: int
    same: bool
    message: str = ""

    @property
    def contrast(self) -> str:
        """Name the contrast in words."""
        within = f" ({self.task_family})" if self.task_family else ""
        return f"{self.first} vs {self.second}{within}"


@dataclass(frozen=True, slots=True)
class RoundMean:
    """The mean score of one system in one round, with its interval; ``unit`` says what the score is.

    ``over`` names what the interval takes for independent: judgements, or outputs where a round has few judgements.
    """

    dimension: str
    system: str
    round: int
    unit: str
    mean: float
    low: float
    high: float
    judgements: int
    outputs: int
    over: str


@dataclass(frozen=True, slots=True)
class RoundTrend:
    """The change per round of one contrast, or of one system alone (``second`` empty), by the mixed model."""

    dimension: str
    first: str
    second: str
    scale: str
    estimate: float = float("nan")
    se: float = float("nan")
    df: float = float("nan")
    low: float = float("nan")
    high: float = float("nan")
    p: float = float("nan")
    p_holm: float = float("nan")
    message: str = ""

    @property
    def contrast(self) -> str:
        """Name the contrast in words."""
        return f"{self.first} vs {self.second}" if self.second else self.first


@dataclass(frozen=True, slots=True)
class RoundProgress:
    """How systems fared from round to round."""

    means: tuple[RoundMean, ...]
    trends: tuple[RoundTrend, ...]
