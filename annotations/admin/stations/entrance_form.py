"""Forms of the page "Entrance"."""

from __future__ import annotations

from typing import Any

from django import forms

from annotations.access import User, studies_of
from annotations.models import Study

MOST_BYTES = 5_000_000


class EntryForm(forms.Form):
    """Limits at the entrance; the code is asked of an open link only."""

    code = forms.CharField(
        label="Access code",
        required=False,
        max_length=60,
        help_text="People type it before they are let in. Empty for none.",
    )
    seats = forms.IntegerField(
        min_value=0,
        max_value=1_000_000,
        required=False,
        help_text="At work or finished at most so many. 0 for no limit.",
    )
    per_browser = forms.IntegerField(
        label="Per browser",
        min_value=0,
        max_value=1000,
        required=False,
        help_text="So often from one browser. 0 for no limit.",
    )
    exclude_participants_of = forms.ModelMultipleChoiceField(
        Study.objects.none(),
        label="Not for people who took part in",
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )

    def __init__(self, data: Any = None, *, study: Study, user: User) -> None:
        kept = study.recruitment_settings
        initial = {
            "code": kept.get("code", ""),
            "seats": kept.get("seats", 0),
            "per_browser": kept.get("per_browser", 0),
            "exclude_participants_of": kept.get("exclude_participants_of", []),
        }
        super().__init__(data, initial=initial)
        # Of the owner's other studies only those that this person works on; the others are not named, and stay chosen.
        others = studies_of(user).exclude(pk=study.pk).filter(created_by=study.created_by_id, created_by__isnull=False)
        self.unseen = sorted({*kept.get("exclude_participants_of", ())} - {*others.values_list("pk", flat=True)})
        if others.exists():
            self.fields["exclude_participants_of"].queryset = others  # type: ignore[attr-defined]
        else:
            del self.fields["exclude_participants_of"]
        if study.recruitment != "link":
            del self.fields["code"]

    def settings(self) -> dict[str, Any]:
        """Return what is stored."""
        data = dict(self.cleaned_data)
        chosen = data.pop("exclude_participants_of", None)
        kept = {name: value if value is not None else 0 for name, value in data.items()}
        if chosen is None:
            return kept
        return kept | {"exclude_participants_of": [*self.unseen, *(study.pk for study in chosen)]}


class LettersForm(forms.Form):
    """Words of the letter and rhythm of the reminders."""

    subject = forms.CharField(required=False, max_length=150, help_text="Empty for the standard words.")
    message = forms.CharField(
        required=False,
        max_length=5000,
        widget=forms.Textarea(attrs={"rows": 6}),
        help_text="Plain text above the link. Empty for the standard words, in the language of the person.",
    )
    reply_to = forms.EmailField(label="Answers go to", required=False, help_text="Empty for the contact of the study.")
    reminders = forms.IntegerField(
        label="Reminders at most", min_value=0, max_value=5, help_text="To those who have not finished. 0 for none."
    )
    reminder_days = forms.IntegerField(label="Days between", min_value=1, max_value=60)

    def __init__(self, data: Any = None, *, study: Study) -> None:
        kept = study.recruitment_settings
        usual = {"reminders": 2, "reminder_days": 3}
        initial = {name: kept.get(name, usual.get(name, "")) for name in self.base_fields}
        super().__init__(data, initial=initial)


class ListForm(forms.Form):
    """A file of addresses or codes."""

    file = forms.FileField(
        label="CSV of addresses or codes", widget=forms.FileInput(attrs={"accept": ".csv,.txt,.tsv"})
    )

    def clean_file(self) -> Any:
        """Refuse what is no list of people."""
        given = self.cleaned_data["file"]
        if given.size > MOST_BYTES:
            raise forms.ValidationError("The file is larger than 5 MB. Split it.")
        return given


class BouncesForm(forms.Form):
    """Whatever holds the addresses."""

    text = forms.CharField(
        label="Addresses that letters came back from",
        max_length=500_000,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text="Paste addresses, or the returned letters as they are.",
    )
