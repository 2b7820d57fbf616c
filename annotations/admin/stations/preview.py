"""Preview: trials exactly as a rater will see them, by the rater's own template; nothing that is answered is stored."""

from __future__ import annotations

from django.contrib.admin import ModelAdmin
from django.http import HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern

from annotations.admin.frame import Visit, shown
from annotations.admin.numbers import whole
from annotations.design import DesignError
from annotations.domain import panel, planning
from annotations.errors import PlatformError
from annotations.forms.page import trial_context
from annotations.markup import to_html
from annotations.models import Study

from .sketch import sketch_of


def show(visit: Visit) -> HttpResponse:
    """Show the texts around the trials, and the ways into the trials."""
    if panel.is_panel(visit.study):
        return visit.go("panel")
    study = visit.study
    texts = [
        (name, to_html(getattr(study, name)), not getattr(study, name).strip())
        for name in ("welcome", "consent", "instructions")
    ]
    return visit.page("preview", {"sketch": sketch_of(study), "texts": texts})


def trial(visit: Visit) -> HttpResponse:
    """Show one trial on a page of its own, with the way to the one before and after it."""
    asked, booklet = (whole(visit.request.GET.get(name, ""), otherwise=1) for name in ("number", "booklet"))
    try:
        view = planning.preview_trial(study=visit.study, number=asked, booklet=booklet)
    except (PlatformError, DesignError):
        return visit.go("preview")
    now = view.trials[0]
    context = {
        **trial_context(view, preview=True),
        "study": visit.study,
        "booklet": booklet,
        "previous": now.number - 1,
        "following": now.number + 1 if now.number < now.total else 0,
        "back": visit.url("preview"),
    }
    return TemplateResponse(visit.request, "annotations/admin/preview_trial.html", context)


def urls(admin: ModelAdmin[Study]) -> list[URLPattern]:
    """Return the addresses of this station."""
    return [
        shown(admin, "preview", "preview/", show),
        shown(admin, "preview_trial", "preview/trial/", trial),
    ]
