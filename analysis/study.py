"""The verb of the package: from the long table to all numbers of a study."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from analysis import schema
from analysis.inference.contrasts import contrast_row
from analysis.inference.multiplicity import holm
from analysis.models.glmm import fit_logistic
from analysis.models.ordinal import fit_cumulative
from analysis.prepare import DimensionData, OptionError, Options, contrasts_of, prepare, select
from analysis.results import DimensionResult, Fit, SignificanceRow, StudyResult

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd


def analyse_study(
    frame: pd.DataFrame,
    options: Options,
    *,
    seed: int = 0,
    progress: Callable[[int, int, str], None] | None = None,
) -> StudyResult:
    """Fit one mixed model per dimension and return all numbers of the study; the words are ``analysis.wording``'s.

    Parameters
    ----------
    frame
        The long table of ``analysis.schema``; it is validated here, its order does not matter.
    seed
        Written into the manifest; this analysis draws no random numbers.
    progress
        Called with (done, total, what) before each model and at the end.
    """
    table = schema.validate(frame)
    rows, data = select(table, options)
    pairs = contrasts_of(rows, options)
    found = set(rows["dimension"])
    names = [name for name in options.dimensions or sorted(found) if name in found]
    results, lines = [], []
    for done, name in enumerate(names):
        if progress:
            progress(done, len(names), name)
        prepared = prepare(rows, name, options)
        fit = fit_dimension(prepared)
        results.append(_result(prepared, fit))
        lines += [contrast_row(prepared, fit, pair, confidence=options.confidence) for pair in pairs]
    if progress:
        progress(len(names), len(names), "done")
    return StudyResult(
        rows=_correct(lines),
        dimensions=tuple(results),
        data=data,
        confidence=options.confidence,
        family="",
        sentences=(),
        methods="",
        warnings=(),
        options=options.to_json(),
        input_hash=hash_table(table),
        seed=seed,
        table=table,
    )


def fit_dimension(data: DimensionData, *, start: Fit | None = None) -> Fit:
    """Fit the model that the answers of one dimension ask for; ``start`` is an earlier fit of the same design."""
    common: dict[str, Any] = {"names": data.names, "formula": data.formula, "structure": data.structure}
    if data.family == "gaussian" and data.response is not None:
        from analysis.models.lmm import fit_linear

        return fit_linear(data.response, data.fixed, data.factors, **common, start=start)
    if data.family == "plackett-luce":
        raise OptionError(
            f"dimension {data.dimension!r} holds rankings: choose rankings = 'pairs' to take them apart into pairs"
        )
    del common["structure"]
    if data.family == "binomial":
        return fit_logistic(data.category, data.fixed, data.factors, **common)
    return fit_cumulative(
        data.category,
        data.fixed,
        data.factors,
        levels=len(data.labels),
        thresholds=data.thresholds,
        labels=data.labels,
        **common,
    )


def hash_table(table: pd.DataFrame) -> str:
    """Return the SHA-256 of a validated table written as CSV in the order of judgement, dimension, output."""
    ordered = table.sort_values(["judgement", "dimension", "output_a"], kind="stable")
    return hashlib.sha256(ordered.to_csv(index=False, lineterminator="\n").encode()).hexdigest()


def _result(data: DimensionData, fit: Fit) -> DimensionResult:
    return DimensionResult(
        dimension=data.dimension,
        measure=data.measure,
        levels=len(data.labels),
        scale=data.scale,
        paired=data.paired,
        data=data,
        question=data.question,
        n_raters=data.raters,
        n_prompts=data.prompts,
        n_outputs=data.outputs,
        n_judgements=len(data.frame),
        fit=fit,
        notes=data.notes,
    )


def _correct(rows: list[SignificanceRow]) -> tuple[SignificanceRow, ...]:
    corrected = holm(np.array([row.p for row in rows]))
    return tuple(replace(row, p_holm=float(p)) for row, p in zip(rows, corrected, strict=True))
