"""What is assumed of the power, and how one may look early: two small forms beside the design."""

from __future__ import annotations

from typing import Any

from django import forms

from annotations.domain import foresight
from annotations.domain.foresight import Assumed

METHODS = (
    ("none", "No: it is analysed once, when it is closed"),
    ("confidence_sequence", "At any time: confidence sequence and e-value"),
    ("obrien_fleming", "At fixed times, strict early: O'Brien–Fleming"),
    ("pocock", "At fixed times, alike at each: Pocock"),
)
FIXED = ("obrien_fleming", "pocock")
SPREADS = ("output", "prompt_system", "rater_system")
DEFAULT_TIMES = "50, 100"
HUNDRED = 100


class PowerForm(forms.Form):
    """Effect and spreads in logits; sent by GET, so that a scenario has an address."""

    effect = forms.FloatField(
        label="Effect to find", min_value=0.01, max_value=5, help_text="Log-odds of a contrast; 0.5 is d = 0.28."
    )
    output = forms.FloatField(label="SD outputs", min_value=0, max_value=10)
    prompt_system = forms.FloatField(label="SD prompt × system", min_value=0, max_value=10)
    rater_system = forms.FloatField(label="SD rater × system", min_value=0, max_value=10)

    def __init__(self, data: Any = None) -> None:
        self.defaults = foresight.defaults()
        given = {name: data[name] for name in self.defaults if data and name in data}
        super().__init__({**self.defaults, **given} if given else None, initial=self.defaults, auto_id="power_%s")
        for name, field in self.fields.items():
            field.widget.attrs |= {"step": "0.01", "inputmode": "decimal"}
            if field.help_text:
                field.widget.attrs["aria-describedby"] = f"power_{name}_helptext"

    def assumed(self) -> Assumed:
        """Return what differs from the defaults; the defaults themselves when a number makes no sense."""
        if not self.is_bound or not self.is_valid():
            return Assumed()
        values = {name: value for name, value in self.cleaned_data.items() if value != self.defaults[name]}
        return Assumed(**values)

    def query(self) -> dict[str, float]:
        """Return the same for an address."""
        return self.assumed().given()


class LooksForm(forms.Form):
    """How the data may be looked at before the end, as the analysis plan declares it."""

    method = forms.ChoiceField(label="May the study be looked at early?", choices=METHODS, widget=forms.RadioSelect)
    times = forms.CharField(
        label="Looks at", required=False, help_text="Per cent of the raters, up to 100, for example 50, 100."
    )

    def __init__(self, data: Any = None, *, declared: dict[str, Any], may_change: bool) -> None:
        times = ", ".join(f"{HUNDRED * time:g}" for time in declared.get("times", ())) or DEFAULT_TIMES
        initial = {"method": declared.get("method", "none"), "times": times}
        super().__init__(data, initial=initial, auto_id="looks_%s")
        self.fields["times"].widget.attrs["aria-describedby"] = "looks_times_helptext"
        for field in self.fields.values():
            field.disabled = not may_change

    def clean_times(self) -> list[float]:
        """Return shares of the raters."""
        text = self.cleaned_data["times"].replace("%", " ").replace(",", " ")
        try:
            return [round(float(part) / HUNDRED, 6) for part in text.split()]
        except ValueError as error:
            message = "Write numbers, for example 25, 50, 100."
            raise forms.ValidationError(message) from error

    def declared(self) -> dict[str, Any]:
        """Return the `looks` of the analysis plan."""
        method = self.cleaned_data["method"]
        return {"method": method, "times": self.cleaned_data["times"]} if method in FIXED else {"method": method}
