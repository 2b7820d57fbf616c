"""The pages of last resort, named in evalplatform/urls.py; the same frame as every other page of a rater."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

from .frame import error_page

NOT_FOUND = "Please check the link, or open the one that was sent to you again. Answers that you gave are safe."
SERVER_ERROR = (
    "Something went wrong on our side, not on yours. Every answer that you sent is safe. "
    "Please go back in a minute and reload the page; you will be where you were."
)
FORBIDDEN = "You cannot open this page. If you came by a link, please open it again. Answers that you gave are safe."
BAD_REQUEST = (
    "Your browser sent something that we could not read. Answers that you gave before are safe. "
    "Please open your link again."
)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001 - Django's signature
    """404."""
    return error_page(request, status=404, message=NOT_FOUND)


def server_error(request: HttpRequest) -> HttpResponse:  # noqa: ARG001 - Django's signature
    """500: rendered without the request, so that nothing that broke the page can break this one."""
    return error_page(None, status=500, message=SERVER_ERROR)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001 - Django's signature
    """403."""
    return error_page(request, status=403, message=FORBIDDEN)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001 - Django's signature
    """400."""
    return error_page(request, status=400, message=BAD_REQUEST)
