"""The files that a job left: its bundle as a whole, or one file of it; each time the log says who took it."""

from __future__ import annotations

import zipfile
from pathlib import PurePosixPath
from typing import Any, Final

from django.http import FileResponse, Http404, HttpResponse

from annotations.admin.frame import Visit
from annotations.domain import bundles
from annotations.domain.events import log_event
from annotations.enums import JobState
from annotations.models import Measurement, Report

TYPES: Final = {
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
# A file opened by itself may hold styles and nothing else.
ALONE: Final = "default-src 'none'; style-src 'unsafe-inline'; sandbox"


def send_bundle(visit: Visit, job: Measurement | Report, *, called: str) -> FileResponse:
    """Send the whole bundle, named by the study and what it is ``called``."""
    if job.state != JobState.DONE or not bundles.members_of(job.bundle):
        message = "The files cannot be read any more."
        raise Http404(message)
    _note(visit, job, "bundle.zip")
    name = f"{visit.study.slug}-{called}-{job.pk}.zip"
    return FileResponse(job.bundle.open("rb"), as_attachment=True, filename=name)


def send_member(visit: Visit, job: Measurement | Report, name: str, *, inline: tuple[str, ...] = ()) -> HttpResponse:
    """Send one file as a download; endings that are ``inline`` are shown on a page and not noted."""
    message = "There is no such file."
    if job.state != JobState.DONE or not job.bundle:
        raise Http404(message)
    try:
        content = bundles.read_member(job.bundle, name)
    except (KeyError, OSError, ValueError, zipfile.BadZipFile) as error:
        raise Http404(message) from error
    path = PurePosixPath(name)
    shown = path.suffix in inline
    if not shown:
        _note(visit, job, name)
    response = HttpResponse(content, content_type=TYPES.get(path.suffix, "application/octet-stream"))
    way = "inline" if shown else "attachment"
    response.headers["Content-Disposition"] = f'{way}; filename="{visit.study.slug}-{path.name}"'
    response.headers["Content-Security-Policy"] = ALONE
    return response


def _note(visit: Visit, job: Measurement | Report, name: str) -> None:
    actor: Any = visit.request.user
    kind = "measurement" if isinstance(job, Measurement) else "report"
    data = {kind: job.pk, "file": name}
    log_event(study=visit.study, name="exported", data=data, actor=actor)
