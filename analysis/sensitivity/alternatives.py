"""The other choices that could have been declared, as options to change or as tables to change."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from analysis import schema
from analysis.prepare import ONE_SAMPLE, can_standardise
from analysis.prepare.selection import TIE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pandas as pd

    from analysis.prepare import Options
    from analysis.results import DimensionResult, StudyResult

FAST: Final = 1.0 / 3.0
"""Judgements faster than this share of the median time count as hasty."""
GRADED: Final = "pairwise_graded"
OTHER_THRESHOLDS: Final = {"symmetric": "flexible", "flexible": "symmetric", "equidistant": "symmetric"}


@dataclass(frozen=True)
class Alternative:
    """Another choice: options to change, or the table to change, and the dimensions that it touches."""

    choice: str
    label: str
    dimensions: tuple[str, ...]
    options: dict[str, Any] = field(default_factory=dict)
    change: Callable[[pd.DataFrame], pd.DataFrame] | None = None


def alternatives(table: pd.DataFrame, result: StudyResult, options: Options) -> tuple[Alternative, ...]:
    """Return the alternatives that would change something in this table."""
    fitted = [item for item in result.dimensions if item.fit.convergence.code != "not_fitted"]
    names = tuple(item.dimension for item in fitted)
    if not names:
        return ()
    found = [*_of_rows(table, options, names), *_of_answers(fitted, result, options), *_of_effects(fitted, options)]
    return tuple(item for item in found if item.dimensions)


def _of_rows(table: pd.DataFrame, options: Options, names: tuple[str, ...]) -> list[Alternative]:
    """Return those that take other rows."""
    main = table[table["kind"] == "main"]
    found = []
    if main["late"].any():
        kept = "late answers kept" if options.late else "late answers left out"
        found.append(
            Alternative(kept, "left out" if options.late else "kept", names, options={"late": not options.late})
        )
    if _incomplete(main).any():
        found.append(Alternative("incomplete booklets left out", "kept", names, change=with_incomplete))
    if (main["position"] != main["position"].min()).any():
        found.append(Alternative("all trials", "without each rater's first trial", names, change=without_first))
    seconds = main.loc[~main["excluded"], "seconds"]
    if (seconds < FAST * seconds.median()).any():
        label = "without judgements faster than a third of the median time"
        found.append(Alternative("any time", label, names, change=without_hasty))
    return found


def with_incomplete(table: pd.DataFrame) -> pd.DataFrame:
    """Take in what is out for nothing but an incomplete booklet."""
    return table.assign(excluded=table["excluded"] & ~_incomplete(table))


def _incomplete(table: pd.DataFrame) -> pd.Series:
    return table["excluded"] & (table["exclusion_reason"] == schema.INCOMPLETE) & (table["exclusion_checks"] == "")


def without_first(table: pd.DataFrame) -> pd.DataFrame:
    """Leave out each rater's first main trial."""
    first = table["position"].where(table["kind"] == "main").groupby(table["rater"]).transform("min")
    return table[table["position"] != first].reset_index(drop=True)


def without_hasty(table: pd.DataFrame) -> pd.DataFrame:
    """Leave out judgements faster than a third of the median time; those without a time stay."""
    main = table[(table["kind"] == "main") & ~table["excluded"]]
    return table[~(table["seconds"] < FAST * main["seconds"].median())].reset_index(drop=True)


