"""Where platforms send their signed messages: kept and answered at once, the work is done by Celery."""

from __future__ import annotations

import contextlib

from celery import current_app
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST
from kombu.exceptions import OperationalError

from annotations.domain import recruiting_events
from annotations.errors import PlatformError

TOO_LARGE = 413


@csrf_exempt  # the platform signs the whole message; there is no session that a foreign page could borrow
@require_POST
def message(request: HttpRequest, platform: str, public_id: str) -> HttpResponse:
    """Keep one message. It is safe once it is kept: without a broker the next poll acts on it."""
    if _length(request) > recruiting_events.LONGEST:
        return HttpResponse(status=TOO_LARGE)
    body = request.read(recruiting_events.LONGEST + 1)
    try:
        looks = recruiting_events.receive(platform=platform, public_id=public_id, headers=request.headers, body=body)
    except PlatformError as error:
        return HttpResponse(str(error), status=error.status, content_type="text/plain; charset=utf-8")
    if looks is not None:
        with contextlib.suppress(OperationalError):
            current_app.send_task("annotations.tasks.follow_recruitment", args=[looks], retry=False)
    return HttpResponse(status=204)


def _length(request: HttpRequest) -> int:
    text = request.META.get("CONTENT_LENGTH") or "0"
    return int(text) if text.isdecimal() else 0
