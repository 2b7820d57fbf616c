"""Generate: systems and how each is asked, what a generation is to bring, how far it is, what earlier ones brought."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.admin import ModelAdmin
from django.http import Http404, HttpResponse, JsonResponse
from django.template.loader import render_to_string
from django.urls import URLPattern

from annotations.admin.frame import Visit, done, hand_over, shown
from annotations.domain import generating, generating_overview, generating_systems, panel
from annotations.domain.generating_states import UNDER_WAY
from annotations.enums import StudyState
from annotations.errors import PlatformError
from annotations.models import Generation, Study, Writer
from annotations.registry import generators

from . import generate_samples
from .generate_form import StartForm, SystemForm, askable, generator_named

SHOWN = 10
LONGEST_TRIED = 2000
PANELS = "annotations/admin/parts/generate_progress.html"
NO_WORKER = (
    "The generation is kept, but no worker can be reached at the moment. It starts by itself as soon as one is there."
)


def show(visit: Visit) -> HttpResponse:
    """Show the page; `?new=`, `?edit=` and `?copy=` open the form of a system."""
    if panel.is_panel(visit.study):
        return visit.go("panel")
    return _page(visit, system=_system_form(visit) if visit.may_change else None)


def _page(
    visit: Visit, *, system: SystemForm | None = None, start: StartForm | None = None, status: int = 200, **more: Any
) -> HttpResponse:
    study = visit.study
    may_edit = visit.may_change and study.state == StudyState.DRAFT
    found = list(study.generations.all()[:SHOWN])
    current = found[0] if found and found[0].state in generating.UNFINISHED else None
    under_way = current is not None and current.state in UNDER_WAY
    context = {
        "may_edit": may_edit,
        "systems": generating_overview.systems_of(study=study),
        "kinds": [(kind.name, kind.label) for kind in generators],
        "system_form": system if may_edit else None,
        "start": start or StartForm(study=study),
        "can_start": may_edit and not under_way and bool(askable(study)) and study.prompts.exists(),
        "has_prompts": study.prompts.filter(is_check=False).exists(),
        "current": current,
        "under_way": under_way,
        "earlier": [(one, generating_overview.progress(generation=one)) for one in found if one != current],
        "live_url": visit.url("generate_live"),
        "currency": study.currency,
        "change_url": visit.url("generate"),
        **(_progress(study, current) if current else {}),
        **more,
    }
    return visit.page("generate", context, status=status)


def _progress(study: Study, current: Generation) -> dict[str, Any]:
    return {
        "current": current,
        "progress": generating_overview.progress(generation=current),
        "budget": current.limits.get("budget", ""),
        "currency": study.currency,
    }


def live(visit: Visit) -> JsonResponse:
    """Return how far it is; `reload` when it has come to rest."""
    current = visit.study.generations.filter(state__in=UNDER_WAY).first()
    if current is None:
        return JsonResponse({"panels": {}, "rest": True, "reload": True})
    panels = {"generation": render_to_string(PANELS, _progress(visit.study, current))}
    return JsonResponse({"panels": panels, "rest": False, "reload": False})


# Systems


def _system_form(visit: Visit, data: Any = None) -> SystemForm | None:
    """Return the form that the address asks for: a new system, one that is there, or a copy of one."""
    asked = visit.request.GET
    if number := asked.get("edit") or asked.get("copy"):
        writer = _writer(visit, number)
        copied = not asked.get("edit")
        name = f"{writer.system.name} (copy)" if copied else writer.system.name
        return SystemForm(
            data,
            plugin=generators.get(writer.generator),
            settings=writer.settings,
            stored=set(writer.secrets),
            initial={"name": name, "role": writer.system.role},
        )
    kind = generator_named(asked.get("new", ""))
    return SystemForm(data, plugin=kind, initial={"role": "treatment"}) if kind is not None else None


def _writer(visit: Visit, number: str) -> Writer:
    found = Writer.objects.filter(system__study=visit.study).select_related("system")
    writer = found.filter(system_id=int(number)).first() if number.isdecimal() else None
    if writer is None:
        message = "There is no such system."
        raise Http404(message)
    return writer


def save_system(visit: Visit) -> str | HttpResponse:
    """Add, change or copy a system, as the form's address says."""
    form = _system_form(visit, visit.request.POST)
    if form is None:
        raise Http404
    if not form.is_valid():
        return _page(visit, system=form, status=422)
    asked, data, actor = visit.request.GET, form.cleaned_data, visit.request.user
    common: dict[str, Any] = {"study": visit.study, "name": data["name"], "role": data["role"], "actor": actor}
    secrets = form.secrets or None
    kind: Any = form.plugin
    try:
        if asked.get("copy") and secrets is None:
            copy_of = _writer(visit, asked["copy"])
            kept = generating_systems.copy_system(system_id=copy_of.system_id, changes=data["settings"], **common)
        else:
            number = int(asked["edit"]) if asked.get("edit") else None
            kept = generating_systems.save_system(
                generator=kind.name, settings=data["settings"], secrets=secrets, system_id=number, **common
            )
    except PlatformError as error:
        form.add_error(None, str(error))
        return _page(visit, system=form, status=422)
    said = f"{kept.writer.system.name} is saved. Try it before you start."
    return f"{said} The key was for another address and is forgotten: type it again." if kept.key_forgotten else said


