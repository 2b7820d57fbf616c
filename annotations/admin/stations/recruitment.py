"""Recruitment, beside the path: people through a platform, what is decided about them, and the money."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from django.contrib import messages
from django.contrib.admin import ModelAdmin
from django.core.paginator import Paginator
from django.db.models import Count
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, reverse

from annotations.access import Action
from annotations.admin.frame import Visit, done, shown
from annotations.admin.numbers import whole
from annotations.domain import decisions, ledger, places, reconciling, recruiting, recruiting_sync
from annotations.domain.recruiting import platform_of
from annotations.enums import RemoteState, SubmissionState
from annotations.models import LedgerEntry, RecruiterAccount, Recruitment, Study, Submission
from annotations.registry import RemotePlatform, recruitment_platforms

from .recruitment_form import AccountForm, DecisionForm, SetupForm, minor, remote_platforms

PER_PAGE = 50
KINDS = {
    SubmissionState.APPROVED: "good",
    SubmissionState.PARTIAL: "good",
    SubmissionState.AWAITING: "accent",
    SubmissionState.RETURN_REQUESTED: "warn",
    SubmissionState.RESERVED: "soft",
    SubmissionState.ACTIVE: "soft",
    SubmissionState.SCREENED_OUT: "plain",
    SubmissionState.RETURNED: "warn",
    SubmissionState.TIMED_OUT: "warn",
    SubmissionState.REJECTED: "bad",
}


def show(visit: Visit) -> HttpResponse:
    """Show how it stands."""
    return _page(visit)


def _recruitment(visit: Visit) -> Recruitment:
    found = Recruitment.objects.select_related("account", "study__plan").filter(study=visit.study).first()
    if found is None:
        raise Http404
    return found


def _page(visit: Visit, *, status: int = 200, **more: Any) -> HttpResponse:
    study, user = visit.study, visit.request.user
    found = Recruitment.objects.select_related("account", "study__plan").filter(study=study).first()
    context: dict[str, Any] = {
        "heading": "Recruitment",
        "recruitment": found,
        "setup": SetupForm(study=study, recruitment=found, user=user),
        "accounts": _accounts(visit),
        "new_accounts": [AccountForm(platform=one) for one in remote_platforms()],
        **(_running(visit, found) if found else {}),
        **more,
    }
    return visit.page("recruitment", context, status=status)


def _accounts(visit: Visit) -> list[AccountForm]:
    mine = RecruiterAccount.objects.filter(owner=visit.request.user.pk)
    found = ((recruitment_platforms.get(one.platform), one) for one in mine)
    return [AccountForm(platform=plugin, account=one) for plugin, one in found if isinstance(plugin, RemotePlatform)]


def _running(visit: Visit, recruitment: Recruitment) -> dict[str, Any]:
    study = visit.study
    balance, rate = ledger.balance(study=study), ledger.hourly_rate(study=study)
    counts = dict(recruitment.submissions.order_by().values_list("state").annotate(n=Count("pk")))
    page = Paginator(_submissions(visit, recruitment), PER_PAGE).get_page(visit.request.GET.get("page"))
    state = visit.request.GET.get("state", "")
    return {
        "platform": platform_of(recruitment.account),
        "need": places.need_of(recruitment) if study.plan_id else None,
        "states": [(s, s.label, counts.get(s, 0), KINDS[s]) for s in SubmissionState if counts.get(s)],
        "state_parts": [(counts.get(s, 0), kind) for s, kind in KINDS.items()],
        "people": sum(counts.values()),
        "chosen": state,
        "page": page,
        "undecided": [str(s) for s in decisions.UNDECIDED],
        "paid": _paid(page, study),
        "nonce": secrets.token_urlsafe(8),
        "balance": balance,
        "cap_parts": [(balance.spent, "good"), (balance.open, "accent")],
        "rate": rate,
        "price": ledger.price_of(recruitment),
        "ended": recruitment.state == RemoteState.ENDED,
        "entrance": visit.request.build_absolute_uri(reverse("study_entrance", args=(study.slug,))),
    }


def _submissions(visit: Visit, recruitment: Recruitment) -> Any:
    rows = recruitment.submissions.select_related("participation__rater").order_by("-updated_at", "-pk")
    state = visit.request.GET.get("state", "")
    return rows.filter(state=state) if state in SubmissionState.values else rows


def _paid(page: Any, study: Study) -> dict[int, int]:
    """Map the people of this page to what they got."""
    people = [one.participation_id for one in page if one.participation_id]
    found: dict[int, int] = {}
    entries = LedgerEntry.objects.filter(study=study, participation__in=people, kind__in=("paid", "bonus"))
    for person, amount in entries.values_list("participation", "amount"):
        if person is not None:
            found[person] = found.get(person, 0) + amount
    return found


# What is set up


def save_account(visit: Visit) -> str | HttpResponse:
    """Keep an account; its secrets are stored encrypted and never shown again."""
    post, user = visit.request.POST, visit.request.user
    plugin = next((one for one in remote_platforms() if one.name == post.get("platform")), None)
    if plugin is None:
        raise Http404
    mine = RecruiterAccount.objects.filter(owner=user.pk, platform=plugin.name)
    account = get_object_or_404(mine, pk=whole(post["account"])) if post.get("account") else None
    form = AccountForm(post, platform=plugin, account=account)
    if not form.is_valid():
        messages.error(visit.request, "Nothing was saved: give the account a name, and check the address.")
        return visit.go("recruitment")
    data = form.cleaned_data
    saved = recruiting.save_account(
        owner=user,  # type: ignore[arg-type]
        name=data["name"],
        platform=plugin.name,
        base_url=data["base_url"],
        secrets=form.secrets(),
        account=account,
    )
    return f"Saved. {recruiting.check_account(account=saved)}"


def save(visit: Visit) -> str | HttpResponse:
    """Save how people are recruited."""
    found = Recruitment.objects.filter(study=visit.study).first()
    form = SetupForm(visit.request.POST, study=visit.study, recruitment=found, user=visit.request.user)
    if not form.is_valid():
        return _page(visit, status=422, setup=form)
    data, actor = form.cleaned_data, visit.request.user
    recruiting.configure(
        study=visit.study,
        account=data["account"],
        reward=minor(data["reward"]),
        minutes=data["minutes"],
        settings=form.settings(),
        auto_approve=data["auto_approve"],
        money={name: data[name] for name in ("budget_cap", "minimum_hourly_rate")},
        actor=actor,  # type: ignore[arg-type]
    )
    return "Saved."


# What is moved


def create(visit: Visit) -> str:
    """Create the draft on the platform."""
    site = visit.request.build_absolute_uri("/").rstrip("/")
    entrance = visit.request.build_absolute_uri(reverse("study_entrance", args=(visit.study.slug,)))
    made = recruiting.create_remote(
        recruitment=_recruitment(visit),
        site=site,
        entrance=entrance,
        actor=visit.request.user,  # type: ignore[arg-type]
    )
    return f"Created there as a draft with {made.places} places. Look at it there, then publish."


def _moving(verb: Callable[..., Recruitment], said: str) -> Callable[[Visit], str]:
    def move(visit: Visit) -> str:
        verb(recruitment=_recruitment(visit), actor=visit.request.user)
        return said

    return move


def look(visit: Visit) -> str:
    """Ask the platform now."""
    if not recruiting_sync.sync(recruitment_id=_recruitment(visit).pk):
        return "The platform is being asked at this moment; look again in a few seconds."
    return "Asked: this is what the platform says now."


def compare(visit: Visit) -> HttpResponse:
    """Show the ledger beside the platform's books."""
    return _page(visit, books=reconciling.compare(recruitment=_recruitment(visit)))


