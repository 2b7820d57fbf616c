"""The frame around every station: who may, what is missing, what comes next; errors of the domain in words.

A page says with `needs=` which action of ``annotations.access.TABLE`` it takes. Whoever has no role in a study gets
404, so that nothing tells that it exists; whoever has one that is too small gets 403.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

from celery import current_app
from django.contrib import messages
from django.contrib.admin import ModelAdmin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.views.decorators.http import require_GET, require_POST
from kombu.exceptions import OperationalError

from annotations.access import Action, allowed, is_masked, role_in
from annotations.design import DesignError
from annotations.domain.events import log_event
from annotations.domain.readiness import Station, readiness
from annotations.enums import Role
from annotations.errors import NotAllowed, PlatformError
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


# Pages beside the path: name, title, icon, what they need.
BESIDE = (
    ("entrance", "Entrance", "door_front", Action.PAY),
    ("recruitment", "Recruitment", "payments", Action.PAY),
    ("quality", "Quality", "rule", Action.LOOK),
    ("members", "People", "group", Action.LOOK),
    ("log", "Log", "history", Action.LOG),
    ("texts", "Texts and settings", "edit_note", Action.READ),
    ("steps", "Path of a rater", "footprint", Action.READ),
)
# The pages of the material, a tab each: name, title, what they need.
TABS = (
    ("material", "What is there", Action.READ),
    ("prompts", "Prompts", Action.READ),
    ("generate", "Generate", Action.READ),
    ("fetch", "Fetch", Action.READ),
    ("preparation", "Prepare and audit", Action.READ),
    ("measures", "Measures", Action.READ),
    ("judges", "Automatic judges", Action.READ),
)
# What the page of each station needs, so that the path offers only what opens.
NEEDS = {"monitor": Action.LOOK, "results": Action.LOOK}


@dataclass(frozen=True, slots=True)
class Visit:
    """One request of one person, in a role, to one study."""

    admin: ModelAdmin[Study]
    request: HttpRequest
    study: Study
    role: Role

    def may(self, action: Action) -> bool:
        """Whether this person may do this in this study."""
        return action in allowed(self.role, unblinded=self.study.unblinded_at is not None)

    @property
    def may_change(self) -> bool:
        """Whether this person may change this study."""
        return self.may(Action.EDIT)

    @property
    def masked(self) -> bool:
        """Whether this person sees letters in place of the systems' names."""
        return is_masked(self.role, self.study)

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
        after = stations[stations.index(here) + 1] if here and here is not stations[-1] else None
        following = after if after and self._address(after) else None
        titles = {tab: title for tab, title, _ in TABS}
        name = here.title if here else titles.get(key, key.replace("_", ": ").capitalize())
        frame = {
            **self.admin.admin_site.each_context(self.request),
            "title": f"{name} · {self.study.title}",
            "name": name,
            "opts": self.admin.opts,
            "study": self.study,
            "stations": [(one, self._address(one), ICONS[one.key]) for one in stations if self._address(one)],
            "here": here,
            "key": key,
            "place": stations.index(here) + 1 if here else 0,
            "following": following,
            "following_url": self._address(following) if following else "",
            "may_change": self.may_change,
            "may_read": self.may(Action.READ),
            "masked": self.masked,
            "role": self.role,
            "tabs": self._tabs(key),
            "beside": [one for one in self._beside() if one["opens"]],
        }
        return TemplateResponse(
            self.request, f"annotations/admin/stations/{key}.html", {**frame, **context}, status=status
        )

    def _address(self, station: Station) -> str:
        """Return the address of a station, or nothing for one that this person may not open."""
        needed = NEEDS.get(station.key, Action.READ)
        return station_url(self.study, station.key) if self.may(needed) else ""

    def _tabs(self, key: str) -> list[dict[str, Any]]:
        """Return the tabs of the material when the page is one of them."""
        if key not in {name for name, _, _ in TABS}:
            return []
        return [
            {"name": name, "title": title, "url": self.url(name)} for name, title, action in TABS if self.may(action)
        ]

    def _beside(self) -> list[dict[str, Any]]:
        return [
            {"name": name, "title": title, "icon": icon, "opens": self.may(action), "url": self.url(name)}
            for name, title, icon, action in BESIDE
        ]


def station_url(study: Study, name: str, *more: object) -> str:
    """Return the address of a page or action of a study."""
    return reverse(f"admin:annotations_study_{name}", args=(study.pk, *more))


def is_sent(task: str, *arguments: int) -> bool:
    """Send a task to the background worker; False when none can be reached."""
    try:
        current_app.send_task(f"annotations.tasks.{task}", args=list(arguments), retry=False)
    except OperationalError:
        return False
    return True


def hand_over(visit: Visit, task: str, job_id: int, *, said: str, otherwise: str, back: str) -> str | HttpResponse:
    """Hand a job to the background worker and return what to say.

    When none can be reached `otherwise` is said at the page `back`: the job is kept, and beat looks for it.
    """
    if is_sent(task, job_id):
        return said
    messages.warning(visit.request, otherwise)
    return visit.go(back)


def _visit(admin: ModelAdmin[Study], request: HttpRequest, object_id: int, *, needs: Action) -> Visit:
    study = Study.objects.select_related("plan").filter(pk=object_id).first()
    role = role_in(request.user, study) if study is not None else None
    if study is None or role is None:
        message = "There is no such study."
        raise Http404(message)
    visit = Visit(admin, request, study, role)
    if not visit.may(needs):
        raise PermissionDenied
    return visit


def shown(admin: ModelAdmin[Study], name: str, at: str, handler: Handler, *, needs: Action = Action.READ) -> URLPattern:
    """Return the address of a page that only shows: GET, for everybody whose role allows what it `needs`.

    Looking at what people said of themselves is noted in the log.
    """

    @require_GET
    @wraps(handler)
    def view(request: HttpRequest, object_id: int, **kwargs: Any) -> HttpResponseBase:
        visit = _visit(admin, request, object_id, needs=needs)
        if needs == Action.PERSON:
            log_event(study=visit.study, name="viewed", data={"page": name, **kwargs}, actor=request.user)
        try:
            return handler(visit, **kwargs)
        except NotAllowed as error:
            raise PermissionDenied(str(error)) from error

    return path(f"<int:object_id>/{at}", admin.admin_site.admin_view(view), name=f"annotations_study_{name}")


def done(admin: ModelAdmin[Study], name: str, at: str, deed: Deed, *, needs: Action = Action.EDIT) -> URLPattern:
    """Return the address of an action: POST only, for those whose role allows what it `needs`.

    The deed calls a verb of the domain and returns the sentence to say, or a page of its own. What the domain refuses
    is said at the station; nothing is changed then, since verbs are atomic: a second click or a stale tab is harmless.
    """
    station = name.partition("_")[0]

    @require_POST
    @wraps(deed)
    def view(request: HttpRequest, object_id: int, **kwargs: Any) -> HttpResponse:
        visit = _visit(admin, request, object_id, needs=needs)
        try:
            answer = deed(visit, **kwargs)
        except NotAllowed as error:
            raise PermissionDenied(str(error)) from error
        except (PlatformError, DesignError) as error:
            messages.error(request, str(error))
            return visit.go(station)
        if isinstance(answer, HttpResponse):
            return answer
        messages.success(request, answer)
        return visit.go(station)

    return path(f"<int:object_id>/{at}", admin.admin_site.admin_view(view), name=f"annotations_study_{name}")
