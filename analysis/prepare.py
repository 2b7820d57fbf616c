"""From the long table to the model of one dimension: which rows count, what is compared, what is random."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from difflib import get_close_matches
from itertools import combinations
from typing import TYPE_CHECKING, Any, Final, Literal, Self

import numpy as np

from analysis import schema
from analysis.numerics.structure import FloatArray, IntArray, SignedFactor
from analysis.results import DataSummary

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

RANDOM: Final = ("output", "prompt:system", "rater:system", "rater")
DEFAULT_RANDOM: Final = ("output", "prompt:system", "rater:system")
SIDE: Final = "side (left)"
FEW: Final = 6
ONE_SAMPLE: Final = (
    "one sample per prompt and system: output and prompt:system are one random effect (kept: prompt:system)"
)


class OptionError(ValueError):
    """An option does not fit the data."""


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
        Random effects; a subset of ``RANDOM``. ``rater`` is a spread of side preferences between raters.
    ties
        ``model`` (three ordered levels) or ``drop``.
    thresholds
        Of graded preferences: ``symmetric``, ``flexible`` (holds the side effect) or ``equidistant``.
    late
        Whether answers given after the lease had lapsed or the study was closed count.
    confidence
        Level of the intervals.
    """

    baseline: str | None = None
    contrasts: tuple[tuple[str, str], ...] | None = None
    systems: tuple[str, ...] | None = None
    dimensions: tuple[str, ...] | None = None
    random: tuple[str, ...] = DEFAULT_RANDOM
    ties: Literal["model", "drop"] = "model"
    thresholds: Literal["symmetric", "flexible", "equidistant"] = "symmetric"
    late: bool = True
    confidence: float = 0.95

    def __post_init__(self) -> None:
        """Refuse what no data could fit."""
        unknown = [name for name in self.random if name not in RANDOM]
        if unknown:
            raise OptionError(f"random effect {unknown[0]!r} is not known: choose from {', '.join(RANDOM)}")
        if not 0.5 < self.confidence < 1.0:  # noqa: PLR2004
            raise OptionError("confidence must lie between 0.5 and 1, for example 0.95")

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


def _frozen(value: Any) -> Any:
    return tuple(map(_frozen, value)) if isinstance(value, list | tuple) else value


@dataclass(frozen=True)
class DimensionData:
    """Everything a model of one dimension needs.

    ``category`` (n,) counts from 0 = "b most" upward; ``labels`` names the levels on the answer scale.
    ``fixed`` (n, p) has
    the columns ``names``: the side, then one signed column (+1 left, −1 right) per system but the first.
    """

    dimension: str
    measure: str
    question: str
    frame: pd.DataFrame
    systems: tuple[str, ...]
    category: IntArray
    labels: tuple[str, ...]
    thresholds: Literal["symmetric", "flexible", "equidistant"]
    fixed: FloatArray
    names: tuple[str, ...]
    factors: tuple[SignedFactor, ...]
    formula: str
    notes: tuple[str, ...]

    @property
    def raters(self) -> int:
        """Return the number of raters."""
        return int(self.frame["rater"].nunique())

    @property
    def prompts(self) -> int:
        """Return the number of prompts."""
        return int(self.frame["prompt"].nunique())

    @property
    def outputs(self) -> int:
        """Return the number of outputs seen."""
        return len(np.union1d(self.frame["output_a"].unique(), self.frame["output_b"].unique()))

    def contrast(self, first: str, second: str) -> FloatArray:
        """Return the weights (p,) of the contrast "first over second"."""
        weights = np.zeros(len(self.names))
        for sign, system in ((1.0, first), (-1.0, second)):
            name = _column(system)
            if name in self.names:
                weights[self.names.index(name)] += sign
        return weights