def try_system(visit: Visit, system_id: int) -> HttpResponse:
    """Ask a system twice and show what it says; nothing is kept."""
    first = visit.study.prompts.filter(is_check=False).first()
    typed = visit.request.POST.get("prompt", "").strip()[:LONGEST_TRIED]
    prompt = typed or (first.text if first else "What is a brick good for?")
    try:
        answers = generating_systems.try_system(study=visit.study, system_id=system_id, prompt=prompt)
    except PlatformError as error:
        messages.error(visit.request, f"{_writer(visit, str(system_id)).system.name}: {error}")
        return visit.go("generate")
    name = visit.study.systems.get(pk=system_id).name
    return _page(visit, tried={"name": name, "prompt": prompt, "answers": answers})


def remove_system(visit: Visit, system_id: int) -> str:
    """Take a system out."""
    generating_systems.remove_system(study=visit.study, system_id=system_id, actor=visit.request.user)
    return "Taken out."


# Generations


def plan(visit: Visit) -> HttpResponse:
    """Say what a generation would ask for, and what that costs, before it starts."""
    form = StartForm(visit.request.POST, study=visit.study)
    if not form.is_valid():
        return _page(visit, start=form, status=422)
    lines = generating_overview.foresee(study=visit.study, **form.wanted)
    priced = [line for line in lines if line.at_most is not None]
    about = [line.about for line in priced if line.about is not None]
    foreseen = {
        "lines": lines,
        "samples": sum(line.samples for line in lines),
        "requests": sum(line.requests for line in lines),
        "at_most": sum(line.at_most for line in priced if line.at_most is not None) if priced else None,
        "about": sum(about) if len(about) == len(priced) and about else None,
    }
    return _page(visit, start=form, foreseen=foreseen)


def start(visit: Visit) -> str | HttpResponse:
    """Start a generation."""
    form = StartForm(visit.request.POST, study=visit.study)
    if not form.is_valid():
        return _page(visit, start=form, status=422)
    made = generating.request_generation(
        study=visit.study,
        rules=form.rules,
        budget=form.cleaned_data["budget"],
        actor=visit.request.user,
        **form.wanted,
    )
    count = made.samples.count()
    return _queued(visit, made, f"{_samples(count)} asked for. This page shows how far it is.")


def _samples(count: int) -> str:
    return "1 sample is" if count == 1 else f"{count:,} samples are"


def _queued(visit: Visit, generation: Generation, said: str) -> str | HttpResponse:
    return hand_over(visit, "run_generation", generation.pk, said=said, otherwise=NO_WORKER, back="generate")


def _generation(visit: Visit, generation_id: int) -> Generation:
    found = visit.study.generations.filter(pk=generation_id).first()
    if found is None:
        message = "There is no such generation in this study."
        raise Http404(message)
    return found


def stop(visit: Visit, generation_id: int) -> str:
    """Let it come to rest."""
    generating.stop_generation(generation=_generation(visit, generation_id), actor=visit.request.user)
    return "It stops as soon as what is on its way has come."


def resume(visit: Visit, generation_id: int) -> str | HttpResponse:
    """Go on, with another budget if one is given."""
    found, typed = _generation(visit, generation_id), visit.request.POST.get("budget")
    generating.resume_generation(generation=found, budget=typed, actor=visit.request.user)
    return _queued(visit, found, "It goes on.")


def retry(visit: Visit, generation_id: int) -> str | HttpResponse:
    """Ask again for what failed, and for what was left out if that is wished."""
    found, more = _generation(visit, generation_id), bool(visit.request.POST.get("left_out"))
    count = generating.retry_failed(generation=found, left_out=more, actor=visit.request.user)
    return _queued(visit, found, f"{_samples(count)} asked for again.")


def cancel(visit: Visit, generation_id: int) -> str:
    """End it; what has come stays."""
    gone = generating.cancel_generation(generation=_generation(visit, generation_id), actor=visit.request.user)
    return f"Cancelled. What has come stays; {gone:,} sample{'s' * (gone != 1)} had not come."


def withdraw(visit: Visit, generation_id: int) -> str:
    """Take its outputs out again."""
    found = _generation(visit, generation_id)
    removed = generating.withdraw_generation(generation=found, actor=visit.request.user)
    return f"{removed:,} output{'s' * (removed != 1)} removed."


def urls(admin: ModelAdmin[Study]) -> list[URLPattern]:
    """Return the addresses of this page."""
    at = "generate/<int:generation_id>"
    return [
        shown(admin, "generate", "generate/", show),
        shown(admin, "generate_live", "generate/live.json", live),
        *generate_samples.urls(admin),
        done(admin, "generate_system", "generate/system", save_system),
        done(admin, "generate_try", "generate/system/<int:system_id>/try", try_system),
        done(admin, "generate_remove", "generate/system/<int:system_id>/remove", remove_system),
        done(admin, "generate_plan", "generate/plan", plan),
        done(admin, "generate_start", "generate/start", start),
        done(admin, "generate_stop", f"{at}/stop", stop),
        done(admin, "generate_resume", f"{at}/resume", resume),
        done(admin, "generate_retry", f"{at}/retry", retry),
        done(admin, "generate_cancel", f"{at}/cancel", cancel),
        done(admin, "generate_withdraw", f"{at}/withdraw", withdraw),
    ]
