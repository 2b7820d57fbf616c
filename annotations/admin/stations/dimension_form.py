"""The rows of the dimensions: question type and options come from the registry, so a new plug-in needs nothing here."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from django import forms

from annotations.models import Dimension, Study
from annotations.registry import DimensionDraft, QuestionType, question_types

TRIED = range(102)
FEW = 12
JOIN = "__"


@lru_cache(maxsize=64)
def allowed_numbers(kind: str, option: str) -> tuple[int, ...]:
    """Return the whole numbers that a question type accepts for an option, by asking it."""
    plugin = question_types.get(kind)
    return tuple(number for number in TRIED if _accepts(plugin, {option: number}))


def _accepts(plugin: QuestionType, options: dict[str, Any]) -> bool:
    try:
        plugin.clean_options(options)
    except ValueError:
        return False
    return True


def option_fields(kind: QuestionType) -> dict[str, forms.Field]:
    """Return a form field per option of a question type, made from its defaults."""
    return {name: _option_field(kind.name, name, value) for name, value in kind.clean_options({}).items()}


def _option_field(kind: str, name: str, default: Any) -> forms.Field:
    label = name.replace("_", " ").capitalize()
    if isinstance(default, bool):
        return forms.BooleanField(label=label, required=False, initial=default)
    if isinstance(default, int):
        allowed = allowed_numbers(kind, name)
        if 0 < len(allowed) <= FEW:
            choices = [(number, str(number)) for number in allowed]
            return forms.TypedChoiceField(label=label, choices=choices, coerce=int, initial=default)
        return forms.IntegerField(label=label, initial=default)
    return forms.CharField(label=label, required=False, initial=default)


class DimensionForm(forms.Form):
    """One dimension."""

    order = forms.IntegerField(label="Place", min_value=1, max_value=99)
    label = forms.CharField(label="Word in the row", max_length=60)
    key = forms.SlugField(label="Name in exports", max_length=40)
    definition = forms.CharField(label="Definition", max_length=400, widget=forms.Textarea(attrs={"rows": 2}))
    question_type = forms.ChoiceField(label="Question", choices=question_types.choices)

    def __init__(self, *args: Any, may_change: bool = True, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.use_required_attribute = False
        for kind in question_types:
            for name, field in option_fields(kind).items():
                field.required = False
                self.fields[f"{kind.name}{JOIN}{name}"] = field
        for field in self.fields.values():
            field.disabled = not may_change

    def option_groups(self) -> list[tuple[str, list[forms.BoundField]]]:
        """Return the option fields by question type; the page shows those of the chosen one."""
        return [
            (kind.name, [self[f"{kind.name}{JOIN}{name}"] for name in kind.clean_options({})])
            for kind in question_types
        ]

    def clean(self) -> dict[str, Any]:
        """Let the chosen question type check its options, and say at the question what is wrong."""
        values = super().clean() or {}
        kind = values.get("question_type")
        if kind:
            try:
                values["options"] = question_types.get(kind).clean_options(self._options(kind, values))
            except ValueError as error:
                self.add_error("question_type", str(error))
        return values

    @staticmethod
    def _options(kind: str, values: dict[str, Any]) -> dict[str, Any]:
        prefix = f"{kind}{JOIN}"
        found = {name[len(prefix) :]: value for name, value in values.items() if name.startswith(prefix)}
        return {name: value for name, value in found.items() if value not in ("", None)}

    def draft(self) -> DimensionDraft:
        """Return the dimension as the domain takes it."""
        values = self.cleaned_data
        return DimensionDraft(
            values["key"], values["label"], values["definition"], values["question_type"], values["options"]
        )


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
    kwargs = {"may_change": may_change}
    return rows(data, initial=[*_initial(study.dimensions.all())], prefix="dimensions", form_kwargs=kwargs)


def _initial(dimensions: Iterable[Dimension]) -> Iterable[dict[str, Any]]:
    for place, dimension in enumerate(dimensions, start=1):
        options = {f"{dimension.question_type}{JOIN}{name}": value for name, value in dimension.options.items()}
        yield {
            "order": place,
            "key": dimension.key,
            "label": dimension.label,
            "definition": dimension.definition,
            "question_type": dimension.question_type,
            **options,
        }
