"""Forms of the page "generate": a system with the settings of its generator, and what a generation is to bring."""

from __future__ import annotations

from typing import Any

from django import forms

from annotations.admin.options_form import OptionsForm
from annotations.domain import generating
from annotations.enums import SystemRole
from annotations.models import Prompt, Study
from annotations.registry import Generator, generators

ROLES = [(role.value, role.label) for role in SystemRole if role != SystemRole.CHECK]
RULES = (("keep", "Keep it, with its mark"), ("resample", "Ask again"), ("leave_out", "Leave it out"))
AFTER = (("keep", "Keep the last answer, with its mark"), ("leave_out", "Leave the sample out"))


class SystemForm(OptionsForm):
    """Name and role of a system, and how its generator asks it."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.fields["name"] = forms.CharField(
            label="Name of the system", max_length=120, help_text="Raters never see it. It stands in files and reports."
        )
        self.fields["role"] = forms.ChoiceField(choices=ROLES, initial="treatment")
        self.order_fields(["name", "role", "base_url", "model", "secret_api_key"])


class StartForm(forms.Form):
    """What a generation is to bring."""

    systems = forms.MultipleChoiceField(widget=forms.CheckboxSelectMultiple)
    families = forms.MultipleChoiceField(
        label="Task families", required=False, widget=forms.CheckboxSelectMultiple, help_text="None chosen: all."
    )
    keys = forms.CharField(
        label="Only these prompts",
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="Keys of prompts, one a line. Empty: all.",
    )
    samples = forms.IntegerField(
        label="Samples of each system for each prompt", min_value=1, max_value=generating.MOST_SAMPLES, initial=10
    )
    refusal = forms.ChoiceField(label="A refusal", choices=RULES, initial=generating.DEFAULTS["refusal"])
    truncated = forms.ChoiceField(
        label="An answer cut off at its longest", choices=RULES, initial=generating.DEFAULTS["truncated"]
    )
    empty = forms.ChoiceField(label="An empty answer", choices=RULES, initial=generating.DEFAULTS["empty"])
    most_resamples = forms.IntegerField(
        label="Ask again at most",
        min_value=1,
        max_value=generating.MOST_RESAMPLES,
        initial=generating.DEFAULTS["most_resamples"],
        help_text="Times, for each sample. What came before is kept beside it.",
    )
    then = forms.ChoiceField(label="And then", choices=AFTER, initial=generating.DEFAULTS["then"])
    budget = forms.DecimalField(
        label="Budget",
        required=False,
        min_value=0,
        max_digits=12,
        decimal_places=4,
        help_text="It stops before this is passed. Empty: no limit. A system without prices counts as free.",
    )

    def __init__(self, *args: Any, study: Study, **more: Any) -> None:
        super().__init__(*args, **more)
        self.study = study
        self.use_required_attribute = False
        systems = [(str(pk), name) for pk, name in askable(study)]
        names: Any = self.fields["systems"]
        names.choices, names.initial = systems, [pk for pk, _ in systems]
        families = Prompt.objects.filter(study=study, is_check=False).order_by("task_family")
        found = [name for name in families.values_list("task_family", flat=True).distinct() if name]
        chosen: Any = self.fields["families"]
        chosen.choices = [(name, name) for name in found]
        if len(found) < 2:  # noqa: PLR2004 - nothing to choose
            del self.fields["families"]

    def clean_keys(self) -> list[str]:
        """Return the keys, each of which must be one of a prompt."""
        keys = [line.strip() for line in str(self.cleaned_data["keys"]).splitlines() if line.strip()]
        known = set(self.study.prompts.filter(key__in=keys).values_list("key", flat=True))
        unknown = [key for key in keys if key not in known]
        if unknown:
            message = f"There is no prompt with the key '{unknown[0]}'."
            raise forms.ValidationError(message)
        return keys

    @property
    def wanted(self) -> dict[str, Any]:
        """Return systems, prompts and samples, as the domain takes them."""
        data = self.cleaned_data
        prompts = Prompt.objects.filter(study=self.study, is_check=False)
        if data.get("families"):
            prompts = prompts.filter(task_family__in=data["families"])
        if data["keys"]:
            prompts = prompts.filter(key__in=data["keys"])
        narrowed = bool(data.get("families") or data["keys"])
        return {
            "systems": [int(pk) for pk in data["systems"]],
            "prompts": list(prompts.values_list("pk", flat=True)) if narrowed else None,
            "samples": data["samples"],
        }

    @property
    def rules(self) -> dict[str, Any]:
        """Return the rules."""
        return {name: self.cleaned_data[name] for name in generating.DEFAULTS}


def askable(study: Study) -> list[tuple[int, str]]:
    """Return the systems that can be asked."""
    found = study.systems.exclude(role=SystemRole.CHECK).filter(writer__isnull=False)
    return list(found.values_list("pk", "name"))


def generator_named(name: str) -> Generator | None:
    """Return a generator by its name."""
    return generators.get(name) if name in generators.names() else None
