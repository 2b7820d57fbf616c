"""The form of the design: the wishes of `DesignSpec`, with systems as choices, and what raters are paid."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from typing import Any

from django import forms

from annotations.design import MOST_OUTPUTS, DesignSpec
from annotations.enums import SystemRole
from annotations.models import Study

COMPARISONS = (
    ("all_pairs", "All pairs of systems"),
    ("against_baseline", "Each system against the baseline"),
    ("listed", "Only the pairs that I tick"),
    ("single", "Nobody: every text is judged alone"),
    ("groups", "Groups: several texts of a prompt are judged together"),
)
ORDERS = (("fixed", "Always as listed below"), ("shuffled", "Shuffled for each trial, every order equally often"))
PAIRINGS = (
    ("matched", "Matched: first sample with first, second with second"),
    ("rotated", "Rotated: each sample meets a different partner per prompt"),
    ("all", "All: every sample with every sample"),
)
SEPARATOR = " \N{MULTIPLICATION SIGN} "
MONEY = ("hourly_rate", "platform_fee", "currency", "lease_minutes")
HUNDRED = 100
UNSAID = {"outputs_per_task": 2, "groups_per_output": 0, "degraded_trials": 0}
PER_CENT = "Per cent of the booklet."


class DesignForm(forms.Form):
    """Everything that the planner asks for; whether it can be met is told by the planner, not here."""

    comparisons = forms.ChoiceField(label="Who meets whom", choices=COMPARISONS, widget=forms.RadioSelect)
    baseline = forms.ChoiceField(label="Baseline", required=False)
    listed = forms.MultipleChoiceField(label="Pairs", required=False, widget=forms.CheckboxSelectMultiple)
    outputs_per_task = forms.IntegerField(
        label="Texts in a group", min_value=1, max_value=MOST_OUTPUTS, required=False, help_text="3 to 20."
    )
    groups_per_output = forms.IntegerField(
        label="Groups of each text",
        min_value=0,
        max_value=100,
        required=False,
        help_text="0: as few as let every text stand equally often.",
    )
    sample_pairing = forms.ChoiceField(label="Which samples meet", choices=PAIRINGS)
    raters_per_task = forms.IntegerField(
        label="Raters per pair, text or group", min_value=1, max_value=1000, help_text="Exactly so many judge each."
    )
    trials_per_rater = forms.IntegerField(
        label="Trials per rater", min_value=1, max_value=1000, help_text="At most; not counting the checks below."
    )
    prompts_once = forms.BooleanField(
        label="No rater sees a prompt twice",
        required=False,
        help_text="Else as rarely as it can be, and never the same texts.",
    )
    dimension_order = forms.ChoiceField(label="Order of the questions", choices=ORDERS)
    attention_trials = forms.IntegerField(
        label="Attention trials", min_value=0, max_value=50, help_text="A text says which answer to give."
    )
    degraded_trials = forms.IntegerField(
        label="of these, broken texts",
        min_value=0,
        max_value=12,
        required=False,
        help_text="A real prompt with an answer that is scrambled, stuck or off topic.",
    )
    repeat_trials = forms.IntegerField(
        label="Repeated trials",
        min_value=0,
        max_value=50,
        help_text="Shown a second time: pairs with sides exchanged, groups in another order.",
    )
    range_low = forms.IntegerField(label="Checks from", min_value=0, max_value=100, help_text=PER_CENT)
    range_high = forms.IntegerField(label="Checks to", min_value=0, max_value=100, help_text=PER_CENT)
    repeat_gap = forms.IntegerField(
        label="Repeat after", min_value=1, max_value=1000, help_text="At least so many trials later."
    )
    seed = forms.IntegerField(label="Seed", min_value=0, max_value=2**31 - 1, help_text="Same seed, same plan.")
    complete = forms.BooleanField(label="Refuse a design with missing outputs", required=False)
    hourly_rate = forms.DecimalField(label="Pay per hour", min_value=0, max_digits=7, decimal_places=2)
    platform_fee = forms.DecimalField(
        label="Platform fee", min_value=0, max_digits=4, decimal_places=3, help_text="Fraction of the pay, e.g. 0.333."
    )
    currency = forms.RegexField(label="Currency", regex=r"^[A-Z]{3}$", help_text="Three letters, e.g. USD.")
    lease_minutes = forms.IntegerField(
        label="Lease minutes",
        min_value=2,
        max_value=7 * 24 * 60,
        help_text="After so long without an answer a place is given to somebody else.",
    )

    def __init__(self, data: Any = None, *, study: Study, may_change: bool, spec: DesignSpec) -> None:
        super().__init__(data, initial=self._initial(study, spec))
        self.spec = spec
        names = list(study.systems.exclude(role=SystemRole.CHECK).values_list("name", flat=True))
        self.pairs = {SEPARATOR.join(pair): pair for pair in combinations(names, 2)}
        known = {frozenset(pair) for pair in self.pairs.values()}
        for pair in spec.listed:
            if frozenset(pair) not in known:
                self.pairs[SEPARATOR.join(pair)] = pair
        self._field("baseline", [("", "–"), *((name, name) for name in names)])
        self._field("listed", [(label, label) for label in self.pairs])
        chosen = {frozenset(pair) for pair in spec.listed}
        self.initial["listed"] = [label for label, pair in self.pairs.items() if frozenset(pair) in chosen]
        for name, field in self.fields.items():
            field.disabled = not may_change
            if field.help_text:
                field.widget.attrs["aria-describedby"] = f"id_{name}_helptext"

    def _field(self, name: str, choices: list[tuple[str, str]]) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101 - for the type checker
        field.choices = choices

    @staticmethod
    def _initial(study: Study, spec: DesignSpec) -> dict[str, Any]:
        plain = spec.to_dict()
        low, high = plain.pop("check_range")
        plain |= {"range_low": round(HUNDRED * low), "range_high": round(HUNDRED * high)}
        return plain | {name: getattr(study, name) for name in MONEY}

    def clean(self) -> dict[str, Any]:
        """Refuse a range that runs backwards, as the specification does, but at its field."""
        values = super().clean() or {}
        attention, degraded = values.get("attention_trials"), values.get("degraded_trials")
        if attention is not None and degraded and degraded > attention:
            self.add_error("degraded_trials", f"There are only {attention} attention trials.")
        low, high = values.get("range_low"), values.get("range_high")
        if low is not None and high is not None and low >= high:
            self.add_error("range_high", "The range must run upwards.")
        return values

    def wanted(self) -> DesignSpec:
        """Return the specification that the cleaned values make; raises DesignError."""
        values = dict(self.cleaned_data)
        money_free = {name: value for name, value in values.items() if name not in MONEY}
        low, high = money_free.pop("range_low"), money_free.pop("range_high")
        for name, default in UNSAID.items():
            money_free[name] = default if money_free[name] is None else money_free[name]
        money_free["listed"] = [list(self.pairs[label]) for label in values["listed"]]
        return DesignSpec.from_dict({**money_free, "check_range": [low / HUNDRED, high / HUNDRED]})

    def money(self) -> Mapping[str, Any]:
        """Return the settings that do not belong to the specification."""
        return {name: self.cleaned_data[name] for name in MONEY}
