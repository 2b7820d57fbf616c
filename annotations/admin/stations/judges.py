"""Automatic judges: bring scores as a file or have them computed, see what they cover, and whether people agree."""

from __future__ import annotations

import zipfile
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin import ModelAdmin
from django.http import Http404, HttpResponse, JsonResponse
from django.template.loader import render_to_string
from django.urls import URLPattern

from annotations.admin.frame import Visit, done, hand_over, shown
from annotations.admin.options_form import OptionsForm
from annotations.domain import reporting, score_uploads, scores, scoring, scoring_overview
from annotations.domain.bundles import members_of
from annotations.domain.score_files import SUFFIXES
from annotations.enums import JobState
from annotations.errors import MaterialRefused, NotReady
from annotations.models import Judge, Study
from annotations.registry import Scorer, scorers

UNDER_WAY = (JobState.QUEUED, JobState.RUNNING)
FIGURES = {
    "judges": "How each judge’s scores go with people’s",
    "judge-accuracy": "How often each judge prefers what the majority of raters prefers",
}
# Events after which a report's comparison is of other scores.
CHANGES = ("scores_imported", "scores_requested", "judge_added", "judge_edited", "judge_removed")
# A picture opened by itself may hold styles and nothing else.
ALONE = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
NO_WORKER = "It is noted, but the background worker cannot be reached. It begins as soon as one runs."


