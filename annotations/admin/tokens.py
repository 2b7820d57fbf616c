"""A researcher's own keys to the API: made, shown once, taken back."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from unfold.admin import ModelAdmin
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminTextInputWidget

from annotations.access import is_staff
from annotations.domain import members
from annotations.models import ApiToken


class TokenForm(forms.ModelForm):
    """A name, and how long the token lasts."""

    days = forms.IntegerField(
        label="Lasts for so many days",
        initial=90,
        min_value=1,
        max_value=members.LONGEST_DAYS,
        widget=UnfoldAdminIntegerFieldWidget,
    )

    class Meta:
        model = ApiToken
        fields = ("name",)
        widgets = {"name": UnfoldAdminTextInputWidget}


@admin.register(ApiToken)
class ApiTokenAdmin(ModelAdmin):
    """One's own tokens; nobody sees another one's, and nobody sees the text of one twice."""

    list_display = ("name", "created_at", "expires_at", "used_at")
    actions = None
    form = TokenForm

    def get_queryset(self, request: HttpRequest) -> QuerySet[ApiToken]:
        """Return one's own tokens."""
        return super().get_queryset(request).filter(user=request.user.pk)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Researchers; of one token, its owner."""
        return is_staff(request.user) and (obj is None or obj.user_id == request.user.pk)

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Researchers."""
        return is_staff(request.user)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Researchers."""
        return is_staff(request.user)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody: a token is made or taken back."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Its owner."""
        return self.has_view_permission(request, obj)

    def save_model(self, request: HttpRequest, obj: ApiToken, form: Any, change: Any) -> None:
        """Make the token and show its text, this once."""
        user: Any = request.user
        token, text = members.issue_token(user=user, name=obj.name, days=form.cleaned_data["days"])
        obj.pk = token.pk
        said = f"Copy the token now, it is not shown again: {text}"
        messages.warning(request, said)

    def delete_model(self, request: HttpRequest, obj: ApiToken) -> None:
        """Take it back."""
        user: Any = request.user
        members.revoke_token(token=obj, actor=user)

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """Nothing here: the verb has written the log."""

    def response_add(self, request: HttpRequest, obj: ApiToken, post_url_continue: str | None = None) -> HttpResponse:
        """Lead back to the list."""
        return self.response_post_save_add(request, obj)
