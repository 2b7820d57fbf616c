"""The path of a rater, beside the stations: a block per step, previews, pictures, the texts in other languages."""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.contrib.admin import ModelAdmin
from django.http import Http404, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, reverse
from django.utils import translation

from annotations.admin.frame import Visit, done, shown
from annotations.domain import editing, pictures, previewing
from annotations.domain.wording import LANGUAGES, languages_of, sources
from annotations.enums import Step, StudyState
from annotations.errors import PlatformError
from annotations.forms.page import trial_context
from annotations.forms.path import step_context
from annotations.markup import to_html
from annotations.models import Study

from .steps_form import StepsForm

LONGEST = 50_000


class FileForm(forms.Form):
    """A picture or a PDF."""

    file = forms.FileField(label="PNG, JPEG, GIF, WebP or PDF")
    title = forms.CharField(label="What it shows", max_length=120)


def show(visit: Visit) -> HttpResponse:
    """Show the saved path."""
    return _page(visit, StepsForm(path=visit.study.path, may_change=_may_edit(visit)))


def _may_edit(visit: Visit) -> bool:
    return visit.may_change and visit.study.state == StudyState.DRAFT


def _page(visit: Visit, form: StepsForm, *, refused: str = "", file: FileForm | None = None) -> HttpResponse:
    study, may_edit = visit.study, _may_edit(visit)
    try:
        pages = previewing.previewable(study=study)
    except PlatformError as error:
        pages, refused = [], refused or str(error)
    offered = dict(languages_of(study))
    context = {
        "form": form,
        "stamp": editing.stamp(study=study),
        "may_edit": may_edit,
        "refused": refused,
        "pages": [(name, title, visit.url("steps_preview", name)) for name, title in pages],
        "previews": {name: visit.url("steps_preview", name) for name, _ in pages},
        "files": [_file(study, item) for item in pictures.files_of(study)],
        "file_form": file or FileForm(),
        "languages": [
            (code, name, code in offered, visit.url("steps_texts", code))
            for code, name in LANGUAGES.items()
            if code != study.language
        ],
        "language": LANGUAGES.get(study.language, study.language),
        "markdown_url": visit.url("steps_markdown"),
    }
    return visit.page("steps", context, status=422 if refused or form.is_bound else 200)


def _file(study: Study, item: Any) -> dict[str, str]:
    address = reverse("study_file", args=(study.slug, item["name"]))
    return {**item, "address": address, "markdown": f"![{item['title']}]({address})"}


def save(visit: Visit) -> str | HttpResponse:
    """Save the whole path, or nothing; what was typed stays on the page when something is wrong."""
    study = visit.study
    form = StepsForm(visit.request.POST, path=study.path, may_change=True)
    if not form.is_valid():
        return _page(visit, form, refused="Please look at the fields that are marked.")
    path = form.path()
    if path == study.path:
        return "Nothing was changed."
    try:
        editing.edit_path(study=study, path=path, seen=visit.request.POST.get("stamp", ""), actor=_who(visit))
    except PlatformError as error:
        return _page(visit, form, refused=str(error))
    return "The path is saved."


def upload(visit: Visit) -> str | HttpResponse:
    """Keep a picture or a PDF."""
    form = FileForm(visit.request.POST, visit.request.FILES)
    if not form.is_valid():
        steps = StepsForm(path=visit.study.path, may_change=_may_edit(visit))
        return _page(visit, steps, file=form, refused="The file needs a name: say what it shows.")
    pictures.keep_file(
        study=visit.study,
        upload=form.cleaned_data["file"],
        title=form.cleaned_data["title"],
        seen=visit.request.POST.get("stamp", ""),
        actor=_who(visit),
    )
    return "The file is kept. Copy the line beside it into a text."


def markdown(visit: Visit) -> HttpResponse:
    """Return a text as raters will see it."""
    return HttpResponse(to_html(visit.request.POST.get("text", "")[:LONGEST]))


def preview(visit: Visit, step: str) -> HttpResponse:
    """Show a page of the path as raters see it, in a language."""
    pages = dict(previewing.previewable(study=visit.study))
    if step not in pages:
        message = "There is no such page."
        raise Http404(message)
    asked = visit.request.GET.get("lang", "")
    view = previewing.preview_step(study=visit.study, step=step, language=asked)
    is_trial = view.step == Step.PRACTICE and "feedback" not in view.extra
    name = "practice_feedback" if step == previewing.FEEDBACK else step
    context = {
        "view": view,
        "page": f"annotations/{name}.html",
        "preview": True,
        "what": pages[step],
        "back": visit.url("steps"),
        "languages": [] if len(languages_of(visit.study)) == 1 else languages_of(visit.study),
        **(trial_context(view, preview=True) if is_trial else step_context(view)),
    }
    with translation.override(view.language):
        return TemplateResponse(visit.request, "annotations/admin/preview_step.html", context).render()


def texts(visit: Visit, language: str) -> HttpResponse:
    """Show the texts of the study beside their translations."""
    study = visit.study
    if language not in LANGUAGES or language == study.language:
        message = "There is no such language."
        raise Http404(message)
    words = study.translations.get(language, {})
    rows = [
        {"key": key, "title": _title(key), "source": source, "text": words.get(key, ""), "rows": _rows(source)}
        for key, source in sources(study).items()
    ]
    context = {
        "rows": rows,
        "code": language,
        "language": LANGUAGES[language],
        "done": sum(bool(row["text"]) for row in rows),
        "own": LANGUAGES.get(study.language, study.language),
        "rtl": translation.get_language_info(language)["bidi"],
        "stamp": editing.stamp(study=study),
        "may_edit": _may_edit(visit),
        "save_url": visit.url("steps_translate", language),
        "steps_url": visit.url("steps"),
    }
    return visit.page("steps_texts", context)


def _title(key: str) -> str:
    return re.sub(r"[._]+", " ", key.removeprefix("path.").removeprefix("dimensions.")).capitalize()


def _rows(source: str) -> int:
    return min(max(len(source) // 70 + source.count("\n") + 1, 1), 14)


def translate(visit: Visit, language: str) -> str | HttpResponse:
    """Save the texts in one language."""
    post = visit.request.POST
    known = sources(visit.study)
    given = {key: post.get(f"text-{key}", "").replace("\r\n", "\n") for key in known}
    editing.edit_translation(
        study=visit.study, language=language, texts=given, seen=post.get("stamp", ""), actor=_who(visit)
    )
    return f"The texts in {LANGUAGES.get(language, language)} are saved."


def _who(visit: Visit) -> Any:
    return visit.request.user


def urls(admin: ModelAdmin[Study]) -> list[URLPattern]:
    """Return the addresses of this page."""
    return [
        shown(admin, "steps", "steps/", show),
        done(admin, "steps_save", "steps/save", save),
        done(admin, "steps_file", "steps/file", upload),
        done(admin, "steps_markdown", "steps/markdown", markdown),
        shown(admin, "steps_preview", "steps/preview/<slug:step>/", preview),
        shown(admin, "steps_texts", "steps/texts/<slug:language>/", texts),
        done(admin, "steps_translate", "steps/texts/<slug:language>/save", translate),
    ]