class ScoresForm(forms.Form):
    """A file of scores."""

    file = forms.FileField(label="CSV, JSONL or Parquet", allow_empty_file=True)
    replace = forms.BooleanField(label="Replace earlier scores by judges of the same names", required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["file"].widget.attrs.update({"accept": ",".join(SUFFIXES), "aria-describedby": "id_file_helptext"})


class JudgeForm(OptionsForm):
    """A judge that is computed here: what it is called, and the settings of its scorer."""

    judge_name = forms.CharField(label="Name of the judge", max_length=80, help_text="As tables and figures show it.")
    judge_about = forms.CharField(label="Note", max_length=500, required=False, help_text="For your readers.")

    def __init__(self, *args: Any, scorer: Scorer, **more: Any) -> None:
        more["initial"] = {"judge_name": scorer.label[:80], **more.get("initial", {})}
        super().__init__(*args, plugin=scorer, prefix=scorer.name, **more)
        self.scorer = scorer


def show(visit: Visit) -> HttpResponse:
    """Show the judges and what can be added."""
    return _page(visit)


def _page(
    visit: Visit,
    *,
    preview: dict[str, Any] | None = None,
    form: JudgeForm | None = None,
    upload: ScoresForm | None = None,
    status: int = 200,
) -> HttpResponse:
    judges = scoring_overview.judges_of(study=visit.study)
    context = {
        "judges": judges,
        "outputs": judges[0].outputs if judges else visit.study.systems.filter(outputs__isnull=False).count(),
        "under_way": [one for one in judges if one.is_under_way],
        "live_url": visit.url("judges_live"),
        "upload": upload or ScoresForm(),
        "suffixes": SUFFIXES,
        "preview": preview,
        "forms": [form if form and form.scorer is one else JudgeForm(scorer=one) for one in scorers],
        "opened": form.scorer.name if form else "",
        "report": _compared(visit),
    }
    return visit.page("judges", context, status=status)


def _compared(visit: Visit) -> dict[str, Any] | None:
    """Return what the newest report says of judges and people; the blinded see no such page."""
    report = visit.study.reports.filter(state=JobState.DONE, masked=False).first()
    found = report.summary.get("judges") if report else None
    if not report or not found:
        return None
    files = members_of(report.bundle)
    drawn = [(name, title) for name, title in FIGURES.items() if f"figures/{name}.svg" in files]
    return {
        **found,
        "report": report,
        "figures": [(visit.url("judges_figure", report.pk, name), title) for name, title in drawn],
        "stale": visit.study.events.filter(name__in=CHANGES, at__gt=report.created_at).exists(),
    }


def figure(visit: Visit, report_id: int, name: str) -> HttpResponse:
    """Send one of the report's pictures of judges, to be shown."""
    report = visit.study.reports.filter(pk=report_id, state=JobState.DONE, masked=False).first()
    message = "There is no such picture."
    if report is None or name not in FIGURES:
        raise Http404(message)
    try:
        content = reporting.read_member(report=report, name=f"figures/{name}.svg")
    except (KeyError, OSError, ValueError, zipfile.BadZipFile, NotReady) as error:
        raise Http404(message) from error
    response = HttpResponse(content, content_type="image/svg+xml")
    response.headers["Content-Security-Policy"] = ALONE
    return response


def preview(visit: Visit) -> str | HttpResponse:
    """Keep the file, and show what would come of it."""
    form = ScoresForm(visit.request.POST, visit.request.FILES)
    if not form.is_valid():
        said = " ".join(str(error) for errors in form.errors.values() for error in errors)
        messages.error(visit.request, f"Nothing was imported. {said}")
        return _page(visit, upload=form, status=422)
    file, replace = form.cleaned_data["file"], form.cleaned_data["replace"]
    try:
        token = score_uploads.keep(study=visit.study, filename=file.name, content=file)
    except MaterialRefused as refused:
        return _page(visit, preview={"file": file.name, "problems": refused.problems}, status=422)
    with score_uploads.opened(study=visit.study, token=token) as (path, name):
        found = scores.preview(study=visit.study, path=path, filename=name, replace=replace)
    if found.problems:
        score_uploads.forget(study=visit.study, token=token)
    context = {
        "file": file.name,
        "token": token,
        "replace": replace,
        "found": found,
        "sheet": found.sheet,
        "problems": found.problems,
        "outputs": found.sheet.known,
    }
    return _page(visit, preview=context, status=422 if found.problems else 200)


def bring(visit: Visit) -> str:
    """Import the file that was looked at."""
    post: Any = visit.request.POST
    token = post.get("token", "")
    with score_uploads.opened(study=visit.study, token=token) as (path, name):
        said = scores.import_scores(
            study=visit.study,
            path=path,
            filename=name,
            replace="replace" in post,
            description=post.get("description", "").strip()[:2000],
            actor=visit.request.user,  # type: ignore[arg-type]
        )
    score_uploads.forget(study=visit.study, token=token)
    return said


def add(visit: Visit) -> str | HttpResponse:
    """Add a judge that is computed here, and start."""
    name = visit.request.POST.get("scorer", "")
    if name not in scorers.names():
        message = "There is no such scorer."
        raise Http404(message)
    form = JudgeForm(visit.request.POST, scorer=scorers.get(name))
    if not form.is_valid():
        return _page(visit, form=form, status=422)
    judge = scoring.add_judge(
        study=visit.study,
        name=form.cleaned_data["judge_name"],
        description=form.cleaned_data["judge_about"],
        scorer=name,
        settings=form.cleaned_data["settings"],
        secrets=form.secrets,
        actor=visit.request.user,  # type: ignore[arg-type]
    )
    return _start(visit, judge)


def _start(visit: Visit, judge: Judge) -> str | HttpResponse:
    said = f"The scores of {judge.name} are being computed. This page shows how far it is."
    return hand_over(visit, "compute_scores", judge.pk, said=said, otherwise=NO_WORKER, back="judges")


def _judge(visit: Visit, judge_id: int) -> Judge:
    judge = visit.study.judges.filter(pk=judge_id).first()
    if judge is None:
        message = "There is no such judge in this study."
        raise Http404(message)
    return judge


def compute(visit: Visit, judge_id: int) -> str | HttpResponse:
    """Compute what is missing; one that waits already is sent to the worker again, which does no harm."""
    actor: Any = visit.request.user
    return _start(visit, scoring.request_scores(judge=_judge(visit, judge_id), actor=actor))


def stop(visit: Visit, judge_id: int) -> str:
    """Stop the job."""
    scoring.stop_scores(judge=_judge(visit, judge_id), actor=visit.request.user)  # type: ignore[arg-type]
    return "It stops in a moment. What was computed is kept."


def delete(visit: Visit, judge_id: int) -> str:
    """Take a judge out."""
    judge = _judge(visit, judge_id)
    removed = scores.delete_judge(judge=judge, actor=visit.request.user)  # type: ignore[arg-type]
    return f"{judge.name} is taken out, with {removed:,} score{'s' * (removed != 1)}."


def settings(visit: Visit, judge_id: int) -> HttpResponse:
    """Show the settings of a judge that is computed here; secrets are not shown."""
    judge = _judge(visit, judge_id)
    if not judge.scorer:
        message = "This judge has no settings: its scores were brought as a file."
        raise Http404(message)
    return _settings(visit, judge, OptionsForm(plugin=scorers.get(judge.scorer), **_stored(judge)))


def _stored(judge: Judge) -> dict[str, Any]:
    return {"settings": judge.settings, "stored": [name for name, value in judge.secrets.items() if value]}


def _settings(visit: Visit, judge: Judge, form: OptionsForm, *, status: int = 200) -> HttpResponse:
    context = {"judge": judge, "form": form, "scored": judge.scores.count(), "title": f"{judge.name} · judges"}
    return visit.page("judges_settings", context, status=status)


def save(visit: Visit, judge_id: int) -> str | HttpResponse:
    """Change settings or key."""
    judge = _judge(visit, judge_id)
    if not judge.scorer:
        message = "This judge has no settings."
        raise Http404(message)
    form = OptionsForm(visit.request.POST, plugin=scorers.get(judge.scorer), **_stored(judge))
    if not form.is_valid():
        return _settings(visit, judge, form, status=422)
    actor: Any = visit.request.user
    new = form.cleaned_data["settings"]
    fallen = scoring.edit_judge(judge=judge, settings=new, secrets=form.secrets, actor=actor)
    gone = f" {fallen:,} score{'s' * (fallen != 1)} by the earlier settings fell." if fallen else ""
    return f"Saved.{gone} Compute what is missing when you are ready."


def live(visit: Visit) -> JsonResponse:
    """Return the judges under way; `reload` when the last one is finished."""
    waiting = [one for one in scoring_overview.judges_of(study=visit.study) if one.is_under_way]
    context = {"under_way": waiting, "study": visit.study, "may_change": False}
    panel = render_to_string("annotations/admin/parts/judges_under_way.html", context)
    return JsonResponse({"panels": {"judges": panel}, "rest": not waiting, "reload": not waiting})


def urls(admin: ModelAdmin[Study]) -> list[URLPattern]:
    """Return the addresses of this page."""
    at = "judges/<int:judge_id>/"
    return [
        shown(admin, "judges", "judges/", show),
        shown(admin, "judges_live", "judges/live.json", live),
        done(admin, "judges_preview", "judges/preview", preview),
        done(admin, "judges_import", "judges/import", bring),
        done(admin, "judges_add", "judges/add", add),
        shown(admin, "judges_figure", "judges/figure/<int:report_id>/<slug:name>", figure),
        shown(admin, "judges_settings", at, settings),
        done(admin, "judges_save", f"{at}save", save),
        done(admin, "judges_compute", f"{at}compute", compute),
        done(admin, "judges_stop", f"{at}stop", stop),
        done(admin, "judges_delete", f"{at}delete", delete),
    ]
