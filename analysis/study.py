"""The verb of the package: from the long table to all numbers of a study."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from analysis import schema
from analysis.inference.contrasts import contrast_row
from analysis.inference.multiplicity import SingleStep, benjamini_hochberg, holm, single_step
from analysis.inference.prediction import TOO_LARGE, is_predictable, shrunken_estimates
from analysis.inference.quantities import variance_shares
from analysis.inference.robust import fit_robust
from analysis.inference.systems import system_estimates, win_matrix
from analysis.models.specification import Specification
from analysis.prepare import DimensionData, NothingToModelError, OptionError, Options, contrasts_of, prepare, select
from analysis.results import DimensionResult, Fit, SignificanceRow, StudyResult

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pandas as pd

    from analysis.results import FloatArray, IntArray

NOT_FITTED = "not_fitted"
ALIASED = 1e-10


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
    found = set(rows["dimension"].unique())
    names = [name for name in options.dimensions or sorted(found) if name in found]
    prepared: list[DimensionData] = []
    results, lines = [], []
    empty: dict[str, str] = {}
    for done, name in enumerate(names):
        if progress:
            progress(done, len(names), name)
        try:
            prepared.append(prepare(rows, name, options).sharing(prepared))
        except NothingToModelError as error:
            if len(empty) == len(names) - 1:
                raise
            empty[name] = str(error).removeprefix(f"dimension {name!r} ")
            continue
        fit = fit_dimension(prepared[-1])
        results.append(describe_dimension(prepared[-1], fit, pairs, options=options))
        lines += contrast_rows(prepared[-1], fit, pairs, options=options)
    if progress:
        progress(len(names), len(names), "done")
    return StudyResult(
        rows=correct(lines, adjust=options.adjust),
        dimensions=tuple(results),
        data=replace(data, ignored_dimensions={**data.ignored_dimensions, **empty}),
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
    if data.family == "plackett_luce":
        return _fit_rankings(data)
    linear = data.family == "gaussian"
    model = Specification(
        family=data.family,
        response=data.category.astype(float) if data.response is None else data.response,
        fixed=data.fixed,
        names=data.names,
        factors=data.factors,
        link="logit" if data.link == "identity" else data.link,
        labels=data.labels,
        thresholds=data.thresholds,
        formula=data.formula,
        structure=data.structure,
    )
    return model.fit(start=start, small_sample=linear or data.small_sample)


def _fit_rankings(data: DimensionData) -> Fit:
    """Fit strengths by Plackett–Luce; columns in the order of the data's.

    With random effects by Laplace; without any, or where none can be told, errors are clustered by rater and prompt.
    """
    from analysis.models.plackett_luce import Rankings, fit_plackett_luce

    frame, strengths = data.frame, tuple(f"system[{name}]" for name in data.systems[1:])
    if not set(strengths) <= set(data.names):
        raise OptionError(f"dimension {data.dimension!r} holds rankings: fixed needs the plain term system")
    others = [index for index, name in enumerate(data.names) if name not in strengths]
    block, rater, prompt = (_numbered(frame[name]) for name in ("judgement", "rater", "prompt"))
    clusters = {name: codes for name, codes in (("rater", rater), ("prompt", prompt)) if codes.max() > 0}
    system = np.searchsorted(data.systems, frame["system_a"].to_numpy().astype(str)).astype(np.int64)
    common: dict[str, Any] = {
        "best_worst": data.best_worst,
        "covariates": data.fixed[:, others],
        "names": tuple(data.names[index] for index in others),
        "formula": data.formula,
    }
    rankings = Rankings(block, system, np.empty(0) if data.response is None else data.response)
    try:
        fit = fit_plackett_luce(rankings, data.systems, factors=data.factors, **common) if data.factors else None
        if fit is None or not fit.variances:
            fit = fit_plackett_luce(rankings, data.systems, clusters=clusters, **common)
    except ValueError as error:
        raise OptionError(f"dimension {data.dimension!r}: {error}") from error
    order = [fit.names.index(name) for name in data.names]
    return replace(
        fit,
        names=data.names,
        estimate=fit.estimate[order],
        covariance=fit.covariance[np.ix_(order, order)],
        null=fit.null[order] if fit.null.size else _aliased(data.fixed, block),
        infinite=fit.infinite[order],
    )


def _numbered(values: pd.Series) -> IntArray:
    return np.asarray(np.unique(values.to_numpy().astype(str), return_inverse=True)[1], dtype=np.int64)


def _aliased(fixed: FloatArray, block: IntArray) -> FloatArray:
    """Return the directions (p, d) along which no ranking changes: covariates that go with the systems everywhere."""
    size = np.bincount(block)
    means = np.stack([np.bincount(block, column) for column in fixed.T], axis=1) / size[:, None]
    centred = fixed - means[block]
    value, vector = np.linalg.eigh(centred.T @ centred)
    return np.asarray(vector[:, value <= ALIASED * value.max()])


def contrast_rows(
    data: DimensionData, fit: Fit, pairs: Sequence[tuple[str, str]], *, options: Options
) -> list[SignificanceRow]:
    """Return the lines of one dimension: each contrast pooled and, if asked for, within every task family.

    The single-step correction and its intervals are over these lines; corrections over the whole study come later
    (:func:`correct`).
    """
    families = ("", *data.families) if options.within else ("",)
    asked = [(pair, family) for pair in pairs for family in families]
    rows = [
        contrast_row(data, fit, pair, task_family=family, confidence=options.confidence, degrees=options.degrees)
        for pair, family in asked
    ]
    weights = np.array([data.contrast(*pair, task_family=family) for pair, family in asked])
    if options.robust:
        rows = _with_robust(rows, data, fit, weights)
    if "single_step" in options.adjust:
        rows = _with_single_step(rows, weights @ fit.covariance_for_tests @ weights.T, confidence=options.confidence)
    return rows


def describe_dimension(
    data: DimensionData, fit: Fit, pairs: Sequence[tuple[str, str]], *, options: Options
) -> DimensionResult:
    """Return what one dimension says beside its contrasts: systems, win rates, variance shares, predictions."""
    fitted = fit.convergence.code != NOT_FITTED
    sound = fit.convergence.converged
    confidence, degrees = options.confidence, options.degrees
    shrunken = shrunken_estimates(data, fit, pairs, confidence=confidence) if options.shrunken else ()
    missed = options.shrunken and not shrunken and is_predictable(fit) and bool(fit.random_effects)
    return DimensionResult(
        dimension=data.dimension,
        measure=data.measure,
        levels=len(data.labels),
        question=data.question,
        n_raters=data.raters,
        n_prompts=data.prompts,
        n_outputs=data.outputs,
        n_judgements=data.judgements,
        fit=fit,
        notes=(*data.notes, TOO_LARGE) if missed else data.notes,
        scale=data.scale,
        paired=data.paired,
        systems=system_estimates(data, fit, confidence=confidence, degrees=degrees) if fitted else (),
        shares=variance_shares(fit, confidence=confidence) if sound else (),
        wins=win_matrix(data, fit, confidence=confidence, degrees=degrees) if fitted else None,
        shrunken=shrunken,
        data=data,
    )


def correct(rows: Sequence[SignificanceRow], *, adjust: Sequence[str] = ("bh",)) -> tuple[SignificanceRow, ...]:
    """Fill in Holm's and Benjamini and Hochberg's p over all lines of the study, the declared family."""
    p = np.array([row.p for row in rows])
    by_holm = holm(p)
    by_bh = benjamini_hochberg(p) if "bh" in adjust else np.full(p.shape, np.nan)
    return tuple(
        replace(row, p_holm=float(one), p_bh=float(two)) for row, one, two in zip(rows, by_holm, by_bh, strict=True)
    )


def hash_table(table: pd.DataFrame) -> str:
    """Return the SHA-256 of a validated table written as CSV in the order of judgement, dimension, output."""
    ordered = table.sort_values(["judgement", "dimension", "output_a"], kind="stable")
    return hashlib.sha256(ordered.to_csv(index=False, lineterminator="\n").encode()).hexdigest()


def _with_robust(
    rows: list[SignificanceRow], data: DimensionData, fit: Fit, weights: FloatArray
) -> list[SignificanceRow]:
    """Fill in the cluster-robust columns of the lines that have an estimate."""
    robust = fit_robust(data, fit)
    filled = []
    for row, weight in zip(rows, weights, strict=True):
        if not row.converged:
            filled.append(replace(row, robust_method=robust.method))
            continue
        estimate, se, df, p = robust.contrast(weight)
        filled.append(
            replace(row, robust_estimate=estimate, robust_se=se, robust_df=df, robust_p=p, robust_method=robust.method)
        )
    return filled


def _with_single_step(
    rows: list[SignificanceRow], covariance: FloatArray, *, confidence: float
) -> list[SignificanceRow]:
    """Fill in p values and intervals that hold for all lines of one dimension at once."""
    known = np.array([row.converged for row in rows])
    if not known.any():
        return rows
    statistic, df = (np.array([getattr(row, name) for row in rows]) for name in ("statistic", "df"))
    p = single_step(statistic, covariance, df)
    family = SingleStep(covariance[np.ix_(known, known)])
    filled = []
    for row, value in zip(rows, p, strict=True):
        if not row.converged:
            filled.append(row)
            continue
        half = family.critical(confidence, row.df) * row.se
        filled.append(
            replace(
                row,
                p_single_step=float(value),
                simultaneous_low=row.estimate - half,
                simultaneous_high=row.estimate + half,
            )
        )
    return filled
