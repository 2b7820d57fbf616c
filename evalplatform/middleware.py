"""What wraps requests: a strict Content-Security-Policy, and sessions for staff only: raters carry a signed link."""

from collections.abc import Awaitable, Callable

from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.deprecation import MiddlewareMixin

RATERS = ("/r/", "/s/", "/hooks/")
HEADER = "Content-Security-Policy"
STRICT = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
# Alpine evaluates the expressions in the templates, and sets styles on elements.
ADMIN = (
    "default-src 'none'; script-src 'self' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)


def content_security_policy(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Add the policy to every response that does not bring one of its own."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        if HEADER not in response.headers:
            response.headers[HEADER] = ADMIN if request.path_info.startswith("/admin/") else STRICT
        return response

    return middleware


class NotForRaters(MiddlewareMixin):
    """Leaves raters' pages alone: they have no session, no user and no messages, and are asked for most."""

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        """Pass a rater's request straight on."""
        if request.path_info.startswith(RATERS):
            return self.get_response(request)
        return super().__call__(request)


class Sessions(NotForRaters, SessionMiddleware):
    """Django's sessions, for staff."""


class Authentication(NotForRaters, AuthenticationMiddleware):
    """Django's `request.user`, for staff."""


class Messages(NotForRaters, MessageMiddleware):
    """Django's messages, for staff."""
