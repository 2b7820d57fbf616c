"""Measures of diversity and mode collapse: choose, watch, read from the sentence to the table, take it along."""

from __future__ import annotations

import json
from typing import Any

from django import forms
from django.contrib.admin import ModelAdmin
from django.http import FileResponse, Http404, HttpResponse, JsonResponse
from django.template.loader import render_to_string
from django.urls import URLPattern

from annotations.admin.bundles import send_bundle, send_member
from annotations.admin.frame import Visit, done, hand_over, shown
from annotations.admin.options_form import OptionsForm
from annotations.domain import measurements
from annotations.domain.bundles import members_of
from annotations.enums import JobState
from annotations.models import Measurement, Study
from annotations.registry import Option

UNDER_WAY = (JobState.QUEUED, JobState.RUNNING)
FIGURES = (
    ("differences", "Differences in diversity"),
    ("between", "How alike two systems are"),
    ("within", "How alike two outputs of one system are"),
)
NAMES = {
    "fluency": "Fluency (uses)",
    "flexibility": "Flexibility (kinds of use)",
    "originality": "Originality (distance from the thing)",
    "rarity": "Rarity",
    "elaboration": "Elaboration (words a use)",
    "DAT score": "DAT score (0 to 200)",
}
TESTS = {"alternative_uses": "Alternative Uses Task", "divergent_association": "Divergent Association Task"}
EARLIER = 10


class _Measuring:
    """What can be set, as a plug-in declares it."""

    takes: tuple[Option, ...] = measurements.TAKES
    secrets: tuple[tuple[str, str], ...] = measurements.SECRETS

    def __init__(self, systems: tuple[str, ...]) -> None:
        self.systems = systems

    def clean_settings(self, settings: Any) -> dict[str, Any]:
        """Check."""
        return measurements.clean_settings(settings, systems=self.systems)


class MeasureForm(OptionsForm):
    """Settings of a measurement, with the system that the others are compared with."""

    def __init__(self, *args: Any, study: Study, **more: Any) -> None:
        systems = measurements.systems_of(study=study)
        more["initial"] = {"baseline": measurements.baseline_of(study=study), **more.get("initial", {})}
        super().__init__(*args, plugin=_Measuring(systems), **more)
        self.fields["baseline"] = forms.ChoiceField(
            label="Compare with",
            required=False,
            choices=[("", "nothing: every system with every other"), *((name, name) for name in systems)],
        )
        self.order_fields(["baseline", *self.fields])

    def _settings(self, values: Any) -> dict[str, Any]:
        return {**super()._settings(values), "baseline": values.get("baseline") or ""}


def show(visit: Visit) -> HttpResponse:
    """Show the newest finished measurement, the one under way, and earlier ones."""
    return _page(visit)


def _page(visit: Visit, *, form: MeasureForm | None = None, status: int = 200) -> HttpResponse:
    study = visit.study
    known = list(study.measurements.defer("summary")[: EARLIER + 1])
    finished = [one for one in known if one.state == JobState.DONE]
    newest = known[0] if known else None
    stored = newest.settings if newest else {}
    outputs, digest = measurements.fingerprint(study=study)
    context: dict[str, Any] = {
        "form": form or MeasureForm(study=study, settings={k: v for k, v in stored.items() if k != "baseline"}),
        "outputs": outputs,
        "least": measurements.LEAST,
        "under_way": newest if newest and newest.state in UNDER_WAY else None,
        "broken": newest if newest and newest.state in (JobState.FAILED, JobState.CANCELLED) else None,
        "live_url": visit.url("measures_live"),
        "earlier": finished[1:],
    }
    if finished:
        found = study.measurements.get(pk=finished[0].pk)
        context |= {**_read(visit, found), "outdated": found.fingerprint != digest}
    return visit.page("measures", context, status=status)


def _read(visit: Visit, found: Measurement) -> dict[str, Any]:
    summary, files = found.summary, members_of(found.bundle)
    prompt, plane = _plane(visit, found, files)
    keys = {one["key"]: one for one in summary["measures"]}
    figures = [
        (title, visit.url("measures_file", found.pk, f"figures/{name}.svg"))
        for name, title in FIGURES
        if f"figures/{name}.svg" in files
    ]
    return {
        "found": found,
        "summary": summary,
        "embedder": summary["provenance"]["embedder"]["embedder"],
        "headline": _headline(summary),
        "rows": [_row(key, keys[key], summary) for key in keys],
        "differences": [
            (keys[row["measure"]]["label"], row) for row in summary["contrasts"] if row["family"] and row["prompts"]
        ],
        "figures": figures,
        "files": [name for name in files if "/" not in name],
        "prompt": prompt,
        "prompts": _prompts(visit, summary["shown"]),
        "plane": plane,
        "creativity": [
            (TESTS.get(name, name), one, _creative_rows(one)) for name, one in summary["creativity"].items()
        ],
    }


def _row(key: str, measure: dict[str, Any], summary: dict[str, Any]) -> dict[str, Any]:
    """Return a measure with a cell for each system: mean, interval, and how it differs from the baseline."""
    baseline = summary["settings"]["baseline"]
    means = {row["system"]: row for row in summary["systems"] if row["measure"] == key}
    against = {row["first"]: row for row in summary["contrasts"] if row["measure"] == key and row["second"] == baseline}
    cells = [(means.get(name), against.get(name) if baseline else None) for name in summary["order"]]
    return {"measure": measure, "cells": cells}


