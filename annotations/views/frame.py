"""What all pages of a rater share: his language, never cached, never indexed, and errors that speak to a person."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils import translation
from django.utils.translation import gettext_lazy as _

from annotations.errors import (
    AnswerError,
    BadToken,
    BrowserUsed,
    CodeWrong,
    HandedIn,
    LinkIncomplete,
    PlatformError,
    StudyFull,
    StudyNotFound,
    StudyNotOpen,
    TookPart,
)

from .gate import let_frame

PRIVATE = {"Cache-Control": "no-store", "X-Robots-Tag": "noindex, nofollow"}
TITLES = {
    400: _("This did not work"),
    403: _("This page is not for you"),
    404: _("There is nothing at this address"),
    409: _("Not at the moment"),
    422: _("Something is missing"),
}
WORDS: Mapping[type[PlatformError], Any] = {
    StudyNotFound: _("There is no study at this address. Please check the link, or ask the person who sent it to you."),
    BadToken: _(
        "The link is not complete or not valid. Please copy the whole link again; answers that you gave are safe."
    ),
    StudyNotOpen: _("The study is not open for answers at the moment."),
    StudyFull: _("All places in this study are taken at the moment. Thank you for coming."),
    BrowserUsed: _(
        "Somebody has taken part with this browser already, and this study allows that once. Thank you for coming."
    ),
    CodeWrong: _("That code is not right. Please check it, or ask the person who gave it to you."),
    HandedIn: _(
        "You have taken part in this study already, and your work was handed in. Please return this task unopened."
    ),
    LinkIncomplete: _(
        "The link does not say who you are. Please open the study again through the link that you were given."
    ),
    TookPart: _(
        "You have taken part in an earlier study of this series, so this one is not for you. Thank you for coming back."
    ),
    AnswerError: _("Please answer every row."),
}

View = Callable[..., HttpResponse]


class SeeOther(HttpResponseRedirect):
    """303: after a POST the browser GETs the next page, so that neither reload nor back sends anything again."""

    status_code = 303


def calm(view: View) -> View:
    """Turn platform errors into pages, and keep every answer of the view out of caches and search engines.

    The page speaks the browser's language until the view knows that of the rater (`speak`).
    """

    @wraps(view)
    def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        with translation.override(translation.get_language_from_request(request)):
            try:
                response = view(request, *args, **kwargs)
            except PlatformError as error:
                response = error_page(request, status=error.status, message=words_of(error))
        for name, value in PRIVATE.items():
            response.headers[name] = value
        with suppress(PlatformError):
            let_frame(request, response, slug=kwargs.get("slug", ""), token=kwargs.get("token", ""))
        return response

    return wrapped


def speak(language: str) -> None:
    """Go on in this language until the request is over (inside `calm`)."""
    if language:
        translation.activate(language)


def words_of(error: PlatformError) -> str:
    """Return what an error says, translated when it says the default."""
    words = WORDS.get(type(error))
    return str(words) if words is not None and str(error) == str(type(error)()) else str(error)


def error_page(request: HttpRequest | None, *, status: int, message: str) -> HttpResponse:
    """Return a page that says what happened, that answers are safe, and what to do."""
    title = TITLES.get(status, _("Something went wrong"))
    return render(request, "annotations/error.html", {"title": title, "message": message}, status=status)


def wants_fragment(request: HttpRequest) -> bool:
    """Say whether the page's own script asks, which shows the answer in place."""
    return bool(request.META.get("HTTP_X_REQUESTED_WITH") == "fetch")
