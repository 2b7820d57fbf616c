"""Letters in place of the systems' names, for those who may not know which is which.

A letter belongs to a system of a study for good: it is drawn by the study's own secret key, so that neither the
alphabet nor the order of creation tells anything, and page, table, report and every export show the same one. Whatever
would give a name away goes as well: roles (who is the baseline), direction of contrasts, keys of tasks, digests of the
material, file names.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from string import ascii_uppercase
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.utils import timezone

from annotations.enums import SystemRole
from annotations.errors import NotReady
from annotations.models import Study

from .events import log_event

PLAIN = ("format", "version", "title", "lead", "texts_sha256", "dimensions")  # parts of a plan without any name
PREPARED = ("rules", "rules_version", "changed", "left_out")
DECIDED = ("do", "severity", "outputs", "within", "difference_before", "difference_after", "lost_prompts")
AUDITED = ("current", "outputs", "findings")
PROMISE = ("name", "statement", "required", "worst", "holds")
ROLE = SystemRole.TREATMENT.value
SYSTEMS = ("system", "system_a", "system_b")
OUTPUTS = ("output", "output_a", "output_b")


@dataclass(frozen=True, slots=True)
class Mask:
    """The letters of one study's systems by name; `key` is the secret behind them."""

    key: str
    letters: Mapping[str, str]

    def system(self, name: str) -> str:
        """Return the letter; what is no system of the study (a text that checks attention) keeps its name."""
        return self.letters.get(name, name)

    def output(self, name: str) -> str:
        """Return the name of an output with the letter of its system: prompt/system/sample."""
        for system, letter in self.letters.items():
            head, found, sample = name.rpartition(f"/{system}/")
            if found and sample.isdigit():
                return f"{head}/{letter}/{sample}"
        return name

    def task(self, key: str) -> str:
        """Return an opaque key: the frozen one is made of the names and could be guessed."""
        return "m" + hmac.digest(self.key.encode(), f"task\0{key}".encode(), hashlib.sha256).hex()[:20]

    def row(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """Return a row of the long table, or of the plan, without names."""
        found = dict(row)
        for name in SYSTEMS:
            if name in found:
                found[name] = self.system(found[name] or "")
        for name in OUTPUTS:
            if name in found:
                found[name] = self.output(found[name] or "")
        if "task" in found:
            found["task"] = self.task(found["task"])
        return found

    def rows(self, rows: Iterable[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
        """Yield rows without names."""
        return (self.row(row) for row in rows)

    def content(self, value: Any) -> Any:
        """Return JSON in which every text, and every key, that is a system's or an output's name is replaced."""
        if isinstance(value, str):
            return self.letters.get(value) or self.output(value)
        if isinstance(value, list | tuple):
            return [self.content(item) for item in value]
        if isinstance(value, dict):
            return {self.letters.get(key, key): self.content(item) for key, item in value.items()}
        return value


def mask_of(*, study: Study) -> Mask:
    """Return the letters of a study: A, B, … Z, AA, … in the order of a keyed hash of the names."""
    names = study.systems.exclude(role=SystemRole.CHECK).values_list("name", flat=True)
    drawn = sorted(names, key=lambda name: hmac.digest(study.mask_key.encode(), name.encode(), hashlib.sha256))
    return Mask(study.mask_key, {name: letter(at) for at, name in enumerate(drawn)})


def letter(at: int) -> str:
    """Return A for 0, Z for 25, AA for 26, as columns of a spreadsheet are named."""
    text = ""
    at += 1
    while at:
        at, rest = divmod(at - 1, len(ascii_uppercase))
        text = ascii_uppercase[rest] + text
    return text


def masked_plan(*, study: Study, contrasts: Iterable[tuple[str, str]]) -> str:
    """Return the frozen plan without names as canonical JSON, for the analysis of a masked table.

    Its contrasts are listed, each in the order of the letters: treatments first would say who is a treatment. The
    digests of the material and of the plan go, because names could be tried against them; so does every part that is
    not known to be free of names.
    """
    mask, plan = mask_of(study=study), study.plan
    if plan is None:
        raise NotReady
    frozen = json.loads(plan.canonical)
    pairs = sorted(
        (sorted(map(mask.system, pair), key=_order) for pair in contrasts), key=lambda two: [*map(_order, two)]
    )
    design = {name: value for name, value in mask.content(frozen["design"]).items() if name != "baseline"}
    if design.get("comparisons") == "against_baseline":
        design |= {"comparisons": "listed", "listed": pairs}
    content = {name: frozen[name] for name in PLAIN if name in frozen} | {
        "systems": [{"name": name, "role": ROLE} for name in sorted(mask.letters.values(), key=_order)],
        "design": design,
        "analysis": {**mask.content(frozen["analysis"]), "contrasts": pairs},
        "material": {name: value for name, value in frozen.get("material", {}).items() if name != "sha256"},
        "plan": {name: value for name, value in frozen.get("plan", {}).items() if name != "sha256"},
        "preparation": _masked_preparation(frozen.get("preparation") or {}),
        "masked": True,
    }
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _masked_preparation(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was done to the texts without titles, reasons and keys of findings: these may name systems."""
    audit = record.get("audit")
    found = {name: record[name] for name in PREPARED if name in record} | {
        "shown": {name: value for name, value in record.get("shown", {}).items() if name != "sha256"},
        "decisions": [
            {name: one[name] for name in DECIDED if name in one} | {"finding": _audit_of(one)}
            for one in record.get("decisions", [])
        ],
        "audit": audit
        and {name: audit[name] for name in AUDITED if name in audit}
        | {"undecided": [{"finding": _audit_of(one), "severity": one["severity"]} for one in audit["undecided"]]},
    }
    return found if record else {}


def _audit_of(decision: Mapping[str, Any]) -> str:
    return str(decision.get("finding") or "").partition(":")[0]


def masked_certificate(*, study: Study) -> dict[str, Any]:
    """Return the certificate of balance without names: its pairs of systems in the order of the letters."""
    if study.plan is None:
        raise NotReady
    mask, certificate = mask_of(study=study), study.plan.certificate
    promises = [{name: one[name] for name in PROMISE if name in one} for one in certificate.get("guarantees", [])]
    summary = dict(certificate.get("summary", {}))
    summary["exposures"] = sorted(
        (_exposure(mask, one) for one in summary.get("exposures", [])), key=lambda one: [*map(_order, one["systems"])]
    )
    return {"holds": certificate.get("holds"), "guarantees": promises, "summary": summary}


def _exposure(mask: Mask, exposure: Mapping[str, Any]) -> dict[str, Any]:
    """Return how often a pair is shown, turned round where the letters stand the other way round than the names."""
    first, second = (mask.system(name) for name in exposure["systems"])
    if _order(first) < _order(second):
        return {**exposure, "systems": [first, second]}
    turned = {"first_left": exposure["second_left"], "second_left": exposure["first_left"]}
    return {**exposure, **turned, "systems": [second, first]}


def _order(name: str) -> tuple[int, str]:
    return len(name), name


def unblind(*, study: Study, reason: str, actor: AbstractBaseUser) -> Study:
    """Show every member of the study the names of the systems, for good; once, with a reason, and logged.

    Raises NotReady without a reason. A study that is unblinded already stays as it is.
    """
    if not reason.strip():
        message = "Say why the study is unblinded; the reason stands in the log."
        raise NotReady(message)
    with transaction.atomic():
        locked = Study.objects.select_for_update().get(pk=study.pk)
        if locked.unblinded_at is None:
            locked.unblinded_at = timezone.now()
            locked.save(update_fields=["unblinded_at"])
            data = {"reason": reason.strip(), "state": locked.state}
            log_event(study=locked, name="unblinded", data=data, actor=actor)
    study.refresh_from_db()
    return study
