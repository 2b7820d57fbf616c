"""What stands at the entrance: the preview, the question for a code, the browser's own token, and who may frame us.

A platform that shows a study in its own page (MTurk) is the only one that may do so, and only that study's pages.
"""

from __future__ import annotations

import secrets
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import translation

from annotations.access import read_rater_token
from annotations.domain.admission import framing_of
from annotations.domain.identities import digest_of
from annotations.errors import CodeWrong, PlatformError
from annotations.markup import to_html
from annotations.registry import Framing

BROWSER = "browser"
YEAR = 365 * 24 * 3600
FRAMES = {"iframe", "frame"}
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self' {targets}; base-uri 'none'; frame-ancestors {ancestors}"
)


def preview(request: HttpRequest, *, study: Any, frame: Any, length: str) -> HttpResponse:
    """Show what the study is about to somebody who has not accepted it yet; nothing is stored, not even a cookie."""
    translation.activate(frame.language)
    context = {"study": study, "frame": frame, "welcome": to_html(frame.welcome), "length": length}
    return render(request, "annotations/preview.html", context)


def ask_code(request: HttpRequest, *, study: Any, frame: Any, error: PlatformError) -> HttpResponse:
    """Ask for the access code; whatever else stood in the link goes along."""
    translation.activate(frame.language)
    wrong = isinstance(error, CodeWrong)
    kept = [(name, value) for name, value in request.GET.items() if name != "code"]
    typed = request.GET.get("code", "")[:60]
    context = {"study": study, "frame": frame, "wrong": wrong, "kept": kept, "typed": typed}
    return render(request, "annotations/code.html", context, status=error.status if wrong else 200)


def browser_token(request: HttpRequest) -> str:
    """Return the browser's own token, or a new one for `keep_browser`."""
    known = request.COOKIES.get(BROWSER, "")
    return known if known.isalnum() and len(known) == 32 else secrets.token_hex(16)  # noqa: PLR2004 - as made here


def browser_digest(token: str) -> str:
    """Return what is stored of a browser's token."""
    return digest_of(token)


def keep_browser(request: HttpRequest, response: HttpResponse, token: str) -> HttpResponse:
    """Let the browser keep its token, a random number that says nothing about anybody."""
    if request.COOKIES.get(BROWSER) != token:
        secure = request.is_secure()
        path = reverse("study_entrance", args=["x"]).removesuffix("x/")
        response.set_cookie(BROWSER, token, max_age=YEAR, path=path, secure=secure, httponly=True, samesite="Lax")
    return response


def let_frame(request: HttpRequest, response: HttpResponse, *, slug: str = "", token: str = "") -> HttpResponse:
    """Write who may show this page in a frame, and where its form may go: the study's platform, if it does such things.

    The study is looked up for a page that is being framed and for one that has a form for the platform; an ordinary
    page and what scripts ask for keep the strict policy of the site.
    """
    asked = request.headers.get("Sec-Fetch-Dest", "iframe")
    if asked in FRAMES or getattr(response, "leaves", False):
        framing = framing_of(slug=slug, public_id=read_rater_token(token) if token else "")
        if framing.ancestors:
            _open(response, framing)
    return response


def _open(response: HttpResponse, framing: Framing) -> None:
    response.headers["Content-Security-Policy"] = POLICY.format(
        targets=" ".join(framing.targets), ancestors=" ".join(framing.ancestors)
    )
    response.xframe_options_exempt = True  # Django's mark; the policy above says who may
