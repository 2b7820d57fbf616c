"""What an analytic answer about power consists of: frozen records, ready for JSON."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

Axis = Literal["raters", "prompts"]
METHOD: Final = (
    "Analytic: X'V⁻¹X on the plan's own trials, at working weights averaged over the random effects, with thresholds "
    "estimated; two-sided t tests with the report's degrees of freedom (noncentral t). Corrected power is Bonferroni's "
    "(a lower bound) and Holm's over 20,000 draws of the tests' joint distribution, dimensions taken as independent."
)


@dataclass(frozen=True, slots=True)
class Price:
    """What a rater costs: minutes of a booklet, pay per hour, and the platform's fee as a fraction of the pay."""

    minutes: float = 0.0
    hourly: float = 0.0
    fee: float = 0.0
    currency: str = ""

    def cost(self, raters: float) -> float:
        """Return raters × pay × (1 + fee); a rater's pay is rounded up to cents, as on the design page."""
        each = math.ceil(self.minutes / 60.0 * self.hourly * 100.0 - 1e-9) / 100.0
        return raters * each * (1.0 + self.fee)


@dataclass(frozen=True, slots=True)
class PowerRow:
    """One contrast of one dimension.

    ``power`` is that of the test alone, ``power_bonferroni`` and ``power_holm`` within the family of all its tests.
    ``detectable_80``/``_90`` is the smallest effect found with 80%/90% power by the test alone, ``..._corrected``
    by Bonferroni's. ``win_rate`` is the population-averaged share of wins that the effect means (NaN unless
    pairs), and ``win_rate_80`` that of ``detectable_80``.
    """

    dimension: str
    measure: str
    first: str
    second: str
    effect: float
    se: float
    df: float
    power: float
    power_bonferroni: float
    power_holm: float
    detectable_80: float
    detectable_90: float
    detectable_80_corrected: float
    detectable_90_corrected: float
    win_rate: float
    win_rate_80: float
    family: int


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """One size of the study on a curve; the plan itself has ``times`` 1."""

    times: float
    raters: int
    prompts: int
    cost: float
    power: float
    power_bonferroni: float
    detectable_80: float
    detectable_90: float


@dataclass(frozen=True, slots=True)
class PowerCurve:
    """Power of one contrast as the study grows; ``dimensions`` share the question and so the curve."""

    axis: Axis
    dimensions: tuple[str, ...]
    measure: str
    first: str
    second: str
    points: tuple[CurvePoint, ...]


@dataclass(frozen=True, slots=True)
class PowerAnalysis:
    """The whole answer. ``assumed`` says in words what was assumed and where it is from, ``method`` how it was done."""

    raters: int
    prompts: int
    trials: int
    alpha: float
    rows: tuple[PowerRow, ...]
    curves: tuple[PowerCurve, ...]
    price: Price
    assumed: tuple[str, ...]
    method: str = METHOD

    def to_json(self) -> dict[str, Any]:
        """Return plain values for ``json.dumps``; numbers that do not exist are None."""
        return dict(plain(asdict(self)))


def plain(value: Any) -> Any:
    """Return a value that JSON can hold: numbers that do not exist become None."""
    if isinstance(value, dict):
        return {name: plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
