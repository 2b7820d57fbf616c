"""Who calls: by a token in the header ``Authorization: Bearer …``, or by the session of the browser."""

from __future__ import annotations

from typing import Any

from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from annotations.domain.members import read_token

SCHEME = b"bearer"


class TokenAuthentication(BaseAuthentication):
    """A researcher's own token, made on his page of tokens."""

    def authenticate(self, request: Request) -> tuple[Any, Any] | None:
        """Return the researcher and the token; nothing when no token was sent."""
        scheme, _, text = get_authorization_header(request).partition(b" ")
        if scheme.lower() != SCHEME:
            return None
        token = read_token(text=text.decode("ascii", "replace").strip())
        if token is None:
            raise AuthenticationFailed
        return token.user, token

    def authenticate_header(self, request: Request) -> str:
        """Say how to authenticate, so that a wrong token is answered by 401."""
        del request
        return "Bearer"
