"""Every contrast under other exclusions: with everyone, and without each check in turn."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from analysis import schema
from analysis.prepare import OptionError, prepare, select
from analysis.results.checks import DECLARED, EVERYONE, ExclusionRow
from analysis.study import contrast_rows, correct, fit_dimension

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from analysis.prepare import Options
    from analysis.results import DimensionResult, SignificanceRow, StudyResult

NAN: Final = float("nan")


@dataclass(frozen=True)
class Variant:
    """Other exclusions: the rows (a mask over the table) that come back, and the check that is left out, if one is."""

    label: str
    check: str
    back: pd.Series


def check_exclusions(
    table: pd.DataFrame,
    result: StudyResult,
    *,
    options: Options,
    progress: Callable[[int, int, str], None] | None = None,
) -> tuple[ExclusionRow, ...]:
    """Analyse the table again with everyone, and without each check in turn; nothing if no exclusion can be lifted.

    Parameters
    ----------
    table
        The validated long table, excluded judgements included.
    result
        The declared analysis; its correction decides whether a conclusion changes.
    progress
        Called with (done, total, what) before each variant.

    Notes
    -----
    Rows whose exclusion is no verdict on the rater (``schema.ALWAYS_OUT``) stay out throughout.
    """
    plan = variants(table)
    found = [_line(row, row, DECLARED, "", result=result) for row in result.rows] if plan else []
    for done, variant in enumerate(plan):
        if progress:
            progress(done, len(plan), variant.label)
        rows = _analyse(table, result, variant, options=options) if variant.back.any() else result.rows
        found += [
            _line(row, other, variant.label, variant.check, result=result)
            for row, other in zip(result.rows, rows, strict=True)
        ]
    order = {row: at for at, row in enumerate((one.dimension, one.contrast) for one in result.rows)}
    return tuple(sorted(found, key=lambda row: order[row.dimension, row.contrast]))


def variants(table: pd.DataFrame) -> tuple[Variant, ...]:
    """Return everyone, then each check (or the decisions by hand) that made an exclusion, in order of their names."""
    lifted = liftable(table) & (table["kind"] == "main")
    if not lifted.any():
        return ()
    causes = table["exclusion_checks"].map(_causes)
    names = sorted(set().union(*causes[lifted].unique()))
    called = {name: "decisions by hand" if name == schema.BY_HAND else name.replace("_", " ") for name in names}
    alone = [Variant(f"without {called[name]}", name, lifted & (causes == frozenset({name}))) for name in names]
    return (Variant(EVERYONE, "", lifted), *alone)


def liftable(table: pd.DataFrame) -> pd.Series:
    """Return the rows that are excluded for nothing but what somebody thought of the rater."""
    reasons = table["exclusion_reason"]
    firm = [reason for reason in reasons.unique() if set(reason.split("; ")) & set(schema.ALWAYS_OUT)]
    return table["excluded"] & ~reasons.isin(firm)


def _causes(checks: str) -> frozenset[str]:
    return frozenset(name.strip() for name in checks.split(";") if name.strip()) or frozenset({schema.BY_HAND})


def _analyse(
    table: pd.DataFrame, result: StudyResult, variant: Variant, *, options: Options
) -> tuple[SignificanceRow, ...]:
    """Return the contrasts of the declared analysis on other rows, corrected over the same family."""
    frame = table.assign(excluded=table["excluded"] & ~variant.back)
    pairs = tuple(dict.fromkeys((row.first, row.second) for row in result.rows))
    wanted = {"single-step": ("single_step",), "bh": ("bh",)}.get(result.correction, ())
    changed = replace(options, robust=False, shrunken=False, adjust=wanted, contrasts=pairs)
    rows, _ = select(frame, changed)
    lines: dict[tuple[str, str], SignificanceRow] = {}
    for item in result.dimensions:
        for line in _refit(rows, item, result, options=changed):
            lines[line.dimension, line.contrast] = line
    return correct([lines[row.dimension, row.contrast] for row in result.rows], adjust=wanted)


def _refit(
    rows: pd.DataFrame, item: DimensionResult, result: StudyResult, *, options: Options
) -> list[SignificanceRow]:
    declared = [row for row in result.rows if row.dimension == item.dimension]
    try:
        data = prepare(rows, item.dimension, options)
        fit = fit_dimension(data)
        found = contrast_rows(data, fit, options.contrasts or (), options=options)
    except (OptionError, ValueError) as error:
        return [_missing(row, str(error)) for row in declared]
    known = {row.contrast: row for row in found}
    return [known.get(row.contrast) or _missing(row, "this contrast is not in these rows") for row in declared]


def _missing(row: SignificanceRow, why: str) -> SignificanceRow:
    return replace(
        row, estimate=NAN, se=NAN, low=NAN, high=NAN, p=NAN, p_single_step=NAN, converged=False, message=why,
        n_raters=0, n_judgements=0,
    )  # fmt: skip


def _line(
    declared: SignificanceRow, found: SignificanceRow, variant: str, check: str, *, result: StudyResult
) -> ExclusionRow:
    before, after = result.corrected(declared), result.corrected(found)
    return ExclusionRow(
        dimension=declared.dimension,
        first=declared.first,
        second=declared.second,
        task_family=declared.task_family,
        variant=variant,
        check=check,
        estimate=found.estimate,
        se=found.se,
        low=found.low,
        high=found.high,
        p=found.p,
        p_corrected=after,
        scale=found.scale,
        raters=found.n_raters,
        judgements=found.n_judgements,
        same=same_conclusion((declared.estimate, before), (found.estimate, after), alpha=1.0 - result.confidence),
        message="" if found.converged else found.message,
    )


def same_conclusion(declared: tuple[float, float], other: tuple[float, float], *, alpha: float) -> bool:
    """Return whether two (estimate, corrected p) say the same: the same winner, no reliable difference, or nothing."""
    if any(np.isnan(p) for _, p in (declared, other)):
        return all(np.isnan(p) for _, p in (declared, other))
    sure = [p < alpha for _, p in (declared, other)]
    return sure[0] == sure[1] and (not sure[0] or declared[0] * other[0] > 0.0)
