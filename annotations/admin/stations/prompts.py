"""Prompts: sets to start from, a file of one's own, and what the study has, with its number of outputs."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin import ModelAdmin
from django.core.files.uploadedfile import UploadedFile
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.urls import NoReverseMatch, URLPattern

from annotations.admin.frame import Visit, done, shown
from annotations.admin.numbers import whole
from annotations.domain import panel, prompt_files, prompts
from annotations.enums import StudyState
from annotations.errors import MaterialRefused
from annotations.models import Study
from annotations.registry import prompt_sets

PAGE = 25
FIRST = 3  # prompts of a set that are shown at once
LARGEST = 20_000_000  # bytes of a file of prompts
WAYS = (  # where outputs come from: page, words
    ("generate", "Generate outputs"),
    ("fetch", "Fetch outputs"),
    ("material", "Upload outputs"),
)


class PromptFileForm(forms.Form):
    """A file of prompts."""

    file = forms.FileField(label="File", allow_empty_file=True)
    task_family = forms.CharField(
        label="Task family",
        max_length=80,
        required=False,
        help_text="Of prompts whose row names none, e.g. story_premises.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["file"].widget.attrs.update(
            {"accept": ",".join(prompt_files.suffixes()), "aria-describedby": "id_file_helptext"}
        )

    def clean_file(self) -> UploadedFile:
        """Refuse what cannot be a list of prompts by its name or size."""
        file: UploadedFile = self.cleaned_data["file"]
        if not (file.name or "").lower().endswith(prompt_files.suffixes()):
            message = f"{file.name} cannot be read; bring one of {', '.join(prompt_files.suffixes())}."
            raise forms.ValidationError(message)
        if (file.size or 0) > LARGEST:
            message = f"{file.name} is larger than {LARGEST // 1_000_000} MB; a file of prompts is smaller."
            raise forms.ValidationError(message)
        return file


def show(visit: Visit) -> HttpResponse:
    """Show the study's prompts and the sets."""
    if panel.is_panel(visit.study):
        return visit.go("panel")
    return _page(visit, PromptFileForm())


def _page(visit: Visit, form: PromptFileForm, *, refused: dict[str, Any] | None = None) -> HttpResponse:
    study = visit.study
    found = prompts.prompts_of(study=study)
    page = Paginator(found, PAGE).get_page(visit.request.GET.get("page"))
    context = {
        "form": form,
        "refused": refused,
        "may_edit": visit.may_change and study.state == StudyState.DRAFT,
        "page": page,
        "total": page.paginator.count,
        "waiting": prompts.waiting_prompts(study=study).count(),
        "families": study.prompts.filter(is_check=False)
        .exclude(task_family="")
        .values("task_family")
        .distinct()
        .count(),
        "sets": _sets(study),
        "suffixes": prompt_files.suffixes(),
        "ways": list(_ways(visit)),
    }
    bad = form.is_bound and (form.errors or refused)
    return visit.page("prompts", context, status=422 if bad else 200)


def _sets(study: Study) -> list[dict[str, Any]]:
    """Return the sets, each with its prompts and whether the study has them."""
    written = [each.text for one in prompt_sets for each in one.prompts]
    texts = set(prompts.prompts_of(study=study).filter(text__in=written).values_list("text", flat=True))
    found = []
    for one in prompt_sets:
        listed = [{"key": each.key, "text": each.text, "there": each.text in texts} for each in one.prompts]
        there = sum(each.text in texts for each in one.prompts)
        facts = {"first": listed[:FIRST], "prompts": listed, "there": there, "left": len(listed) - there}
        found.append({"plugin": one, **facts})
    return found


def _ways(visit: Visit) -> Any:
    for name, words in WAYS:
        with suppress(NoReverseMatch):  # until all of these pages are there
            yield visit.url(name), words


def add(visit: Visit) -> str:
    """Add a set, or those of its prompts that are ticked."""
    post = visit.request.POST
    keys = post.getlist("key") if "some" in post else None
    actor: Any = visit.request.user
    return prompts.add_prompt_set(study=visit.study, name=post.get("set", ""), keys=keys, actor=actor).words


def upload(visit: Visit) -> str | HttpResponse:
    """Add the prompts of a file."""
    form = PromptFileForm(visit.request.POST, visit.request.FILES)
    if not form.is_valid():
        said = " ".join(str(error) for errors in form.errors.values() for error in errors)
        messages.error(visit.request, f"Nothing was added. {said}")
        return _page(visit, form)
    file, family = form.cleaned_data["file"], form.cleaned_data["task_family"]
    actor: Any = visit.request.user
    try:
        added = prompts.import_prompts(
            study=visit.study, filename=file.name, content=file, task_family=family, actor=actor
        )
    except MaterialRefused as error:
        messages.error(visit.request, f"{file.name} was refused and nothing was added. What is wrong is listed below.")
        problems = [problem.as_dict() for problem in error.problems]
        return _page(visit, form, refused={"filename": file.name, "problems": problems, "state": "refused"})
    return f"{file.name}: {added.words}"


def remove(visit: Visit) -> str:
    """Take the ticked prompts out, or all that have no outputs."""
    post = visit.request.POST
    if "waiting" in post:
        chosen = list(prompts.waiting_prompts(study=visit.study).values_list("pk", flat=True))
    else:
        chosen = [key for key in map(whole, post.getlist("prompt")) if key]
    actor: Any = visit.request.user
    taken = prompts.remove_prompts(study=visit.study, prompts=chosen, with_outputs="with_outputs" in post, actor=actor)
    return f"{taken:,} prompt{'s' * (taken != 1)} removed." if taken else "Nothing was chosen, so nothing was removed."


def urls(admin: ModelAdmin[Study]) -> list[URLPattern]:
    """Return the addresses of this page."""
    return [
        shown(admin, "prompts", "prompts/", show),
        done(admin, "prompts_add", "prompts/add", add),
        done(admin, "prompts_upload", "prompts/upload", upload),
        done(admin, "prompts_remove", "prompts/remove", remove),
    ]
