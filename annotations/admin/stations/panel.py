"""The page of an expert panel: rounds, the systems that answer, a try-out, and the rounds so far."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin import ModelAdmin
from django.http import HttpResponse
from django.urls import URLPattern

from annotations.admin.frame import Visit, done, shown
from annotations.admin.options_form import ObjectField
from annotations.domain import panel
from annotations.enums import StudyState, SystemRole
from annotations.errors import PlatformError
from annotations.models import Round, Study, System

ROLES = [(role.value, role.label) for role in SystemRole if role != SystemRole.CHECK]
SHOWN = 200


class SizeForm(forms.Form):
    """How many rounds of how many outputs."""

    experts = forms.IntegerField(min_value=1, max_value=10_000, help_text="How many you expect.")
    rounds = forms.IntegerField(label="Rounds at most", min_value=1, max_value=100)
    least_rounds = forms.IntegerField(label="Rounds at least", min_value=1, max_value=100)
    outputs = forms.IntegerField(label="Outputs a round", min_value=2, max_value=20)


class WriterForm(forms.Form):
    """A system that answers questions at once."""

    name = forms.CharField(label="Name of the system", max_length=120, help_text="Never shown to the experts.")
    role = forms.ChoiceField(choices=ROLES, initial="treatment")
    base_url = forms.CharField(
        label="Address", max_length=300, help_text="Of an OpenAI-compatible server, up to /v1 (vLLM, TGI, Ollama, …)."
    )
    model = forms.CharField(max_length=200, help_text="As the server calls it.")
    api_key = forms.CharField(
        label="Key",
        max_length=400,
        required=False,
        widget=forms.PasswordInput,
        help_text="Stored encrypted and never shown again; empty keeps the one there is.",
    )
    system_prompt = forms.CharField(required=False, max_length=8000, widget=forms.Textarea(attrs={"rows": 3}))
    temperature = forms.FloatField(initial=1.0, min_value=0, max_value=2)
    top_p = forms.FloatField(initial=1.0, min_value=0, max_value=1)
    max_tokens = forms.IntegerField(initial=400, min_value=1, max_value=32_000)
    extra_body = ObjectField(
        required=False,
        max_length=8000,
        widget=forms.TextInput,
        help_text="Further JSON for the server, e.g. the steering of this system.",
    )


def show(visit: Visit) -> HttpResponse:
    """Show the page."""
    return _page(visit)


def _page(
    visit: Visit, *, size: SizeForm | None = None, writer: WriterForm | None = None, tried: Any = None
) -> HttpResponse:
    study = visit.study
    systems = System.objects.filter(study=study).exclude(role=SystemRole.CHECK).select_related("writer")
    rounds = Round.objects.filter(participation__study=study).select_related("participation__rater", "lease")
    context = {
        "size": size or SizeForm(initial={**panel.DEFAULTS, **study.design}),
        "writer": writer or WriterForm(),
        "systems": systems,
        "rounds": rounds[:SHOWN],
        "tried": tried,
        "may_edit": visit.may_change and study.state == StudyState.DRAFT,
        "missing": _missing(study),
    }
    bad = (size is not None and size.errors) or (writer is not None and writer.errors)
    return visit.page("panel", context, status=422 if bad else 200)


def _missing(study: Study) -> str:
    try:
        panel.require_ready(study)
    except PlatformError as error:
        return str(error)
    return ""


def save_size(visit: Visit) -> HttpResponse:
    """Save rounds and sizes."""
    form = SizeForm(visit.request.POST)
    if not form.is_valid():
        return _page(visit, size=form)
    panel.edit_panel(study=visit.study, values=form.cleaned_data, actor=visit.request.user)
    messages.success(visit.request, "Saved.")
    return visit.go("panel")


def save_writer(visit: Visit) -> HttpResponse:
    """Add or change a system."""
    form = WriterForm(visit.request.POST)
    if not form.is_valid():
        return _page(visit, writer=form)
    clean = dict(form.cleaned_data)
    name, role, key = clean.pop("name"), clean.pop("role"), clean.pop("api_key")
    panel.edit_writer(
        study=visit.study,
        name=name,
        role=role,
        generator="openai_compatible",
        settings=clean,
        secrets={"api_key": key} if key else None,
        actor=visit.request.user,
    )
    messages.success(visit.request, f"{name} answers from now on. Try it before you freeze.")
    return visit.go("panel")


def try_writer(visit: Visit, system_id: int) -> HttpResponse:
    """Ask a system and show what it says."""
    question = visit.request.POST.get("question", "").strip()[: panel.LONGEST_QUESTION] or "What is a brick good for?"
    try:
        texts = panel.try_writer(study=visit.study, system_id=system_id, question=question)
    except PlatformError as error:
        messages.error(visit.request, str(error))
        return visit.go("panel")
    return _page(visit, tried={"question": question, "texts": texts})


def remove_writer(visit: Visit, system_id: int) -> HttpResponse:
    """Take a system out."""
    panel.remove_writer(study=visit.study, system_id=system_id, actor=visit.request.user)
    messages.success(visit.request, "Taken out.")
    return visit.go("panel")


def urls(admin: ModelAdmin[Study]) -> list[URLPattern]:
    """Return the addresses of this page."""
    return [
        shown(admin, "panel", "panel/", show),
        done(admin, "panel_size", "panel/size", save_size),
        done(admin, "panel_writer", "panel/writer", save_writer),
        done(admin, "panel_try", "panel/<int:system_id>/try", try_writer),
        done(admin, "panel_remove", "panel/<int:system_id>/remove", remove_writer),
    ]
