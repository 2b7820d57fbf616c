"""Results: ask for a report, watch it being made, read it from the sentence to the table, and take all of it along."""

from __future__ import annotations

import tempfile
from pathlib import PurePosixPath
from typing import Any

from django.contrib.admin import ModelAdmin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import FileResponse, Http404, HttpResponse, JsonResponse
from django.template.loader import render_to_string
from django.urls import URLPattern

from annotations.access import UNBLINDED, Action
from annotations.admin.bundles import send_bundle, send_member
from annotations.admin.frame import Visit, done, hand_over, shown
from annotations.domain import exporting, reporting
from annotations.domain.bundles import members_of
from annotations.enums import JobState, StudyState
from annotations.models import Report, Study
from annotations.registry import Export, exports

# How the p value that decides was corrected: at the head of its column, and in a sentence.
CORRECTIONS = {
    "holm": ("Holm", "after Holm’s correction"),
    "bh": ("BH", "after Benjamini and Hochberg’s correction"),
    "single-step": ("single-step", "after the single-step correction"),
    "none": ("not corrected", "without a correction"),
}
UNDER_WAY = (JobState.QUEUED, JobState.RUNNING)


def _reports(visit: Visit) -> QuerySet[Report]:
    """Return the reports that this person may see: with letters only, where names are masked."""
    found = visit.study.reports.all()
    return found.filter(masked=True) if visit.masked else found


def show(visit: Visit) -> HttpResponse:
    """Show the newest finished report, the one under way, and earlier ones."""
    reports = list(_reports(visit)[:20])
    finished = [one for one in reports if one.state == JobState.DONE]
    report = next((one for one in finished if one.masked == visit.masked), finished[0] if finished else None)
    newest = reports[0] if reports else None
    blind = visit.study.unblinded_at is None and visit.study.members.filter(role__in=list(UNBLINDED)).exists()
    context = {
        "report": report,
        "under_way": newest if newest and newest.state in UNDER_WAY else None,
        "failed": newest if newest and newest.state == JobState.FAILED else None,
        "earlier": [one for one in finished if one is not report],
        "live_url": visit.url("results_live"),
        "running": visit.study.state in (StudyState.OPEN, StudyState.PAUSED),
        "may_report": visit.may(Action.REPORT),
        "may_download": visit.may(Action.DOWNLOAD),
        "offer_masked": blind and not visit.masked,
        "exports": [(kind, visit.url("results_export", kind.name)) for kind in exports if _may_take(visit, kind)],
    }
    if report is not None:
        context |= _read(report)
    return visit.page("results", context)


def _may_take(visit: Visit, kind: Export) -> bool:
    return visit.may(Action(kind.needs)) and (kind.maskable or not visit.masked)


def _read(report: Report) -> dict[str, Any]:
    rows, files = report.summary.get("rows", []), _files(report)
    for row in rows:
        row.setdefault("corrected", row.get("p_holm"))  # a report made before the page knew other corrections
    head, words = CORRECTIONS[report.summary.get("correction", "holm")]
    return {
        "correction": head,
        "correction_words": words,
        "alpha": 1 - report.summary.get("confidence", 0.95),
        "warnings": report.summary.get("warnings", []),
        "sentences": report.summary.get("sentences", []),
        "rows": rows,
        "exclusions": report.summary.get("exclusions", []),
        "unsure": [row for row in rows if not row.get("converged")],
        "notes": list(dict.fromkeys((row["dimension"], row["message"]) for row in rows if _remarkable(row))),
        "files": [one for one in files if "/" not in one["name"]],
        "figures": [one for one in files if "/" in one["name"]],
    }


def _remarkable(row: dict[str, Any]) -> bool:
    return row.get("message", "") not in ("", "converged")


def _files(report: Report) -> list[dict[str, str]]:
    """Return the members of the bundle; an unreadable bundle is an empty list, and the page says so."""
    names = members_of(report.bundle)
    return [{"name": name, "suffix": PurePosixPath(name).suffix.lstrip(".").upper()} for name in names]


def request(visit: Visit) -> str | HttpResponse:
    """Ask for a report. One that waits already is sent to the worker again, which does no harm."""
    masked = visit.masked or "masked" in visit.request.POST
    actor: Any = visit.request.user
    report = reporting.request_report(study=visit.study, masked=masked, actor=actor)
    said = "The report is being made. This page shows how far it is."
    otherwise = "The report is noted, but the background worker cannot be reached. Start it, then ask again."
    return hand_over(visit, "make_report", report.pk, said=said, otherwise=otherwise, back="results")


def live(visit: Visit) -> JsonResponse:
    """Return how far the newest report is; `rest` when there is nothing to wait for."""
    report = _reports(visit).first()
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
    report = _reports(visit).filter(pk=report_id, state=JobState.DONE).first()
    if report is None:
        message = "There is no such report."
        raise Http404(message)
    return report


def bundle(visit: Visit, report_id: int) -> FileResponse:
    """Send the whole bundle."""
    return send_bundle(visit, _done_report(visit, report_id), called="report")


def member(visit: Visit, report_id: int, name: str) -> HttpResponse:
    """Send one file of the bundle, always as a download."""
    return send_member(visit, _done_report(visit, report_id), name)


def take(visit: Visit, name: str) -> FileResponse:
    """Send one export as it is now: written to a file first, so that what arrives is complete."""
    if name not in exports.names():
        message = "There is no such export."
        raise Http404(message)
    kind = exports.get(name)
    if not _may_take(visit, kind):
        raise PermissionDenied
    file = tempfile.TemporaryFile()  # noqa: SIM115 - closed by the response
    actor: Any = visit.request.user
    exporting.export(study=visit.study, name=name, target=file, masked=visit.masked, actor=actor)
    file.seek(0)
    called = f"{visit.study.slug}-{kind.suffix}"
    return FileResponse(file, as_attachment=True, filename=called, content_type=kind.media_type)


def urls(admin: ModelAdmin[Study]) -> list[URLPattern]:
    """Return the addresses of this station."""
    return [
        shown(admin, "results", "results/", show, needs=Action.LOOK),
        shown(admin, "results_live", "results/live.json", live, needs=Action.LOOK),
        shown(admin, "results_export", "results/export/<slug:name>", take, needs=Action.LOOK),
        shown(admin, "results_bundle", "results/<int:report_id>/bundle.zip", bundle, needs=Action.DOWNLOAD),
        shown(admin, "results_file", "results/<int:report_id>/file/<path:name>", member, needs=Action.DOWNLOAD),
        done(admin, "results_request", "results/request", request, needs=Action.REPORT),
    ]