def adopt(visit: Visit) -> str:
    """Take the platform's fees over."""
    difference = reconciling.adopt_fees(recruitment=_recruitment(visit))
    return f"Booked a difference of {difference / 100:,.2f} as fees." if difference else "The fees agree already."


# What is decided


def decide(visit: Visit, *, submission_id: int, action: str) -> str:
    """Decide about one session."""
    recruitment = _recruitment(visit)
    rows = Submission.objects.select_related("recruitment__account", "recruitment__study", "participation")
    one = get_object_or_404(rows, pk=submission_id, recruitment=recruitment)
    form = DecisionForm(visit.request.POST)
    if not form.is_valid() or action not in DECISIONS:
        return "Nothing was changed: the form was not complete."
    return DECISIONS[action](one, form.cleaned_data, visit.request.user)


def _approve(one: Submission, data: dict[str, Any], actor: Any) -> str:
    del data
    decisions.approve(submission=one, actor=actor)
    return "Approved; the platform pays."


def _return(one: Submission, data: dict[str, Any], actor: Any) -> str:
    decisions.request_return(submission=one, reason=data["reason"], actor=actor)
    return "The person is asked to return the session."


def _reject(one: Submission, data: dict[str, Any], actor: Any) -> str:
    decisions.reject(submission=one, reason=data["reason"], message=data["message"], actor=actor)
    return "Rejected; the place is free again."


def _bonus(one: Submission, data: dict[str, Any], actor: Any) -> str:
    made = decisions.give_bonus(
        submission=one,
        amount=minor(data["amount"] or Decimal(0)),
        reason=data["reason"],
        key=f"{one.pk}:{data['nonce']}",
        actor=actor,
    )
    return f"Bonus: {made.get_state_display().lower()}."


DECISIONS: dict[str, Callable[[Submission, dict[str, Any], Any], str]] = {
    "approve": _approve,
    "return": _return,
    "reject": _reject,
    "bonus": _bonus,
}


def urls(admin: ModelAdmin[Study]) -> list[URLPattern]:
    """Return the addresses of this page."""
    deeds: dict[str, Callable[..., Any]] = {
        "account": save_account,
        "save": save,
        "create": create,
        "publish": _moving(recruiting.publish, "Published: people can come."),
        "pause": _moving(recruiting.pause, "Paused: nobody new comes in, whoever is at work goes on."),
        "stop": _moving(recruiting.stop, "Stopped. Whoever is at work may finish and is paid."),
        "look": look,
        "compare": compare,
        "adopt": adopt,
    }
    actions = [
        done(admin, f"recruitment_{name}", f"recruitment/{name}", deed, needs=Action.PAY)
        for name, deed in deeds.items()
    ]
    one = done(
        admin,
        "recruitment_decide",
        "recruitment/sessions/<int:submission_id>/<slug:action>",
        decide,
        needs=Action.PAY,
    )
    return [shown(admin, "recruitment", "recruitment/", show, needs=Action.PAY), *actions, one]
