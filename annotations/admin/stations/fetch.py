"""Fetch: say where the outputs are, look at the first rows as they would come, and let a worker bring them."""

from __future__ import annotations

from typing import Any

from django.contrib.admin import ModelAdmin
from django.http import Http404, HttpResponse, JsonResponse
from django.template.loader import render_to_string
from django.urls import URLPattern

from annotations.admin.frame import Visit, done, hand_over, shown
from annotations.admin.numbers import whole
from annotations.domain import fetching, panel, uploads
from annotations.enums import StudyState, SystemRole
from annotations.errors import MaterialRefused, PlatformError, Problem
from annotations.models import MaterialImport, Study
from annotations.registry import RemoteSource, remote_sources

from .fetch_form import FetchForm, forget, held, hold

SHOWN = 10
PANELS = "annotations/admin/parts/fetch_progress.html"
NO_WORKER = (
    "The fetch is kept, but no worker can be reached at the moment. It starts by itself as soon as one is there."
)


def show(visit: Visit) -> HttpResponse:
    """Show the page; `?source=` chooses the form, `?like=` fills it as an earlier fetch was."""
    if panel.is_panel(visit.study):
        return visit.go("panel")
    like = _like(visit)
    name = like.source if like else visit.request.GET.get("source", "")
    plugin = _source(name)
    settings = {option.name: like.settings[option.name] for option in plugin.takes} if like else {}
    options = {"number_rows": like.options.get("number_rows", False)} if like else {}
    return _page(visit, _form(visit, plugin, settings=settings, initial=options))


def _like(visit: Visit) -> MaterialImport | None:
    """Return the earlier fetch that is to be the pattern."""
    job = _fetches(visit.study).filter(pk=whole(visit.request.GET.get("like", ""))).first()
    known = job is not None and job.source in remote_sources.names()
    return job if known and _complete(job) else None


def _complete(job: MaterialImport | None) -> bool:
    return job is not None and all(option.name in job.settings for option in remote_sources.get(job.source).takes)


def _fetches(study: Study) -> Any:
    return study.imports.exclude(settings={})


def _source(name: str) -> RemoteSource:
    return remote_sources.get(name if name in remote_sources.names() else remote_sources.names()[0])


def _form(visit: Visit, plugin: RemoteSource, *args: Any, **more: Any) -> FetchForm:
    stored = held(study=visit.study, user_id=visit.request.user.pk, source=plugin.name)
    there = visit.study.systems.exclude(role=SystemRole.CHECK).exists()
    return FetchForm(*args, plugin=plugin, there_are_systems=there, stored=tuple(stored), **more)


def _page(visit: Visit, form: FetchForm, *, status: int = 200, **more: Any) -> HttpResponse:
    jobs = list(_fetches(visit.study)[:SHOWN])
    context = {
        "form": form,
        "sources": [(one.name, one.label) for one in remote_sources],
        "may_edit": visit.may_change and visit.study.state == StudyState.DRAFT,
        "over": [job for job in jobs if job.state not in fetching.UNDER_WAY],
        "live_url": visit.url("fetch_live"),
        **_progress(jobs),
        **more,
    }
    return visit.page("fetch", context, status=status)


def _progress(jobs: list[MaterialImport]) -> dict[str, Any]:
    return {"under_way": [(job, fetching.progress_of(job)) for job in jobs if job.state in fetching.UNDER_WAY]}


def live(visit: Visit) -> JsonResponse:
    """Return how far the fetches are; `reload` when the last one is over."""
    found = _progress(list(_fetches(visit.study).filter(state__in=fetching.UNDER_WAY)))
    may_edit = visit.may_change and visit.study.state == StudyState.DRAFT
    context = {**found, "study": visit.study, "may_edit": may_edit}
    html = render_to_string(PANELS, context, request=visit.request)
    return JsonResponse({"panels": {"fetches": html}, "rest": False, "reload": not found["under_way"]})


