"""The page behind "no more letters" in an invitation: one button, and nothing to log in to."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt

from annotations.domain import invitations

from .frame import SeeOther, calm


@csrf_exempt  # mail programs post here in one click (RFC 8058); the link is the only authority
@calm
def unsubscribe(request: HttpRequest, slug: str) -> HttpResponse:
    """Ask, because mail scanners open every link; a POST is what counts."""
    person = request.GET.get("i", "")
    if request.method == "POST":
        invitations.unsubscribe(slug=slug, token=person)
        return SeeOther(f"{reverse('study_unsubscribe', args=[slug])}?i={person}")
    invitation = invitations.invited(slug=slug, token=person)
    context = {"study": invitation.study, "done": invitation.unsubscribed_at is not None, "person": person}
    return render(request, "annotations/unsubscribe.html", context)
