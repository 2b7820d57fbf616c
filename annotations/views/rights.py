"""What a rater may always do: say no, think again, read what was agreed to, and withdraw."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.csrf import csrf_exempt

from annotations.access import read_rater_token
from annotations.domain import consents, judging, walking, withdrawal
from annotations.enums import Outcome, Step
from annotations.forms.path import read_sent
from annotations.markup import to_html

from .frame import calm, speak
from .rater import place


@csrf_exempt
@calm
def decline(request: HttpRequest, token: str) -> HttpResponse:
    """Say no to the consent."""
    public_id = read_rater_token(token)
    if request.method == "POST":
        walking.decline(public_id=public_id)
    return place(token)


@csrf_exempt
@calm
def reconsider(request: HttpRequest, token: str) -> HttpResponse:
    """Take the no back."""
    public_id = read_rater_token(token)
    if request.method == "POST":
        walking.reconsider(public_id=public_id)
    return place(token)


@calm
def consent(request: HttpRequest, token: str) -> HttpResponse:
    """Show the consent to be printed: the version that was agreed to, or the one that is asked for."""
    public_id = read_rater_token(token)
    view = judging.where_is(public_id=public_id)
    agreed = consents.agreed_to(public_id=public_id)
    speak(agreed.language if agreed else view.language)
    text = agreed.text if agreed else view.consent
    context = {"view": view, "token": token, "title": view.study_title, "agreed": agreed, "consent": to_html(text)}
    return render(request, "annotations/consent_print.html", context)


@csrf_exempt
@calm
def withdraw(request: HttpRequest, token: str) -> HttpResponse:
    """Ask whether the person is sure; then everything goes, as the consent says."""
    public_id = read_rater_token(token)
    view = judging.where_is(public_id=public_id)
    if view.step == Step.WITHDRAWN:
        return place(token)
    sure = any(read_sent(request.POST).get("sure", ()))
    if request.method == "POST" and sure:
        withdrawal.withdraw(public_id=public_id)
        return place(token)
    speak(view.language)
    context = {
        "view": view,
        "token": token,
        "agreed": consents.agreed_to(public_id=public_id),
        "unpaid": view.outcome != Outcome.COMPLETED,
        "problems": request.method == "POST",
    }
    return render(request, "annotations/withdraw.html", context, status=422 if request.method == "POST" else 200)
