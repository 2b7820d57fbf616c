"""Which rows of the long table count, and an account of the others."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Final

from analysis.prepare.options import OptionError, Options
from analysis.results import DataSummary
from analysis.schema import TWO_LEVELS

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

MODELLED: Final = ("pairwise_choice", "pairwise_graded", "interval", "ordinal", "ranking")
"""Measures that have a model; so have nominal answers of two levels about one output (yes or no)."""
TIE: Final = 0.5


def select(frame: pd.DataFrame, options: Options) -> tuple[pd.DataFrame, DataSummary]:
    """Return the rows to analyse (main, not excluded, chosen systems, measures with a model) and count the rest."""
    total = frame.drop_duplicates("judgement")
    main = frame[frame["kind"] == "main"]
    excluded = main[main["excluded"]].drop_duplicates("judgement")
    rows = main[~main["excluded"]]
    if not options.late:
        rows = rows[~rows["late"]]
    rows = _restrict_systems(rows, options)
    rows, ignored = _restrict_dimensions(rows, options)
    if rows.empty and ignored:
        why = "; ".join(f"{name}: {reason}" for name, reason in ignored.items())
        raise OptionError(f"no judgement is left to analyse ({why})")
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
        ties={str(name): float((part == TIE).mean()) for name, part in choices.groupby("dimension")["answer"]},
        studies=tuple(sorted(set(rows["study"].unique()) - {""})),
        design_hashes=tuple(sorted(set(rows["design_hash"].unique()) - {""})),
        ignored_dimensions=ignored,
    )


def _counts(values: pd.Series) -> Mapping[str, int]:
    return {str(name): int(count) for name, count in sorted(values.value_counts().items())}


def _restrict_systems(rows: pd.DataFrame, options: Options) -> pd.DataFrame:
    known = systems_of(rows)
    named = [options.baseline, *(options.systems or ()), *(name for pair in options.contrasts or () for name in pair)]
    for name in named:
        if name is not None and name not in known:
            raise OptionError(f"there is no system {name!r}: the data have {', '.join(known)}")
    if options.systems:
        rows = rows[rows["system_a"].isin(options.systems) & rows["system_b"].isin((*options.systems, ""))]
    return rows


def _restrict_dimensions(rows: pd.DataFrame, options: Options) -> tuple[pd.DataFrame, dict[str, str]]:
    known = set(rows["dimension"].unique())
    for name in options.dimensions or ():
        if name not in known:
            raise OptionError(f"there is no dimension {name!r}: the data have {', '.join(sorted(known))}")
    if options.dimensions:
        rows = rows[rows["dimension"].isin(options.dimensions)]
    verdicts = (rows["measure"] == "nominal") & (rows["levels"] == TWO_LEVELS) & (rows["system_b"] == "")
    modelled = rows["measure"].isin(MODELLED) | verdicts
    ignored = {
        str(name): f"measure {part.iloc[0]!r} has no model yet"
        for name, part in rows[~modelled].groupby("dimension")["measure"]
    }
    return rows[modelled], ignored


def systems_of(rows: pd.DataFrame) -> tuple[str, ...]:
    """Return the systems by name, whichever side they were shown on."""
    return tuple(sorted((set(rows["system_a"].unique()) | set(rows["system_b"].unique())) - {""}))


def contrasts_of(rows: pd.DataFrame, options: Options) -> tuple[tuple[str, str], ...]:
    """Return the declared (first, second) pairs of systems: given, each against the baseline, or all pairs by name."""
    if options.contrasts:
        return options.contrasts
    systems = systems_of(rows)
    if options.baseline is not None:
        return tuple((system, options.baseline) for system in systems if system != options.baseline)
    return tuple(combinations(systems, 2))
