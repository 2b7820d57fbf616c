"""The pages of an expert panel beside the trials: asking, waiting, and ending the rounds."""

from __future__ import annotations

from celery import current_app
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt

from annotations.access import read_rater_token
from annotations.domain import judging, panel
from annotations.enums import Step
from annotations.errors import AnswerError

from .frame import SeeOther, calm

TASK = "annotations.tasks.make_round"
LONGEST = 4000


@csrf_exempt
@calm
def ask(request: HttpRequest, token: str) -> HttpResponse:
    """Take the question of a round and have the outputs written."""
    public_id = read_rater_token(token)
    if request.method == "POST":
        question = request.POST.get("question", "")[:LONGEST]
        try:
            made = panel.ask(public_id=public_id, question=question)
        except AnswerError as error:
            return _again(request, token=token, public_id=public_id, question=question, message=str(error))
        current_app.send_task(TASK, args=[made.pk])
    return SeeOther(reverse("rater_page", args=[token]))


def _again(request: HttpRequest, *, token: str, public_id: str, question: str, message: str) -> HttpResponse:
    view = judging.where_is(public_id=public_id)
    facts = {**panel.facts_of(public_id=public_id), "question": question, "message": message}
    return render(
        request, "annotations/ask.html", {"view": view, "token": token, "facts": facts, "refused": True}, status=422
    )


@csrf_exempt
@calm
def stop(request: HttpRequest, token: str) -> HttpResponse:
    """End the rounds."""
    if request.method == "POST":
        panel.stop(public_id=read_rater_token(token))
    return SeeOther(reverse("rater_page", args=[token]))


@calm
def state(request: HttpRequest, token: str) -> HttpResponse:  # noqa: ARG001 - Django's signature
    """Tell the waiting page whether there is something to see."""
    view = judging.where_is(public_id=read_rater_token(token))
    return JsonResponse({"waiting": view.step == Step.WAITING})
