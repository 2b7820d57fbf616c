"""The rows of the dimensions: question type and options come from the registry, so a new plug-in needs nothing here."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms

from annotations.admin.options_form import option_field
from annotations.design import DesignError
from annotations.domain import panel, planning
from annotations.models import Dimension, Study
from annotations.registry import DimensionDraft, QuestionType, question_types

JOIN = "__"
WRITTEN = ("label", "key", "definition")


def outputs_shown(study: Study) -> int:
    """Return how many outputs a trial will show by the saved design; a pair when that cannot be read."""
    if panel.is_panel(study):
        return panel.settings_of(study)["outputs"]
    try:
        return planning.spec_of(study=study).outputs_per_task
    except DesignError:
        return 2


def misfit(kind: QuestionType, *, outputs: int) -> str:
    """Say in a sentence why a type cannot be asked about so many outputs, or nothing when it can."""
    if kind.outputs[0] <= outputs <= kind.outputs[1]:
        return ""
    together = "shows one output at a time" if outputs == 1 else f"shows {outputs} outputs together"
    return f"“{kind.label}” needs {_outputs(kind)}, but the design {together}."


class DimensionForm(forms.Form):
    """One dimension."""

    order = forms.IntegerField(label="Place", min_value=1, max_value=99)
    label = forms.CharField(label="Word in the row", max_length=60)
    key = forms.SlugField(label="Name in exports", max_length=40)
    definition = forms.CharField(label="Definition", max_length=400, widget=forms.Textarea(attrs={"rows": 2}))
    question_type = forms.ChoiceField(label="Question", choices=question_types.choices)

    def __init__(self, *args: Any, may_change: bool = True, outputs: int = 2, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.use_required_attribute = False
        self.outputs = outputs
        for kind in question_types:
            for option in kind.takes:
                self.fields[f"{kind.name}{JOIN}{option.name}"] = option_field(option)
        for name, field in self.fields.items():
            field.disabled = not may_change
            if field.help_text:
                field.widget.attrs["aria-describedby"] = f"{str(self.auto_id) % self.add_prefix(name)}_helptext"

    def has_changed(self) -> bool:
        """A new row counts when something was written in it; menus always hold something."""
        if self.initial:
            return super().has_changed()
        return any((self.data.get(self.add_prefix(name)) or "").strip() for name in WRITTEN)

    def option_groups(self) -> list[dict[str, Any]]:
        """Return each question type with its fields and what it is for; the page shows those of the chosen one."""
        chosen = self["question_type"].value() or next(iter(question_types)).name
        return [
            {
                "kind": kind.name,
                "about": kind.about,
                "outputs": _outputs(kind),
                "misfit": misfit(kind, outputs=self.outputs),
                "fields": [self[f"{kind.name}{JOIN}{option.name}"] for option in kind.takes],
                "chosen": kind.name == chosen,
            }
            for kind in question_types
        ]

    def clean(self) -> dict[str, Any]:
        """Let the chosen question type check its options, and say at the field what is wrong."""
        values = super().clean() or {}
        name = values.get("question_type")
        if not name:
            return values
        kind = question_types.get(name)
        if reason := misfit(kind, outputs=self.outputs):
            self.add_error("question_type", reason)
        try:
            values["options"] = kind.clean_options(self._options(kind, values))
        except ValueError as error:
            self._refuse(kind, str(error))
        return values

    def _refuse(self, kind: QuestionType, message: str) -> None:
        """Put the message at the first option that it names, or else at the question."""
        named = [option.name for option in kind.takes if f"'{option.name}'" in message]
        first = min(named, key=lambda name: message.index(f"'{name}'"), default="")
        where = f"{kind.name}{JOIN}{first}"
        self.add_error(where if first else "question_type", f"{message[:1].upper()}{message[1:]}.")

    @staticmethod
    def _options(kind: QuestionType, values: dict[str, Any]) -> dict[str, Any]:
        found = {option.name: values.get(f"{kind.name}{JOIN}{option.name}") for option in kind.takes}
        return {name: value for name, value in found.items() if value not in ("", None)}

    def draft(self) -> DimensionDraft:
        """Return the dimension as the domain takes it."""
        values = self.cleaned_data
        return DimensionDraft(
            values["key"], values["label"], values["definition"], values["question_type"], values["options"]
        )


def _outputs(kind: QuestionType) -> str:
    least, most = kind.outputs
    if most == 1:
        return "1 output"
    return f"{least} outputs" if least == most else f"{least} to {most} outputs"


class _RowsBase(forms.BaseFormSet):
    """Rows of dimensions; those ticked "remove" are left out."""

    deletion_widget = forms.CheckboxInput

    def drafts(self) -> list[DimensionDraft]:
        """Return the dimensions in the order of their places."""
        kept = [form for form in self.forms if form.has_changed() or form.initial]
        kept = [form for form in kept if form.cleaned_data and not form.cleaned_data.get("DELETE")]
        return [form.draft() for form in sorted(kept, key=lambda form: form.cleaned_data["order"])]


def dimension_rows(study: Study, data: Any = None, *, may_change: bool) -> Any:
    """Return the formset of a study's dimensions, with one empty row to add another."""
    rows: Any = forms.formset_factory(DimensionForm, formset=_RowsBase, extra=int(may_change), can_delete=may_change)
    kwargs = {"may_change": may_change, "outputs": outputs_shown(study)}
    return rows(data, initial=[*_initial(study.dimensions.all())], prefix="dimensions", form_kwargs=kwargs)


def _initial(dimensions: Iterable[Dimension]) -> Iterable[dict[str, Any]]:
    for place, dimension in enumerate(dimensions, start=1):
        clean = _complete(dimension)
        options = {f"{dimension.question_type}{JOIN}{name}": value for name, value in clean.items()}
        yield {
            "order": place,
            "key": dimension.key,
            "label": dimension.label,
            "definition": dimension.definition,
            "question_type": dimension.question_type,
            **options,
        }


def _complete(dimension: Dimension) -> dict[str, Any]:
    """Return the options as the question type reads them; as they are stored when it does not take them any more."""
    try:
        return question_types.get(dimension.question_type).clean_options(dimension.options)
    except ValueError:
        return dict(dimension.options)