def _sent(visit: Visit) -> tuple[FetchForm, dict[str, str]]:
    """Return the form that was sent, and its secrets with those that a look has left."""
    plugin = _source(visit.request.POST.get("source", ""))
    form = _form(visit, plugin, visit.request.POST)
    if not form.is_valid():
        return form, {}
    place: dict[str, Any] = {"study": visit.study, "user_id": visit.request.user.pk, "source": plugin.name}
    secrets = {**held(**place), **form.secrets}
    if form.secrets:
        hold(secrets, **place)
    return form, secrets


def look(visit: Visit) -> HttpResponse:
    """Show the first rows as they would come, or what is wrong with them; nothing is brought."""
    form, secrets = _sent(visit)
    if not form.is_valid():
        return _page(visit, form, status=422)
    seen: dict[str, Any] = {"looked": True, "rows": [], "problems": []}
    try:
        found = fetching.look(source=form.source.name, settings=form.cleaned_data["settings"], secrets=secrets)
        seen["rows"] = [one for one in found if not isinstance(one, Problem)]
        seen["problems"] = [one for one in found if isinstance(one, Problem)]
    except MaterialRefused as refused:
        seen["problems"] = refused.problems
    except PlatformError as error:
        seen["failed"] = str(error)
    return _page(visit, _again(visit, form), **seen)


def _again(visit: Visit, form: FetchForm) -> FetchForm:
    """Return the form as it was sent; it knows now which secrets are kept."""
    again = _form(visit, form.source, visit.request.POST)
    again.is_valid()
    return again


def queue(visit: Visit) -> str | HttpResponse:
    """Queue the fetch and hand it to a worker."""
    form, secrets = _sent(visit)
    if not form.is_valid():
        return _page(visit, form, status=422)
    actor: Any = visit.request.user
    source = form.source.name
    try:
        job = fetching.queue_fetch(
            study=visit.study,
            source=source,
            settings=form.cleaned_data["settings"],
            secrets=secrets,
            options=form.options,
            actor=actor,
        )
    except MaterialRefused as refused:
        return _page(visit, _again(visit, form), status=422, looked=True, problems=refused.problems)
    except PlatformError as error:
        return _page(visit, _again(visit, form), status=422, looked=True, failed=str(error))
    forget(study=visit.study, user_id=actor.pk, source=source)
    return _start(visit, job)


def _start(visit: Visit, job: MaterialImport) -> str | HttpResponse:
    said = f"{job.filename} is being fetched. This page shows how far it is."
    return hand_over(visit, "fetch_material", job.pk, said=said, otherwise=NO_WORKER, back="fetch")


def cancel(visit: Visit, import_id: int) -> str:
    """Stop a fetch."""
    actor: Any = visit.request.user
    job = fetching.cancel_fetch(material_import=_job(visit, import_id), actor=actor)
    return f"{job.filename} is being stopped." if job.stop_asked else f"{job.filename} is stopped."


def retry(visit: Visit, import_id: int) -> str | HttpResponse:
    """Try a fetch again."""
    actor: Any = visit.request.user
    return _start(visit, fetching.retry_fetch(material_import=_job(visit, import_id), actor=actor))


def withdraw(visit: Visit, import_id: int) -> str:
    """Take the outputs of a fetch out again."""
    actor: Any = visit.request.user
    removed = uploads.withdraw_import(material_import=_job(visit, import_id), actor=actor)
    return f"{removed:,} output{'s' * (removed != 1)} removed."


def _job(visit: Visit, import_id: int) -> MaterialImport:
    job: MaterialImport | None = _fetches(visit.study).filter(pk=import_id).first()
    if job is None:
        message = "There is no such fetch in this study."
        raise Http404(message)
    return job


def urls(admin: ModelAdmin[Study]) -> list[URLPattern]:
    """Return the addresses of this page."""
    return [
        shown(admin, "fetch", "fetch/", show),
        shown(admin, "fetch_live", "fetch/live.json", live),
        done(admin, "fetch_look", "fetch/look", look),
        done(admin, "fetch_queue", "fetch/queue", queue),
        done(admin, "fetch_cancel", "fetch/<int:import_id>/cancel", cancel),
        done(admin, "fetch_retry", "fetch/<int:import_id>/retry", retry),
        done(admin, "fetch_withdraw", "fetch/<int:import_id>/withdraw", withdraw),
    ]
