"""The verbs of the package: analyse a table of judgements, examine the analysis, and write the report of it."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from analysis.declaration import Declaration, check_design, read_plan
from analysis.prepare import OptionError, Options
from analysis.results import StudyResult
from analysis.study import analyse_study
from analysis.wording import (
    CORRECTIONS,
    changed_conclusions,
    exclusions_verdict,
    family_in_words,
    methods_of,
    notes_of,
    sentences_of,
    warnings_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import pandas as pd

    from analysis.judges import JudgeOptions

    Progress = Callable[[int, int, str], None]

__all__ = ["PARTS", "Report", "ReportError", "analyse", "examine", "with_judges", "write_report"]

PARTS: Final = ("agreement", "diagnostics", "quality", "sensitivity")
"""What :func:`examine` adds, and may be told to leave out."""


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
    plan: Declaration | Path | str | None = None,
    correction: str | None = None,
    seed: int = 0,
    progress: Progress | None = None,
    **options: Any,
) -> StudyResult:
    """Fit one mixed model per dimension and return the significance table with all that stands behind it, in words.

    Parameters
    ----------
    frame
        The long table of ``analysis.schema``; it is validated here, its order does not matter.
    plan
        The frozen plan (``plan.json``): contrasts, dimensions, alpha and all that it declares, unless ``options`` say
        otherwise, which the report then tells. A plan of another design than that of the judgements is refused.
    correction
        Which p value decides: holm (the default), bh, single-step or none.
    seed
        Of the bootstrap of agreement and of randomised residuals; written into the manifest.
    progress
        Called with (done, total, what) before each model and at the end.
    options
        What to analyse and how: the fields of :class:`analysis.prepare.Options` (baseline, contrasts, systems,
        dimensions, random, ties, thresholds, late, confidence, …); lists will do for tuples, None is the default.
    """
    declaration = read_plan(plan) if isinstance(plan, str | Path) else plan
    given = {name: value for name, value in {**options, "correction": correction}.items() if value is not None}
    declared = _declared(declaration)
    if "baseline" in given and "contrasts" not in given:
        declared.pop("contrasts", None)
    merged = declared | given
    decisive = str(merged.pop("correction", "holm"))
    if decisive not in CORRECTIONS:
        raise OptionError(f"there is no correction {decisive!r}: choose from {', '.join(CORRECTIONS)}")
    result = analyse_study(frame, Options.of(**merged), seed=seed, progress=progress)
    remarks = (
        () if declaration is None else (*check_design(declaration, result.data.design_hashes), *declaration.remarks)
    )
    result = replace(
        result,
        declaration=declaration,
        correction=decisive,
        changed=_changed(declaration, given),
        family=family_in_words(len(result.rows), decisive),
    )
    result = replace(result, sentences=sentences_of(result), methods=methods_of(result), notes=notes_of(result))
    return replace(result, warnings=(*_people(result), *_otherwise(result), *remarks, *warnings_of(result)))


def _people(result: StudyResult) -> tuple[str, ...]:
    """Warn when answers of simulated raters are in the report."""
    table = result.table[(result.table["kind"] == "main") & ~result.table["excluded"]]
    count, simulated = table["rater"].nunique(), table.loc[table["simulated"], "rater"].nunique()
    return (f"{simulated} of {count} raters are simulated; they are no people.",) if simulated else ()


def _declared(declaration: Declaration | None) -> dict[str, Any]:
    """Return the declared options that this version knows."""
    if declaration is None:
        return {}
    known = {one.name for one in fields(Options)} | {"correction"}
    return {name: value for name, value in declaration.options.items() if name in known}


def _changed(declaration: Declaration | None, given: dict[str, Any]) -> tuple[str, ...]:
    """Say which options differ from the plan."""
    if declaration is None:
        return ()
    declared = _declared(declaration)
    standard = {one.name: one.default for one in fields(Options)}
    found = []
    for name, value in given.items():
        before = declared.get(name, standard.get(name))
        if _plain(value) != _plain(before):
            found.append(f"{name} = {_plain(value)} instead of {_plain(before)}")
    return tuple(found)


def _plain(value: Any) -> Any:
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value


def _otherwise(result: StudyResult) -> tuple[str, ...]:
    return (f"not as declared in the plan: {'; '.join(result.changed)}",) if result.changed else ()


def examine(result: StudyResult, *, without: Iterable[str] = (), progress: Progress | None = None) -> StudyResult:
    """Add what a reviewer asks for: account of the data, agreement, diagnostics, exclusions, choices, rounds.

    Parameters
    ----------
    without
        Parts to leave out, of ``PARTS``; the report names them.
    progress
        Called with (done, total, what); total is 100.
    """
    left_out = tuple(part for part in PARTS if part in set(without))
    unknown = set(without) - set(PARTS)
    if unknown:
        raise OptionError(f"there is no part {min(unknown)!r} to leave out: choose from {', '.join(PARTS)}")
    from analysis.agreement import agreement_rows
    from analysis.diagnostics import account_of, check_dimension
    from analysis.prepare import select
    from analysis.rounds import progress_over_rounds
    from analysis.sensitivity import check_exclusions, check_sensitivity

    tell = progress or _silent
    options = Options.of(**result.options)
    rows, data = select(result.table, options)
    found: dict[str, Any] = {
        "account": account_of(result.table, rows, data, options=options),
        "left_out": left_out,
        "rounds": progress_over_rounds(rows, result, options=options),
    }
    if "agreement" not in left_out:
        tell(0, 100, "Agreement of raters")
        found["agreement"] = agreement_rows(rows, confidence=result.confidence, seed=result.seed)
    if "diagnostics" not in left_out:
        checks = []
        for at, item in enumerate(result.dimensions):
            tell(15 + 25 * at // len(result.dimensions), 100, f"Diagnostics: {item.dimension}")
            lines = [row for row in result.rows if row.dimension == item.dimension]
            checks.append(check_dimension(item, lines, options=options, seed=result.seed))
        found["checks"] = tuple(checks)
    if "quality" not in left_out:
        show = _named(tell, 40, 55, "Exclusions")
        found["exclusions"] = check_exclusions(result.table, result, options=options, progress=show)
    if "sensitivity" not in left_out:
        show = _named(tell, 55, 100, "Sensitivity")
        found["sensitivity"] = check_sensitivity(result.table, result, options=options, progress=show)
    tell(100, 100, "examined")
    result = replace(result, **found)
    hanging = (exclusions_verdict(result),) if changed_conclusions(result) else ()
    return replace(result, warnings=(*result.warnings, *hanging))


def with_judges(
    result: StudyResult,
    scores: pd.DataFrame,
    *,
    options: JudgeOptions | None = None,
    source: str = "scores",
    ignore_unjudged: bool = False,
    progress: Progress | None = None,
) -> StudyResult:
    """Add automatic judges: a table of scores (judge, output, value) compared with the judgements analysed.

    Parameters
    ----------
    options
        How they are compared; by default at the confidence level and with the seed of the analysis.
    source, ignore_unjudged
        The name under which faults are told, and whether scores of outputs that nobody judged are left out; see
        :func:`analysis.judges.compare_judges`.
    """
    from analysis.judges import JudgeOptions, compare_judges

    found = compare_judges(
        result.table,
        scores,
        options=options or JudgeOptions(confidence=result.confidence, seed=result.seed),
        late=bool(result.options.get("late", True)),
        dimensions=tuple(item.dimension for item in result.dimensions),
        systems=result.options.get("systems"),
        source=source,
        ignore_unjudged=ignore_unjudged,
        progress=progress,
    )
    return replace(result, judges=found)


def write_report(
    source: StudyResult | pd.DataFrame,
    out: Path | str,
    *,
    title: str = "",
    without: Iterable[str] = (),
    scores: pd.DataFrame | None = None,
    progress: Progress | None = None,
    **options: Any,
) -> Report:
    """Write the whole report into a folder, all of it or nothing, byte-identical for the same table.

    Parameters
    ----------
    source
        A result of :func:`analyse` (examined here if that was not done yet), or the long table itself, which is then
        analysed with ``options``, the arguments of :func:`analyse`.
    out
        The folder; files of an earlier report in it are replaced.
    title
        The study's title for the head of the report; by default the plan's, else the study as named in the table.
    without
        Parts to leave out, of ``PARTS``.
    scores
        Scores of automatic judges, for a section on them; :func:`with_judges` does the same beforehand, with options.
    progress
        Called with (done, total, what); total is 100.
    """
    from analysis import page
    from analysis.page.publishing import publish

    result = source if isinstance(source, StudyResult) else analyse(source, progress=_part(progress, 0, 30), **options)
    if result.account is None:
        result = examine(result, without=without, progress=_part(progress, 30, 75))
    if scores is not None:
        result = with_judges(result, scores, progress=_part(progress, 75, 80))
    named = result.declaration.title if result.declaration else ""
    result = replace(result, title=title or result.title or named)
    if progress:
        progress(80, 100, "Tables and figures")
    out = Path(out)
    if out.exists() and not out.is_dir():
        raise ReportError(f"{out} is a file: give a folder for the report")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".report-", dir=out.parent) as scratch:
            names = page.write_files(result, Path(scratch))
            Path(scratch).chmod(0o755)
            publish(Path(scratch), out, names)
    except OSError as error:
        message = (
            f"the report could not be written to {out} ({error}): check space and permissions; nothing was left there"
        )
        raise ReportError(message) from error
    if progress:
        progress(100, 100, "done")
    return Report(out, out / "index.html", {name: out / name for name in names})


def _silent(_done: int, _total: int, _what: str) -> None:
    """Tell nobody."""


def _named(tell: Progress, start: int, stop: int, stage: str) -> Progress:
    """Return a progress that fills the stretch from start to stop of another and names its stage."""
    return lambda done, total, what: tell(start + (stop - start) * done // max(total, 1), 100, f"{stage}: {what}")


def _part(progress: Progress | None, start: int, stop: int) -> Progress | None:
    """Return a progress whose whole is the stretch from start to stop of another."""
    if progress is None:
        return None
    return lambda done, total, what: progress(start + (stop - start) * done // max(total, 1), 100, what)
