"""Looks as they are declared before launch, and what one look at one contrast says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

import numpy as np

from analysis.sequential.confidence import (
    confidence_bound,
    e_value,
    normal_quantile_of_t,
    t_quantile_of_normal,
    tuned_mixture,
)
from analysis.sequential.spending import SPENDING, Boundary, SequentialError, check_times, spending_boundaries

Method = Literal["none", "confidence_sequence", "obrien_fleming", "pocock"]
METHODS: Final = ("none", "confidence_sequence", *SPENDING)
NAMES: Final[Mapping[str, str]] = {
    "none": "no early look",
    "confidence_sequence": "confidence sequence (normal mixture)",
    "obrien_fleming": "O'Brien–Fleming spending",
    "pocock": "Pocock spending",
}
ON_TIME: Final = 0.005
"""A look counts as reached when so much less than its share of raters is in."""
FIELDS: Final = frozenset({"method", "times", "information", "planned_se"})


@dataclass(frozen=True, slots=True)
class Looks:
    """How the data may be looked at before the end.

    Attributes
    ----------
    method
        ``none``, ``confidence_sequence`` (any number of looks, at any time), ``obrien_fleming`` or ``pocock`` (at
        ``times`` only).
    times
        Shares of the planned raters at which one looks, ascending, the last 1.
    information
        The share of the final information that is expected at each time: with prompts as random effects the first
        raters tell more than the last. Set at freezing by the planned design; empty takes ``times``.
    planned_se
        Standard error expected at the end, for which a confidence sequence is tuned; set at freezing.
    """

    method: Method = "none"
    times: tuple[float, ...] = ()
    information: tuple[float, ...] = ()
    planned_se: float | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be followed."""
        if self.method not in METHODS:
            raise SequentialError(f"there is no way of looking {self.method!r}: choose from {', '.join(METHODS)}")
        if self.method in SPENDING:
            check_times(self.times)
        if self.information:
            if len(self.information) != len(self.times):
                raise SequentialError("the looks need one share of information for each time")
            check_times(self.information)
        if self.planned_se is not None and not self.planned_se > 0.0:
            raise SequentialError(f"the planned standard error must be positive, but is {self.planned_se}")

    @classmethod
    def from_plan(cls, declared: Mapping[str, Any] | None) -> Looks:
        """Read the ``looks`` of an analysis plan; nothing declared means that no early look is allowed."""
        values = dict(declared or {})
        if unknown := sorted(set(values) - FIELDS):
            raise SequentialError(
                f"unknown field of the looks: {', '.join(unknown)}; known are {', '.join(sorted(FIELDS))}"
            )
        try:
            numbers = {name: tuple(map(float, values.get(name) or ())) for name in ("times", "information")}
            planned = values.get("planned_se")
            return cls(values.get("method", "none"), planned_se=None if planned is None else float(planned), **numbers)
        except TypeError as error:
            raise SequentialError(
                f"times must be a list of shares such as [0.5, 1], not {values.get('times')!r}"
            ) from error

    def to_json(self) -> dict[str, Any]:
        """Return plain values; what is not set is left out."""
        content: dict[str, Any] = {"method": self.method}
        for name in ("times", "information"):
            if values := getattr(self, name):
                content[name] = list(values)
        return content if self.planned_se is None else content | {"planned_se": self.planned_se}

    def planned(self, standard_errors: Sequence[float]) -> Looks:
        """Return these looks with what the design expects: the standard error at each time, or at the end alone.

        Rounded to three digits, so that the frozen plan reads well and is the same on every machine.
        """
        end = float(standard_errors[-1])
        if self.method == "confidence_sequence":
            return replace(self, planned_se=float(f"{end:.3g}"))
        if self.method == "none":
            return self
        if len(standard_errors) != len(self.times):
            raise SequentialError(f"{len(self.times)} looks need as many standard errors, not {len(standard_errors)}")
        share = [min(round(float((end / se) ** 2), 3), 1.0) for se in standard_errors]
        return replace(self, information=tuple(share))

    def boundaries(self, *, alpha: float) -> tuple[Boundary, ...]:
        """Return the boundaries of every declared look; empty unless error is spent."""
        if self.method not in SPENDING:
            return ()
        return spending_boundaries(self.information or self.times, method=self.method, alpha=alpha)

    def words(self) -> str:
        """Say how one may look, for a methods paragraph."""
        if self.method == "none":
            return "The study is analysed once, at its end; an earlier look is no test."
        split = "the level is divided by the number of tests (Bonferroni)"
        if self.method == "confidence_sequence":
            return (
                "The study may be looked at any number of times: intervals are a confidence sequence (normal mixture, "
                f"Howard et al. 2021) tuned at a standard error of {self.planned_se or float('nan'):.3g}; {split}."
            )
        when = ", ".join(f"{100 * time:g}%" for time in self.times)
        method = f"{NAMES[self.method]} (Lan & DeMets 1983)"
        return f"The study is looked at when {when} of the raters are in, with {method}; {split}."