def _of_answers(fitted: Sequence[DimensionResult], result: StudyResult, options: Options) -> list[Alternative]:
    """Return those that read the answers differently."""
    tied = tuple(
        item.dimension
        for item in fitted
        if result.data.ties.get(item.dimension, 0.0) > 0.0
        or (item.measure == "pairwise_choice" and (item.data.frame["answer"] == TIE).any())  # pairs of a ranking
    )
    graded = tuple(item.dimension for item in fitted if item.measure == GRADED)
    ordered = tuple(item.dimension for item in fitted if item.measure == "ordinal")
    other = "drop" if options.ties == "model" else "model"
    words = {"model": "ties as a middle level", "drop": "ties dropped"}
    thresholds = OTHER_THRESHOLDS[options.thresholds]
    found = [
        Alternative(words[options.ties], words[other], tied, options={"ties": other}),
        Alternative(f"{options.thresholds} thresholds", thresholds, graded, options={"thresholds": thresholds}),
        Alternative("grades", "direction of the preference only", graded, change=as_choices),
        Alternative("ordered levels", "levels as points, linear model", ordered, change=as_points),
    ]
    ranked = tuple(item.dimension for item in fitted if item.measure == "ranking")
    if options.rankings == "plackett_luce":
        again = tuple(item.dimension for item in fitted if item.dimension in ranked and _recurs(item.data.frame))
        found += [
            Alternative("whole rankings", "taken apart into pairs", again, options={"rankings": "pairs"}),
            Alternative("random effects", "none, errors clustered by rater and prompt", ranked, options={"random": ()}),
        ]
    latent = tuple(item.dimension for item in fitted if item.fit.family in ("binomial", "cumulative"))
    link = "probit" if options.link == "logit" else "logit"
    found.append(Alternative(f"{options.link} link", link, latent, options={"link": link}))
    if options.standard_errors == "adjusted":
        plain = {"standard_errors": "plain"}
        found.append(Alternative("standard errors corrected for bias", "as lme4 prints them", latent, options=plain))
    points = tuple(item.dimension for item in fitted if item.measure == "interval" and can_standardise(item.data.frame))
    scales = {"": "points as given", "rater": "standardised per rater"}
    way = "" if options.standardise else "rater"
    found.append(Alternative(scales[options.standardise], scales[way], points, options={"standardise": way}))
    return found


def _recurs(frame: pd.DataFrame) -> bool:
    """Return whether outputs stand in several rankings; the pairs of one ranking never contradict one another."""
    return bool(frame.groupby("output_a")["judgement"].nunique().median() > 1)


def as_choices(table: pd.DataFrame) -> pd.DataFrame:
    """Keep only the direction of graded preferences: a forced choice with ties at the mid-point."""
    graded = table["measure"] == GRADED
    direction = (np.sign(table["answer"]) + 1.0) / 2.0
    return table.assign(
        answer=table["answer"].where(~graded, direction),
        levels=table["levels"].where(~graded | (table["levels"] % 2 == 0), 3).where(~graded | (table["levels"] % 2), 2),
        measure=table["measure"].where(~graded, "pairwise_choice"),
    )


def as_points(table: pd.DataFrame) -> pd.DataFrame:
    """Take the levels of ordinal answers for points of equal distance."""
    return table.assign(measure=table["measure"].replace("ordinal", "interval"))


def _of_effects(fitted: Sequence[DimensionResult], options: Options) -> list[Alternative]:
    """Return those with one random effect less, or with a spread of side preferences more."""
    groups: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for item in fitted:
        for part in item.fit.variances:
            if part.sd > 0:
                groups.setdefault((part.factor, _with_its_twin(part.factor, item)), []).append(item.dimension)
    found = []
    for (name, gone), names in groups.items():
        rest = {
            field: tuple(e for e in getattr(options, field) if e not in gone) for field in ("random", "random_single")
        }
        if all(rest.values()):
            found.append(Alternative(f"random effect {name}", f"without {' and '.join(gone)}", tuple(names), rest))
    paired = tuple(item.dimension for item in fitted if item.paired)
    if "rater" not in options.random and paired:
        more = (*options.random, "rater")
        found.append(
            Alternative("one side preference", "side preference varies by rater", paired, options={"random": more})
        )
    return found


def _with_its_twin(name: str, item: DimensionResult) -> tuple[str, ...]:
    """Return the effects that must go together: with one sample, output would take the place of prompt:system."""
    return ("prompt:system", "output") if name == "prompt:system" and ONE_SAMPLE in item.notes else (name,)
