"""Reports: the analysis of a study as a background job, from the long table to a bundle of files."""

from __future__ import annotations

import math
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.contrib.auth.models import AbstractBaseUser
from django.core.files import File
from django.db import connection, transaction
from django.utils import timezone

from annotations.enums import JobState, ParticipationState, SystemRole
from annotations.errors import NotReady
from annotations.models import Report, Study

from . import dataset, planning
from .events import log_event

if TYPE_CHECKING:
    from analysis.results import StudyResult

LOCK = 20_2611  # the first key of our advisory locks: reports
EPOCH = (2020, 1, 1, 0, 0, 0)
RANK: dict[str, int] = {SystemRole.TREATMENT: 0, SystemRole.REFERENCE: 1, SystemRole.BASELINE: 2}


def request_report(*, study: Study, actor: AbstractBaseUser | None = None) -> Report:
    """Queue a report, or return the one that waits or runs already; raises NotReady before the design is frozen."""
    if study.plan_id is None:
        message = "There is nothing to analyse before the design is frozen and raters have answered."
        raise NotReady(message)
    with transaction.atomic():
        Study.objects.select_for_update().get(pk=study.pk)
        waiting = study.reports.filter(state__in=(JobState.QUEUED, JobState.RUNNING)).first()
        if waiting is not None:
            return waiting
        report = Report.objects.create(study=study)
        log_event(study=study, name="report_requested", data={"report": report.pk}, actor=actor)
    return report


def make_report(*, report_id: int) -> Report:
    """Run the analysis and store its bundle; a failure is kept with its words. Done twice it is done once.

    Whoever works on a report holds an advisory lock of its connection, which the database lets go when a worker dies:
    a report left "running" is then taken up by the next call.
    """
    with _alone(report_id) as alone:
        report = Report.objects.select_related("study__plan").get(pk=report_id)
        if alone and report.state != JobState.DONE:
            Report.objects.filter(pk=report.pk).update(state=JobState.RUNNING)
            report.state = JobState.RUNNING
            _try(report)
    return report


@contextmanager
def _alone(report_id: int) -> Iterator[bool]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s::int, %s::int)", [LOCK, report_id])
        alone = bool(cursor.fetchone()[0])
        try:
            yield alone
        finally:
            if alone:
                cursor.execute("SELECT pg_advisory_unlock(%s::int, %s::int)", [LOCK, report_id])


def _try(report: Report) -> None:
    try:
        _run(report)
    except Exception as error:
        _finish(report, state=JobState.FAILED, message=f"{type(error).__name__}: {error}")
        if not isinstance(error, ValueError):
            raise


def _run(report: Report) -> None:
    from analysis.report import analyse, write_report

    study = report.study
    progress = _progress_of(report)
    progress(0.02, "Reading the judgements")
    frame = dataset.long_table(study=study)

    def show(done: int, total: int, what: str) -> None:
        progress(0.05 + 0.75 * done / max(total, 1), f"Model: {what}")

    result = analyse(frame, **analysis_options(study=study), progress=show)
    result = replace(result, warnings=(*_simulated(study), *result.warnings))
    progress(0.85, "Writing tables and figures")
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "report"
        write_report(result, target, title=study.title)
        with (target / "judgements.csv").open("w", newline="", encoding="utf-8") as stream:
            dataset.write_csv(study=study, target=stream)
        if study.plan is not None:
            (target / "design.json").write_text(study.plan.canonical, encoding="utf-8")
        bundle = _zip(target, Path(folder) / "bundle.zip")
        with bundle.open("rb") as packed:
            report.bundle.save(f"{study.slug}-{report.pk}.zip", File(packed), save=False)
    report.judgements = int(frame["judgement"].nunique())
    report.summary = summary_of(result)
    _finish(report, state=JobState.DONE)


def _simulated(study: Study) -> tuple[str, ...]:
    """Warn when answers of simulated raters are in the report."""
    finished = study.participations.filter(state=ParticipationState.FINISHED)
    count = finished.filter(simulated=True).count()
    return (f"{count} of {finished.count()} raters are simulated; they are no people.",) if count else ()


def analysis_options(*, study: Study) -> dict[str, Any]:
    """Return the keyword arguments of ``analysis.report.analyse`` that the analysis plan and the roles declare."""
    plan = study.analysis
    return {
        "contrasts": contrasts_of(study=study),
        "dimensions": list(study.dimensions.values_list("key", flat=True)),
        "confidence": 1 - float(plan.get("alpha", 0.05)),
    }


def contrasts_of(*, study: Study) -> list[tuple[str, str]]:
    """Return the declared contrasts, (first, second), treatments first and baselines last.

    The analysis plan's `contrasts` is a list of pairs, "against_baseline", or "all_pairs" (the default): all pairs that
    the design compares.
    """
    declared = study.analysis.get("contrasts", "all_pairs")
    if isinstance(declared, list):
        return [(str(first), str(second)) for first, second in declared]
    roles = dict(study.systems.exclude(role=SystemRole.CHECK).values_list("name", "role"))
    ordered = sorted(roles, key=lambda name: (RANK[roles[name]], name))
    spec = planning.spec_of(study=study)
    pairs = list(combinations(ordered, 2))
    if spec.comparisons == "listed":
        listed = {frozenset(pair) for pair in spec.listed}
        return [pair for pair in pairs if frozenset(pair) in listed]
    baselines = {spec.baseline} if spec.baseline else {name for name in roles if roles[name] == SystemRole.BASELINE}
    if spec.comparisons == "against_baseline" or declared == "against_baseline":
        return [pair if pair[1] in baselines else pair[::-1] for pair in pairs if baselines & set(pair)]
    return sorted(pairs, key=lambda pair: pair[1] not in baselines)  # the question of the study comes first


def summary_of(result: StudyResult) -> dict[str, Any]:
    """Return what the results page shows without opening the bundle; numbers that do not exist are None."""
    rows = [{name: _plain(value) for name, value in asdict(row).items()} for row in result.rows]
    return {"sentences": list(result.sentences), "rows": rows, "warnings": list(result.warnings)}


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def read_member(*, report: Report, name: str) -> bytes:
    """Return one file of the bundle; raises NotReady when the report is not done, KeyError for an unknown name."""
    if report.state != JobState.DONE or not report.bundle:
        raise NotReady
    with report.bundle.open("rb") as stream, zipfile.ZipFile(stream) as bundle:
        return bundle.read(name)


def _progress_of(report: Report) -> Callable[[float, str], None]:
    def show(share: float, stage: str) -> None:
        Report.objects.filter(pk=report.pk).update(progress=round(100 * min(share, 1.0)), stage=stage[:120])

    return show


def _finish(report: Report, *, state: JobState, message: str = "") -> None:
    report.state, report.message, report.finished_at = state, message, timezone.now()
    report.progress, report.stage = (100, "") if state == JobState.DONE else (report.progress, report.stage)
    report.save()


def _zip(folder: Path, target: Path) -> Path:
    """Zip a folder with fixed times and order, so that the same files give the same bytes."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as bundle:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                info = zipfile.ZipInfo(path.relative_to(folder).as_posix(), EPOCH)
                info.compress_type = zipfile.ZIP_DEFLATED
                bundle.writestr(info, path.read_bytes())
    return target
