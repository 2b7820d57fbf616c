"""Freeze: what will be fixed, the SHA-256 afterwards, the canonical JSON to keep, and the way back."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import messages
from django.contrib.admin import ModelAdmin
from django.http import HttpResponse
from django.urls import URLPattern

from annotations.admin.frame import Visit, done, shown
from annotations.domain import planning, preparation_record
from annotations.domain.freezing import thaw_study
from annotations.enums import StudyState
from annotations.errors import WrongState
from annotations.models import Study

from .sketch import sketch_of


def show(visit: Visit) -> HttpResponse:
    """Show what will be frozen, or what is."""
    study, plan = visit.study, visit.study.plan
    context: dict[str, Any] = {
        "plan": plan,
        "may_thaw": study.state == StudyState.FROZEN and not study.participations.exists(),
        "earlier": study.plans.exclude(pk=study.plan_id or 0).order_by("-version"),
    }
    if plan is None:
        context["sketch"] = sketch_of(study)
        context["dimensions"] = list(study.dimensions.all())
        context["preparation"] = preparation_record.record_of(study=study)
        context["undecided"] = preparation_record.undecided(study=study)
    else:
        context["frozen"] = json.loads(plan.canonical)
    return visit.page("freeze", context)


def freeze(visit: Visit) -> str | HttpResponse:
    """Freeze; a second click finds it done and says so without harm."""
    try:
        plan = planning.freeze_study(study=visit.study, actor=visit.request.user)  # type: ignore[arg-type]
    except WrongState:
        messages.info(visit.request, "This study is frozen already; nothing was changed.")
        return visit.go("freeze")
    return f"Frozen as version {plan.version}, SHA-256 {plan.sha256[:12]}…"


def thaw(visit: Visit) -> str | HttpResponse:
    """Make it a draft again; a second click finds it done."""
    if visit.study.state == StudyState.DRAFT:
        messages.info(visit.request, "This study is a draft already; nothing was changed.")
        return visit.go("freeze")
    thaw_study(study=visit.study, actor=visit.request.user)  # type: ignore[arg-type]
    return "The study is a draft again. The next freeze makes a new version with a hash of its own."


def download(visit: Visit) -> HttpResponse:
    """Send the canonical JSON byte for byte: its SHA-256 is the one that is shown."""
    plan = visit.study.plan
    if plan is None:
        messages.error(visit.request, "There is nothing to download before the design is frozen.")
        return visit.go("freeze")
    name = f"{visit.study.slug}-plan-v{plan.version}.json"
    response = HttpResponse(plan.canonical.encode(), content_type="application/json; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def urls(admin: ModelAdmin[Study]) -> list[URLPattern]:
    """Return the addresses of this station."""
    return [
        shown(admin, "freeze", "freeze/", show),
        shown(admin, "freeze_download", "freeze/plan.json", download),
        done(admin, "freeze_do", "freeze/do", freeze),
        done(admin, "freeze_thaw", "freeze/thaw", thaw),
    ]
