"""Monitor: the numbers of a running study, live. The page and its refresh come out of the same template."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.contrib.admin import ModelAdmin
from django.http import HttpResponse, JsonResponse
from django.template.loader import render_to_string
from django.urls import URLPattern
from django.utils import timezone

from annotations.access import Action
from annotations.admin.frame import Visit, done, shown
from annotations.domain import monitoring, monitoring_people
from annotations.enums import LeaseState, Outcome, ParticipationState, StudyState
from annotations.models import Study

from . import monitor_alerts, monitor_raters

PANELS = "annotations/admin/parts/monitor_panels.html"
RATERS = (
    (ParticipationState.FINISHED, "finished", "good"),
    (ParticipationState.JUDGING, "judging now", "accent"),
    (ParticipationState.CONSENTED, "consented, not begun", "soft"),
    (ParticipationState.ARRIVED, "on the way in", "soft"),
    (ParticipationState.LAPSED, "lapsed", "warn"),
    (ParticipationState.TURNED_AWAY, "turned away (full)", "bad"),
    (ParticipationState.DECLINED, "declined", "track"),
    (ParticipationState.SCREENED_OUT, "not eligible", "track"),
    (ParticipationState.FAILED_QUIZ, "failed the quiz", "track"),
    (ParticipationState.WITHDRAWN, "withdrew the data", "track"),
)
STAGES = {
    "arrived": "came",
    "eligibility": "eligible",
    "consent": "consented",
    "questionnaire": "questions",
    "instructions": "instructions",
    "quiz": "quiz",
    "practice": "practice",
    "began": "began",
    "half": "half-way",
    "finished": "finished",
}
LEASES = (
    (LeaseState.COMPLETED, "completed", "good"),
    (LeaseState.LEASED, "running", "accent"),
    (LeaseState.AVAILABLE, "free", "track"),
    (LeaseState.LAPSED, "lapsed", "warn"),
    (LeaseState.WITHDRAWN, "withdrawn", "soft"),
)


def show(visit: Visit) -> HttpResponse:
    """Show the panels."""
    context = {
        "panels": _panels(numbers_of(visit.study)),
        "live_url": visit.url("monitor_live"),
        "raters_url": visit.url("monitor_raters"),
        "alerts_url": visit.url("monitor_alerts"),
    }
    return visit.page("monitor", context)


def numbers_of(study: Study) -> dict[str, Any]:
    """Return everything that the panels show, JSON-able."""
    return {
        **monitoring.monitor(study=study),
        "funnel": monitoring_people.funnel(study=study),
        "findings": monitoring_people.findings(study=study),
        "sides": monitoring_people.sides(study=study),
    }


def live(visit: Visit) -> JsonResponse:
    """Return the numbers and the panels drawn from them; the page swaps the panels that differ."""
    numbers = numbers_of(visit.study)
    return JsonResponse(
        {
            "numbers": numbers,
            "panels": _panels(numbers),
            "rest": visit.study.state not in (StudyState.OPEN, StudyState.PAUSED),
        }
    )


def _panels(numbers: dict[str, Any]) -> dict[str, str]:
    context = pictures_of(numbers)
    names = ("progress", "funnel", "raters", "leases", "hours", "tasks", "sides", "findings", "pace")
    return {name: render_to_string(PANELS, {**context, "panel": name}) for name in names}


def pictures_of(numbers: dict[str, Any]) -> dict[str, Any]:
    """Return the numbers with what the bars are drawn from."""
    wanted = numbers["raters_per_task"]
    by_task = numbers["by_task"]
    most = max([wanted, *by_task]) if by_task else wanted
    tasks = [
        (str(judged), by_task.get(judged, 0), "good" if wanted and judged >= wanted else "plain")
        for judged in range(most + 1)
    ]
    hours = numbers["by_hour"]
    return {
        "n": numbers,
        "raters": [(numbers["raters"][state], label, kind) for state, label, kind in RATERS],
        "rater_parts": [(numbers["raters"][state], kind) for state, _, kind in RATERS],
        "leases": [(numbers["leases"][state], label, kind) for state, label, kind in LEASES],
        "lease_parts": [(numbers["leases"][state], kind) for state, _, kind in LEASES],
        "leases_total": sum(numbers["leases"].values()),
        "stages": [(STAGES[name], count, _kind(name)) for name, count in numbers["funnel"]["stages"]],
        "ends": [(Outcome(name).label, count) for name, count in numbers["funnel"]["ends"].items()],
        "sides": [
            (label, ((left, "accent"), (neither, "track"), (right, "plain")), left + neither + right, left, right)
            for _, label, left, neither, right in numbers["sides"]["answers"]
        ],
        "hours": [(_hour(row["hour"], at), row["judgements"], "plain") for at, row in enumerate(hours)],
        "this_hour": hours[-1]["judgements"] if hours else 0,
        "tasks": tasks,
        "tasks_total": sum(by_task.values()),
        "tasks_done": sum(count for judged, count in by_task.items() if wanted and judged >= wanted),
    }


def _kind(stage: str) -> str:
    return {"finished": "good", "arrived": "soft"}.get(stage, "plain")


def _hour(moment: str, at: int) -> str:
    """Label every sixth hour, counted from the last."""
    return timezone.localtime(dt.datetime.fromisoformat(moment)).strftime("%H:00") if (23 - at) % 6 == 0 else ""


def expire(visit: Visit) -> str:  # noqa: ARG001 - all studies at once, as the clock does
    """Look for leases past their time now, in place of waiting for the clock's next beat."""
    from annotations.domain.assignment import expire_leases

    lapsed = expire_leases()
    return f"{lapsed} lease{'s' * (lapsed != 1)} had run out and {'was' if lapsed == 1 else 'were'} re-issued."


def urls(admin: ModelAdmin[Study]) -> list[URLPattern]:
    """Return the addresses of this station."""
    return [
        shown(admin, "monitor", "monitor/", show, needs=Action.LOOK),
        shown(admin, "monitor_raters", "monitor/raters/", monitor_raters.show),
        shown(admin, "monitor_alerts", "monitor/alerts/", monitor_alerts.show),
        done(admin, "monitor_alerts_save", "monitor/alerts/save", monitor_alerts.save),
        shown(admin, "monitor_live", "monitor/live.json", live, needs=Action.LOOK),
        done(admin, "monitor_expire", "monitor/expire", expire),
    ]
