"""People of a study, beside the path: who works on it in which role, and the end of blinding."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin import ModelAdmin
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, reverse

from annotations.access import TABLE, UNBLINDED, Action
from annotations.admin.frame import Visit, done, shown
from annotations.domain import masking, members
from annotations.enums import Role
from annotations.models import Study, StudyMember

WORDS = {
    Role.OWNER: "May do everything, say who works on the study, and unblind it.",
    Role.EDITOR: "May see and change everything but the people of the study.",
    Role.ANALYST: "Sees the monitor, the results and all answers with systems as letters until the study is unblinded. "
    "May have reports made.",
    Role.OBSERVER: "Sees the monitor and the results with systems as letters until the study is unblinded. "
    "Takes nothing along.",
}
ACTIONS = {
    Action.LOOK: "Look at monitor and results",
    Action.DOWNLOAD: "Take answers along",
    Action.REPORT: "Have reports made",
    Action.READ: "Read texts, material and design",
    Action.EDIT: "Change the study",
    Action.RUN: "Freeze, open, pause, close",
    Action.PERSON: "See questionnaires",
    Action.PAY: "Recruit and pay",
    Action.LOG: "Read the log",
    Action.SHARE: "Say who works on it",
    Action.UNBLIND: "Unblind",
}


class InviteForm(forms.Form):
    """A researcher, by user name or address, and a role."""

    person = forms.CharField(label="User name or e-mail address", max_length=254)
    role = forms.ChoiceField(choices=Role.choices, initial=Role.EDITOR)


class ReasonForm(forms.Form):
    """Why the study is unblinded."""

    reason = forms.CharField(label="Reason", max_length=300)


def show(visit: Visit) -> HttpResponse:
    """Show the members, and the table of what each role may do."""
    people = members.members_of(study=visit.study)
    here = next((one for one in people if one.user_id == visit.request.user.pk), None)
    rights = [
        (label, [(role in UNBLINDED and action in UNBLINDED[role], action in TABLE[role]) for role in Role])
        for action, label in ACTIONS.items()
    ]
    context = {
        "people": people,
        "me": here,
        "may_share": visit.may(Action.SHARE),
        "may_unblind": visit.may(Action.UNBLIND) and visit.study.unblinded_at is None,
        "roles": [(role, role.label, WORDS[role]) for role in Role],
        "rights": rights,
        "invite": InviteForm(),
        "reason": ReasonForm(),
        "heading": "People",
    }
    return visit.page("members", context)


def invite(visit: Visit) -> str | HttpResponse:
    """Let a researcher in."""
    form = InviteForm(visit.request.POST)
    if not form.is_valid():
        messages.error(visit.request, "Nobody was invited: write a user name or address, and choose a role.")
        return visit.go("members")
    user = members.find_account(text=form.cleaned_data["person"])
    role = Role(form.cleaned_data["role"])
    members.add_member(study=visit.study, user=user, role=role, actor=_me(visit))
    return f"{user.get_username()} now works on this study as {role.label.lower()}."


def change(visit: Visit, member_id: int) -> str | HttpResponse:
    """Give a member another role."""
    wanted = visit.request.POST.get("role", "")
    if wanted not in Role.values:
        messages.error(visit.request, "There is no such role.")
        return visit.go("members")
    member = members.change_role(member=_member(visit, member_id), role=Role(wanted), actor=_me(visit))
    return f"{member.user.get_username()} is now {member.get_role_display().lower()}."


def remove(visit: Visit, member_id: int) -> str | HttpResponse:
    """Let a member in no more; whoever has removed himself is led to his other studies."""
    member = _member(visit, member_id)
    members.remove_member(member=member, actor=_me(visit))
    if member.user_id == visit.request.user.pk and not visit.request.user.is_superuser:
        messages.success(visit.request, "You do not work on this study any more.")
        return redirect(reverse("admin:index"))
    return f"{member.user.get_username()} does not work on this study any more."


def hand_over(visit: Visit, member_id: int) -> str:
    """Make a member the owner in one's own place."""
    member = _member(visit, member_id)
    members.hand_over(study=visit.study, to=member, actor=_me(visit))
    return f"{member.user.get_username()} owns this study now; you go on as an editor."


def leave(visit: Visit) -> str | HttpResponse:
    """Leave a study; everybody may but its last owner."""
    member = visit.study.members.filter(user=visit.request.user.pk).first()
    if member is None:
        message = "You are no member of this study."
        raise Http404(message)
    return remove(visit, member.pk)


def unblind(visit: Visit) -> str | HttpResponse:
    """Show the systems' names to every member, for good."""
    form = ReasonForm(visit.request.POST)
    if not form.is_valid():
        messages.error(visit.request, "Nothing was changed: say why the study is unblinded.")
        return visit.go("members")
    masking.unblind(study=visit.study, reason=form.cleaned_data["reason"], actor=_me(visit))
    return "The study is unblinded: every member sees the names of the systems. The log says when, by whom and why."


def _member(visit: Visit, member_id: int) -> StudyMember:
    member = visit.study.members.select_related("user", "study").filter(pk=member_id).first()
    if member is None:
        message = "There is no such member of this study."
        raise Http404(message)
    return member


def _me(visit: Visit) -> Any:
    return visit.request.user


def urls(admin: ModelAdmin[Study]) -> list[URLPattern]:
    """Return the addresses of this page."""
    share = {"needs": Action.SHARE}
    return [
        shown(admin, "members", "members/", show, needs=Action.LOOK),
        done(admin, "members_invite", "members/invite", invite, **share),
        done(admin, "members_change", "members/<int:member_id>/change", change, **share),
        done(admin, "members_remove", "members/<int:member_id>/remove", remove, **share),
        done(admin, "members_hand_over", "members/<int:member_id>/hand-over", hand_over, **share),
        done(admin, "members_leave", "members/leave", leave, needs=Action.LOOK),
        done(admin, "members_unblind", "members/unblind", unblind, needs=Action.UNBLIND),
    ]
