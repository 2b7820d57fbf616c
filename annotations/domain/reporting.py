"""Reports: the analysis of a study as a background job, from the long table to a bundle of files."""

from __future__ import annotations

import hashlib
import json
import math
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.contrib.auth.models import AbstractBaseUser
from django.core.files import File
from django.db import transaction
from django.utils import timezone

from annotations.enums import JobState, SystemRole
from annotations.errors import NotReady
from annotations.models import Report, Study

from . import bundles, dataset, masking, planning, scores
from .bundles import zip_folder
from .events import log_event
from .jobs import alone

if TYPE_CHECKING:
    import pandas as pd

    from analysis.results import StudyResult

LOCK = 20_2611  # the first key of our advisory locks: reports
STAGES = {"done": "Packing the bundle", "examined": "Tables and figures"}


def request_report(*, study: Study, masked: bool = False, actor: AbstractBaseUser | None = None) -> Report:
    """Queue a report, or return the one that waits or runs already; raises NotReady before the design is frozen.

    `masked` has letters in place of the systems' names, in every file of the bundle.
    """
    if study.plan_id is None:
        message = "There is nothing to analyse before the design is frozen and raters have answered."
        raise NotReady(message)
    with transaction.atomic():
        Study.objects.select_for_update().get(pk=study.pk)
        waiting = study.reports.filter(state__in=(JobState.QUEUED, JobState.RUNNING), masked=masked).first()
        if waiting is not None:
            return waiting
        report = Report.objects.create(study=study, masked=masked)
        log_event(study=study, name="report_requested", data={"report": report.pk, "masked": masked}, actor=actor)
    return report


def make_report(*, report_id: int, without: Iterable[str] = ()) -> Report:
    """Run the analysis and store its bundle; a failure is kept with its words. Done twice it is done once.

    ``without`` names parts to leave out (agreement, diagnostics, sensitivity), which the report then says.

    Whoever works on a report holds an advisory lock of its connection, which the database lets go when a worker dies:
    a report left "running" is then taken up by the next call.
    """
    with alone(LOCK, report_id) as free:
        report = Report.objects.select_related("study__plan").get(pk=report_id)
        if free and report.state != JobState.DONE:
            Report.objects.filter(pk=report.pk).update(state=JobState.RUNNING)
            report.state = JobState.RUNNING
            _try(report, without=tuple(without))
    return report


def _try(report: Report, *, without: tuple[str, ...]) -> None:
    try:
        _run(report, without=without)
    except Exception as error:
        _finish(report, state=JobState.FAILED, message=f"{type(error).__name__}: {error}")
        if not isinstance(error, ValueError):
            raise


