"""The form of checks and rules, made from what each check says about itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django import forms

from annotations.domain import quality_rules as rules
from annotations.registry import QualityCheck, Setting, quality_checks

KINDS = (
    ("never", "never: it is only told"),
    ("score", "its score is at least"),
    ("count", "so many trials have it, at least"),
)


class RulesForm(forms.Form):
    """One group of fields for each check, then the rule over several checks, then what becomes of a place."""

    together = forms.BooleanField(label="Exclude when findings of several checks add up", required=False)
    points = forms.FloatField(
        label="Points that exclude",
        min_value=0.1,
        max_value=100,
        help_text="One point: one honest rater in ten gives such a finding. Two: one in a hundred.",
    )
    checks = forms.MultipleChoiceField(
        label="Checks whose points add up", required=False, widget=forms.CheckboxSelectMultiple
    )
    reissue = forms.BooleanField(
        label="Give an excluded rater's booklet to another rater",
        required=False,
        help_text="Then every task reaches its number of raters who count. It costs a place for each exclusion.",
    )

    def __init__(self, data: Any = None, *, declared: Mapping[str, Any], may_change: bool) -> None:
        initial = {
            "together": declared["together"]["on"],
            "points": declared["together"]["points"],
            "checks": declared["together"]["checks"],
            "reissue": declared["reissue"],
        }
        super().__init__(data, initial=initial)
        self.fields["checks"].choices = rules_choices()  # type: ignore[attr-defined]
        for check in quality_checks:
            self._add(check, declared["checks"][check.name])
        for name, field in self.fields.items():
            field.disabled = not may_change
            if field.help_text:
                field.widget.attrs["aria-describedby"] = f"id_{name}_helptext"

    def _add(self, check: QualityCheck, declared: Mapping[str, Any]) -> None:
        """Add the fields of one check: whether it runs, when it excludes, and its numbers."""
        name, rule = check.name, declared["rule"]
        self.fields[f"{name}.on"] = forms.BooleanField(label=check.label, required=False, initial=declared["on"])
        self.fields[f"{name}.kind"] = forms.ChoiceField(label="Excludes when", choices=KINDS, initial=rule["kind"])
        self.fields[f"{name}.at_least"] = forms.FloatField(
            label="Number", required=False, min_value=0, initial=rule["at_least"] or None, help_text=check.score_label
        )
        for setting in check.settings:
            self.fields[f"{name}.{setting.name}"] = _number(setting, declared["options"][setting.name])

    def groups(self) -> Iterator[dict[str, Any]]:
        """Yield the fields of each check for the template."""
        for check in quality_checks:
            yield {
                "check": check,
                "on": self[f"{check.name}.on"],
                "rule": [self[f"{check.name}.kind"], self[f"{check.name}.at_least"]],
                "settings": [self[f"{check.name}.{setting.name}"] for setting in check.settings],
            }

    def quality(self) -> dict[str, Any]:
        """Return the declaration that was sent, for the verb, which checks it."""
        sent = self.cleaned_data
        return {
            "checks": {check.name: self._sent(check, sent) for check in quality_checks},
            "together": {"on": sent["together"], "points": sent["points"], "checks": sent["checks"]},
            "reissue": sent["reissue"],
        }

    def _sent(self, check: QualityCheck, sent: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "on": sent[f"{check.name}.on"],
            "options": {setting.name: sent[f"{check.name}.{setting.name}"] for setting in check.settings},
            "rule": {"kind": sent[f"{check.name}.kind"], "at_least": sent[f"{check.name}.at_least"] or 0.0},
        }


def rules_choices() -> list[tuple[str, str]]:
    """Return the checks whose points can add up."""
    return [(check.name, rules.label_of(check.name)) for check in quality_checks]


def _number(setting: Setting, value: float) -> forms.Field:
    kind = forms.IntegerField if setting.whole else forms.FloatField
    return kind(label=setting.label, min_value=setting.lowest, max_value=setting.highest, initial=value)  # type: ignore[arg-type]
