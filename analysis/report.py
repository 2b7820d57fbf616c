"""The two verbs of the package: analyse a table of judgements, and write the report of it."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.prepare import Options
from analysis.results import StudyResult
from analysis.study import analyse_study, fit_dimension, hash_table
from analysis.wording import family_in_words, methods, notes, sentence, warnings

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

__all__ = ["Report", "ReportError", "analyse", "fit_dimension", "hash_table", "write_report"]


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
    seed: int = 0,
    progress: Callable[[int, int, str], None] | None = None,
    **options: Any,
) -> StudyResult:
    """Fit one mixed model per dimension and return the significance table with all that stands behind it, in words.

    Parameters
    ----------
    frame
        The long table of ``analysis.schema``; it is validated here, its order does not matter.
    seed
        Written into the manifest; this analysis draws no random numbers.
    progress
        Called with (done, total, what) before each model and at the end.
    options
        What to analyse and how: the fields of :class:`analysis.prepare.Options` (baseline, contrasts, systems,
        dimensions, random, ties, thresholds, late, confidence, …); lists will do for tuples.
    """
    chosen = Options.of(**options)
    result = analyse_study(frame, chosen, seed=seed, progress=progress)
    rows, family, confidence = result.rows, len(result.rows), result.confidence
    return replace(
        result,
        family=family_in_words(family),
        sentences=tuple(sentence(row, confidence=confidence, family=family) for row in rows),
        methods=methods(result.dimensions, result.data, chosen, family=family, rows=rows),
        warnings=warnings(result.dimensions, result.data, rows),
        notes=notes(result.dimensions),
    )


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
