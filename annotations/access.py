"""Who may see what: a rater's signed link, and the staff permission on studies."""

from __future__ import annotations

from django.core.signing import BadSignature, Signer
from django.http import HttpRequest

from .errors import BadToken

SEPARATOR = "."


def _signer() -> Signer:
    return Signer(salt="annotations.rater", sep=SEPARATOR)


def rater_token(public_id: str) -> str:
    """Return the token of a rater's own link: the public id and a signature, so that a forged one costs no query."""
    return _signer().sign(public_id)


def read_rater_token(token: str) -> str:
    """Return the public id; raises BadToken for a forged or truncated token."""
    try:
        return _signer().unsign(token)
    except BadSignature:
        raise BadToken from None


def may_change_studies(request: HttpRequest) -> bool:
    """Say whether this person may launch and change studies."""
    return request.user.is_active and request.user.is_staff and request.user.has_perm("annotations.change_study")


def may_view_studies(request: HttpRequest) -> bool:
    """Say whether this person may look at studies and their results."""
    user = request.user
    return (
        user.is_active
        and user.is_staff
        and (user.has_perm("annotations.view_study") or user.has_perm("annotations.change_study"))
    )