def select(frame: pd.DataFrame, options: Options) -> tuple[pd.DataFrame, DataSummary]:
    """Return the rows to analyse (main, not excluded, pairwise, of the chosen systems) and an account of the rest."""
    total = frame.drop_duplicates("judgement")
    main = frame[frame["kind"] == "main"]
    excluded = main[main["excluded"]].drop_duplicates("judgement")
    rows = main[~main["excluded"]]
    if not options.late:
        rows = rows[~rows["late"]]
    rows = _restrict_systems(rows, options)
    rows, ignored = _restrict_dimensions(rows, options)
    if rows.empty:
        raise OptionError("no judgement is left to analyse: look at kind, excluded, measure and the chosen systems")
    rows = rows.sort_values(["dimension", "judgement", "output_a"], kind="stable").reset_index(drop=True)
    choices = rows[rows["measure"] == "pairwise_choice"]
    reasons = excluded["exclusion_reason"].where(excluded["exclusion_reason"] != "", "no reason given")
    return rows, DataSummary(
        total=len(total),
        used=int(rows["judgement"].nunique()),
        by_kind=_counts(total["kind"]),
        excluded=_counts(reasons),
        late=int(rows.drop_duplicates("judgement")["late"].sum()),
        ties={str(name): float((part == 0.5).mean()) for name, part in choices.groupby("dimension")["answer"]},  # noqa: PLR2004
        studies=tuple(sorted(set(rows["study"]) - {""})),
        design_hashes=tuple(sorted(set(rows["design_hash"]) - {""})),
        ignored_dimensions=ignored,
    )


def _counts(values: pd.Series) -> Mapping[str, int]:
    return {str(name): int(count) for name, count in sorted(values.value_counts().items())}


def _restrict_systems(rows: pd.DataFrame, options: Options) -> pd.DataFrame:
    known = set(rows["system_a"]) | set(rows["system_b"])
    named = [options.baseline, *(options.systems or ()), *(name for pair in options.contrasts or () for name in pair)]
    for name in named:
        if name is not None and name not in known:
            raise OptionError(f"there is no system {name!r}: the data have {', '.join(sorted(known))}")
    if options.systems:
        rows = rows[rows["system_a"].isin(options.systems) & rows["system_b"].isin(options.systems)]
    return rows


def _restrict_dimensions(rows: pd.DataFrame, options: Options) -> tuple[pd.DataFrame, dict[str, str]]:
    known = set(rows["dimension"])
    for name in options.dimensions or ():
        if name not in known:
            raise OptionError(f"there is no dimension {name!r}: the data have {', '.join(sorted(known))}")
    if options.dimensions:
        rows = rows[rows["dimension"].isin(options.dimensions)]
    other = rows[~rows["measure"].isin(schema.PAIRWISE)]
    ignored = {
        str(name): f"measure {part.iloc[0]!r} has no model yet" for name, part in other.groupby("dimension")["measure"]
    }
    return rows[rows["measure"].isin(schema.PAIRWISE)], ignored


def contrasts_of(rows: pd.DataFrame, options: Options) -> tuple[tuple[str, str], ...]:
    """Return the declared (first, second) pairs of systems: given, each against the baseline, or all pairs by name."""
    if options.contrasts:
        return options.contrasts
    systems = sorted(set(rows["system_a"]) | set(rows["system_b"]))
    if options.baseline is not None:
        return tuple((system, options.baseline) for system in systems if system != options.baseline)
    return tuple(combinations(systems, 2))


def prepare(rows: pd.DataFrame, dimension: str, options: Options) -> DimensionData:
    """Build the model of one dimension from selected rows; the order of the rows never matters."""
    frame = rows[(rows["dimension"] == dimension) & (rows["system_a"] != rows["system_b"])].reset_index(drop=True)
    if frame.empty:
        raise OptionError(f"dimension {dimension!r} has no comparison of two different systems")
    if options.ties == "drop":
        frame = frame[~((frame["measure"] == "pairwise_choice") & (frame["answer"] == 0.5))].reset_index(drop=True)  # noqa: PLR2004
    if frame.empty:
        raise OptionError(f"dimension {dimension!r} has nothing but ties: model them instead of dropping them")
    measure = str(frame["measure"].iloc[0])
    category, labels, notes = _categories(frame, measure)
    thresholds = options.thresholds if measure == "pairwise_graded" else "symmetric"
    systems = tuple(sorted(set(frame["system_a"]) | set(frame["system_b"])))
    fixed, names = _fixed(frame, systems, with_side=thresholds == "symmetric" or len(labels) == 2)  # noqa: PLR2004
    chosen, more = _random_names(frame, options)
    return DimensionData(
        dimension=dimension,
        measure=measure,
        question=str(frame["question_type"].iloc[0]),
        frame=frame,
        systems=systems,
        category=category,
        labels=labels,
        thresholds=thresholds,
        fixed=fixed,
        names=names,
        factors=tuple(_factor(frame, name) for name in chosen),
        formula=_formula(chosen, with_side=SIDE in names),
        notes=(*notes, *more, *_few(frame)),
    )


