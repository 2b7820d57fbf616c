"""Findings, decisions and the profile in the shape that the page shows them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from annotations.domain import deciding, profiling
from annotations.models import AuditRun, Output, Study
from annotations.registry import audits

SEVERITIES = {
    "leak": ("Leaks", "bad", "gives the system away"),
    "warning": ("Warnings", "warn", "may give it away, or harm a comparison"),
    "note": ("Notes", "", "good to know"),
}
DOES = {"exclude": "Left out", "match": "Matched on length", "note": "Noted"}
LONG_EXCERPT = 260


def findings_shown(study: Study, run: AuditRun | None) -> dict[str, Any]:
    """Return findings by severity with where they stand, and how many of each are still to be decided."""
    if run is None:
        return {"groups": [], "tiles": [], "undecided": 0}
    places = _places(run)
    decided: dict[str, list[dict[str, Any]]] = {}
    for one in deciding.decisions_of(study):
        decided.setdefault(one.get("finding") or "", []).append(one)
    rows = [_finding(one, places, decided.get(one["key"], [])) for one in run.findings]
    groups = [
        {
            "key": key,
            "title": title,
            "kind": kind,
            "about": about,
            "rows": [row for row in rows if row["severity"] == key],
        }
        for key, (title, kind, about) in SEVERITIES.items()
    ]
    open_ones = [row for row in rows if row["severity"] != "note" and not row["decided"]]
    return {"groups": [group for group in groups if group["rows"]], "tiles": groups, "undecided": len(open_ones)}


def _places(run: AuditRun) -> dict[int, dict[str, Any]]:
    """Return prompt and system of every output that is shown as evidence, in one query."""
    keys = {evidence["output"] for one in run.findings for evidence in one["evidence"]}
    rows = Output.objects.filter(pk__in=keys).values("pk", "prompt__key", "system__name", "sample", "left_out")
    return {row["pk"]: dict(row) for row in rows}


def _finding(
    one: Mapping[str, Any], places: Mapping[int, Mapping[str, Any]], decided: list[dict[str, Any]]
) -> dict[str, Any]:
    systems = one["figures"].get("systems", {})
    return {
        **one,
        "label": audits.get(one["audit"]).label if one["audit"] in audits.names() else one["audit"],
        "kind": SEVERITIES[one["severity"]][1],
        "count": len(one["outputs"]),
        "systems": [
            {"name": name, **each, "share": each["count"] / each["of"] if each["of"] else 0}
            for name, each in systems.items()
        ],
        "places": [_evidence(evidence, places) for evidence in one["evidence"]],
        "decided": [{**each, "does": DOES.get(each["do"], each["do"])} for each in decided],
        "excluded": any(each["do"] == "exclude" for each in decided),
    }


def _evidence(evidence: Mapping[str, Any], places: Mapping[int, Mapping[str, Any]]) -> dict[str, Any]:
    text, start, end = evidence["excerpt"], evidence["start"], evidence["end"]
    return {
        "before": text[:start],
        "marked": text[start:end],
        "after": text[end:],
        "place": places.get(evidence["output"]),
    }


def decisions_shown(study: Study) -> list[dict[str, Any]]:
    """Return the decisions that stand, newest first."""
    return [
        {**one, "does": DOES.get(one["do"], one["do"]), "at": dt.datetime.fromisoformat(one["at"])}
        for one in reversed(deciding.decisions_of(study))
    ]


def profile_shown(run: AuditRun | None) -> dict[str, Any] | None:
    """Return the profile as rows of a table."""
    if run is None or not run.profile.get("systems"):
        return None
    systems = run.profile["systems"]
    longest = max(one["means"]["words"]["mean"] for one in systems.values())
    return {
        "longest": longest,
        "stands_out": run.profile["stands_out"],
        "forms": [profiling.LABELS[name] for name in profiling.SHOWN],
        "rows": [
            {
                "name": name,
                **one,
                "words": one["means"]["words"],
                "characters": one["means"]["characters"],
                "sentences": one["means"]["sentences"],
                "lines": one["means"]["lines"],
                "shares": [one["forms"][form] for form in profiling.SHOWN],
                "bars": [("", count, "plain") for count in one["histogram"]],
            }
            for name, one in systems.items()
        ],
    }
