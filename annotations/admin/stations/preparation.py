"""Prepare and audit: rules for the texts, what each system's texts look like, what audits found, what was decided."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.admin import ModelAdmin
from django.http import HttpResponse, JsonResponse
from django.template.loader import render_to_string
from django.urls import URLPattern

from annotations.admin.frame import Visit, done, hand_over, shown
from annotations.admin.numbers import whole
from annotations.domain import auditing, deciding, matching, normalising, panel, preparing
from annotations.enums import JobState, StudyState
from annotations.models import Study
from annotations.registry import audits

from .preparation_findings import decisions_shown, findings_shown, profile_shown
from .preparation_form import AuditsForm

UNDER_WAY = (JobState.QUEUED, JobState.RUNNING)
WITHIN = 25  # per cent, proposed


def show(visit: Visit) -> HttpResponse:
    """Show rules, profile, findings and decisions."""
    if panel.is_panel(visit.study):
        return visit.go("panel")
    return _page(visit)


def _page(visit: Visit, *, status: int = 200, **more: Any) -> HttpResponse:
    study = visit.study
    run = auditing.latest(study=study)
    newest = study.audit_runs.first()
    rules = preparing.rules_of(study)
    never = "rules_at" not in study.preparation and study.state == StudyState.DRAFT  # then the usual ones are offered
    ticked = more.get("ticked", [rule.name for rule in normalising.RULES if rule.usual] if never else rules)
    outputs = preparing.material(study)
    context = {
        "may_edit": visit.may_change and study.state == StudyState.DRAFT,
        "outputs": outputs.count(),
        "changed": outputs.filter(raw_text__isnull=False).count(),
        "left_out": outputs.exclude(left_out="").count(),
        "pending": preparing.pending(study=study),
        "rules": [(rule, rule.name in ticked, rule.name in rules) for rule in normalising.RULES],
        "on": rules,
        "run": run,
        "current": run is not None and auditing.is_current(study=study, run=run),
        "under_way": newest if newest and newest.state in UNDER_WAY else None,
        "failed": newest if newest and newest.state == JobState.FAILED else None,
        "profile": profile_shown(run),
        "found": findings_shown(study, run),
        "decisions": decisions_shown(study),
        "audits": list(audits),
        "form": AuditsForm(declared=auditing.settings_of(study)),
        "within": WITHIN,
        "live_url": visit.url("preparation_live"),
    }
    return visit.page("preparation", {**context, **more}, status=status)


def _rules(visit: Visit) -> list[str]:
    return [name for name in visit.request.POST.getlist("rule") if name in normalising.NAMES]


def preview(visit: Visit) -> HttpResponse:
    """Show what the ticked rules would do, without doing it."""
    rules = _rules(visit)
    made = preparing.preview(study=visit.study, rules=rules)
    examples = {
        one.rule.name: [
            {"output": each.output, "before": preparing.as_shown(each.before), "after": preparing.as_shown(each.after)}
            for each in one.examples
        ]
        for one in made.rules
    }
    rows = [
        (one, [(one.counts[name], size) for name, size in made.sizes.items()], examples[one.rule.name])
        for one in made.rules
        if one.total
    ]
    return _page(visit, preview=made, preview_rows=rows, ticked=rules)


def apply(visit: Visit) -> str:
    """Make the texts by the ticked rules."""
    actor: Any = visit.request.user
    done_now = preparing.apply_rules(study=visit.study, rules=_rules(visit), actor=actor)
    if done_now.empty_count:
        names = ", ".join(done_now.empty[:5])
        messages.warning(
            visit.request,
            f"Of {done_now.empty_count:,} outputs a rule would have left nothing; there it was not applied: {names}.",
        )
    return f"Prepared: {done_now.changed:,} of {done_now.outputs:,} outputs are changed. The raw texts are kept."


def undo_rules(visit: Visit) -> str:
    """Give the raw texts back."""
    actor: Any = visit.request.user
    made = preparing.apply_rules(study=visit.study, rules=(), actor=actor)
    return f"All {made.outputs:,} texts are as they were brought."


def prepare_new(visit: Visit) -> str:
    """Apply the rules to outputs that came since."""
    actor: Any = visit.request.user
    made = preparing.prepare_new(study=visit.study, actor=actor)
    return f"{made.outputs:,} new outputs are prepared, {made.changed:,} of them changed."


def audit(visit: Visit) -> str | HttpResponse:
    """Have the audits run in the background."""
    actor: Any = visit.request.user
    run = auditing.request_audit(study=visit.study, actor=actor)
    said = "The texts are being audited. This page shows when it is done."
    otherwise = "No background worker can be reached. You can run the audit here and now."
    return hand_over(visit, "audit_texts", run.pk, said=said, otherwise=otherwise, back="preparation")


def audit_here(visit: Visit) -> str:
    """Run a waiting audit in this request, for when no worker takes it."""
    actor: Any = visit.request.user
    run = auditing.request_audit(study=visit.study, actor=actor)
    made = auditing.run_audit(run_id=run.pk, actor=actor)
    return "Another process is at it already." if made.state in UNDER_WAY else "The texts are audited."


def settings(visit: Visit) -> str | HttpResponse:
    """Save which audits run, with which settings."""
    form = AuditsForm(visit.request.POST, declared=auditing.settings_of(visit.study))
    if not form.is_valid():
        return _page(visit, form=form, status=422)
    actor: Any = visit.request.user
    auditing.declare_audits(study=visit.study, declared=form.declared_settings(), actor=actor)
    return "The settings are saved. Run the audit again for them to count."


def exclude(visit: Visit) -> str:
    """Leave the outputs of a finding out."""
    post = visit.request.POST
    actor: Any = visit.request.user
    made = deciding.exclude(study=visit.study, key=post.get("key", ""), reason=post.get("reason", ""), actor=actor)
    return f"{_outputs(made.outputs)} left out of the design. {_gaps(made)}".strip()


def note(visit: Visit) -> str:
    """Note a finding in the design."""
    post = visit.request.POST
    actor: Any = visit.request.user
    deciding.note(study=visit.study, key=post.get("key", ""), text=post.get("text", ""), actor=actor)
    return "Noted: it is frozen with the design."


def match(visit: Visit) -> str | HttpResponse:
    """Show what matching on length would lose; done with a second click."""
    post = visit.request.POST
    within = whole(post.get("within", ""))
    key = post.get("key", "")
    if not post.get("do"):
        made = deciding.preview_match(study=visit.study, within=within)
        return _page(visit, match=made, match_rows=_match_rows(made), match_key=key, within=within)
    actor: Any = visit.request.user
    decided = deciding.match_length(study=visit.study, within=within, key=key, actor=actor)
    return f"Matched on length: {_outputs(decided.outputs)} left out. {_gaps(decided)}".strip()


def _match_rows(made: matching.Match) -> list[dict[str, Any]]:
    return [
        {
            "system": name,
            "kept": made.kept_by_system[name],
            "before": before,
            "after": made.words_after.get(name, 0.0),
        }
        for name, before in made.words_before.items()
    ]


def undo(visit: Visit) -> str:
    """Take a decision back."""
    actor: Any = visit.request.user
    back = deciding.undo(study=visit.study, number=whole(visit.request.POST.get("number", "")), actor=actor)
    return f"Taken back: {_outputs(back)} back in the design." if back else "Taken back."


def _outputs(count: int) -> str:
    return "1 output" if count == 1 else f"{count:,} outputs"


def _gaps(made: deciding.Decided) -> str:
    return " ".join(made.gaps)


def live(visit: Visit) -> JsonResponse:
    """Return how far the audit is; `reload` when it is done."""
    newest = visit.study.audit_runs.first()
    under_way = newest if newest and newest.state in UNDER_WAY else None
    panels = {"audit": render_to_string("annotations/admin/parts/prepare_progress.html", {"under_way": under_way})}
    return JsonResponse({"panels": panels, "rest": under_way is None, "reload": under_way is None})


def urls(admin: ModelAdmin[Study]) -> list[URLPattern]:
    """Return the addresses of this page."""
    return [
        shown(admin, "preparation", "preparation/", show),
        shown(admin, "preparation_live", "preparation/live.json", live),
        done(admin, "preparation_preview", "preparation/preview", preview),
        done(admin, "preparation_apply", "preparation/apply", apply),
        done(admin, "preparation_raw", "preparation/raw", undo_rules),
        done(admin, "preparation_new", "preparation/new", prepare_new),
        done(admin, "preparation_audit", "preparation/audit", audit),
        done(admin, "preparation_here", "preparation/here", audit_here),
        done(admin, "preparation_settings", "preparation/settings", settings),
        done(admin, "preparation_exclude", "preparation/exclude", exclude),
        done(admin, "preparation_note", "preparation/note", note),
        done(admin, "preparation_match", "preparation/match", match),
        done(admin, "preparation_undo", "preparation/undo", undo),
    ]
