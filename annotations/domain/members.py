"""Who works on a study: inviting, changing a role, removing, handing over; and tokens for the API."""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from annotations.enums import Role
from annotations.errors import NotReady
from annotations.models import ApiToken, Study, StudyMember

from .events import log_event

LAST_OWNER = "A study needs an owner: hand it over before the last one goes."
PREFIX = "evp_"
LONGEST_DAYS = 366
SEEN_EVERY = dt.timedelta(minutes=10)


def members_of(*, study: Study) -> list[StudyMember]:
    """Return who works on a study, owners first."""
    order = list(Role)
    return sorted(study.members.select_related("user"), key=lambda one: (order.index(Role(one.role)), one.pk))


def find_account(*, text: str) -> Any:
    """Return the researcher of this user name or e-mail address; raises NotReady when there is none, or several."""
    wanted = text.strip()
    people = get_user_model()._default_manager.filter(is_active=True, is_staff=True)  # noqa: SLF001 - public
    found = list(people.filter(Q(username=wanted) | Q(email__iexact=wanted))[:2]) if wanted else []
    exact = [one for one in found if one.get_username() == wanted]
    if len(exact) == 1 or len(found) == 1:
        return (exact or found)[0]
    message = "There are several accounts with this address: write the user name." if found else (
        "There is no researcher with this user name or e-mail address. An administrator makes accounts."
    )  # fmt: skip
    raise NotReady(message)


def add_member(
    *, study: Study, user: AbstractBaseUser, role: Role, actor: AbstractBaseUser | None = None
) -> StudyMember:
    """Let a researcher in; somebody who is in already gets this role."""
    with transaction.atomic():
        Study.objects.select_for_update().get(pk=study.pk)
        member, made = StudyMember.objects.get_or_create(study=study, user_id=user.pk, defaults={"role": role})
        if made:
            log_event(study=study, name="member_added", data=_told(member), actor=actor)
            return member
        return _change(member, role, actor=actor)


def change_role(*, member: StudyMember, role: Role, actor: AbstractBaseUser | None = None) -> StudyMember:
    """Give a member another role; raises NotReady when nobody would own the study."""
    with transaction.atomic():
        Study.objects.select_for_update().get(pk=member.study_id)
        return _change(member, role, actor=actor)


def _change(member: StudyMember, role: Role, *, actor: AbstractBaseUser | None) -> StudyMember:
    member.refresh_from_db()
    if member.role == role:
        return member
    if role != Role.OWNER:
        _not_the_last_owner(member)
    before, member.role = member.role, role
    member.save(update_fields=["role"])
    log_event(study=member.study, name="role_changed", data={**_told(member), "before": before}, actor=actor)
    return member


def remove_member(*, member: StudyMember, actor: AbstractBaseUser | None = None) -> None:
    """Let a researcher in no more; raises NotReady for the last owner."""
    with transaction.atomic():
        Study.objects.select_for_update().get(pk=member.study_id)
        _not_the_last_owner(member)
        log_event(study=member.study, name="member_removed", data=_told(member), actor=actor)
        member.delete()


def hand_over(*, study: Study, to: StudyMember, actor: AbstractBaseUser) -> None:
    """Make a member the owner in place of the person who asks, who goes on as an editor."""
    with transaction.atomic():
        Study.objects.select_for_update().get(pk=study.pk)
        giver = study.members.filter(user=actor.pk, role=Role.OWNER).first()
        if giver is not None and giver.pk == to.pk:
            message = "This study is yours already."
            raise NotReady(message)
        _change(to, Role.OWNER, actor=actor)
        if giver is not None:
            _change(giver, Role.EDITOR, actor=actor)
        log_event(study=study, name="handed_over", data=_told(to), actor=actor)


def _not_the_last_owner(member: StudyMember) -> None:
    others = StudyMember.objects.filter(study=member.study_id, role=Role.OWNER).exclude(pk=member.pk)
    if member.role == Role.OWNER and not others.exists():
        raise NotReady(LAST_OWNER)


def _told(member: StudyMember) -> dict[str, str]:
    return {"member": member.user.get_username(), "role": str(member.role)}


def issue_token(*, user: AbstractBaseUser, name: str, days: int) -> tuple[ApiToken, str]:
    """Make a token for the API and return it with its text, which is nowhere kept."""
    text = PREFIX + secrets.token_urlsafe(32)
    lasts = min(max(days, 1), LONGEST_DAYS)
    with transaction.atomic():
        token = ApiToken.objects.create(
            user_id=user.pk, name=name, digest=_digest(text), expires_at=timezone.now() + dt.timedelta(days=lasts)
        )
        log_event(study=None, name="token_made", data={"token": name, "days": lasts}, actor=user)
    return token, text


def revoke_token(*, token: ApiToken, actor: AbstractBaseUser) -> None:
    """Take a token back."""
    with transaction.atomic():
        log_event(study=None, name="token_revoked", data={"token": token.name}, actor=actor)
        token.delete()


def read_token(*, text: str) -> ApiToken | None:
    """Return the token of this text if it is in force, and note now and then that it was used."""
    token = ApiToken.objects.select_related("user").filter(digest=_digest(text), expires_at__gt=timezone.now()).first()
    if token is None or not (token.user.is_active and token.user.is_staff):
        return None
    if token.used_at is None or timezone.now() - token.used_at > SEEN_EVERY:
        ApiToken.objects.filter(pk=token.pk).update(used_at=timezone.now())
    return token


def _digest(text: str) -> str:
    """Hash a token: 256 random bits need no slow hash."""
    return hashlib.sha256(text.encode()).hexdigest()
