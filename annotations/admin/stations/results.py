"""Results: ask for a report, watch it being made, read it from the sentence to the table, and take all of it along."""

from __future__ import annotations

import io
import tempfile
import zipfile
from pathlib import PurePosixPath
from typing import Any

from celery import current_app
from django.contrib import messages
from django.contrib.admin import ModelAdmin
from django.http import FileResponse, Http404, HttpResponse, JsonResponse
from django.template.loader import render_to_string
from django.urls import URLPattern
from kombu.exceptions import OperationalError

from annotations.admin.frame import Visit, done, shown
from annotations.domain import dataset, reporting
from annotations.enums import JobState, StudyState
from annotations.models import Report, Study

TYPES = {
    ".csv": "text/csv; charset=utf-8",
    ".tex": "application/x-tex",
    ".md": "text/markdown; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".pdf": "application/pdf",
    ".png": "image/png",
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
}
UNDER_WAY = (JobState.QUEUED, JobState.RUNNING)


def show(visit: Visit) -> HttpResponse:
    """Show the newest finished report, the one under way, and earlier ones."""
    reports = list(visit.study.reports.all()[:20])
    report = next((one for one in reports if one.state == JobState.DONE), None)
    newest = reports[0] if reports else None
    context = {
        "report": report,
        "under_way": newest if newest and newest.state in UNDER_WAY else None,
        "failed": newest if newest and newest.state == JobState.FAILED else None,
        "earlier": [one for one in reports if one.state == JobState.DONE and one is not report],
        "live_url": visit.url("results_live"),
        "running": visit.study.state in (StudyState.OPEN, StudyState.PAUSED),
    }
    if report is not None:
        context |= _read(report)
    return visit.page("results", context)


def _read(report: Report) -> dict[str, Any]:
    rows, files = report.summary.get("rows", []), _files(report)
    return {
        "warnings": report.summary.get("warnings", []),
        "sentences": report.summary.get("sentences", []),
        "rows": rows,
        "unsure": [row for row in rows if not row.get("converged")],
        "notes": list(dict.fromkeys((row["dimension"], row["message"]) for row in rows if _remarkable(row))),
        "files": [one for one in files if "/" not in one["name"]],
        "figures": [one for one in files if "/" in one["name"]],
    }


def _remarkable(row: dict[str, Any]) -> bool:
    return row.get("message", "") not in ("", "converged")


def _files(report: Report) -> list[dict[str, str]]:
    """Return the members of the bundle; an unreadable bundle is an empty list, and the page says so."""
    try:
        with report.bundle.open("rb") as stream, zipfile.ZipFile(stream) as bundle:
            names = bundle.namelist()
    except (OSError, ValueError, zipfile.BadZipFile):
        return []
    return [{"name": name, "suffix": PurePosixPath(name).suffix.lstrip(".").upper()} for name in names]


def request(visit: Visit) -> str | HttpResponse:
    """Ask for a report. One that waits already is sent to the worker again, which does no harm."""
    report = reporting.request_report(study=visit.study, actor=visit.request.user)  # type: ignore[arg-type]
    try:
        current_app.send_task("annotations.tasks.make_report", args=[report.pk], retry=False)
    except OperationalError:
        messages.warning(
            visit.request,
            "The report is noted, but the background worker cannot be reached. Start it, then ask again.",
        )
        return visit.go("results")
    return "The report is being made. This page shows how far it is."


def live(visit: Visit) -> JsonResponse:
    """Return how far the newest report is; `rest` when there is nothing to wait for."""
    report = visit.study.reports.first()
    waiting = report is not None and report.state in UNDER_WAY
    context = {"panel": "progress", "under_way": report if waiting else None}
    return JsonResponse(
        {
            "panels": {"progress": render_to_string("annotations/admin/parts/report_progress.html", context)},
            "rest": not waiting,
            "reload": not waiting,
        }
    )


def _done_report(visit: Visit, report_id: int) -> Report:
    report = visit.study.reports.filter(pk=report_id, state=JobState.DONE).first()
    if report is None:
        message = "There is no such report."
        raise Http404(message)
    return report


def bundle(visit: Visit, report_id: int) -> FileResponse:
    """Send the whole bundle."""
    report = _done_report(visit, report_id)
    name = f"{visit.study.slug}-report-{report.pk}.zip"
    return FileResponse(report.bundle.open("rb"), as_attachment=True, filename=name)


def member(visit: Visit, report_id: int, name: str) -> HttpResponse:
    """Send one file of the bundle, always as a download."""
    report = _done_report(visit, report_id)
    try:
        content = reporting.read_member(report=report, name=name)
    except (KeyError, OSError, zipfile.BadZipFile) as error:
        message = "There is no such file in this report."
        raise Http404(message) from error
    path = PurePosixPath(name)
    response = HttpResponse(content, content_type=TYPES.get(path.suffix, "application/octet-stream"))
    response.headers["Content-Disposition"] = f'attachment; filename="{visit.study.slug}-{path.name}"'
    return response


def judgements_csv(visit: Visit) -> FileResponse:
    """Send the long table as it is now: written to a file first, so that what arrives is complete."""
    file = tempfile.TemporaryFile()  # noqa: SIM115 - closed by the response
    text = io.TextIOWrapper(file, encoding="utf-8", newline="")
    dataset.write_csv(study=visit.study, target=text)
    text.flush()
    text.detach()
    file.seek(0)
    name = f"{visit.study.slug}-judgements.csv"
    return FileResponse(file, as_attachment=True, filename=name, content_type=TYPES[".csv"])


def judgements_parquet(visit: Visit) -> HttpResponse:
    """Send the long table as Parquet, as it is now."""
    content = io.BytesIO()
    dataset.long_table(study=visit.study).to_parquet(content, index=False)
    response = HttpResponse(content.getvalue(), content_type="application/vnd.apache.parquet")
    response.headers["Content-Disposition"] = f'attachment; filename="{visit.study.slug}-judgements.parquet"'
    return response


def urls(admin: ModelAdmin[Study]) -> list[URLPattern]:
    """Return the addresses of this station."""
    return [
        shown(admin, "results", "results/", show),
        shown(admin, "results_live", "results/live.json", live),
        shown(admin, "results_csv", "results/judgements.csv", judgements_csv),
        shown(admin, "results_parquet", "results/judgements.parquet", judgements_parquet),
        shown(admin, "results_bundle", "results/<int:report_id>/bundle.zip", bundle),
        shown(admin, "results_file", "results/<int:report_id>/file/<path:name>", member),
        done(admin, "results_request", "results/request", request),
    ]
