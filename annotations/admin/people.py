"""People: raters by pseudonym, and, for superusers only, what a recruiter calls them."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from unfold.contrib.filters.admin import RelatedDropdownFilter
from unfold.decorators import display

from annotations.models import Participation, Rater, RecruitmentIdentity

from .readonly import ReadOnlyAdmin

STATES = {
    "Consented": "info",
    "Judging": "warning",
    "Finished": "success",
    "Lapsed": "danger",
    "Turned away (study full)": "danger",
}


@admin.register(Rater)
class RaterAdmin(ReadOnlyAdmin):
    """A person, by pseudonym."""

    list_display = ("pseudonym", "created_at")
    search_fields = ("pseudonym",)


@admin.register(Participation)
class ParticipationAdmin(ReadOnlyAdmin):
    """A person in one study. The id in his link is not shown: whoever has it could answer in his name."""

    list_display = ("rater", "study", "show_state", "consented_at", "finished_at", "completion_code", "simulated")
    list_filter = ("state", "simulated", ("study", RelatedDropdownFilter))
    list_select_related = ("rater", "study")
    search_fields = ("rater__pseudonym", "completion_code", "study__title")
    exclude = ("public_id",)

    @display(description="State", ordering="state", label=STATES)
    def show_state(self, participation: Participation) -> str:
        """The state with its colour."""
        return participation.get_state_display()


@admin.register(RecruitmentIdentity)
class RecruitmentIdentityAdmin(ReadOnlyAdmin):
    """What the recruiter calls a person: never exported, and shown to superusers only."""

    list_display = ("platform", "person", "session", "study", "participation")
    list_filter = ("platform", ("study", RelatedDropdownFilter))
    list_select_related = ("study", "participation__rater")
    search_fields = ("participation__rater__pseudonym",)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Superusers only, whatever permissions were given."""
        return bool(request.user.is_active and request.user.is_superuser)

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Superusers only."""
        return self.has_view_permission(request)
