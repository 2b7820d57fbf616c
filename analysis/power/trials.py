"""The trials of a real plan as arrays: who sees what, and the fixed and random effects of its final model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Self

import numpy as np

from analysis.numerics.structure import FloatArray, IntArray, SignedFactor, Structure, build_structure

PAIRWISE: Final = ("pairwise_choice", "pairwise_graded")
SINGLE: Final = ("interval", "ordinal")
MEASURES: Final = (*PAIRWISE, *SINGLE)
PAIR_FACTORS: Final = ("output", "prompt:system", "rater:system")
SINGLE_FACTORS: Final = ("rater", "prompt", "output", "rater:system", "prompt:system")
RATER_SIDE: Final = ("rater", "rater:system")
"""Random effects that multiply with raters; all others multiply with prompts."""
SIDE: Final = "side (left)"
INTERCEPT: Final = "(Intercept)"
LEAST: Final = 2


class PowerError(ValueError):
    """What was asked about power makes no sense; the message says what to change."""


@dataclass(frozen=True, slots=True)
class Question:
    """One dimension as far as power needs it.

    ``measure`` is a measure of the long table: ``pairwise_choice`` (2 levels, 3 with ties), ``pairwise_graded``,
    ``interval`` (a slider; ``levels`` is not used) or ``ordinal`` (Likert).
    """

    dimension: str
    measure: str = "pairwise_choice"
    levels: int = 2

    def __post_init__(self) -> None:
        """Refuse a measure without a model and a scale without levels."""
        if self.measure not in MEASURES:
            raise PowerError(
                f"dimension {self.dimension!r}: power is known for {', '.join(MEASURES)}, not {self.measure!r}"
            )
        if self.levels < LEAST and self.measure != "interval":
            raise PowerError(f"dimension {self.dimension!r}: a scale needs at least 2 levels, not {self.levels}")

    @property
    def model(self) -> tuple[str, int]:
        """Return what decides the model: dimensions with the same value share one computation."""
        return self.measure, 0 if self.measure == "interval" else self.levels


@dataclass(frozen=True)
class PlannedTrials:
    """The main trials of a plan, one row per showing.

    Attributes
    ----------
    rater, prompt
        Level numbers, shape (n,); a rater is a booklet.
    system, output
        Level numbers, one array (n,) per text shown: two for pairs (left, right), one for single stimuli.
    systems
        Names of the systems, sorted, as ``system`` counts them.
    """

    rater: IntArray
    prompt: IntArray
    system: tuple[IntArray, ...]
    output: tuple[IntArray, ...]
    systems: tuple[str, ...]

    @classmethod
    def from_columns(cls, columns: Mapping[str, Sequence[Any]]) -> Self:
        """Read a plan from columns: a data frame, or ``design.Plan.columns()`` of the platform.

        Needs ``booklet`` (or ``rater``), ``prompt``, ``system_a``, ``output_a`` and, for pairs, ``system_b``,
        ``output_b``. Rows whose ``kind`` is not ``main`` are left out, and so are pairs of one system with
        itself.
        """
        who = "booklet" if "booklet" in columns else "rater"
        pairs = "system_b" in columns and any(columns["system_b"])
        names = [who, "prompt", "system_a", "output_a", *(("system_b", "output_b") if pairs else ())]
        if missing := [name for name in names if name not in columns]:
            raise PowerError(
                f"the plan has no column {', '.join(missing)}: give one row per trial with {', '.join(names)}"
            )
        values = {name: np.asarray(columns[name]).astype(str) for name in names}
        keep = (
            np.asarray(columns["kind"]).astype(str) == "main" if "kind" in columns else np.ones(values[who].size, bool)
        )
        if pairs:
            keep &= values["system_a"] != values["system_b"]
        if not keep.any():
            raise PowerError("the plan has no main trial: power needs at least one booklet with texts of two systems")
        values = {name: column[keep] for name, column in values.items()}
        sides = "ab" if pairs else "a"
        system, systems = _codes([values[f"system_{side}"] for side in sides])
        if len(systems) < LEAST:
            raise PowerError(f"the plan shows one system only ({systems[0]}): there is nothing to compare")
        return cls(
            rater=_codes([values[who]])[0][0],
            prompt=_codes([values["prompt"]])[0][0],
            system=system,
            output=_codes([values[f"output_{side}"] for side in sides])[0],
            systems=systems,
        )

    @classmethod
    def from_rows(cls, rows: Iterable[Mapping[str, Any]]) -> Self:
        """Read a plan from one mapping per trial, with the names of ``from_columns``."""
        given = list(rows)
        names = {name for row in given for name in row}
        return cls.from_columns({name: [row.get(name) or "" for row in given] for name in sorted(names)})

    @property
    def pairs(self) -> bool:
        """Return whether two texts are shown together."""
        return len(self.system) == LEAST

    @cached_property
    def raters(self) -> int:
        """Return the number of raters (booklets)."""
        return int(np.unique(self.rater).size)

    @cached_property
    def prompts(self) -> int:
        """Return the number of prompts."""
        return int(np.unique(self.prompt).size)

    def __len__(self) -> int:
        """Count the trials."""
        return int(self.rater.size)

    def take(self, rows: IntArray) -> PlannedTrials:
        """Return some of the trials (row numbers or a mask); levels keep their numbers, systems their names."""
        system, output = (tuple(codes[rows] for codes in both) for both in (self.system, self.output))
        return PlannedTrials(self.rater[rows], self.prompt[rows], system, output, self.systems)

    def names(self, measure: str) -> tuple[str, ...]:
        """Return the names of the fixed effects of a measure's final model."""
        first = {"ordinal": (), "interval": (INTERCEPT,)}.get(measure, (SIDE,))
        return (*first, *(f"system[{name}]" for name in self.systems[1:]))

    def fixed(self, measure: str) -> FloatArray:
        """Return the fixed effects (n, p) of a measure's final model, in the order of :meth:`names`."""
        levels = np.arange(1, len(self.systems))
        columns = (self.system[0][:, None] == levels).astype(float)
        if self.pairs:
            columns -= self.system[1][:, None] == levels
        first = np.ones((len(self), 0 if measure == "ordinal" else 1))
        return np.column_stack([first, columns])

    def contrast(self, measure: str, pair: tuple[str, str]) -> FloatArray:
        """Return the weights (p,) of "first over second"; raises PowerError for a system that is not shown."""
        names, weights = self.names(measure), np.zeros(len(self.names(measure)))
        for sign, system in zip((1.0, -1.0), pair, strict=True):
            if system not in self.systems:
                raise PowerError(f"there is no system {system!r} in the plan: it shows {', '.join(self.systems)}")
            if system != self.systems[0]:
                weights[names.index(f"system[{system}]")] += sign
        return weights

    @cached_property
    def one_sample(self) -> bool:
        """Return whether no prompt and system has two outputs; output and prompt:system are one factor then."""
        cell = np.concatenate([self.prompt * len(self.systems) + system for system in self.system])
        text = np.concatenate(self.output)
        return bool(np.unique(np.column_stack([cell, text]), axis=0).shape[0] == np.unique(cell).size)

    @cached_property
    def structure(self) -> Structure:
        """Return the random side of the final model, laid out once for every question, assumption and simulation."""
        names = list(PAIR_FACTORS if self.pairs else SINGLE_FACTORS)
        if self.one_sample:
            names.remove("output")
        return build_structure(tuple(self._factor(name) for name in names), len(self))

    def _factor(self, name: str) -> SignedFactor:
        count = len(self.systems)
        unit = {"rater": self.rater, "prompt": self.prompt}
        if name == "output":
            columns = list(self.output)
        elif ":" in name:
            columns = [unit[name.partition(":")[0]] * count + system for system in self.system]
        else:
            columns = [unit[name]]
        levels, where = np.unique(np.concatenate(columns), return_inverse=True)
        codes = tuple(part.astype(np.int64) for part in np.split(where, len(columns)))
        return SignedFactor(name, codes, (1.0, -1.0)[: len(columns)], levels.size)


def _codes(columns: list[Any]) -> tuple[tuple[IntArray, ...], tuple[str, ...]]:
    levels, where = np.unique(np.concatenate(columns), return_inverse=True)
    parts = np.split(where.astype(np.int64), len(columns))
    return tuple(parts), tuple(str(level) for level in levels)
