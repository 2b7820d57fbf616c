"""The pages behind a rater's own link. They see blind values only: no models, no systems, no ids of outputs."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt

from annotations.access import read_rater_token
from annotations.blind import RaterView
from annotations.domain import judging, participation
from annotations.enums import Step
from annotations.errors import AnswerError
from annotations.forms.page import fragments_html, trial_context
from annotations.forms.trial import Submission, missing_questions, read_submission
from annotations.markup import to_html

from .frame import SeeOther, calm, wants_fragment

# POSTs here are exempt from the CSRF token: the capability in the address is the only authority, no cookie is read,
# so a foreign page that could forge a request would have to know the rater's secret link already.


def _place(token: str) -> SeeOther:
    return SeeOther(reverse("rater_page", args=[token]))


@calm
def page(request: HttpRequest, token: str) -> HttpResponse:
    """Show where the rater is, whatever brought him here: link, reload, back button, second device."""
    view = judging.where_is(public_id=read_rater_token(token))
    return _show(request, token=token, view=view)


def _show(request: HttpRequest, *, token: str, view: RaterView) -> HttpResponse:
    context = {"view": view, "token": token}
    if view.step == Step.TRIAL:
        return render(request, "annotations/trial.html", {**context, **trial_context(view)})
    context["instructions"] = to_html(view.instructions)
    return render(request, f"annotations/{view.step}.html", context)


@csrf_exempt
@calm
def begin(request: HttpRequest, token: str) -> HttpResponse:
    """Take a booklet and go to the first trial."""
    public_id = read_rater_token(token)
    if request.method == "POST":
        participation.begin(public_id=public_id)
    return _place(token)


@csrf_exempt
@calm
def answer(request: HttpRequest, token: str) -> HttpResponse:
    """Record one trial; to the script the next trials go back in place, to a plain form the address of its place."""
    public_id = read_rater_token(token)
    if request.method != "POST":
        return _place(token)
    sent = read_submission(request.POST)
    try:
        view = judging.record_judgement(
            public_id=public_id, trial=sent.trial, answers=sent.answers, timing=sent.timing, evidence=sent.evidence
        )
    except AnswerError:
        if wants_fragment(request):
            return HttpResponse(status=422)
        return _incomplete(request, token=token, public_id=public_id, sent=sent)
    if not wants_fragment(request):
        return _place(token)
    response = HttpResponse(fragments_html(view.trials, held=sent.held))
    response.headers["X-Step"] = view.step.value
    response.headers["X-Trial"] = view.trials[0].token if view.trials else ""
    return response


def _incomplete(request: HttpRequest, *, token: str, public_id: str, sent: Submission) -> HttpResponse:
    """Show the same trial again with what was answered and a list of the rows that are missing."""
    view = judging.where_is(public_id=public_id)
    if view.step != Step.TRIAL or view.trials[0].token != sent.trial:
        return _place(token)
    context = {
        "token": token,
        "missing": missing_questions(view.questionnaire, sent.answers, outputs=len(view.trials[0].texts)),
        **trial_context(view, answers=sent.answers),
    }
    return render(request, "annotations/trial.html", context, status=422)


@calm
def pause(request: HttpRequest, token: str) -> HttpResponse:
    """Say that everything is saved, and show the personal link for coming back on any device."""
    view = judging.where_is(public_id=read_rater_token(token))
    link = request.build_absolute_uri(reverse("rater_page", args=[token]))
    return render(request, "annotations/pause.html", {"view": view, "token": token, "link": link})


@calm
def instructions(request: HttpRequest, token: str) -> HttpResponse:
    """Show the instructions again."""
    view = judging.where_is(public_id=read_rater_token(token))
    context = {"view": view, "token": token, "instructions": to_html(view.instructions)}
    return render(request, "annotations/help.html", context)
