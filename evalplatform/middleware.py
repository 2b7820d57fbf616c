"""What wraps requests: a strict Content-Security-Policy; sessions, addresses and a second factor for researchers only.

Raters carry a signed link, and nothing is kept of where they come from.
"""

from collections.abc import Awaitable, Callable

from django.conf import settings
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils.deprecation import MiddlewareMixin

RATERS = ("/r/", "/s/", "/hooks/")
BEHIND = ("/admin/", "/api/")  # what waits for the second factor
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


def researchers(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Note the address of a researcher's request for the log, and let staff in with a second factor only.

    The second factor is asked for where REQUIRE_TWO_FACTOR says so: whoever has none can do nothing but set one up.
    """
    from allauth.core.internal.httpkit import get_client_ip

    from annotations.domain.events import from_address

    def middleware(request: HttpRequest) -> HttpResponse:
        if request.path_info.startswith(RATERS):
            return get_response(request)
        with from_address(get_client_ip(request)):
            if settings.REQUIRE_TWO_FACTOR and request.path_info.startswith(BEHIND) and _lacks_second_factor(request):
                return _to_the_second_factor(request)
            return get_response(request)

    return middleware


def _lacks_second_factor(request: HttpRequest) -> bool:
    from allauth.mfa.utils import is_mfa_enabled

    return bool(request.user.is_authenticated) and not is_mfa_enabled(request.user)


def _to_the_second_factor(request: HttpRequest) -> HttpResponse:
    if request.path_info.startswith("/api/"):
        return JsonResponse({"detail": "Set up two-factor login first, in the browser."}, status=403)
    return redirect("mfa_activate_totp")
