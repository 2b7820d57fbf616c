"""The frame around every station: who may, what is missing, what comes next; errors of the domain in words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

from django.contrib import messages
from django.contrib.admin import ModelAdmin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.views.decorators.http import require_GET, require_POST

from annotations.design import DesignError
from annotations.domain.readiness import readiness
from annotations.errors import PlatformError
from annotations.models import Study

Handler = Callable[..., HttpResponseBase]
Deed = Callable[..., str | HttpResponse]

ICONS = {
    "material": "folder_open",
    "design": "tune",
    "preview": "visibility",
    "freeze": "lock",
    "open": "rocket_launch",
    "monitor": "monitoring",
    "results": "query_stats",
}


@dataclass(frozen=True, slots=True)
class Visit:
    """One request of one person to one study."""

    admin: ModelAdmin[Study]
    request: HttpRequest
    study: Study

    @property
    def may_change(self) -> bool:
        """Whether this person may change this study."""
        return bool(self.admin.has_change_permission(self.request, self.study))

    def url(self, name: str, *more: object) -> str:
        """Return the address of a station or of an action of this study."""
        return station_url(self.study, name, *more)

    def go(self, name: str) -> HttpResponse:
        """Redirect to a station."""
        return redirect(self.url(name))

    def page(self, key: str, context: dict[str, Any], *, status: int = 200) -> TemplateResponse:
        """Render the template of a station (or of a page beside the path) inside the frame."""
        stations = readiness(study=self.study)
        here = next((station for station in stations if station.key == key), None)
        following = stations[stations.index(here) + 1] if here and here is not stations[-1] else None
        frame = {
            **self.admin.admin_site.each_context(self.request),
            "title": f"{here.title if here else key.capitalize()} · {self.study.title}",
            "opts": self.admin.opts,
            "study": self.study,
            "stations": [(station, station_url(self.study, station.key), ICONS[station.key]) for station in stations],
            "here": here,
            "key": key,
            "place": stations.index(here) + 1 if here else 0,
            "following": following,
            "following_url": station_url(self.study, following.key) if following else "",
            "may_change": self.may_change,
            "texts_url": self.url("texts"),
        }
        return TemplateResponse(
            self.request, f"annotations/admin/stations/{key}.html", {**frame, **context}, status=status
        )


def station_url(study: Study, name: str, *more: object) -> str:
    """Return the address of a page or action of a study."""
    return reverse(f"admin:annotations_study_{name}", args=(study.pk, *more))


def _visit(admin: ModelAdmin[Study], request: HttpRequest, object_id: int) -> Visit:
    study = Study.objects.select_related("plan").filter(pk=object_id).first()
    if study is None:
        message = "There is no such study."
        raise Http404(message)
    if not admin.has_view_or_change_permission(request, study):
        raise PermissionDenied
    return Visit(admin, request, study)


def shown(admin: ModelAdmin[Study], name: str, at: str, handler: Handler) -> URLPattern:
    """Return the address of a page that only shows: GET, for everybody who may look at studies."""

    @require_GET
    @wraps(handler)
    def view(request: HttpRequest, object_id: int, **kwargs: Any) -> HttpResponseBase:
        return handler(_visit(admin, request, object_id), **kwargs)

    return path(f"<int:object_id>/{at}", admin.admin_site.admin_view(view), name=f"annotations_study_{name}")


def done(admin: ModelAdmin[Study], name: str, at: str, deed: Deed) -> URLPattern:
    """Return the address of an action: POST only, for those who may change studies.

    The deed calls a verb of the domain and returns the sentence to say, or a page of its own. What the domain refuses
    is said at the station; nothing is changed then, since verbs are atomic: a second click or a stale tab is harmless.
    """
    station = name.partition("_")[0]

    @require_POST
    @wraps(deed)
    def view(request: HttpRequest, object_id: int, **kwargs: Any) -> HttpResponse:
        visit = _visit(admin, request, object_id)
        if not visit.may_change:
            raise PermissionDenied
        try:
            answer = deed(visit, **kwargs)
        except (PlatformError, DesignError) as error:
            messages.error(request, str(error))
            return visit.go(station)
        if isinstance(answer, HttpResponse):
            return answer
        messages.success(request, answer)
        return visit.go(station)

    return path(f"<int:object_id>/{at}", admin.admin_site.admin_view(view), name=f"annotations_study_{name}")
