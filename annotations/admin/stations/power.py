"""Power, on the page of the design: what it can find, for how much, whether a simulation agrees, and early looks."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.admin import ModelAdmin
from django.http import HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.urls import URLPattern

from annotations.admin.frame import Visit, done, is_sent, shown
from annotations.domain import foresight
from annotations.enums import JobState, StudyState
from annotations.errors import NotReady
from annotations.models import PowerCheck, Study

from .power_form import LooksForm, PowerForm
from .sketch import Sketch

UNDER_WAY = (JobState.QUEUED, JobState.RUNNING)


def power_context(visit: Visit, sketch: Sketch, *, looks: LooksForm | None = None) -> dict[str, Any]:
    """Return what the parts about power and early looks show; nothing while the design cannot be made."""
    study = visit.study
    if sketch.made is None:
        return {}
    form = PowerForm(visit.request.GET)
    newest = study.power_checks.first()
    context: dict[str, Any] = {
        "power_form": form,
        "check_under_way": newest if newest and newest.state in UNDER_WAY else None,
        "check_failed": newest if newest and newest.state == JobState.FAILED else None,
        "live_url": visit.url("design_live"),
        "looks_form": looks or _looks_form(visit),
        "boundaries": foresight.boundaries_of(study=study),
        "may_declare": visit.may_change and study.state == StudyState.DRAFT,
    }
    try:
        found = foresight.forecast(study=study, made=sketch.made, assumed=form.assumed())
    except NotReady as error:
        return context | {"power_problem": str(error)}
    rows = [row | {"simulated": _simulated(found.check, row)} for row in found.answer["rows"]]
    weakest = min(rows, key=lambda row: row["power"])
    return context | {
        "power": found.answer,
        "power_rows": rows,
        "weakest": weakest,
        "curves": [curve for curve in found.answer["curves"] if _is_of(curve, weakest)],
        "left_out": found.left_out,
        "check": found.check,
    }


def _is_of(curve: dict[str, Any], row: dict[str, Any]) -> bool:
    same = (curve["first"], curve["second"]) == (row["first"], row["second"])
    return same and row["dimension"] in curve["dimensions"]


def _simulated(check: PowerCheck | None, row: dict[str, Any]) -> dict[str, Any] | None:
    """Return what the simulation found for a row of the table."""
    for group in check.result["groups"] if check else ():
        if row["dimension"] in group["dimensions"]:
            pair = (row["first"], row["second"])
            return next((one for one in group["contrasts"] if (one["first"], one["second"]) == pair), None)
    return None


def _looks_form(visit: Visit, data: Any = None) -> LooksForm:
    study = visit.study
    may_change = visit.may_change and study.state == StudyState.DRAFT
    return LooksForm(data, declared=study.analysis.get("looks") or {}, may_change=may_change)


def check(visit: Visit) -> HttpResponse:
    """Ask for a simulation of the scenario that the page shows. One that waits already is sent to the worker again."""
    form = PowerForm(visit.request.POST)
    asked = foresight.request_check(study=visit.study, assumed=form.assumed(), actor=visit.request.user)  # type: ignore[arg-type]
    if is_sent("check_power", asked.pk):
        messages.success(visit.request, "The simulation is under way. This page shows how far it is.")
    else:
        messages.warning(
            visit.request,
            "The simulation is noted, but the background worker cannot be reached. Start it, then ask again.",
        )
    return redirect(f"{visit.url('design')}?{urlencode(form.query())}#power")


def live(visit: Visit) -> JsonResponse:
    """Return how far the newest simulation is; `rest` when there is nothing to wait for."""
    newest = visit.study.power_checks.first()
    waiting = newest is not None and newest.state in UNDER_WAY
    context = {"check_under_way": newest if waiting else None}
    return JsonResponse(
        {
            "panels": {"power": render_to_string("annotations/admin/parts/power_progress.html", context)},
            "rest": not waiting,
            "reload": not waiting,
        }
    )


def save_looks(visit: Visit) -> str | HttpResponse:
    """Declare how the data may be looked at early."""
    form = _looks_form(visit, visit.request.POST)
    if not form.is_valid():
        reasons = [str(reason) for found in form.errors.values() for reason in found]
        messages.error(visit.request, f"Nothing was saved: {' '.join(reasons)}")
        return visit.go("design")
    seen = visit.request.POST.get("stamp", "")
    foresight.declare_looks(
        study=visit.study,
        declared=form.declared(),
        seen=seen,
        actor=visit.request.user,  # type: ignore[arg-type]
    )
    return "Saved: the analysis plan says how the study may be looked at."


def urls(admin: ModelAdmin[Study]) -> list[URLPattern]:
    """Return the addresses of this part of the design station."""
    return [
        shown(admin, "design_live", "design/power.json", live),
        done(admin, "design_check", "design/check", check),
        done(admin, "design_looks", "design/looks", save_looks),
    ]
