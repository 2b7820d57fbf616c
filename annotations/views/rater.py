"""The pages behind a rater's own link. They see blind values only: no models, no systems, no ids of outputs."""

from __future__ import annotations

from collections.abc import Mapping

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt

from annotations.access import read_rater_token
from annotations.blind import RaterView
from annotations.domain import judging, panel, participation, walking
from annotations.domain.path import Problem
from annotations.enums import Step
from annotations.errors import AnswerError
from annotations.forms.page import fragments_html, trial_context
from annotations.forms.path import read_sent, step_context
from annotations.forms.trial import Submission, missing_questions, read_submission
from annotations.markup import to_html

from .frame import SeeOther, calm, speak, wants_fragment

# POSTs here are exempt from the CSRF token: the capability in the address is the only authority, no cookie is read,
# so a foreign page that could forge a request would have to know the rater's secret link already.

STEPS = frozenset(Step.values)
ASKING = (Step.ASK, Step.WAITING)


def place(token: str) -> SeeOther:
    """Lead to the rater's own page, which shows where he is."""
    return SeeOther(reverse("rater_page", args=[token]))


@calm
def page(request: HttpRequest, token: str) -> HttpResponse:
    """Show where the rater is, whatever brought him here: link, reload, back button, second device."""
    view = judging.where_is(public_id=read_rater_token(token))
    return show(request, token=token, view=view)


def show(
    request: HttpRequest,
    *,
    token: str,
    view: RaterView,
    sent: Mapping[str, tuple[str, ...]] | None = None,
    problems: tuple[Problem, ...] = (),
) -> HttpResponse:
    """Render the page of a step, in the rater's language; with problems the form comes back as it was filled in."""
    speak(view.language)
    context = {"view": view, "token": token}
    if is_trial(view):
        return render(request, f"annotations/{view.step}.html", {**context, **trial_context(view)})
    if view.step in ASKING:
        context["facts"] = panel.facts_of(public_id=read_rater_token(token))
    context |= step_context(view, sent=sent, problems=problems)
    template = "practice_feedback" if view.step == Step.PRACTICE else view.step.value
    response = render(request, f"annotations/{template}.html", context, status=422 if problems else 200)
    response.leaves = view.leave.method == "post"  # type: ignore[attr-defined] # the gate lets its form go out
    return response


def is_trial(view: RaterView) -> bool:
    """Say whether the page of a trial is to be shown: a real one, or one for practice."""
    return view.step == Step.TRIAL or (view.step == Step.PRACTICE and "feedback" not in view.extra)


@csrf_exempt
@calm
def begin(request: HttpRequest, token: str) -> HttpResponse:
    """Take a booklet and go to the first trial."""
    public_id = read_rater_token(token)
    if request.method == "POST":
        participation.begin(public_id=public_id)
    return place(token)


@csrf_exempt
@calm
def step(request: HttpRequest, token: str, step: str) -> HttpResponse:
    """Leave a step of the path with what was filled in, and go to where the rater is then."""
    public_id = read_rater_token(token)
    if request.method != "POST" or step not in STEPS:
        return place(token)
    sent = read_sent(request.POST)
    problems = walking.take_step(public_id=public_id, step=Step(step), sent=sent)
    if not problems:
        return place(token)
    view = judging.where_is(public_id=public_id)
    return show(request, token=token, view=view, sent=sent, problems=problems)


@csrf_exempt
@calm
def answer(request: HttpRequest, token: str) -> HttpResponse:
    """Record one trial; to the script the next trials go back in place, to a plain form the address of its place."""
    public_id = read_rater_token(token)
    if request.method != "POST":
        return place(token)
    sent = read_submission(request.POST)
    try:
        view = _recorded(public_id, sent)
    except AnswerError:
        if wants_fragment(request):
            return HttpResponse(status=422)
        return _incomplete(request, token=token, public_id=public_id, sent=sent)
    if not wants_fragment(request):
        return place(token)
    trials = view.trials if view.step == Step.TRIAL else ()
    response = HttpResponse(fragments_html(trials, held=sent.held))
    response.headers["X-Step"] = view.step.value
    response.headers["X-Trial"] = trials[0].token if trials else ""
    return response


def _recorded(public_id: str, sent: Submission) -> RaterView:
    if walking.is_practice(sent.trial):
        return walking.practise(public_id=public_id, trial=sent.trial, answers=sent.answers)
    return judging.record_judgement(
        public_id=public_id, trial=sent.trial, answers=sent.answers, timing=sent.timing, evidence=sent.evidence
    )


def _incomplete(request: HttpRequest, *, token: str, public_id: str, sent: Submission) -> HttpResponse:
    """Show the same trial again with what was answered and a list of the rows that are missing."""
    view = judging.where_is(public_id=public_id)
    if not is_trial(view) or view.trials[0].token != sent.trial:
        return place(token)
    speak(view.language)
    context = {
        "token": token,
        "missing": missing_questions(
            view.questionnaire, sent.answers, outputs=len(view.trials[0].texts), order=view.trials[0].order
        ),
        **trial_context(view, answers=sent.answers),
    }
    return render(request, f"annotations/{view.step}.html", context, status=422)


@calm
def pause(request: HttpRequest, token: str) -> HttpResponse:
    """Say that everything is saved, and show the personal link for coming back on any device."""
    view = judging.where_is(public_id=read_rater_token(token))
    speak(view.language)
    link = request.build_absolute_uri(reverse("rater_page", args=[token]))
    return render(request, "annotations/pause.html", {"view": view, "token": token, "link": link})


@calm
def instructions(request: HttpRequest, token: str) -> HttpResponse:
    """Show the instructions again."""
    view = judging.where_is(public_id=read_rater_token(token))
    speak(view.language)
    context = {"view": view, "token": token, "instructions": to_html(view.instructions)}
    return render(request, "annotations/help.html", context)
