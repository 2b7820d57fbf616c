"""Pictures and papers of a study's texts, from our own host: a rater's browser asks nobody else for anything."""

from __future__ import annotations

from django.http import FileResponse, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from annotations.domain.pictures import open_file

from .frame import calm


@require_safe
@calm
def study_file(request: HttpRequest, slug: str, name: str) -> HttpResponse:  # noqa: ARG001 - Django's signature
    """Send a file under its opaque name; a picture is shown, a PDF opens or is saved as the browser likes."""
    stream, kind = open_file(slug=slug, name=name)
    response = FileResponse(stream, content_type=kind)
    response.headers["Content-Disposition"] = f'inline; filename="{name}"'
    return response  # type: ignore[return-value] # a streaming response