def _run(report: Report, *, without: tuple[str, ...]) -> None:
    from analysis.report import examine, write_report

    study = report.study
    progress = _progress_of(report)
    progress(0.02, "Reading the judgements")
    frame = dataset.long_table(study=study, source=_masked_rows(study) if report.masked else None)

    def show(done: int, total: int, what: str) -> None:
        progress(0.05 + 0.9 * done / max(total, 1), STAGES.get(what, what))

    result = analyse_frame(study=study, frame=frame, masked=report.masked, progress=show)
    result = examine(result, without=without, progress=lambda done, _, what: show(30 + 9 * done // 20, 100, what))
    result = _with_judges(result, report, progress=lambda done, _, what: show(75 + done // 20, 100, what))
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "report"
        write_report(result, target, progress=lambda done, _, what: show(80 + done // 5, 100, what))
        with (target / "judgements.csv").open("w", newline="", encoding="utf-8") as stream:
            dataset.write_csv(study=study, target=stream, source=_masked_rows(study) if report.masked else None)
        if result.judges is not None:
            with (target / "scores.csv").open("w", newline="", encoding="utf-8") as stream:
                scores.write_csv(study=study, target=stream, mask=_mask(report))
        bundle = zip_folder(target, Path(folder) / "bundle.zip")
        with bundle.open("rb") as packed:
            report.bundle.save(f"{study.slug}-{report.pk}.zip", File(packed), save=False)
    report.judgements = int(frame["judgement"].nunique())
    report.summary = summary_of(result)
    _finish(report, state=JobState.DONE)


def _with_judges(result: StudyResult, report: Report, *, progress: Callable[[int, int, str], None]) -> StudyResult:
    """Add the comparison of automatic judges with the raters where there are scores; what hinders it is a warning."""
    import pandas as pd

    from analysis.judges import ScoresError
    from analysis.report import with_judges

    frame = pd.DataFrame.from_records(list(scores.rows(study=report.study, mask=_mask(report))), columns=scores.COLUMNS)
    if frame.empty:
        return result
    try:
        return with_judges(result, frame, ignore_unjudged=True, progress=progress)
    except ScoresError as error:
        warning = f"Automatic judges were not compared with the raters. {error}"
        return replace(result, warnings=(*result.warnings, warning))


def _mask(report: Report) -> masking.Mask | None:
    return masking.mask_of(study=report.study) if report.masked else None


def masked_plan(*, study: Study) -> str:
    """Return the frozen plan without the systems' names, with the contrasts that it declares."""
    from analysis.declaration import parse_plan

    if study.plan is None:
        raise NotReady
    return masking.masked_plan(study=study, contrasts=parse_plan(study.plan.canonical).contrasts)


def masked_hash(*, study: Study) -> str:
    """Return the SHA-256 of the plan without names: the design hash of a masked table."""
    return hashlib.sha256(masked_plan(study=study).encode()).hexdigest() if study.plan_id else ""


def _masked_rows(study: Study) -> Iterable[Mapping[str, Any]]:
    return dataset.masked_rows(study=study, design_hash=masked_hash(study=study))


def analyse_frame(
    *,
    study: Study,
    frame: pd.DataFrame,
    masked: bool = False,
    progress: Callable[[int, int, str], None] | None = None,
) -> StudyResult:
    """Analyse a long table as the study's frozen plan declares, as ``python -m analysis --plan plan.json`` does."""
    from analysis.declaration import parse_plan
    from analysis.report import analyse

    plan = study.plan
    if plan is None:
        raise NotReady
    canonical = masked_plan(study=study) if masked else plan.canonical
    certificate = masking.masked_certificate(study=study) if masked else plan.certificate
    declaration = parse_plan(canonical, certificate=json.dumps(certificate))
    tell = progress or (lambda _done, _total, _what: None)
    return analyse(
        frame,
        plan=declaration,
        progress=lambda done, total, what: tell(30 * done // max(total, 1), 100, f"Model: {what}"),
    )


def contrasts_of(*, study: Study) -> list[tuple[str, str]]:
    """Return the contrasts that the study declares as it stands now, frozen or not, treatments first."""
    from analysis.declaration import declared_contrasts

    systems = list(study.systems.exclude(role=SystemRole.CHECK).values_list("name", "role"))
    design = planning.spec_of(study=study).to_dict()
    return list(declared_contrasts(systems, design=design, analysis=study.analysis))


def summary_of(result: StudyResult) -> dict[str, Any]:
    """Return what the results page shows without opening the bundle; numbers that do not exist are None."""
    rows = [
        {name: _plain(value) for name, value in asdict(row).items()} | {"corrected": _plain(result.corrected(row))}
        for row in result.rows
    ]
    return {
        "sentences": list(result.sentences),
        "rows": rows,
        "exclusions": [{name: _plain(value) for name, value in asdict(row).items()} for row in result.exclusions],
        "warnings": list(result.warnings),
        "correction": result.correction,
        "confidence": result.confidence,
        "judges": _judges_of(result),
    }


def _judges_of(result: StudyResult) -> dict[str, Any]:
    """Return how judges agree with raters over all items, for the page of judges; nothing without scores."""
    from analysis.results.judges import ALL
    from analysis.wording import judges_verdict

    if result.judges is None:
        return {}
    rows = [one for one in result.judges.rows if one.subset == ALL]
    plain = [{name: _plain(value) for name, value in asdict(row).items()} for row in rows]
    return {"rows": plain, "verdict": judges_verdict(result.judges), "scores_hash": result.judges.scores_hash}


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def read_member(*, report: Report, name: str) -> bytes:
    """Return one file of the bundle; raises NotReady when the report is not done, KeyError for an unknown name."""
    if report.state != JobState.DONE or not report.bundle:
        raise NotReady
    return bundles.read_member(report.bundle, name)


def _progress_of(report: Report) -> Callable[[float, str], None]:
    def show(share: float, stage: str) -> None:
        Report.objects.filter(pk=report.pk).update(progress=round(100 * min(share, 1.0)), stage=stage[:120])

    return show


def _finish(report: Report, *, state: JobState, message: str = "") -> None:
    report.state, report.message, report.finished_at = state, message, timezone.now()
    report.progress, report.stage = (100, "") if state == JobState.DONE else (report.progress, report.stage)
    report.save()
