"""The log of a study, beside the path: who did what, when and from where; narrowed, and as a file."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.admin import ModelAdmin
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.urls import URLPattern

from annotations.access import Action
from annotations.admin.frame import Visit, shown
from annotations.domain import events
from annotations.models import Event, Study

PER_PAGE = 50


class LogForm(forms.Form):
    """What to narrow the log to."""

    name = forms.ChoiceField(label="What", required=False)
    actor = forms.ChoiceField(label="Who", required=False)
    text = forms.CharField(label="Text", required=False, max_length=100)

    def __init__(self, *args: Any, study: Study, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        found = Event.objects.filter(study=study).order_by()
        names = sorted(found.values_list("name", flat=True).distinct())
        people = sorted(set(found.exclude(actor=None).values_list("actor", "actor__username")), key=lambda one: one[1])
        self.fields["name"].choices = [("", "Everything"), *((name, name.replace("_", " ")) for name in names)]  # type: ignore[attr-defined]
        self.fields["actor"].choices = [("", "Everybody"), *((str(pk), name) for pk, name in people)]  # type: ignore[attr-defined]

    def narrowed(self) -> dict[str, Any]:
        """Return what was chosen, for the verb; a wrong choice narrows nothing."""
        self.is_valid()
        chosen = self.cleaned_data
        actor = chosen.get("actor", "")
        return {
            "name": chosen.get("name", ""),
            "actor": int(actor) if actor else None,
            "text": chosen.get("text", ""),
        }


def show(visit: Visit) -> HttpResponse:
    """Show the log, newest first."""
    form = LogForm(visit.request.GET, study=visit.study)
    found = events.events_of(study=visit.study, **form.narrowed())
    page = Paginator(found, PER_PAGE).get_page(visit.request.GET.get("page"))
    query = visit.request.GET.copy()
    query.pop("page", None)
    context = {"form": form, "page": page, "query": query.urlencode(), "heading": "Log"}
    return visit.page("log", context)


def urls(admin: ModelAdmin[Study]) -> list[URLPattern]:
    """Return the addresses of this page."""
    return [shown(admin, "log", "log/", show, needs=Action.LOG)]
