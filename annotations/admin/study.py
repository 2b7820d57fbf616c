"""Studies: the list with state and progress, a new one from a template, and the addresses of the seven stations."""

from __future__ import annotations

import secrets
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from unfold.admin import ModelAdmin
from unfold.decorators import display

from annotations.access import Action, is_staff, may, may_create_studies, studies_of
from annotations.admin.numbers import whole
from annotations.domain import studies
from annotations.domain.readiness import readiness
from annotations.models import Study
from annotations.registry import study_templates

from .frame import NEEDS, station_url
from .home import with_progress
from .stations import (
    design,
    entrance,
    fetch,
    freeze,
    generate,
    judges,
    launch,
    log,
    material,
    measures,
    members,
    monitor,
    panel,
    preparation,
    preview,
    prompts,
    quality,
    recruitment,
    results,
    steps,
    texts,
)

STATES = {"Draft": "", "Frozen": "info", "Open": "success", "Paused": "warning", "Closed": ""}
MADE = "study_made"  # in the session: what the form with this nonce made, so that sent twice it makes one
STATIONS = (
    material,
    prompts,
    generate,
    fetch,
    design,
    preview,
    freeze,
    launch,
    monitor,
    quality,
    results,
    texts,
    steps,
    recruitment,
    entrance,
    members,
    log,
    panel,
    preparation,
    judges,
    measures,
)


class NewStudyForm(forms.Form):
    """A title and a template."""

    title = forms.CharField(
        max_length=120,
        help_text="Raters see it, so do not name the systems here.",
        widget=forms.TextInput(attrs={"autofocus": True, "aria-describedby": "id_title_helptext"}),
    )
    template = forms.ChoiceField(choices=study_templates.choices)


@admin.register(Study)
class StudyAdmin(ModelAdmin):
    """The list of studies; everything else happens at the stations of a study's path."""

    list_display = ("title", "show_state", "show_progress", "show_material", "created_by", "created_at")
    list_filter = ("state", "template")
    list_filter_submit = True
    search_fields = ("title", "description", "slug")
    show_full_result_count = False
    actions = None

    def get_queryset(self, request: HttpRequest) -> QuerySet[Study]:
        """Return the person's studies with their progress, in one query for the whole list."""
        return with_progress(studies_of(request.user).order_by("-created_at"))

    @display(description="State", ordering="state", label=STATES)
    def show_state(self, study: Study) -> str:
        """The state with its colour."""
        return study.get_state_display()

    @display(description="Raters finished", ordering="finished")
    def show_progress(self, study: Any) -> str:
        """A small bar beside the number."""
        if study.plan is None:
            return "–"
        needed = study.plan.booklets_planned
        return format_html(
            '<span class="ev-progress"><progress value="{}" max="{}" aria-label="Finished"></progress> {} of {}</span>',
            study.finished,
            needed or 1,
            study.finished,
            needed,
        )

    @display(description="Outputs", ordering="outputs")
    def show_material(self, study: Any) -> str:
        """How many texts there are."""
        return f"{study.outputs:,}"

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Researchers; of one study, those who have a role in it."""
        return is_staff(request.user) if obj is None else may(request.user, Action.LOOK, obj)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Those whose role in the study allows it."""
        return obj is not None and may(request.user, Action.EDIT, obj)

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Researchers."""
        return is_staff(request.user)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Those who have Django's permission to change studies."""
        return may_create_studies(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody: judgements are never deleted, and a draft does no harm."""
        return False

    def get_urls(self) -> list[URLPattern]:
        """Put the stations before the addresses of Django."""
        own = [pattern for station in STATIONS for pattern in station.urls(self)]
        study = path("<int:object_id>/", self.admin_site.admin_view(self.to_station), name="annotations_study_path")
        return [*own, study, *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Lead to the station where the study stands."""
        del form_url, extra_context
        return self.to_station(request, object_id=object_id)

    def to_station(self, request: HttpRequest, object_id: int | str) -> HttpResponseRedirect:
        """Redirect to the first station that is not done, or to the monitor while the study runs."""
        if not whole(str(object_id)):
            messages.error(request, "There is no such study.")
            return redirect("admin:annotations_study_changelist")
        study = get_object_or_404(studies_of(request.user), pk=object_id)
        key = current_station(study)
        return redirect(station_url(study, key if may(request.user, NEEDS.get(key, Action.READ), study) else "monitor"))

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Choose a template and a title."""
        del form_url, extra_context
        if not self.has_add_permission(request):
            raise PermissionDenied
        sent = request.POST if request.method == "POST" else None
        form = NewStudyForm(sent, initial={"template": "pairwise_creativity"})
        nonce = request.POST.get("nonce", "")
        if nonce and (made := request.session.get(MADE, {}).get(nonce)):
            return redirect(reverse("admin:annotations_study_material", args=[made]))
        if request.method == "POST" and form.is_valid():
            author: Any = request.user
            study = studies.create_study(**form.cleaned_data, author=author)
            request.session[MADE] = {nonce: study.pk}
            return redirect(station_url(study, "material"))
        context = {
            **self.admin_site.each_context(request),
            "title": "New study",
            "form": form,
            "nonce": nonce or secrets.token_urlsafe(12),
            "templates": [(template, template.draft()) for template in study_templates],
        }
        status = 422 if form.is_bound else 200
        return TemplateResponse(request, "annotations/admin/new_study.html", context, status=status)


def current_station(study: Study) -> str:
    """Return the station where the study stands."""
    if study.state in ("open", "paused"):
        return "monitor"
    stations = readiness(study=study)
    return next((station.key for station in stations if station.state in ("todo", "ready")), stations[-1].key)
