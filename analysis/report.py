"""The two verbs of the package: analyse a table of judgements, and write the report of it."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from analysis import schema
from analysis.inference.contrasts import contrast_row
from analysis.inference.multiplicity import holm
from analysis.models.glmm import fit_logistic
from analysis.models.ordinal import fit_cumulative
from analysis.prepare import DEFAULT_RANDOM, DimensionData, Options, contrasts_of, prepare, select
from analysis.results import DimensionResult, Fit, SignificanceRow, StudyResult
from analysis.wording import family_in_words, methods, notes, sentence, warnings

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pandas as pd


class ReportError(OSError):
    """The report could not be written; nothing was left behind."""


@dataclass(frozen=True, slots=True)
class Report:
    """A written report: its folder, its page, and every file by name."""

    folder: Path
    page: Path
    files: dict[str, Path]


def analyse(
    frame: pd.DataFrame,
    *,
    baseline: str | None = None,
    contrasts: Sequence[tuple[str, str]] | None = None,
    systems: Sequence[str] | None = None,
    dimensions: Sequence[str] | None = None,
    random: Sequence[str] = DEFAULT_RANDOM,
    ties: Literal["model", "drop"] = "model",
    thresholds: Literal["symmetric", "flexible", "equidistant"] = "symmetric",
    late: bool = True,
    confidence: float = 0.95,
    seed: int = 0,
    progress: Callable[[int, int, str], None] | None = None,
) -> StudyResult:
    """Fit one mixed model per dimension and return the significance table with all that stands behind it.

    Parameters
    ----------
    frame
        The long table of ``analysis.schema``; it is validated here, its order does not matter.
    baseline, contrasts, systems, dimensions, random, ties, thresholds, late, confidence
        See :class:`analysis.prepare.Options`.
    seed
        Written into the manifest; this analysis draws no random numbers.
    progress
        Called with (done, total, what) before each model and at the end.
    """
    options = Options(
        baseline=baseline,
        contrasts=None if contrasts is None else tuple((first, second) for first, second in contrasts),
        systems=None if systems is None else tuple(systems),
        dimensions=None if dimensions is None else tuple(dimensions),
        random=tuple(random),
        ties=ties,
        thresholds=thresholds,
        late=late,
        confidence=confidence,
    )
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
        lines += [contrast_row(prepared, fit, pair, confidence=confidence) for pair in pairs]
    if progress:
        progress(len(names), len(names), "done")
    corrected = _correct(lines)
    return StudyResult(
        rows=corrected,
        dimensions=tuple(results),
        data=data,
        confidence=confidence,
        family=family_in_words(len(corrected)),
        sentences=tuple(sentence(row, confidence=confidence, family=len(corrected)) for row in corrected),
        methods=methods(results, data, options, family=len(corrected), rows=corrected),
        warnings=warnings(results, data, corrected),
        options=options.to_json(),
        input_hash=hash_table(table),
        seed=seed,
        notes=notes(results),
    )


def fit_dimension(data: DimensionData) -> Fit:
    """Fit the model that the answers of one dimension ask for."""
    if len(data.labels) == 2:  # noqa: PLR2004
        return fit_logistic(data.category, data.fixed, data.factors, names=data.names, formula=data.formula)
    return fit_cumulative(
        data.category,
        data.fixed,
        data.factors,
        levels=len(data.labels),
        names=data.names,
        thresholds=data.thresholds,
        labels=data.labels,
        formula=data.formula,
    )


def hash_table(table: pd.DataFrame) -> str:
    """Return the SHA-256 of a validated table written as CSV in the order of judgement and dimension."""
    ordered = table.sort_values(["judgement", "dimension"], kind="stable")
    return hashlib.sha256(ordered.to_csv(index=False, lineterminator="\n").encode()).hexdigest()


def write_report(source: StudyResult | pd.DataFrame, out: Path | str, *, title: str = "", **options: Any) -> Report:
    """Write the whole report into a folder, all of it or nothing, byte-identical for the same table.

    Parameters
    ----------
    source
        A result of :func:`analyse`, or the long table itself, which is then analysed with ``options``.
    out
        The folder; files of an earlier report in it are replaced.
    title
        The study's title for the head of the report; without it the study is named as in the table.
    """
    from analysis import page

    result = source if isinstance(source, StudyResult) else analyse(source, **options)
    result = replace(result, title=title or result.title)
    out = Path(out)
    if out.exists() and not out.is_dir():
        raise ReportError(f"{out} is a file: give a folder for the report")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".report-", dir=out.parent) as scratch:
            names = page.write_files(result, Path(scratch))
            _publish(Path(scratch), out, names)
    except OSError as error:
        message = (
            f"the report could not be written to {out} ({error}): check space and permissions; nothing was left there"
        )
        raise ReportError(message) from error
    return Report(out, out / "index.html", {name: out / name for name in names})


def _publish(scratch: Path, out: Path, names: tuple[str, ...]) -> None:
    """Move the finished files into place: a new folder in one rename, into an old one file by file, the page last."""
    scratch.chmod(0o755)
    if not out.exists():
        ready = scratch / "ready"
        ready.mkdir()
        for name in names:
            shutil.move(scratch / name, ready / name)
        ready.rename(out)
        return
    for name in (*(name for name in names if name != "index.html"), "index.html"):
        (scratch / name).replace(out / name)


def _result(data: DimensionData, fit: Fit) -> DimensionResult:
    return DimensionResult(
        dimension=data.dimension,
        measure=data.measure,
        levels=len(data.labels),
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