@dataclass(frozen=True, slots=True)
class Look:
    """What a look at one contrast says.

    ``low``/``high`` hold at all looks together (a confidence sequence, or a repeated confidence interval);
    ``bound`` is how many standard errors they reach. ``e_value`` and ``p_anytime`` = min(1, 1/e) are of
    confidence sequences, ``nominal_p`` of spending (reject when the ordinary p is at most that). ``number`` of
    ``count`` looks; 0 when none was reached. NaN where there is none.
    """

    method: str
    alpha: float
    time: float
    number: int
    count: int
    low: float
    high: float
    bound: float
    e_value: float
    p_anytime: float
    nominal_p: float
    decided: bool
    message: str


def describe(
    estimate: float,
    se: float,
    df: float,
    *,
    looks: Looks,
    time: float,
    family: int = 1,
    alpha: float = 0.05,
    likelihood: Literal["reml", "ml"] = "reml",
) -> Look:
    """Look at one contrast as it was declared.

    Parameters
    ----------
    estimate, se, df
        From the fit on the data so far; df carries small samples over by equal tails.
    time
        Share of the planned raters that are in.
    family
        Number of tests (dimensions × contrasts) among which the level is divided.
    likelihood
        ``reml`` if ``se`` is of a restricted likelihood, or of a Laplace fit's adjusted covariance. ``ml`` otherwise:
        plain maximum likelihood takes errors for about √(df/(df + 1)) of what they are, which first looks at few raters
        would feel most; ``se`` is widened by as much.

    Notes
    -----
    At the end (``time`` 1) of a study without early looks this is the ordinary interval at ``alpha / family``.
    """
    each = alpha / family
    if not (np.isfinite(estimate) and se > 0.0 and df > 0.0):
        return _empty(looks, each, time, "no estimate to look at")
    if likelihood == "ml":
        se *= float(np.sqrt((df + 1.0) / df))
    if looks.method == "confidence_sequence":
        return _sequence(estimate, se, df, looks=looks, time=time, alpha=each)
    declared = looks if looks.method in SPENDING else Looks("pocock", (1.0,))
    bounds = declared.boundaries(alpha=each)
    number = sum(time >= at - ON_TIME for at in declared.times)
    if not number:
        message = (
            f"too early: the first look is at {100 * declared.times[0]:g}% of the raters, {100 * time:.0f}% are in"
        )
        return _empty(looks, each, time, message)
    bound = bounds[number - 1]
    half = t_quantile_of_normal(bound.z, df) * se
    decided = abs(estimate) >= half
    return Look(
        method=looks.method,
        alpha=each,
        time=time,
        number=number,
        count=len(bounds),
        low=estimate - half,
        high=estimate + half,
        bound=half / se,
        e_value=float("nan"),
        p_anytime=float("nan"),
        nominal_p=bound.nominal_p,
        decided=decided,
        message=_verdict(decided, last=number == len(bounds)),
    )


def _sequence(estimate: float, se: float, df: float, *, looks: Looks, time: float, alpha: float) -> Look:
    if looks.planned_se is None:
        raise SequentialError(
            "a confidence sequence needs planned_se, the standard error expected at the end of the study"
        )
    rho = tuned_mixture(looks.planned_se, alpha)
    half = t_quantile_of_normal(confidence_bound(se, rho=rho, alpha=alpha), df) * se
    evidence = e_value(normal_quantile_of_t(estimate / se, df) * se, se, rho=rho)
    decided = abs(estimate) >= half
    return Look(
        method=looks.method,
        alpha=alpha,
        time=time,
        number=0,
        count=0,
        low=estimate - half,
        high=estimate + half,
        bound=half / se,
        e_value=evidence,
        p_anytime=min(1.0, 1.0 / evidence),
        nominal_p=float("nan"),
        decided=decided,
        message=_verdict(decided, last=time >= 1.0 - ON_TIME),
    )


def _verdict(decided: bool, *, last: bool) -> str:  # noqa: FBT001 - the verdict itself
    if decided:
        return "a difference: the study may stop for this contrast"
    return "no difference found" if last else "not decided: go on"


def _empty(looks: Looks, alpha: float, time: float, message: str) -> Look:
    nan = float("nan")
    return Look(
        looks.method, alpha, time, 0, len(looks.times), nan, nan, nan, nan, nan, nan, decided=False, message=message
    )
