"""The open link of a study: welcome and consent on one page, and the way back for somebody who was here before.

The study comes from the domain and is typed `Any`: views of raters may not import the models (law of imports).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt

from annotations.access import rater_token, read_rater_token
from annotations.domain.participation import enter_study, entrance, known_participation
from annotations.enums import StudyState
from annotations.errors import BadToken
from annotations.markup import to_html
from annotations.registry import Identity, recruitment_platforms

from .frame import SeeOther, calm

COOKIE = "place"
MONTH = 30 * 24 * 3600
LONGEST_QUERY = 2000
ROUGH = 10  # minutes above which an estimate is rounded to five


@csrf_exempt  # an anonymous "I agree" carries no authority that a foreign page could borrow
@calm
def study_entrance(request: HttpRequest, slug: str) -> HttpResponse:
    """Show welcome and consent; "I agree" opens the rater's own page."""
    study = entrance(slug=slug)
    identity = recruitment_platforms.get(study.recruitment).identity(request.GET.dict())
    if request.method == "POST":
        participation = enter_study(slug=slug, identity=identity)
        return _remember(request, slug=slug, token=rater_token(participation.public_id))
    token = _known(request, study=study, identity=identity)
    if token:
        return SeeOther(reverse("rater_page", args=[token]))
    if study.state != StudyState.OPEN:
        return render(request, f"annotations/{study.state}.html", {"study": study})
    return render(request, "annotations/entrance.html", _welcome(request, study))


def _welcome(request: HttpRequest, study: Any) -> dict[str, object]:
    return {
        "study": study,
        "welcome": to_html(study.welcome),
        "consent": to_html(study.consent),
        "length": _length(study.plan.certificate),
        "query": request.META.get("QUERY_STRING", "")[:LONGEST_QUERY],
    }


def _length(certificate: Mapping[str, Any]) -> str:
    """Say how many pairs wait and how long they take; nothing about plans that were frozen without an estimate."""
    pairs = certificate.get("summary", {}).get("longest_booklet", 0)
    estimated = certificate.get("estimate", {}).get("median_minutes", 0.0)
    if not pairs or not estimated:
        return ""
    minutes = 5 * round(estimated / 5) if estimated > ROUGH else max(round(estimated), 1)
    return f"About {pairs} pair{'s' * (pairs != 1)}, about {minutes} minute{'s' * (minutes != 1)}."


def _known(request: HttpRequest, *, study: Any, identity: Identity) -> str:
    """Return the token of somebody who was here before: by the recruiter's id, else by this browser's own cookie.

    A link that names a person never opens the place of another one, and `?new` lets the next person at a shared
    computer in.
    """
    if identity.person:
        found = known_participation(study=study, identity=identity)
        return rater_token(found.public_id) if found else ""
    token = "" if "new" in request.GET else request.COOKIES.get(COOKIE, "")
    try:
        public_id = read_rater_token(token)
    except BadToken:
        return ""
    return token if study.participations.filter(public_id=public_id).exists() else ""


def _remember(request: HttpRequest, *, slug: str, token: str) -> HttpResponse:
    response = SeeOther(reverse("rater_page", args=[token]))
    response.set_cookie(
        COOKIE,
        token,
        max_age=MONTH,
        path=reverse("study_entrance", args=[slug]),
        secure=request.is_secure(),
        httponly=True,
        samesite="Lax",
    )
    return response


@csrf_exempt
@calm
def study_decline(request: HttpRequest, slug: str) -> HttpResponse:
    """Thank somebody who does not want to take part; nothing is stored."""
    study = entrance(slug=slug)
    query = request.META.get("QUERY_STRING", "")[:LONGEST_QUERY]
    return render(request, "annotations/declined.html", {"study": study, "query": query})
