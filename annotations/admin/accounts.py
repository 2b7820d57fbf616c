"""Logging in: by django-allauth, with a second factor; closed to newcomers; everything about an account is logged."""

from __future__ import annotations

from typing import Any

import allauth.account.admin
import allauth.mfa.admin  # noqa: F401 - before ours, which replace them
from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.decorators import secure_admin_login
from allauth.account.models import EmailAddress
from allauth.account.signals import password_changed, password_reset, password_set
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from allauth.mfa.signals import (
    authentication_failed,
    authenticator_added,
    authenticator_removed,
    authenticator_reset,
    authenticator_used,
)
from django.contrib import admin
from django.contrib.auth.models import AbstractBaseUser
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from unfold.admin import ModelAdmin

from annotations.domain.events import log_event
from annotations.models.encrypted import sealed, unsealed

LONGEST = 150  # of a name that somebody typed

admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign] # as allauth documents it


def _change_password(request: HttpRequest, extra_context: Any = None) -> HttpResponse:
    """Change the password where the second factor lives too, so that it is told by mail and logged."""
    del request, extra_context
    return redirect("account_change_password")


admin.site.password_change = _change_password  # type: ignore[method-assign, assignment]


class AccountAdapter(DefaultAccountAdapter):
    """Accounts are made by administrators."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Nobody signs up."""
        del request
        return False


class SecondFactorAdapter(DefaultMFAAdapter):
    """Keeps the secrets of second factors encrypted, as recruiters' ids are."""

    def encrypt(self, text: str) -> str:
        """Seal a secret for the database."""
        return sealed(text)

    def decrypt(self, encrypted_text: str) -> str:
        """Open it again."""
        return unsealed(encrypted_text)


# What is logged by signals: these things happen in other people's code. What our own code does is logged by verbs.


def _log(name: str, user: Any, **data: Any) -> None:
    actor = user if isinstance(user, AbstractBaseUser) and user.pk else None
    log_event(study=None, name=name, data=data, actor=actor)


@receiver(user_logged_in)
def _logged_in(user: Any, **_: Any) -> None:
    _log("logged_in", user)


@receiver(user_logged_out)
def _logged_out(user: Any, **_: Any) -> None:
    if user is not None:
        _log("logged_out", user)


@receiver(user_login_failed)
def _login_failed(credentials: dict[str, Any], **_: Any) -> None:
    """Note the name that was tried, never the password."""
    named = credentials.get("username") or credentials.get("email") or ""
    _log("login_failed", None, account=str(named)[:LONGEST])


@receiver((password_changed, password_set))
def _password_changed(user: Any, **_: Any) -> None:
    _log("password_changed", user)


@receiver(password_reset)
def _password_reset(user: Any, **_: Any) -> None:
    _log("password_reset", user)


@receiver(authenticator_added)
def _added(user: Any, authenticator: Authenticator, **_: Any) -> None:
    _log("second_factor_added", user, kind=authenticator.type)


@receiver(authenticator_removed)
def _removed(user: Any, authenticator: Authenticator, **_: Any) -> None:
    _log("second_factor_removed", user, kind=authenticator.type)


@receiver(authenticator_reset)
def _renewed(user: Any, authenticator: Authenticator, **_: Any) -> None:
    _log("second_factor_renewed", user, kind=authenticator.type)


@receiver(authenticator_used)
def _used(user: Any, authenticator: Authenticator, **_: Any) -> None:
    _log("second_factor_used", user, kind=authenticator.type)


@receiver(authentication_failed)
def _failed(user: Any, **_: Any) -> None:
    _log("second_factor_failed", user)


# allauth's own tables in the admin: addresses are not used; a second factor can be taken off by an administrator.

admin.site.unregister(EmailAddress)
admin.site.unregister(Authenticator)


@admin.register(Authenticator)
class AuthenticatorAdmin(ModelAdmin):
    """Second factors. An administrator deletes one for somebody who has lost it; secrets are not shown."""

    list_display = ("user", "type", "created_at", "last_used_at")
    list_filter = ("type",)
    search_fields = ("user__username", "user__email")
    fields = ("user", "type", "created_at", "last_used_at")
    readonly_fields = fields
    actions = None

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody: everybody sets up his own."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody."""
        return False

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Administrators."""
        return bool(request.user.is_active and request.user.is_superuser)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Administrators."""
        return self.has_view_permission(request)

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Administrators."""
        return self.has_view_permission(request)

    def delete_model(self, request: HttpRequest, obj: Authenticator) -> None:
        """Take it off, and note whose."""
        _log("second_factor_taken_off", request.user, account=obj.user.get_username(), kind=obj.type)
        super().delete_model(request, obj)
