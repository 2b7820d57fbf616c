"""People: raters by pseudonym, and, for superusers only, what a recruiter calls them."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.decorators import display

from annotations.access import Action, is_staff
from annotations.models import Participation, Rater, RecruitmentIdentity

from .readonly import OwnStudies, ReadOnlyAdmin

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

    study_path = "participations__study"
    needs = Action.PERSON
    list_display = ("pseudonym", "created_at")
    search_fields = ("pseudonym",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Rater]:
        """Return each person once, in however many studies."""
        return super().get_queryset(request).distinct()


@admin.register(Participation)
class ParticipationAdmin(ReadOnlyAdmin):
    """A person in one study. The id in his link is not shown: whoever has it could answer in his name."""

    needs = Action.PERSON
    personal = True
    list_display = ("rater", "study", "show_state", "consented_at", "finished_at", "completion_code", "simulated")
    list_filter = ("state", "simulated", ("study", OwnStudies))
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

    needs = Action.PERSON
    personal = True
    list_display = ("platform", "person", "session", "study", "participation")
    list_filter = ("platform", ("study", OwnStudies))
    list_select_related = ("study", "participation__rater")
    search_fields = ("participation__rater__pseudonym",)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Superusers only, whatever permissions were given."""
        return is_staff(request.user) and bool(request.user.is_superuser)

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Superusers only."""
        return self.has_view_permission(request)
