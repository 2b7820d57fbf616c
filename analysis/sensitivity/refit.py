"""Every contrast under every other choice: the models fitted again, and whether they agree."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from analysis.inference.contrasts import contrast_row
from analysis.prepare import OptionError, contrasts_of, prepare, select
from analysis.results.checks import SensitivityRow
from analysis.sensitivity.alternatives import Alternative, alternatives
from analysis.study import fit_dimension

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from analysis.prepare import Options
    from analysis.results import SignificanceRow, StudyResult

NAN: Final = float("nan")


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
