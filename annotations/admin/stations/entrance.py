"""Entrance, beside the path: how people come in, and the invitation list with its letters."""

from __future__ import annotations

import csv
import io
from typing import Any

from django.contrib.admin import ModelAdmin
from django.http import HttpResponse
from django.urls import URLPattern, reverse

from annotations.access import Action
from annotations.admin.frame import Visit, done, is_sent, shown
from annotations.domain import admission, invitations, letters
from annotations.errors import MaterialRefused
from annotations.models import Invitation, Study
from annotations.registry import recruitment_platforms

from .entrance_form import BouncesForm, EntryForm, LettersForm, ListForm

NUMBERS = (  # always shown, or only when there is something to say
    ("people", "invited", True),
    ("sent", "letters sent", True),
    ("came", "came", True),
    ("finished", "finished", True),
    ("queued", "letters wait", False),
    ("reminded", "reminded", False),
    ("unsubscribed", "want no letters", False),
    ("problems", "letters came back", False),
    ("uncertain", "letters uncertain", False),
)


def show(visit: Visit) -> HttpResponse:
    """Show how people come in."""
    return _page(visit)


def _site(visit: Visit) -> str:
    return visit.request.build_absolute_uri("/").rstrip("/")


def _page(visit: Visit, *, status: int = 200, **more: Any) -> HttpResponse:
    study = visit.study
    platform = recruitment_platforms.get(study.recruitment)
    context: dict[str, Any] = {
        "heading": "Entrance",
        "platform": platform,
        "link": f"{_site(visit)}{reverse('study_entrance', args=[study.slug])}",
        "personal": platform.personal,
        "entry": EntryForm(study=study, user=visit.request.user),
        "seated": admission.seated(study=study).count(),
        **(_lists(visit) if study.recruitment == "invitations" else {}),
        **more,
    }
    return visit.page("entrance", context, status=status)


def _lists(visit: Visit) -> dict[str, Any]:
    study = visit.study
    counts = invitations.overview(study=study)
    return {
        "numbers": [(counts[name], words) for name, words, always in NUMBERS if counts[name] or always],
        "counts": counts,
        "upload": ListForm(),
        "wording": LettersForm(study=study),
        "bounces": BouncesForm(),
        "troubled": invitations.troubled(study=study),
        "unsent": invitations.unsent(study=study),
        "to_resend": invitations.uncertain(study=study).count(),
        "letter": _example(visit),
        "is_open": study.state == "open",
    }


def _example(visit: Visit) -> dict[str, str]:
    """Return the letter as somebody would get it."""
    study = visit.study
    study.recruitment_settings = {**study.recruitment_settings, "site": _site(visit)}
    somebody = Invitation(study=study, token="abcdefgh2345", address="somebody@example.org")  # noqa: S106 - an example
    made = letters.letter(study=study, invitation=somebody, is_reminder=False)
    return {"subject": str(made.subject), "body": str(made.body)}


def save(visit: Visit) -> str | HttpResponse:
    """Save how people come in."""
    form = EntryForm(visit.request.POST, study=visit.study, user=visit.request.user)
    if not form.is_valid():
        return _page(visit, status=422, entry=form)
    admission.edit_entry(study=visit.study, settings=form.settings(), actor=visit.request.user)
    return "Saved."


def letters_save(visit: Visit) -> str | HttpResponse:
    """Save words and rhythm of the letters."""
    form = LettersForm(visit.request.POST, study=visit.study)
    if not form.is_valid():
        return _page(visit, status=422, wording=form)
    admission.edit_entry(study=visit.study, settings=form.cleaned_data, actor=visit.request.user)
    return "Saved."


def upload(visit: Visit) -> str | HttpResponse:
    """Take a list of addresses or codes."""
    form = ListForm(visit.request.POST, visit.request.FILES)
    if not form.is_valid():
        return _page(visit, status=422, upload=form)
    given = form.cleaned_data["file"]
    try:
        made, known = invitations.import_list(
            study=visit.study,
            name=given.name,
            data=given.read(),
            actor=visit.request.user,  # type: ignore[arg-type]
        )
    except MaterialRefused as error:
        refused = {"filename": given.name, "problems": error.problems, "message": str(error)}
        return _page(visit, status=422, refused=refused)
    more = f" {known} were there already." if known else ""
    return f"{made} {'people have' if made != 1 else 'person has'} a personal link now.{more}"


def send(visit: Visit) -> str:
    """Have the letters sent, by the worker."""
    count = invitations.queue_letters(
        study=visit.study,
        site=_site(visit),
        actor=visit.request.user,  # type: ignore[arg-type]
    )
    _wake()
    return f"{count} letters are on their way." if count else "Everybody with an address has a letter already."


def _wake() -> None:
    """Have the worker look now; without a broker the letters go in the next minute."""
    is_sent("send_invitations")


def resend(visit: Visit) -> str:
    """Send uncertain letters again."""
    count = invitations.resend_uncertain(study=visit.study, actor=visit.request.user)  # type: ignore[arg-type]
    _wake()
    return f"{count} letters are sent again."


def bounced(visit: Visit) -> str | HttpResponse:
    """Note letters that came back."""
    form = BouncesForm(visit.request.POST)
    if not form.is_valid():
        return _page(visit, status=422, bounces=form)
    count = invitations.note_bounces(
        study=visit.study,
        text=form.cleaned_data["text"],
        actor=visit.request.user,  # type: ignore[arg-type]
    )
    return f"{count} addresses get no more letters." if count else "None of these addresses is in the list."


def links(visit: Visit) -> HttpResponse:
    """Return the links of people who are known by a code, for the researcher to hand out."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(("code", "link"))
    writer.writerows(invitations.code_links(study=visit.study, site=_site(visit)))
    response = HttpResponse(text.getvalue(), content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="links-{visit.study.slug}.csv"'
    response.headers["Cache-Control"] = "no-store"
    return response


def urls(admin: ModelAdmin[Study]) -> list[URLPattern]:
    """Return the addresses of this page."""
    deeds = {
        "save": save,
        "letters": letters_save,
        "upload": upload,
        "send": send,
        "resend": resend,
        "bounced": bounced,
    }
    return [
        shown(admin, "entrance", "entrance/", show, needs=Action.PAY),
        shown(admin, "entrance_links", "entrance/links.csv", links, needs=Action.PAY),
        *(done(admin, f"entrance_{name}", f"entrance/{name}", deed, needs=Action.PAY) for name, deed in deeds.items()),
    ]
