"""Forms out of what plug-ins declare: a field for each option, one for each secret, and the plug-in's own check."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from typing import Any, Protocol

from django import forms
from django.core.validators import MaxLengthValidator

from annotations.registry import Option

LONG_TEXT = 300  # characters from which a text gets more than one line
KEPT_APART = "secret_"  # before the names of secrets, which are no settings


class Declared(Protocol):
    """A plug-in that says what can be set."""

    @property
    def takes(self) -> tuple[Option, ...]:
        """Its settings."""

    @property
    def secrets(self) -> tuple[tuple[str, str], ...]:
        """Its secrets, by name and label."""

    def clean_settings(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Return complete settings, or raise ValueError naming the wrong one."""


class LinesField(forms.CharField):
    """A list of texts, one a line; empty lines are left out."""

    widget = forms.Textarea(attrs={"rows": 4})

    def prepare_value(self, value: Any) -> Any:
        """Show a list as lines."""
        return "\n".join(value) if isinstance(value, list | tuple) else value

    def to_python(self, value: Any) -> Any:
        """Return the lines as a list."""
        return [line.strip() for line in str(value or "").splitlines() if line.strip()]


class ObjectField(forms.CharField):
    """A JSON object; nothing is the empty one."""

    widget = forms.Textarea(attrs={"rows": 3, "spellcheck": "false"})

    def prepare_value(self, value: Any) -> Any:
        """Show an object as JSON, an empty one as nothing."""
        return (json.dumps(value, ensure_ascii=False) if value else "") if isinstance(value, dict) else value

    def to_python(self, value: Any) -> Any:
        """Read the JSON."""
        if isinstance(value, dict):
            return value
        raw = str(value or "").strip()
        if self.max_length is not None:  # of the text: the field's own check would count the object's keys
            MaxLengthValidator(self.max_length)(raw)
        try:
            found = json.loads(raw) if raw else {}
        except ValueError as error:
            message = f"This is no JSON: {error}."
            raise forms.ValidationError(message) from error
        if not isinstance(found, dict):
            message = 'A JSON object is needed, e.g. {"min_p": 0.05}.'
            raise forms.ValidationError(message)
        return found


def option_field(option: Option) -> forms.Field:
    """Return the form field of one option."""
    common: dict[str, Any] = {
        "label": option.label,
        "required": False,
        "initial": option.default,
        "help_text": option.help,
    }
    if option.kind == "yes_no":
        return forms.BooleanField(**common)
    if option.kind in {"number", "decimal"}:
        return _number_field(option, common)
    if option.kind == "one_of":
        coerce: Callable[[Any], Any] = type(option.default)
        return forms.TypedChoiceField(choices=list(option.among), coerce=coerce, empty_value=None, **common)
    if option.kind == "lines":
        return LinesField(**common)
    if option.kind == "json":
        return ObjectField(**common)
    if option.most > LONG_TEXT:
        common["widget"] = forms.Textarea(attrs={"rows": 3})
    return forms.CharField(max_length=int(option.most), **common)


def _number_field(option: Option, common: dict[str, Any]) -> forms.Field:
    if option.kind == "number":
        return forms.IntegerField(min_value=int(option.least), max_value=int(option.most), **common)
    return forms.FloatField(min_value=option.least, max_value=option.most, **common)


class OptionsForm(forms.Form):
    """The settings and secrets of one plug-in. A secret is never shown again; an empty one keeps what is `stored`."""

    def __init__(
        self,
        *args: Any,
        plugin: Declared,
        settings: Mapping[str, Any] | None = None,
        stored: Collection[str] = (),
        **more: Any,
    ) -> None:
        more["initial"] = {**dict(settings or {}), **more.get("initial", {})}
        super().__init__(*args, **more)
        self.plugin = plugin
        self.use_required_attribute = False
        for option in plugin.takes:
            self.fields[option.name] = option_field(option)
        for name, label in plugin.secrets:
            self.fields[KEPT_APART + name] = forms.CharField(
                label=label,
                required=False,
                max_length=4000,
                widget=forms.PasswordInput(attrs={"autocomplete": "off"}, render_value=False),
                help_text="Stored, and never shown again. Leave empty to keep it."
                if name in stored
                else "Stored encrypted, and never shown again.",
            )
        for name, field in self.fields.items():
            if field.help_text:
                field.widget.attrs["aria-describedby"] = f"{str(self.auto_id) % self.add_prefix(name)}_helptext"

    def clean(self) -> dict[str, Any]:
        """Let the plug-in check its settings, and say at the field what is wrong."""
        values = super().clean() or {}
        if self.errors:
            return values
        try:
            values["settings"] = self.plugin.clean_settings(self._settings(values))
        except ValueError as error:
            message = str(error)
            named = [option.name for option in self.plugin.takes if option.name in message]
            first = min(named, key=message.index, default=None)
            self.add_error(first, f"{message[:1].upper()}{message[1:]}.")
        return values

    def _settings(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return what was filled in; what was left empty gets the plug-in's default, or None where that is allowed."""
        found = {option.name: values.get(option.name) for option in self.plugin.takes}
        return {name: value for name, value in found.items() if value not in ("", None)}

    @property
    def secrets(self) -> dict[str, str]:
        """Return the secrets that were typed."""
        typed = {name: str(self.cleaned_data.get(KEPT_APART + name, "")).strip() for name, _ in self.plugin.secrets}
        return {name: value for name, value in typed.items() if value}
