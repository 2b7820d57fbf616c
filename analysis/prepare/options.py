"""What to analyse and how: the choices that belong into an analysis plan before launch."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from difflib import get_close_matches
from typing import Any, Final, Literal, Self

RANDOM: Final = ("output", "prompt:system", "rater:system", "rater", "prompt", "booklet")
DEFAULT_RANDOM: Final = ("output", "prompt:system", "rater:system")
DEFAULT_RANDOM_SINGLE: Final = ("rater", "prompt", "output", "rater:system", "prompt:system")
DEFAULT_FIXED: Final = "system"
CORRECTIONS: Final = ("holm", "bh", "single_step")


class OptionError(ValueError):
    """An option does not fit the data."""


class NothingToModelError(OptionError):
    """A dimension holds no comparison; the others may."""


@dataclass(frozen=True, slots=True)
class Options:
    """What to analyse and how; everything here belongs into the analysis plan before launch.

    Attributes
    ----------
    baseline
        Compare each system with this one only; by default all pairs are compared.
    contrasts
        Or exactly these (first, second) pairs.
    systems, dimensions
        Restrict the data to these systems (both sides) and dimensions; dimensions are reported in this order.
    random
        Random effects of pairs and rankings; a subset of ``RANDOM``. In pairs ``rater``, ``prompt`` and ``booklet``
        are spreads of the side preference; in rankings they cancel. A ranking without any has errors clustered by
        rater and prompt instead.
    random_single
        Random effects of single stimuli (sliders, Likert); a subset of ``RANDOM``.
    fixed
        The utility of one text as a formula: ``system``, ``system + length``, ``system * task_family + length``.
    side
        What shifts the preference for the left text: ``1`` (a constant), ``0`` (nothing), ``1 + position``.
    within
        ``task_family``: each contrast within every family, besides the pooled one (families weighted alike). With
        the default ``fixed`` the model becomes ``system * task_family``.
    standardise
        ``rater``: answers of an interval measure become z scores per rater and dimension before the model.
    ties
        ``model`` (three ordered levels) or ``drop``.
    thresholds
        Of graded preferences: ``symmetric``, ``flexible`` (holds the side effect) or ``equidistant``. Ordinal answers
        have flexible thresholds unless ``equidistant`` is asked for.
    link
        ``logit`` or ``probit``, of choices and ordered answers.
    rankings
        ``plackett_luce``, or ``pairs``: taken apart into the pairs they imply, whose dependence is then neglected.
    degrees
        Degrees of freedom of a linear model: ``satterthwaite`` or ``kenward-roger``.
    standard_errors
        Of choices and ordered answers: ``adjusted`` for the bias that maximum likelihood has in spreads, or ``plain``,
        as lme4 and ordinal print them. The linear model needs neither: it is fitted by REML.
    adjust
        Corrections to print beside Holm's: ``bh``, ``single_step``.
    late
        Whether answers given after the lease had lapsed or the study was closed count.
    confidence
        Level of the intervals.
    robust, shrunken
        Whether the cluster-robust column and the predictions per prompt, output and rater are computed.
    """

    baseline: str | None = None
    contrasts: tuple[tuple[str, str], ...] | None = None
    systems: tuple[str, ...] | None = None
    dimensions: tuple[str, ...] | None = None
    random: tuple[str, ...] = DEFAULT_RANDOM
    random_single: tuple[str, ...] = DEFAULT_RANDOM_SINGLE
    fixed: str = DEFAULT_FIXED
    side: str = "1"
    within: Literal["", "task_family"] = ""
    standardise: Literal["", "rater"] = ""
    ties: Literal["model", "drop"] = "model"
    thresholds: Literal["symmetric", "flexible", "equidistant"] = "symmetric"
    link: Literal["logit", "probit"] = "logit"
    rankings: Literal["plackett_luce", "pairs"] = "plackett_luce"
    degrees: Literal["satterthwaite", "kenward-roger"] = "satterthwaite"
    standard_errors: Literal["adjusted", "plain"] = "adjusted"
    adjust: tuple[str, ...] = CORRECTIONS
    late: bool = True
    confidence: float = 0.95
    robust: bool = True
    shrunken: bool = True

    def __post_init__(self) -> None:
        """Refuse what no data could fit."""
        unknown = [name for name in (*self.random, *self.random_single) if name not in RANDOM]
        if unknown:
            raise OptionError(f"random effect {unknown[0]!r} is not known: choose from {', '.join(RANDOM)}")
        if not 0.5 < self.confidence < 1.0:  # noqa: PLR2004
            raise OptionError("confidence must lie between 0.5 and 1, for example 0.95")
        for name, known in _CHOICES.items():
            given = getattr(self, name)
            for value in given if isinstance(given, tuple) else (given,):
                if value not in known:
                    choices = ", ".join(repr(one) for one in known)
                    raise OptionError(f"{name} = {value!r} is not known: choose from {choices}")

    @property
    def utility(self) -> str:
        """Return the formula of the utility, with the interaction that ``within`` needs if none was written."""
        if self.within and self.fixed == DEFAULT_FIXED:
            return f"{DEFAULT_FIXED} * {self.within}"
        return self.fixed

    @classmethod
    def of(cls, **given: Any) -> Self:
        """Build options from plain values; lists become tuples, None means the default, misspelt names are refused."""
        names = [one.name for one in fields(cls)]
        for name in given:
            if name not in names:
                near = get_close_matches(name, names, n=1)
                hint = f"did you mean {near[0]!r}?" if near else f"choose from {', '.join(names)}"
                raise OptionError(f"there is no option {name!r}: {hint}")
        return cls(**{name: _frozen(value) for name, value in given.items() if value is not None})

    def to_json(self) -> dict[str, Any]:
        """Return plain values for a manifest."""
        return asdict(self)


_CHOICES: Final[dict[str, tuple[str, ...]]] = {
    "within": ("", "task_family"),
    "standardise": ("", "rater"),
    "ties": ("model", "drop"),
    "thresholds": ("symmetric", "flexible", "equidistant"),
    "link": ("logit", "probit"),
    "rankings": ("plackett_luce", "pairs"),
    "degrees": ("satterthwaite", "kenward-roger"),
    "standard_errors": ("adjusted", "plain"),
    "adjust": CORRECTIONS,
}


def _frozen(value: Any) -> Any:
    return tuple(map(_frozen, value)) if isinstance(value, list | tuple) else value
