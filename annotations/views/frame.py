"""What all pages of a rater share: never cached, never indexed, and errors that speak to a person."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render

from annotations.errors import PlatformError

from .gate import let_frame

PRIVATE = {"Cache-Control": "no-store", "X-Robots-Tag": "noindex, nofollow"}
TITLES = {
    400: "This did not work",
    403: "This page is not for you",
    404: "There is nothing at this address",
    409: "Not at the moment",
    422: "Something is missing",
}

View = Callable[..., HttpResponse]


class SeeOther(HttpResponseRedirect):
    """303: after a POST the browser GETs the next page, so that neither reload nor back sends anything again."""

    status_code = 303


def calm(view: View) -> View:
    """Turn platform errors into pages, and keep every answer of the view out of caches and search engines."""

    @wraps(view)
    def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            response = view(request, *args, **kwargs)
        except PlatformError as error:
            response = error_page(request, status=error.status, message=str(error))
        for name, value in PRIVATE.items():
            response.headers[name] = value
        with suppress(PlatformError):
            let_frame(request, response, slug=kwargs.get("slug", ""), token=kwargs.get("token", ""))
        return response

    return wrapped


def error_page(request: HttpRequest | None, *, status: int, message: str) -> HttpResponse:
    """Return a page that says what happened, that answers are safe, and what to do."""
    title = TITLES.get(status, "Something went wrong")
    return render(request, "annotations/error.html", {"title": title, "message": message}, status=status)


def wants_fragment(request: HttpRequest) -> bool:
    """Say whether the page's own script asks, which shows the answer in place."""
    return bool(request.META.get("HTTP_X_REQUESTED_WITH") == "fetch")
