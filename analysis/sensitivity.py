"""What the contrasts would be had another choice been declared; one line per contrast and alternative."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from analysis.inference.contrasts import contrast_row
from analysis.prepare import ONE_SAMPLE, OptionError, contrasts_of, prepare, select
from analysis.results.checks import SensitivityRow
from analysis.study import fit_dimension

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pandas as pd

    from analysis.prepare import Options
    from analysis.results import DimensionResult, SignificanceRow, StudyResult

NAN = float("nan")
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


def check_sensitivity(
    table: pd.DataFrame,
    result: StudyResult,
    *,
    options: Options,
    progress: Callable[[int, int, str], None] | None = None,
) -> tuple[SensitivityRow, ...]:
    """Analyse the table again under every alternative that applies to it.

    Parameters
    ----------
    table
        The validated long table, excluded and late judgements included.
    result
        The declared analysis.
    progress
        Called with (done, total, what) before each alternative.
    """
    plan = alternatives(table, result, options)
    lines: list[SensitivityRow] = []
    for done, alternative in enumerate(plan):
        if progress:
            progress(done, len(plan), alternative.label)
        lines += _analyse(table, result, alternative, options=options)
    order = {item.dimension: at for at, item in enumerate(result.dimensions)}
    return tuple(sorted([*lines, *_other_tests(result)], key=lambda row: order[row.dimension]))


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
    if main["excluded"].any():
        found.append(
            Alternative(
                "recorded exclusions",
                "nobody excluded",
                names,
                change=lambda frame: frame.assign(excluded=False, exclusion_reason=""),
            )
        )
    if (main["position"] != main["position"].min()).any():
        found.append(Alternative("all trials", "without each rater's first trial", names, change=without_first))
    seconds = main.loc[~main["excluded"], "seconds"]
    if (seconds < FAST * seconds.median()).any():
        label = "without judgements faster than a third of the median time"
        found.append(Alternative("any time", label, names, change=without_hasty))
    return found


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
    tied = tuple(item.dimension for item in fitted if result.data.ties.get(item.dimension, 0.0) > 0.0)
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
        found += [
            Alternative("whole rankings", "taken apart into pairs", ranked, options={"rankings": "pairs"}),
            Alternative("random effects", "none, errors clustered by rater and prompt", ranked, options={"random": ()}),
        ]
    latent = tuple(item.dimension for item in fitted if item.fit.family in ("binomial", "cumulative"))
    link = "probit" if options.link == "logit" else "logit"
    found.append(Alternative(f"{options.link} link", link, latent, options={"link": link}))
    if options.standard_errors == "adjusted":
        plain = {"standard_errors": "plain"}
        found.append(Alternative("standard errors corrected for bias", "as lme4 prints them", latent, options=plain))
    if not options.standardise:
        points = tuple(item.dimension for item in fitted if item.measure == "interval")
        found.append(Alternative("points as given", "standardised per rater", points, options={"standardise": "rater"}))
    return found


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


def _analyse(
    table: pd.DataFrame, result: StudyResult, alternative: Alternative, *, options: Options
) -> list[SensitivityRow]:
    """Fit the touched dimensions again and compare contrast by contrast."""
    pairs = contrasts_of(select(table, options)[0], options)
    changed = replace(options, **alternative.options, dimensions=alternative.dimensions, contrasts=pairs)
    frame = table if alternative.change is None else alternative.change(table)
    declared = {(row.dimension, row.first, row.second): row for row in result.rows if not row.task_family}
    lines = []
    for name in alternative.dimensions:
        rows = [row for key, row in declared.items() if key[0] == name]
        try:
            prepared = prepare(select(frame, changed)[0], name, changed)
            fit = fit_dimension(prepared)
        except (OptionError, ValueError) as error:
            lines += [_line(row, alternative, None, message=str(error), level=result.confidence) for row in rows]
            continue
        for row in rows:
            pair = (row.first, row.second)
            found = contrast_row(prepared, fit, pair, confidence=result.confidence, degrees=changed.degrees)
            lines.append(_line(row, alternative, found, message=found.message, level=result.confidence))
    return lines


def _line(
    row: SignificanceRow, alternative: Alternative, found: SignificanceRow | None, *, message: str, level: float
) -> SensitivityRow:
    estimate, p = (NAN, NAN) if found is None else (found.estimate, found.p)
    return SensitivityRow(
        dimension=row.dimension,
        first=row.first,
        second=row.second,
        task_family=row.task_family,
        choice=alternative.choice,
        alternative=alternative.label,
        estimate=estimate,
        low=NAN if found is None else found.low,
        high=NAN if found is None else found.high,
        p=p,
        declared_estimate=row.estimate,
        declared_p=row.p,
        scale=row.scale if found is None else found.scale,
        agrees=agree(row, estimate, p, alpha=1.0 - level),
        judgements=0 if found is None else found.n_judgements,
        message=message.removeprefix("converged").removeprefix("; "),
    )


def agree(row: SignificanceRow, estimate: float, p: float, *, alpha: float) -> bool:
    """Return whether both point the same way and the uncorrected verdict is the same."""
    if np.isnan(estimate) or np.isnan(row.estimate):
        return bool(np.isnan(estimate) and np.isnan(row.estimate))
    return bool(estimate * row.estimate > 0.0 and (p < alpha) == (row.p < alpha))


def _other_tests(result: StudyResult) -> list[SensitivityRow]:
    """Return the marginal model with two-way cluster-robust errors, where it was computed."""
    from scipy import stats

    lines = []
    for row in result.rows:
        if row.task_family or np.isnan(row.robust_estimate):
            continue
        half = float(stats.t.ppf(0.5 + result.confidence / 2.0, row.robust_df)) * row.robust_se
        lines.append(
            SensitivityRow(
                dimension=row.dimension,
                first=row.first,
                second=row.second,
                task_family="",
                choice="mixed model",
                alternative=row.robust_method or "marginal model, errors clustered by rater and prompt",
                estimate=row.robust_estimate,
                low=row.robust_estimate - half,
                high=row.robust_estimate + half,
                p=row.robust_p,
                declared_estimate=row.estimate,
                declared_p=row.p,
                scale=f"{row.scale}, marginal",
                agrees=agree(row, row.robust_estimate, row.robust_p, alpha=1.0 - result.confidence),
                judgements=row.n_judgements,
            )
        )
    return lines