def _headline(summary: dict[str, Any]) -> list[dict[str, Any]]:
    """Return mean similarity within each system, with its p against the baseline: the first numbers to look at."""
    row = _row("similarity", {}, summary)
    found = [
        {"system": name, "mean": mean["mean"], "contrast": contrast}
        for name, (mean, contrast) in zip(summary["order"], row["cells"], strict=True)
        if mean and mean["mean"] is not None
    ]
    return found[:4]


def _prompts(visit: Visit, keys: list[str]) -> list[tuple[str, str]]:
    texts = dict(visit.study.prompts.filter(key__in=keys).values_list("key", "text"))
    return [(key, texts.get(key, key)) for key in keys]


def _plane(visit: Visit, found: Measurement, files: list[str]) -> tuple[str, dict[str, Any] | None]:
    """Return the prompt that was chosen, else the first, and its points."""
    if measurements.PLANES not in files:
        return "", None
    planes = json.loads(measurements.read_member(measurement=found, name=measurements.PLANES))
    asked = visit.request.GET.get("prompt", "")
    chosen = asked if asked in planes["prompts"] else next(iter(planes["prompts"]), "")
    if not chosen:
        return "", None
    return chosen, {**planes["prompts"][chosen], "order": planes["order"]}


def _creative_rows(one: dict[str, Any]) -> list[tuple[str, list[dict[str, Any]]]]:
    """Return a row for each measure of a test of creativity, by system."""
    names = list(dict.fromkeys(row["measure"] for row in one["systems"]))
    return [(NAMES.get(name, name), [row for row in one["systems"] if row["measure"] == name]) for name in names]


def request(visit: Visit) -> str | HttpResponse:
    """Ask for a measurement."""
    newest = visit.study.measurements.first()
    stored = [name for name, value in newest.secrets.items() if value] if newest else []
    form = MeasureForm(visit.request.POST, study=visit.study, stored=stored)
    if not form.is_valid():
        return _page(visit, form=form, status=422)
    settings, secrets = form.cleaned_data["settings"], form.secrets
    if newest and not secrets and newest.settings.get("base_url") == settings["base_url"]:
        secrets = newest.secrets  # an empty field keeps the key, for the same address only
    actor: Any = visit.request.user
    job = measurements.request_measurement(study=visit.study, settings=settings, secrets=secrets, actor=actor)
    return _start(visit, job)


def _start(visit: Visit, job: Measurement) -> str | HttpResponse:
    said = "The texts are being measured. This page shows how far it is."
    otherwise = "The measurement is noted, but the background worker cannot be reached. It begins as soon as one runs."
    return hand_over(visit, "run_measurement", job.pk, said=said, otherwise=otherwise, back="measures")


def _job(visit: Visit, measurement_id: int) -> Measurement:
    job = visit.study.measurements.filter(pk=measurement_id).first()
    if job is None:
        message = "There is no such measurement in this study."
        raise Http404(message)
    return job


def stop(visit: Visit, measurement_id: int) -> str:
    """Stop the job."""
    actor: Any = visit.request.user
    measurements.stop_measurement(measurement=_job(visit, measurement_id), actor=actor)
    return "It stops in a moment."


def retry(visit: Visit, measurement_id: int) -> str | HttpResponse:
    """Try one that failed or was stopped again."""
    actor: Any = visit.request.user
    return _start(visit, measurements.retry_measurement(measurement=_job(visit, measurement_id), actor=actor))


def live(visit: Visit) -> JsonResponse:
    """Return how far the newest measurement is; `rest` when there is nothing to wait for."""
    newest = visit.study.measurements.defer("summary").first()
    waiting = newest if newest and newest.state in UNDER_WAY else None
    panel = render_to_string("annotations/admin/parts/measures_progress.html", {"under_way": waiting})
    return JsonResponse({"panels": {"progress": panel}, "rest": waiting is None, "reload": waiting is None})


def bundle(visit: Visit, measurement_id: int) -> FileResponse:
    """Send the whole bundle."""
    return send_bundle(visit, _job(visit, measurement_id), called="measures")


def member(visit: Visit, measurement_id: int, name: str) -> HttpResponse:
    """Send one file of the bundle: a picture to be shown, anything else as a download."""
    return send_member(visit, _job(visit, measurement_id), name, inline=(".svg",))


def urls(admin: ModelAdmin[Study]) -> list[URLPattern]:
    """Return the addresses of this page."""
    at = "measures/<int:measurement_id>/"
    return [
        shown(admin, "measures", "measures/", show),
        shown(admin, "measures_live", "measures/live.json", live),
        shown(admin, "measures_bundle", f"{at}bundle.zip", bundle),
        shown(admin, "measures_file", f"{at}file/<path:name>", member),
        done(admin, "measures_request", "measures/request", request),
        done(admin, "measures_stop", f"{at}stop", stop),
        done(admin, "measures_retry", f"{at}retry", retry),
    ]
