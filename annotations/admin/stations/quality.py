"""Quality, beside the path: what the checks found, whom the rules exclude, one rater's trials, and the rules."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.admin import ModelAdmin
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern

from annotations.access import Action
from annotations.admin.frame import Visit, done, hand_over, shown
from annotations.domain import quality, quality_overview, quality_places, quality_rules
from annotations.enums import StudyState
from annotations.models import Exclusion, Participation, Study
from annotations.registry import quality_checks

from .quality_form import RulesForm

PER_PAGE = 25
FILTERS = {
    "findings": "with findings",
    "excluded": "excluded",
    "undone": "taken back by hand",
    "clean": "without findings",
    "all": "all who judged",
}
SLOW = 40  # a booklet with more trials has no room for labels


def show(visit: Visit) -> HttpResponse:
    """Show checks with what each found, and the raters."""
    return _page(visit)


def _page(visit: Visit, *, form: RulesForm | None = None, status: int = 200) -> HttpResponse:
    study, query = visit.study, visit.request.GET
    which = query.get("show", "findings") if query.get("show") in FILTERS else "findings"
    check = query.get("check", "") if query.get("check") in quality_checks.names() else ""
    found = quality_overview.raters(study=study, shown=which, check=check)
    page = Paginator(found, PER_PAGE).get_page(query.get("page"))
    declared = quality_rules.declared(study.quality)
    may_rule = visit.may_change and study.state == StudyState.DRAFT
    context = {
        "title": f"Quality · {study.title}",
        "summary": quality_overview.summary(study=study),
        "balance": quality_places.balance(study=study) if study.plan_id else None,
        "page": page,
        "rows": [_row(visit, rater) for rater in page],
        "filters": [(key, label, key == which) for key, label in FILTERS.items()],
        "which": which,
        "check": check,
        "checks": quality_checks.choices(),
        "form": form or RulesForm(declared=declared, may_change=may_rule),
        "may_rule": may_rule,
        "may_run": visit.may(Action.RUN),
        "stamp": quality.stamp(study=study),
        "rules": list(quality_rules.rules_in_words(declared)),
        "reissue": declared["reissue"],
        "closed": study.state == StudyState.CLOSED,
    }
    return visit.page("quality", context, status=status)


def _row(visit: Visit, rater: Any) -> dict[str, Any]:
    """Return a rater with the findings as bars and what was decided."""
    return {
        "rater": rater,
        "url": visit.url("quality_rater", rater.pk),
        "findings": quality_overview.findings_of(study=visit.study, flags=list(rater.flags.all())),
        "exclusions": [_exclusion(visit, one) for one in rater.exclusions.all()],
    }


def _exclusion(visit: Visit, one: Exclusion) -> dict[str, Any]:
    return {
        "one": one,
        "label": quality_rules.label_of(one.check_name),
        "undo_url": visit.url("quality_undo", one.participation_id, one.pk),
        "lifted": one.undone_reason == quality.LIFTED,
    }


def _rater(visit: Visit, participation_id: int) -> Participation:
    rows = quality_overview.raters(study=visit.study, shown="all")
    found = rows.filter(pk=participation_id).first()
    if found is None:
        message = "There is no such rater in this study."
        raise Http404(message)
    return found


def rater(visit: Visit, participation_id: int) -> HttpResponse:
    """Show one rater's trials: texts, answers, times, and what was found where."""
    someone = _rater(visit, participation_id)
    trials = quality_overview.trials_of(participation=someone)
    roomy = len(trials) <= SLOW
    row = _row(visit, someone)
    context = {
        "title": f"Rater {someone.rater.pseudonym} · {visit.study.title}",
        "row": row,
        "trials": trials,
        "bars": [
            (str(one["number"]) if roomy else "", round(one["seconds"] or 0, 1), "warn" if one["found"] else "plain")
            for one in trials
        ],
        "standing": [one for one in row["exclusions"] if one["one"].undone_at is None],
        "past": [one for one in row["exclusions"] if one["one"].undone_at is not None],
        "may_run": visit.may(Action.RUN),
        "exclude_url": visit.url("quality_exclude", someone.pk),
        "back_url": visit.url("quality"),
    }
    return visit.page("quality_rater", context)


def exclude(visit: Visit, participation_id: int) -> HttpResponse:
    """Exclude a rater by hand."""
    someone = _rater(visit, participation_id)
    reason = visit.request.POST.get("reason", "")
    quality.exclude(participation=someone, reason=reason, actor=visit.request.user)  # type: ignore[arg-type]
    messages.success(visit.request, f"Rater {someone.rater.pseudonym} is excluded. The answers are kept.")
    return redirect(visit.url("quality_rater", someone.pk))


def undo(visit: Visit, participation_id: int, exclusion_id: int) -> HttpResponse:
    """Take an exclusion back."""
    someone = _rater(visit, participation_id)
    made = someone.exclusions.filter(pk=exclusion_id).first()
    if made is None:
        message = "There is no such exclusion."
        raise Http404(message)
    reason = visit.request.POST.get("reason", "")
    quality.undo(exclusion=made, reason=reason, actor=visit.request.user)  # type: ignore[arg-type]
    messages.success(visit.request, "Taken back. The rule does not exclude this rater again.")
    return redirect(visit.url("quality_rater", someone.pk))


def save_rules(visit: Visit) -> str | HttpResponse:
    """Declare checks and rules."""
    declared = quality_rules.declared(visit.study.quality)
    form = RulesForm(visit.request.POST, declared=declared, may_change=True)
    if not form.is_valid():
        return _page(visit, form=form, status=422)
    seen = visit.request.POST.get("stamp", "")
    quality.declare(study=visit.study, quality=form.quality(), seen=seen, actor=visit.request.user)  # type: ignore[arg-type]
    return "Saved: these rules are frozen with the design."


def look(visit: Visit) -> str | HttpResponse:
    """Have every rater looked at now, in the background."""
    said = "All raters are being looked at. Reload the page in a moment."
    otherwise = "The background worker cannot be reached. Start it, then ask again."
    return hand_over(visit, "examine_study", visit.study.pk, said=said, otherwise=otherwise, back="quality")


def urls(admin: ModelAdmin[Study]) -> list[URLPattern]:
    """Return the addresses of this page."""
    at = "quality/rater/<int:participation_id>/"
    return [
        shown(admin, "quality", "quality/", show, needs=Action.LOOK),
        shown(admin, "quality_rater", at, rater, needs=Action.READ),
        done(admin, "quality_exclude", f"{at}exclude", exclude, needs=Action.RUN),
        done(admin, "quality_undo", f"{at}undo/<int:exclusion_id>", undo, needs=Action.RUN),
        done(admin, "quality_rules", "quality/rules", save_rules, needs=Action.EDIT),
        done(admin, "quality_look", "quality/look", look, needs=Action.RUN),
    ]
