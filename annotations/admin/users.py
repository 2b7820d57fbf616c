"""Accounts of researchers, with forms that fit the theme."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group, User
from django.http import HttpRequest
from unfold.admin import ModelAdmin
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from annotations.access import is_staff
from annotations.domain.events import log_event

admin.site.unregister(User)
admin.site.unregister(Group)


class ForAdministrators:
    """Accounts are for superusers: whoever could make one could make himself everything. Every change is logged."""

    model: Any

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Superusers."""
        return is_staff(request.user) and bool(request.user.is_superuser)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Superusers."""
        del obj
        return self.has_module_permission(request)

    has_change_permission = has_delete_permission = has_view_permission

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Superusers."""
        return self.has_module_permission(request)

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """Note a new account or group."""
        self._log(request, "made", obj, message)

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """Note what was changed, by the names of the fields."""
        self._log(request, "changed", obj, message)

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any:
        """Note what is deleted."""
        for obj in queryset:
            self._log(request, "deleted", obj, "")

    def _log(self, request: HttpRequest, what: str, obj: Any, message: Any) -> None:
        kind = "account" if self.model is User else "group"
        actor: Any = request.user
        log_event(study=None, name=f"{kind}_{what}", data={kind: str(obj), "change": message}, actor=actor)


@admin.register(User)
class UserAdmin(ForAdministrators, DjangoUserAdmin, ModelAdmin):
    """A researcher's account. With `annotations | study | change` he may start studies; roles decide the rest."""

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm


@admin.register(Group)
class GroupAdmin(ForAdministrators, DjangoGroupAdmin, ModelAdmin):
    """A set of permissions."""
