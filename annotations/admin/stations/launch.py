"""Open: let raters in, pause, resume, close; and the link to send."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib.admin import ModelAdmin
from django.http import HttpResponse
from django.urls import URLPattern, reverse

from annotations.admin.frame import Visit, done, shown
from annotations.domain import studies
from annotations.enums import StudyState
from annotations.models import Participation, Study

SAID = {
    "open": "The study is open: whoever has the link can take part.",
    "pause": "The study is paused. Raters see a friendly page; their places and answers are kept.",
    "resume": "The study goes on.",
    "close": "The study is closed. Answers that are still on their way are kept and marked late.",
}
VERBS: dict[str, Callable[..., Study]] = {
    "open": studies.open_study,
    "pause": studies.pause_study,
    "resume": studies.resume_study,
    "close": studies.close_study,
}


def show(visit: Visit) -> HttpResponse:
    """Show the state, what can be done with it, and the link."""
    study = visit.study
    link = visit.request.build_absolute_uri(reverse("study_entrance", args=(study.slug,)))
    raters = Participation.objects.filter(study=study).count()
    return visit.page("open", {"link": link, "raters": raters, "states": StudyState})


def _moving(name: str) -> Callable[[Visit], str]:
    def move(visit: Visit) -> str:
        VERBS[name](study=visit.study, actor=visit.request.user)
        return SAID[name]

    return move


def urls(admin: ModelAdmin[Study]) -> list[URLPattern]:
    """Return the addresses of this station."""
    actions = [done(admin, f"open_{name}", f"open/{name}", _moving(name)) for name in VERBS]
    return [shown(admin, "open", "open/", show), *actions]
