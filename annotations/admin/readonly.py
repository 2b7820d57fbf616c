"""Lists of what was stored: to look at, to search and to filter; never to edit by hand."""

from __future__ import annotations

from typing import Any, TypeVar

from django.db.models import Model
from django.http import HttpRequest
from unfold.admin import ModelAdmin

M = TypeVar("M", bound=Model)


class ReadOnlyAdmin(ModelAdmin):
    """A list that nobody may add to, change or delete from; only the verbs of the domain write these rows.

    The full count is not shown, because counting a million judgements for a line above a list costs a second.
    """

    show_full_result_count = False
    list_per_page = 50
    list_filter_submit = True
    actions = None

    def has_add_permission(self, request: HttpRequest, *args: Any) -> bool:
        """Nobody."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody."""
        return False
