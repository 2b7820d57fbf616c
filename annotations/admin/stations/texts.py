"""Texts and settings, beside the path: what raters read, and how they come, are paid and leave."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import messages
from django.contrib.admin import ModelAdmin
from django.http import HttpResponse
from django.urls import URLPattern

from annotations.admin.frame import Visit, done, shown
from annotations.domain import editing
from annotations.domain.wording import LANGUAGES
from annotations.enums import StudyState
from annotations.errors import PlatformError
from annotations.models import Study

GROUPS = (
    ("What raters read", ("title", "language", "lead", "welcome", "consent", "instructions", "contact")),
    ("How they come and leave", ("recruitment", "completion_code", "return_address", "lease_minutes")),
    ("What they are paid", ("hourly_rate", "platform_fee", "currency")),
    ("For you and your colleagues", ("description",)),
)


class TextsForm(forms.ModelForm):
    """All texts and settings; what is frozen is shown, but cannot be edited."""

    class Meta:
        model = Study
        fields: ClassVar[list[str]] = [*editing.DRAFT_ONLY, *editing.ALWAYS]
        labels: ClassVar[dict[str, str]] = {
            "welcome": "Welcome",
            "lease_minutes": "Minutes until a silent rater's place is given away",
        }
        widgets: ClassVar[dict[str, forms.Widget]] = {
            "welcome": forms.Textarea(attrs={"rows": 6, "data-markdown": ""}),
            "consent": forms.Textarea(attrs={"rows": 10, "data-markdown": ""}),
            "instructions": forms.Textarea(attrs={"rows": 14, "data-markdown": ""}),
            "language": forms.Select(choices=list(LANGUAGES.items())),
            "description": forms.Textarea(attrs={"rows": 4}),
        }

    def __init__(self, *args: Any, may_change: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        frozen = self.instance.state != StudyState.DRAFT
        for name, field in self.fields.items():
            field.disabled = not may_change or (frozen and name in editing.DRAFT_ONLY)
            if isinstance(field, forms.CharField) and isinstance(field.widget, forms.Textarea):
                field.strip = False
            if field.help_text:
                field.widget.attrs["aria-describedby"] = f"id_{name}_helptext"

    def changes(self) -> dict[str, Any]:
        """Return what differs from the study; line ends as browsers send them are no difference."""
        sent = {name: self.cleaned_data[name] for name, field in self.fields.items() if not field.disabled}
        plain = {name: value.replace("\r\n", "\n") if isinstance(value, str) else value for name, value in sent.items()}
        return {name: value for name, value in plain.items() if value != self.initial[name]}

    def groups(self) -> list[tuple[str, list[forms.BoundField]]]:
        """Return the fields by group, for the template."""
        return [(title, [self[name] for name in names]) for title, names in GROUPS]


def show(visit: Visit) -> HttpResponse:
    """Show the form."""
    form = TextsForm(instance=visit.study, may_change=visit.may_change)
    return _page(visit, form)


def save(visit: Visit) -> str | HttpResponse:
    """Save what may be changed in the state that the study is in; nothing is saved when anything is wrong."""
    fresh = Study.objects.get(pk=visit.study.pk)
    form = TextsForm(visit.request.POST, instance=fresh, may_change=True)
    if not form.is_valid():
        return _page(visit, form, status=422)
    values = form.changes()
    try:
        editing.edit_texts(
            study=visit.study,
            values=values,
            seen=visit.request.POST.get("stamp", ""),
            actor=visit.request.user,  # type: ignore[arg-type]
        )
    except PlatformError as error:
        messages.error(visit.request, str(error))
        return visit.go("texts")
    return "Saved." if values else "Nothing was changed."


def _page(visit: Visit, form: TextsForm, *, status: int = 200) -> HttpResponse:
    study = visit.study
    context = {"form": form, "stamp": editing.stamp(study=study), "frozen": study.state != StudyState.DRAFT}
    context |= {"markdown_url": visit.url("steps_markdown"), "steps_url": visit.url("steps")}
    return visit.page("texts", context, status=status)


def urls(admin: ModelAdmin[Study]) -> list[URLPattern]:
    """Return the addresses of this page."""
    return [shown(admin, "texts", "texts/", show), done(admin, "texts_save", "texts/save", save)]
