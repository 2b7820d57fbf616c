"""What is assumed before launch: effect, spreads, thresholds; defaults with their source, or those of a pilot."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, Self

import numpy as np

from analysis.numerics.structure import FloatArray
from analysis.power.trials import PAIRWISE, PlannedTrials, PowerError, Question
from analysis.results import Fit
from analysis.simulate import GRADED_CUTS

TIE_WIDTH: Final = 0.4
LOGISTIC_SD: Final = float(np.pi / np.sqrt(3.0))
SOURCE_PAIRS: Final = (
    "SD of a difference .5 between raters, .4 between prompts and .6 between pairs of texts on the logit scale, the "
    "spreads at which this package's false-positive rates were simulated; real studies can be wider "
    "(LAMP's prompts: 2.5)"
)
SOURCE_SINGLE: Final = (
    "SDs relative to a residual of 1: raters .5, prompts .4, outputs .6, rater × system and prompt × system .3, at "
    "which this package's false-positive rates were simulated"
)
SOURCE_EFFECT: Final = (
    "log-odds .5 is d = .28, between Cohen's small (.2) and medium (.5); d = log-odds × √3/π (Hasselblad & Hedges 1995)"
)
ROLE: Final[Mapping[str, str]] = {
    "output": "output",
    "prompt:system": "prompt_system",
    "rater:system": "rater_system",
    "rater": "rater",
    "prompt": "prompt",
}


@dataclass(frozen=True, slots=True)
class Spreads:
    """Standard deviations of the random effects, in logits (pairs, ordinal) or in units of the scale (interval).

    A pair holds two texts, so that its difference spreads √2 times as much; ``rater`` and ``prompt`` themselves
    cancel in it. ``residual`` is of interval scales only. ``source`` says where the numbers are from.
    """

    output: float = 0.42
    prompt_system: float = 0.28
    rater_system: float = 0.35
    rater: float = 0.0
    prompt: float = 0.0
    residual: float = 1.0
    source: str = SOURCE_PAIRS

    def __post_init__(self) -> None:
        """Refuse negative spreads, and a scale without residual."""
        for name in (*ROLE.values(), "residual"):
            value = getattr(self, name)
            if not (np.isfinite(value) and value >= 0.0):
                raise PowerError(f"the spread {name} must be a number from 0 up, but is {value}")
        if self.residual == 0.0:
            raise PowerError("the residual spread must be positive: no rater answers without noise")

    @classmethod
    def default(cls, measure: str) -> Self:
        """Return the documented defaults for a measure."""
        if measure in PAIRWISE:
            return cls()
        wide = LOGISTIC_SD if measure == "ordinal" else 1.0
        return cls(
            output=0.6 * wide,
            prompt_system=0.3 * wide,
            rater_system=0.3 * wide,
            rater=0.5 * wide,
            prompt=0.4 * wide,
            source=SOURCE_SINGLE,
        )

    @classmethod
    def from_fit(cls, fit: Fit) -> Self:
        """Take the spreads from the fit of a pilot; effects that the pilot left out count as zero.

        Few raters or prompts estimate a spread badly, so the words carry the numbers of levels.
        """
        if not fit.convergence.converged:
            raise PowerError(f"the pilot's model did not converge ({fit.convergence.message}): use the defaults")
        known = {component.factor: component for component in fit.variances if component.factor in ROLE}
        values = {field: float(known[name].sd) if name in known else 0.0 for name, field in ROLE.items()}
        residual = fit.residual_sd if np.isfinite(fit.residual_sd) else 1.0
        words = ", ".join(f"{name} {part.sd:.2f} ({part.levels} levels)" for name, part in known.items())
        return cls(**values, residual=residual, source=f"estimated from a pilot of {fit.rows} answers: {words}")

    def of(self, factor: str) -> float:
        """Return the spread of a factor by its name in a formula, for example ``rater:system``."""
        return float(getattr(self, ROLE[factor]))


@dataclass(frozen=True, slots=True)
class Assumptions:
    """One scenario.

    Attributes
    ----------
    effect
        A number: each contrast has this effect, one at a time. Or strengths by system (a system not named has 0):
        then each contrast has the difference of its two systems, and all hold at once. Log-odds, or units of the
        scale if it is interval.
    spreads
        Standard deviations of the random effects.
    side
        Preference for the left text, in logits (pairs).
    cuts
        Positive thresholds of a graded preference (mirrored), or all thresholds of an ordinal scale; None for
        defaults.
    alpha
        Two-sided level of the whole family of tests.
    """

    effect: float | Mapping[str, float] = 0.5
    spreads: Spreads = Spreads()
    side: float = 0.1
    cuts: tuple[float, ...] | None = None
    alpha: float = 0.05

    def __post_init__(self) -> None:
        """Refuse a level that is none."""
        if not 0.0 < self.alpha < 0.5:  # noqa: PLR2004
            raise PowerError(f"alpha must lie between 0 and 0.5, for example 0.05, but is {self.alpha}")

    @classmethod
    def default(cls, measure: str, *, effect: float | Mapping[str, float] | None = None, alpha: float = 0.05) -> Self:
        """Return the documented defaults: log-odds .5 (d = .28), or .3 residual SDs on an interval scale."""
        standard = {"interval": 0.3}.get(measure, 0.5)
        return cls(effect=standard if effect is None else effect, spreads=Spreads.default(measure), alpha=alpha)

    def with_effect(self, effect: float | Mapping[str, float]) -> Assumptions:
        """Return the same scenario with another effect."""
        return replace(self, effect=effect)

    def effects(self, contrasts: tuple[tuple[str, str], ...]) -> FloatArray:
        """Return the effect of each contrast."""
        if isinstance(self.effect, Mapping):
            strength = self.effect
            return np.array([strength.get(first, 0.0) - strength.get(second, 0.0) for first, second in contrasts])
        return np.full(len(contrasts), float(self.effect))

    def planted(self, contrasts: tuple[tuple[str, str], ...]) -> list[Mapping[str, float]]:
        """Return the truths to plant: the strengths, or for one effect each contrast in turn, half up and half down.

        One effect cannot hold for all contrasts at once: where a beats b and b beats c by it, a beats c by twice that.
        """
        if isinstance(self.effect, Mapping):
            return [self.effect]
        half = float(self.effect) / 2.0
        return [{first: half, second: -half} for first, second in contrasts]

    def thresholds(self, question: Question, *, spread: float) -> FloatArray:
        """Return all thresholds, ascending, shape (levels − 1,); empty for an interval scale.

        By default those of the simulated raters (``simulate.GRADED_CUTS``); for an ordinal scale those that make
        all levels equally likely at a standard deviation ``spread`` of the random effects.
        """
        if question.measure == "interval":
            return np.zeros(0)
        if question.measure == "ordinal":
            if self.cuts is not None:
                return _ascending(self.cuts, question.levels - 1)
            share = np.arange(1, question.levels) / question.levels
            return np.asarray(np.log(share / (1.0 - share)) * np.hypot(LOGISTIC_SD, spread) / LOGISTIC_SD)
        half = (question.levels - 1) // 2
        cuts = self.cuts or _default_cuts(question, half)
        positive = _ascending(cuts, half)
        middle = np.zeros(1 - question.levels % 2)
        return np.concatenate([-positive[::-1], middle, positive])


def _default_cuts(question: Question, half: int) -> tuple[float, ...]:
    if question.measure == "pairwise_choice":
        return (TIE_WIDTH,) * half
    return GRADED_CUTS.get(question.levels) or tuple(
        (0.5 if question.levels % 2 else 1.0) + step for step in range(half)
    )


def _ascending(cuts: tuple[float, ...], count: int) -> FloatArray:
    values = np.asarray(cuts, dtype=float)
    if values.size != count or np.any(np.diff(values) <= 0.0):
        raise PowerError(f"{count} ascending threshold(s) are needed, not {', '.join(map(str, cuts)) or 'none'}")
    return values


def spread_of(trials: PlannedTrials, spreads: Spreads) -> float:
    """Return the standard deviation of all random effects of one answer together."""
    total = 0.0
    for name, sd in spreads_of(trials, spreads).items():
        total += sd**2 * (2.0 if trials.pairs and name != "rater" else 1.0)
    return float(np.sqrt(total))


def spreads_of(trials: PlannedTrials, spreads: Spreads) -> dict[str, float]:
    """Return the spread of each factor of the final model; with one sample a prompt × system holds its output's too."""
    found = {factor.name: spreads.of(factor.name) for factor in trials.structure.factors}
    if trials.one_sample:
        found["prompt:system"] = float(np.hypot(spreads.prompt_system, spreads.output))
    return found
