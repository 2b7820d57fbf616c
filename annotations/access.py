"""Who may see what: a rater's signed link, and the one table of what each role may do in a study.

Pages, record lists, exports and the API all ask this table; nothing else decides.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any, TypeVar

from django.contrib.auth.models import AnonymousUser
from django.core.signing import BadSignature, Signer
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest

from .enums import Role
from .errors import BadToken
from .models import Study, StudyMember

SEPARATOR = "."
M = TypeVar("M", bound=Model)


class Action(StrEnum):
    """What somebody may want to do in a study."""

    LOOK = "look"  # how far it is (monitor), and what was found (results)
    DOWNLOAD = "download"  # rows of judgements
    REPORT = "report"  # have the analysis run
    READ = "read"  # material, texts, design, plan: all that names the systems
    EDIT = "edit"  # change what is asked, of what, of whom
    RUN = "run"  # freeze, open, pause, close, exclude
    PERSON = "person"  # what people said of themselves; under a pseudonym even so
    PAY = "pay"  # recruitment and money
    LOG = "log"  # who did what
    SHARE = "share"  # who works on it, in which role
    UNBLIND = "unblind"


LOOKING = frozenset({Action.LOOK})
ANALYSING = LOOKING | {Action.DOWNLOAD, Action.REPORT}
EDITING = ANALYSING | {Action.READ, Action.EDIT, Action.RUN, Action.PERSON, Action.PAY, Action.LOG}
TABLE: dict[Role, frozenset[Action]] = {
    Role.OWNER: EDITING | {Action.SHARE, Action.UNBLIND},
    Role.EDITOR: EDITING,
    Role.ANALYST: ANALYSING,
    Role.OBSERVER: LOOKING,
}
# What becomes allowed once the study is unblinded. Before that, these roles see letters in place of the systems' names.
UNBLINDED: dict[Role, frozenset[Action]] = {Role.ANALYST: frozenset({Action.READ}), Role.OBSERVER: frozenset()}

User = Any  # a user or AnonymousUser; django-stubs knows no common base with `is_staff`


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


def is_staff(user: User) -> bool:
    """Say whether this is a researcher's account in use."""
    return not isinstance(user, AnonymousUser) and bool(user.is_active and user.is_staff)


def role_in(user: User, study: Study) -> Role | None:
    """Return the role of a person in a study; a superuser is an owner everywhere."""
    if not is_staff(user):
        return None
    if user.is_superuser:
        return Role.OWNER
    found = StudyMember.objects.filter(study=study, user=user).values_list("role", flat=True).first()
    return Role(found) if found else None


def allowed(role: Role | None, *, unblinded: bool) -> frozenset[Action]:
    """Return what a role may do: the row of the table."""
    if role is None:
        return frozenset()
    return TABLE[role] | (UNBLINDED.get(role, frozenset()) if unblinded else frozenset())


def may(user: User, action: Action, study: Study) -> bool:
    """Say whether this person may do this in this study."""
    return action in allowed(role_in(user, study), unblinded=study.unblinded_at is not None)


def is_masked(role: Role | None, study: Study) -> bool:
    """Say whether this role sees letters in place of the systems' names in this study."""
    return study.unblinded_at is None and role in UNBLINDED


def studies_of(user: User, action: Action = Action.LOOK) -> QuerySet[Study]:
    """Return the studies in which this person may do this."""
    if not is_staff(user):
        return Study.objects.none()
    if user.is_superuser:
        return Study.objects.all()
    at_once = [role for role in Role if action in allowed(role, unblinded=False)]
    later = [role for role in Role if action in allowed(role, unblinded=True)]
    mine = StudyMember.objects.filter(user=user)
    return Study.objects.filter(
        Q(pk__in=mine.filter(role__in=at_once).values("study"))
        | Q(pk__in=mine.filter(role__in=later).values("study"), unblinded_at__isnull=False)
    )


def within(rows: QuerySet[M], path: str, *, user: User, action: Action) -> QuerySet[M]:
    """Narrow rows to the studies in which this person may do this; `path` leads from a row to its study."""
    if is_staff(user) and user.is_superuser:
        return rows
    return rows.filter(**{f"{path}__in": studies_of(user, action).values("pk")})


def may_create_studies(request: HttpRequest) -> bool:
    """Say whether this person may start a study: Django's permission `annotations.change_study`."""
    return is_staff(request.user) and bool(request.user.has_perm("annotations.change_study"))
