"""The form of the audits' settings, made from what each audit takes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django import forms

from annotations.registry import Audit, Option, audits


class AuditsForm(forms.Form):
    """Whether each audit runs, and a field for each of its options."""

    def __init__(self, data: Any = None, *, declared: Mapping[str, Mapping[str, Any]]) -> None:
        super().__init__(data)
        for audit in audits:
            own = declared[audit.name]
            self.fields[f"{audit.name}.on"] = forms.BooleanField(
                label=audit.label, required=False, initial=own["on"], help_text=audit.question
            )
            for option in audit.takes:
                self.fields[f"{audit.name}.{option.name}"] = _field(option, own[option.name])

    def groups(self) -> Iterator[dict[str, Any]]:
        """Yield the fields of each audit for the template."""
        for audit in audits:
            yield {
                "audit": audit,
                "on": self[f"{audit.name}.on"],
                "fields": [self[f"{audit.name}.{option.name}"] for option in audit.takes],
            }

    def clean(self) -> dict[str, Any]:
        """Check every option by its own rules, so that an error stands at its field."""
        cleaned: dict[str, Any] = super().clean() or {}
        for audit in audits:
            for option in audit.takes:
                self._clean_option(audit, option, cleaned)
        return cleaned

    def _clean_option(self, audit: Audit, option: Option, cleaned: dict[str, Any]) -> None:
        name = f"{audit.name}.{option.name}"
        if name not in cleaned:
            return
        value = cleaned[name]
        if option.kind == "lines":
            value = list(dict.fromkeys(line.strip() for line in value.splitlines() if line.strip()))
        try:
            cleaned[name] = option.clean(value)
        except ValueError as error:
            self.add_error(name, f"{str(error.args[0]).capitalize()}.")

    def declared_settings(self) -> dict[str, dict[str, Any]]:
        """Return the settings as `auditing.declare_audits` takes them."""
        return {
            audit.name: {
                "on": self.cleaned_data[f"{audit.name}.on"],
                **{option.name: self.cleaned_data[f"{audit.name}.{option.name}"] for option in audit.takes},
            }
            for audit in audits
        }


def _field(option: Option, value: Any) -> forms.Field:
    if option.kind == "yes_no":
        return forms.BooleanField(label=option.label, required=False, initial=value, help_text=option.help)
    if option.kind == "number":
        return forms.IntegerField(
            label=option.label,
            initial=value,
            min_value=int(option.least),
            max_value=int(option.most),
            help_text=option.help,
        )
    if option.kind == "lines":
        return forms.CharField(
            label=option.label,
            required=False,
            initial="\n".join(value),
            help_text=option.help,
            widget=forms.Textarea(attrs={"rows": 3}),
        )
    return forms.CharField(label=option.label, required=False, initial=value, help_text=option.help)
