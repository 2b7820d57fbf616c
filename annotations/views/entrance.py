"""The open link of a study: the welcome, and the way back for somebody who was here before.

The study comes from the domain and is typed `Any`: views of raters may not import the models (law of imports).
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import translation
from django.utils.translation import ngettext
from django.utils.translation.trans_real import parse_accept_lang_header
from django.views.decorators.csrf import csrf_exempt

from annotations.access import rater_token, read_rater_token
from annotations.domain.admission import come_again, look
from annotations.domain.participation import arrive, entrance, frame_for, known_participation
from annotations.enums import StudyState
from annotations.errors import BadToken, CodeNeeded
from annotations.markup import to_html
from annotations.registry import Identity, recruitment_platforms

from . import gate
from .frame import SeeOther, calm

COOKIE = "place"
MONTH = 30 * 24 * 3600
LONGEST_QUERY = 2000
ROUGH = 10  # minutes above which an estimate is rounded to five


@csrf_exempt  # an anonymous "Go on" carries no authority that a foreign page could borrow
@calm
def study_entrance(request: HttpRequest, slug: str) -> HttpResponse:
    """Show the welcome; "Go on" opens the rater's own page, where the path begins."""
    study = entrance(slug=slug)
    identity = recruitment_platforms.get(study.recruitment).identity(request.GET.dict())
    if identity.preview:
        length = _length(study.plan.certificate) if study.plan else ""
        return gate.preview(request, study=study, frame=_frame(request, study), length=length)
    browser = gate.browser_token(request)
    try:
        response = _enter(request, study=study, identity=identity, browser=browser)
    except CodeNeeded as error:
        response = gate.ask_code(request, study=study, frame=_frame(request, study), error=error)
    return gate.keep_browser(request, response, browser) if request.method == "POST" else response


def _enter(request: HttpRequest, *, study: Any, identity: Identity, browser: str) -> HttpResponse:
    if request.method == "POST":
        language = _language(request, frame_for(study=study))
        participation = arrive(slug=study.slug, identity=identity, language=language, browser=browser)
        return _remember(request, slug=study.slug, token=rater_token(participation.public_id))
    token = _known(request, study=study, identity=identity)
    if token:
        return SeeOther(reverse("rater_page", args=[token]))
    if study.state != StudyState.OPEN:
        return render(request, f"annotations/{study.state}.html", {"study": study})
    look(study=study, identity=identity, browser=gate.browser_digest(browser))
    return _welcome(request, study)


def _frame(request: HttpRequest, study: Any) -> Any:
    """Return the study's texts in the language of this person."""
    return frame_for(study=study, language=_language(request, frame_for(study=study)))


def _language(request: HttpRequest, frame: Any) -> str:
    """Return the language that was chosen, else the first of the browser's that the study is offered in."""
    offered = [code for code, _ in frame.languages]
    chosen = request.GET.get("lang", "") or request.POST.get("language", "")
    if chosen in offered:
        return chosen
    return next((code for code in _preferred(request) if code in offered), "")


def _preferred(request: HttpRequest) -> list[str]:
    """Return the browser's languages, best first, as our pages name them ("zh-cn" is "zh-hans", "de-at" is "de")."""
    found = []
    for code, _ in parse_accept_lang_header(request.META.get("HTTP_ACCEPT_LANGUAGE", "")):
        with suppress(LookupError):
            found.append(translation.get_supported_language_variant(code))
    return found


def _welcome(request: HttpRequest, study: Any) -> HttpResponse:
    frame = _frame(request, study)
    translation.activate(frame.language)
    query = request.META.get("QUERY_STRING", "")[:LONGEST_QUERY]
    context = {
        "study": study,
        "frame": frame,
        "welcome": to_html(frame.welcome),
        "length": _length(study.plan.certificate),
        "languages": _languages(request, frame) if len(frame.languages) > 1 else [],
        "action": reverse("study_entrance", args=[study.slug]) + (f"?{query}" if query else ""),
    }
    return render(request, "annotations/entrance.html", context)


def _languages(request: HttpRequest, frame: Any) -> list[tuple[str, str, str]]:
    """Return code, name and address of the languages; whatever else stood in the link goes along."""
    found = []
    for code, name in frame.languages:
        query = request.GET.copy()
        query["lang"] = code
        found.append((code, name, f"?{query.urlencode()}"))
    return found


def _length(certificate: Mapping[str, Any]) -> str:
    """Say how many screens wait and how long they take; nothing about plans that were frozen without an estimate."""
    trials = certificate.get("summary", {}).get("longest_booklet", 0)
    estimated = certificate.get("estimate", {}).get("median_minutes", 0.0)
    if not trials or not estimated:
        return ""
    minutes = 5 * round(estimated / 5) if estimated > ROUGH else max(round(estimated), 1)
    screens = ngettext("About %(count)s screen of texts", "About %(count)s screens of texts", trials)
    time = ngettext("about %(count)s minute", "about %(count)s minutes", minutes)
    return f"{screens % {'count': trials}}, {time % {'count': minutes}}."


def _known(request: HttpRequest, *, study: Any, identity: Identity) -> str:
    """Return the token of somebody who was here before: by the recruiter's id, else by this browser's own cookie.

    A link that names a person never opens the place of another one, and `?new` lets the next person at a shared
    computer in.
    """
    if identity.person:
        found = known_participation(study=study, identity=identity)
        return rater_token(come_again(participation=found, identity=identity).public_id) if found else ""
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
