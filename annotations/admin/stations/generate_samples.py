"""Samples of the generations of a study, page by page: what came, what was not taken, and why."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.admin import ModelAdmin
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.urls import URLPattern

from annotations.admin.frame import Visit, shown
from annotations.domain.generating_samples import ASKED_AGAIN, samples_of
from annotations.enums import SampleMark, SampleState
from annotations.models import Study, System

PER_PAGE = 25
STATES = {
    SampleState.WANTED.value: "To be asked for",
    SampleState.ASKED.value: "Being asked for",
    SampleState.ARRIVED.value: "Arrived",
    SampleState.LEFT_OUT.value: "Left out by the rules",
    SampleState.FAILED.value: "Failed",
}
MARKS = {
    SampleMark.REFUSAL.value: "Refusal",
    SampleMark.TRUNCATED.value: "Cut off",
    SampleMark.EMPTY.value: "Empty",
}


class SamplesForm(forms.Form):
    """What to narrow the list to."""

    system = forms.ChoiceField(label="System", required=False)
    state = forms.ChoiceField(label="State", required=False, choices=[("", "Any"), *STATES.items()])
    mark = forms.ChoiceField(
        label="Mark",
        required=False,
        choices=[("", "Any"), *MARKS.items(), (ASKED_AGAIN, "Asked again, for any reason")],
    )

    def __init__(self, *args: Any, study: Study, **more: Any) -> None:
        super().__init__(*args, **more)
        systems = System.objects.filter(wanted_samples__generation__study=study).distinct().order_by("name")
        names: Any = self.fields["system"]
        names.choices = [("", "All"), *((str(pk), name) for pk, name in systems.values_list("pk", "name"))]

    def narrowed(self) -> dict[str, Any]:
        """Return what was chosen; a wrong choice narrows nothing."""
        self.is_valid()
        chosen = self.cleaned_data
        system = chosen.get("system", "")
        more = {name: chosen.get(name, "") for name in ("state", "mark")}
        return {"system": int(system) if system else None, **more}


def show(visit: Visit) -> HttpResponse:
    """Show the samples."""
    form = SamplesForm(visit.request.GET, study=visit.study)
    page = Paginator(samples_of(study=visit.study, **form.narrowed()), PER_PAGE).get_page(visit.request.GET.get("page"))
    query = visit.request.GET.copy()
    query.pop("page", None)
    rows = [{"sample": one, "state": STATES[one.state]} for one in page]
    context = {"form": form, "page": page, "rows": rows, "query": query.urlencode(), "currency": visit.study.currency}
    return visit.page("generate_samples", context)


def urls(admin: ModelAdmin[Study]) -> list[URLPattern]:
    """Return the address of this page."""
    return [shown(admin, "generate_samples", "generate/samples/", show)]
