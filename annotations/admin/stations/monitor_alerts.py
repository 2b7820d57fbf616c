"""Alerts of a study: whom to tell what, and what was told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse

from annotations.admin.frame import Visit
from annotations.domain import alerts

SHOWN = 30


class AlertForm(forms.Form):
    """Channels and occasions; a share that is left empty is not watched."""

    emails = forms.CharField(
        label="E-mail addresses", required=False, help_text="Separated by commas or spaces.", max_length=2000
    )
    webhook = forms.CharField(
        label="Webhook", required=False, max_length=300, help_text="Gets a signed JSON by POST (for chat and pagers)."
    )
    full = forms.BooleanField(label="The study is full", required=False)
    dropout = forms.FloatField(
        label="Drop-out reaches", required=False, min_value=0.01, max_value=1, help_text="A share, e.g. 0.3."
    )
    attention = forms.FloatField(
        label="Failed attention trials reach", required=False, min_value=0.01, max_value=1, help_text="Of the raters."
    )
    recruiter = forms.BooleanField(label="The recruitment platform is out of step", required=False)


def show(visit: Visit, form: AlertForm | None = None) -> HttpResponse:
    """Show the settings and the alerts so far."""
    wanted = alerts.settings_of(study=visit.study)
    form = form or AlertForm(initial={**wanted, "emails": ", ".join(wanted["emails"])})
    context = {
        "form": form,
        "told": visit.study.alerts_sent.all()[:SHOWN],
        "secret": alerts.webhook_secret(study=visit.study) if visit.may_change and wanted["webhook"] else "",
        "monitor_url": visit.url("monitor"),
    }
    return visit.page("monitor_alerts", context, status=422 if form.errors else 200)


def save(visit: Visit) -> HttpResponse:
    """Save the settings."""
    form = AlertForm(visit.request.POST)
    if not form.is_valid():
        return show(visit, form)
    alerts.edit_alerts(study=visit.study, values=_values(form.cleaned_data), actor=visit.request.user)
    messages.success(visit.request, "Saved.")
    return visit.go("monitor_alerts")


def _values(clean: Mapping[str, Any]) -> dict[str, Any]:
    return {**clean, "emails": clean["emails"].replace(",", " ").split()}
