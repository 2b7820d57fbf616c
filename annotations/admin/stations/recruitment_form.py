"""Forms of the page "Recruitment": an account, how people are recruited, what is decided about one session."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from django import forms

from annotations.domain.ledger import MINOR
from annotations.models import RecruiterAccount, Recruitment, Study
from annotations.registry import RemotePlatform, recruitment_platforms

HIDDEN = {"codes"}  # made by us, shown beside the form
SHOWN_APART = {"fee", "tax", "description", "screened_out_reward", "screened_out_slots", "screened_out_by_code"}


def remote_platforms() -> list[RemotePlatform]:
    """Return the platforms that have an API."""
    return [one for one in recruitment_platforms if isinstance(one, RemotePlatform)]


class AccountForm(forms.Form):
    """A name and the secrets of one platform; an empty secret keeps the one that is stored."""

    name = forms.CharField(max_length=80, help_text="What you call it, e.g. Lab workspace.")
    base_url = forms.URLField(
        label="Address of the API",
        required=False,
        assume_scheme="https",
        help_text="Empty for the platform's own address.",
    )

    def __init__(
        self, *args: Any, platform: RemotePlatform, account: RecruiterAccount | None = None, **more: Any
    ) -> None:
        more["initial"] = {"name": account.name, "base_url": account.base_url} if account else {}
        more["prefix"] = f"{platform.name}-{account.pk if account else 'new'}"
        super().__init__(*args, **more)
        self.platform, self.account = platform, account
        stored = set(account.secrets) if account else set()
        for name, label in platform.secret_fields():
            self.fields[f"secret_{name}"] = forms.CharField(
                label=label,
                required=False,
                widget=forms.PasswordInput(attrs={"autocomplete": "off"}, render_value=False),
                help_text="Stored, and not shown again. Leave empty to keep it." if name in stored else "",
            )

    def secrets(self) -> dict[str, str]:
        """Return what was typed."""
        return {name: self.cleaned_data.get(f"secret_{name}", "") for name, _ in self.platform.secret_fields()}


class SetupForm(forms.Form):
    """Reward, time and rules; money is typed in whole currency and kept in minor units."""

    account = forms.ModelChoiceField(RecruiterAccount.objects.none(), empty_label=None)
    reward = forms.DecimalField(min_value=Decimal("0.01"), max_digits=8, decimal_places=2, help_text="For one rater.")
    minutes = forms.IntegerField(label="Minutes it takes", min_value=1, max_value=24 * 60)
    fee = forms.CharField(label="Fee of the platform", help_text="As a share of each payment, e.g. 0.428 or 1/3.")
    tax = forms.CharField(label="Tax on the fee", help_text="As a share of the fee, e.g. 0.2; 0 for none.")
    budget_cap = forms.DecimalField(
        label="Cap",
        required=False,
        min_value=0,
        max_digits=10,
        decimal_places=2,
        help_text="With fees. Recruitment pauses before it is passed. Empty for none.",
    )
    minimum_hourly_rate = forms.DecimalField(
        label="Least per hour", min_value=0, max_digits=7, decimal_places=2, help_text="Below this you are warned."
    )
    description = forms.CharField(
        required=False, max_length=4000, widget=forms.Textarea(attrs={"rows": 4}), help_text="What people read there."
    )
    screened_out_reward = forms.DecimalField(
        label="For people who cannot take part",
        min_value=0,
        max_digits=8,
        decimal_places=2,
        help_text="Paid to whoever was screened out or found no place. 0 for nothing.",
    )
    screened_out_by_code = forms.BooleanField(
        label="The platform pays it by code",
        required=False,
        help_text="Only some workspaces can; else a bonus pays it.",
    )
    screened_out_slots = forms.IntegerField(label="At most so many of them", min_value=0, max_value=100_000)
    auto_approve = forms.BooleanField(
        label="Approve whoever finished",
        required=False,
        help_text="By the answers that are here, never by a code alone.",
    )
    more = forms.CharField(
        label="Further settings of the platform (JSON)",
        required=False,
        widget=forms.Textarea(attrs={"rows": 5, "spellcheck": "false"}),
        help_text="For example filters, as the platform writes them.",
    )

    def __init__(self, *args: Any, study: Study, recruitment: Recruitment | None, user: Any, **kwargs: Any) -> None:
        self.study, self.recruitment = study, recruitment
        super().__init__(*args, **{**kwargs, "initial": _initial(study, recruitment)})
        mine = RecruiterAccount.objects.filter(owner=user, platform__in=[one.name for one in remote_platforms()])
        if recruitment is not None:
            mine = mine | RecruiterAccount.objects.filter(pk=recruitment.account_id)
        self.fields["account"].queryset = mine.distinct()  # type: ignore[attr-defined]
        if recruitment is not None and recruitment.remote_id:
            for name in ("account", "reward", "minutes"):
                self.fields[name].disabled = True

    def clean_more(self) -> dict[str, Any]:
        """Read the JSON; it must be an object."""
        text = self.cleaned_data["more"].strip() or "{}"
        try:
            found = json.loads(text)
        except ValueError as error:
            raise forms.ValidationError(f"This is not JSON: {error}") from None
        if not isinstance(found, dict):
            raise forms.ValidationError("Write an object: { … }")
        return found

    def settings(self) -> dict[str, Any]:
        """Return the platform's settings."""
        data = self.cleaned_data
        return {
            **data["more"],
            "fee": data["fee"].strip(),
            "tax": data["tax"].strip(),
            "description": data["description"],
            "screened_out_reward": minor(data["screened_out_reward"]),
            "screened_out_slots": data["screened_out_slots"],
            "screened_out_by_code": data["screened_out_by_code"],
        }


def _initial(study: Study, recruitment: Recruitment | None) -> dict[str, Any]:
    settings = dict(recruitment.settings) if recruitment else {}
    rest = {key: value for key, value in settings.items() if key not in SHOWN_APART | HIDDEN}
    estimate = study.plan.certificate.get("estimate", {}) if study.plan else {}
    minutes = max(round(estimate.get("median_minutes", 0) or 10), 1)
    return {
        "account": recruitment.account_id if recruitment else None,
        "reward": major(recruitment.reward) if recruitment else round(study.hourly_rate * minutes / 60, 2),
        "minutes": recruitment.minutes if recruitment else minutes,
        "fee": settings.get("fee", str(study.platform_fee.normalize()) if study.platform_fee else "0.428"),
        "tax": settings.get("tax", "0"),
        "budget_cap": study.budget_cap,
        "minimum_hourly_rate": study.minimum_hourly_rate,
        "description": settings.get("description", ""),
        "screened_out_reward": major(settings.get("screened_out_reward", 0)),
        "screened_out_slots": settings.get("screened_out_slots", 0),
        "screened_out_by_code": settings.get("screened_out_by_code", False),
        "auto_approve": recruitment.auto_approve if recruitment else True,
        "more": json.dumps(rest, indent=1) if rest else "",
    }


def minor(amount: Decimal) -> int:
    """Return minor units of an amount that was typed."""
    return int((amount * MINOR).to_integral_value())


def major(amount: int) -> Decimal:
    """Return minor units as they are typed."""
    return Decimal(amount) / MINOR


class DecisionForm(forms.Form):
    """What is decided about one session; which fields are needed depends on the button."""

    reason = forms.CharField(required=False, max_length=300)
    message = forms.CharField(required=False, max_length=4000)
    amount = forms.DecimalField(required=False, min_value=0, max_digits=8, decimal_places=2)
    nonce = forms.CharField(required=False, max_length=40)
