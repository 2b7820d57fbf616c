"""Material: upload a file, read what is wrong with it, see what is there and what is missing, and name the roles."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin import ModelAdmin
from django.core.files.uploadedfile import UploadedFile
from django.http import Http404, HttpResponse, JsonResponse
from django.template.loader import render_to_string
from django.urls import URLPattern

from annotations.admin.frame import Visit, done, hand_over, shown
from annotations.admin.numbers import whole
from annotations.domain import editing, materials, panel, uploads
from annotations.enums import JobState, StudyState, SystemRole
from annotations.errors import MaterialRefused
from annotations.models import MaterialImport, Study
from annotations.registry import sources

SMALL = 2_000_000  # bytes; imported while one waits
UNDER_WAY = (JobState.QUEUED, JobState.RUNNING)
ROLES = [(role.value, role.label) for role in SystemRole if role != SystemRole.CHECK]
SHOWN = 10


def formats() -> list[tuple[str, str]]:
    """Return what a file may be."""
    return [("", "By its name"), *sources.choices()]


class UploadForm(forms.Form):
    """A file of outputs: a table, or the log of an evaluation tool."""

    file = forms.FileField(label="File", allow_empty_file=True)
    source = forms.ChoiceField(label="Format", choices=formats, required=False)
    system = forms.CharField(
        label="Name of the system",
        max_length=120,
        required=False,
        help_text="In place of what the log calls its model, or when it names none. Never shown to raters.",
    )
    leave_out_unanswered = forms.BooleanField(
        label="Leave out samples without an answer, and list them", required=False
    )
    allow_extra_columns = forms.BooleanField(label="Keep unknown columns as metadata", required=False)
    new_systems = forms.BooleanField(label="This file brings new systems", required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["file"].widget.attrs.update(
            {"accept": ",".join(materials.suffixes()), "aria-describedby": "id_file_helptext"}
        )

    def clean_file(self) -> UploadedFile:
        """Refuse a file whose name ends like none that can be read; `.csv.gz` is one ending."""
        file: UploadedFile = self.cleaned_data["file"]
        if not (file.name or "").lower().endswith(materials.suffixes()):
            message = f"{file.name} cannot be read; bring one of {', '.join(materials.suffixes())}."
            raise forms.ValidationError(message)
        return file


def show(visit: Visit) -> HttpResponse:
    """Show what is there, what is missing, and the imports."""
    if panel.is_panel(visit.study):
        return visit.go("panel")
    return _page(visit, UploadForm())


def _page(visit: Visit, form: UploadForm, *, status: int = 200) -> HttpResponse:
    study = visit.study
    may_edit = visit.may_change and study.state == StudyState.DRAFT
    summary = materials.material_summary(study=study)
    imports = list(study.imports.all()[:SHOWN])
    files = [job for job in imports if not job.settings]  # what is fetched has a page of its own
    keys = dict(study.systems.values_list("name", "pk"))
    cells = materials.missing_cells(study=study)
    context = {
        "form": form,
        "may_edit": may_edit,
        "summary": summary,
        "systems": [(one, keys[one.name], cells.missing_by_system.get(one.name, 0)) for one in summary.systems],
        "samples": max((system.samples[1] for system in summary.systems), default=0),
        "longest": max((system.words_mean for system in summary.systems), default=0),
        "mean_words": _mean_words(summary),
        "cells": cells,
        "roles": ROLES,
        "stamp": editing.stamp(study=study),
        "imports": imports,
        "newest": files[0] if files and not form.is_bound else None,  # a refused form speaks of another file
        "under_way": [job for job in files if job.state in UNDER_WAY],
        "suffixes": materials.suffixes(),
        "live_url": visit.url("material_live"),
    }
    return visit.page("material", context, status=status)


def _mean_words(summary: materials.MaterialSummary) -> float:
    words = sum(system.words_mean * system.outputs for system in summary.systems)
    return words / summary.outputs if summary.outputs else 0.0


def upload(visit: Visit) -> str | HttpResponse:
    """Keep the file, and import it: at once when it is small, else in the background."""
    form = UploadForm(visit.request.POST, visit.request.FILES)
    if not form.is_valid():
        said = " ".join(str(error) for errors in form.errors.values() for error in errors)
        messages.error(visit.request, f"Nothing was imported. {said}")
        return _page(visit, form, status=422)
    file = form.cleaned_data["file"]
    options = materials.ImportOptions(
        only_known_systems=_has_systems(visit.study) and not form.cleaned_data["new_systems"],
        allow_extra_columns=form.cleaned_data["allow_extra_columns"],
        system=form.cleaned_data["system"],
        leave_out_unanswered=form.cleaned_data["leave_out_unanswered"],
    )
    actor: Any = visit.request.user
    source = form.cleaned_data["source"]
    job = uploads.queue_import(
        study=visit.study, filename=file.name, content=file, source=source, options=options, actor=actor
    )
    return _start(visit, job) if file.size >= SMALL else _run(visit, job)


def _has_systems(study: Study) -> bool:
    """Whether material is there already, so that an unknown name of a system is rather a slip of the pen."""
    return study.systems.exclude(role=SystemRole.CHECK).exists()


def _run(visit: Visit, job: MaterialImport) -> str | HttpResponse:
    try:
        finished = materials.run_import(material_import_id=job.pk, actor=visit.request.user)  # type: ignore[arg-type]
    except MaterialRefused as refused:
        count = len(refused.problems)
        number = f"{'more than ' if refused.truncated else ''}{count} problem{'s' * (count != 1)}"
        said = f"{job.filename} was refused and nothing was imported: {number}, listed below."
        messages.error(visit.request, said)
        return visit.go("material")
    if finished.state in UNDER_WAY:
        return f"{job.filename} is being imported by somebody else already."
    return f"{job.filename}: {finished.message}"


def _start(visit: Visit, job: MaterialImport) -> str | HttpResponse:
    said = f"{job.filename} is being imported. This page shows when it is done."
    otherwise = "The file is kept, but no worker can be reached. You can import it here and now."
    return hand_over(visit, "import_material", job.pk, said=said, otherwise=otherwise, back="material")


def run(visit: Visit, import_id: int) -> str | HttpResponse:
    """Import a waiting file in this request, for when no worker takes it; a finished one is left as it is."""
    return _run(visit, _job(visit, import_id))


def withdraw(visit: Visit, import_id: int) -> str:
    """Take the outputs of one import out again."""
    removed = uploads.withdraw_import(material_import=_job(visit, import_id), actor=visit.request.user)  # type: ignore[arg-type]
    return f"{removed:,} output{'s' * (removed != 1)} removed."


def roles(visit: Visit) -> str:
    """Save the roles of all systems."""
    post = visit.request.POST
    chosen = {whole(name[5:]): str(post[name]) for name in post if name.startswith("role-") and whole(name[5:])}
    actor: Any = visit.request.user
    editing.assign_roles(study=visit.study, roles=chosen, seen=post.get("stamp", ""), actor=actor)
    return "The roles are saved."


def live(visit: Visit) -> JsonResponse:
    """Return the imports under way; `reload` when the last one is finished."""
    jobs = list(visit.study.imports.filter(state__in=UNDER_WAY, settings={}))
    context = {"under_way": jobs, "may_edit": False}
    panel = render_to_string("annotations/admin/parts/imports_under_way.html", context)
    return JsonResponse({"panels": {"imports": panel}, "rest": not jobs, "reload": not jobs})


def _job(visit: Visit, import_id: int) -> MaterialImport:
    job = visit.study.imports.filter(pk=import_id).first()
    if job is None:
        message = "There is no such import in this study."
        raise Http404(message)
    return job


def urls(admin: ModelAdmin[Study]) -> list[URLPattern]:
    """Return the addresses of this station."""
    return [
        shown(admin, "material", "material/", show),
        shown(admin, "material_live", "material/live.json", live),
        done(admin, "material_upload", "material/upload", upload),
        done(admin, "material_roles", "material/roles", roles),
        done(admin, "material_run", "material/<int:import_id>/run", run),
        done(admin, "material_withdraw", "material/<int:import_id>/withdraw", withdraw),
    ]