def _categories(frame: pd.DataFrame, measure: str) -> tuple[IntArray, tuple[str, ...], tuple[str, ...]]:
    """Number the answer levels from "b most" up, leaving out pairs of mirror levels that nobody used."""
    if measure == "pairwise_choice":
        answer = (2.0 * frame["answer"].to_numpy() - 1.0).round().astype(np.int64)
        possible: set[int] = {0, 1} if int(frame["levels"].iloc[0]) == 3 else {1}  # noqa: PLR2004
    else:
        answer = frame["answer"].to_numpy().astype(np.int64)
        levels = int(frame["levels"].iloc[0])
        possible = set(range(1, levels // 2 + 1)) | ({0} if levels % 2 else set())
    used = {int(size) for size in np.unique(np.abs(answer))}
    scale = sorted({sign * size for size in used | ({1} if used == {0} else set()) for sign in (-1, 1)})
    unused = sorted(possible - used)
    notes = (
        (f"nobody used the answer level(s) ±{', ±'.join(map(str, unused))}; left out of the scale",) if unused else ()
    )
    labels = tuple(f"{level:+d}" if level else "0" for level in scale)
    return np.searchsorted(scale, answer).astype(np.int64), labels, notes


def _column(system: str) -> str:
    return f"system[{system}]"


def _fixed(frame: pd.DataFrame, systems: tuple[str, ...], *, with_side: bool) -> tuple[FloatArray, tuple[str, ...]]:
    left, right = frame["system_a"].to_numpy(), frame["system_b"].to_numpy()
    columns = [np.ones(len(frame))] if with_side else []
    columns += [(left == system).astype(float) - (right == system) for system in systems[1:]]
    return np.column_stack(columns), ((SIDE,) if with_side else ()) + tuple(map(_column, systems[1:]))


def _random_names(frame: pd.DataFrame, options: Options) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the random effects that the design can hold and what was left out and why."""
    names, notes = list(options.random), []
    if "output" in names and "prompt:system" in names and _one_sample(frame):
        names.remove("output")
        notes.append(ONE_SAMPLE)
    for name, unit in (("rater:system", "rater"), ("rater", "rater"), ("prompt:system", "prompt")):
        if name in names and frame[unit].nunique() < 2:  # noqa: PLR2004
            names.remove(name)
            notes.append(
                f"random effect {name} left out: there is one {unit}, so the result holds for this {unit} only"
            )
    return tuple(names), tuple(notes)


def _one_sample(frame: pd.DataFrame) -> bool:
    """Return whether no prompt and system has two outputs."""
    names = ["prompt", "system", "output"]
    sides = [
        frame[["prompt", f"system_{side}", f"output_{side}"]].drop_duplicates().set_axis(names, axis=1) for side in "ab"
    ]
    cells = sides[0].merge(sides[1], on=names, how="outer").drop_duplicates()
    return not cells.duplicated(["prompt", "system"]).any()


def _few(frame: pd.DataFrame) -> tuple[str, ...]:
    return tuple(
        f"only {count} {unit}s: the small-sample correction is rough, treat as a pilot"
        for unit in ("rater", "prompt")
        if (count := frame[unit].nunique()) < FEW
    )


def _factor(frame: pd.DataFrame, name: str) -> SignedFactor:
    if name == "rater":
        codes, levels = _codes([frame["rater"]])
        return SignedFactor(name, tuple(codes), (1.0,), levels)
    keys = []
    for side in "ab":
        if name == "output":
            keys.append(frame[f"output_{side}"])
        else:
            unit = frame[name.split(":", 1)[0]]
            keys.append(unit.astype(str) + "\x1f" + frame[f"system_{side}"].astype(str))
    codes, levels = _codes(keys)
    return SignedFactor(name, tuple(codes), (1.0, -1.0), levels)


def _codes(keys: list[pd.Series]) -> tuple[list[IntArray], int]:
    values = np.concatenate([key.to_numpy().astype(str) for key in keys])
    levels, where = np.unique(values, return_inverse=True)
    return [part.astype(np.int64) for part in np.split(where, len(keys))], levels.size


def _formula(random: tuple[str, ...], *, with_side: bool) -> str:
    """Write the model in lme4's words; a − b marks effects that enter with + for left and − for right."""
    side = "1 + " if with_side else ""
    terms = [f"(1 | {name})" if name == "rater" else f"(1 | {name}, a − b)" for name in random]
    return " + ".join([f"answer(a over b) ~ {side}system(a − b)", *terms])
