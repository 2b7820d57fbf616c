"""Decisions on what an audit found: leave outputs out, match on length, note it in the design; each can be taken back.

A decision is kept in `Study.preparation` with author and time, and marks the outputs that it leaves out by its number:
`left_out` reads "d3: names a model", or "d3 d5: …" where two decisions leave out the same one.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.utils import timezone

from annotations.errors import NotReady
from annotations.models import AuditRun, Output, Study

from . import auditing, matching
from .events import log_event
from .freezing import output_name
from .material_overview import missing_cells
from .preparing import locked_draft, material

LONGEST = 200
LONGEST_NOTE = 2000
WITHIN = range(5, 101)


@dataclass(frozen=True, slots=True)
class Decided:
    """What came of a decision: how many outputs it leaves out, and what the design misses by it, in words."""

    number: int
    outputs: int
    gaps: tuple[str, ...] = ()


def decisions_of(study: Study) -> list[dict[str, Any]]:
    """Return the decisions that stand, in the order in which they were made."""
    return list(study.preparation.get("decisions", []))


def decided_keys(study: Study) -> set[str]:
    """Return the keys of the findings that something was decided about."""
    return {one["finding"] for one in decisions_of(study) if one.get("finding")}


def find(*, study: Study, key: str) -> tuple[AuditRun, Mapping[str, Any]]:
    """Return a finding of the latest audit; raises NotReady when there is none of this key."""
    run = auditing.latest(study=study)
    found = next((one for one in run.findings if one["key"] == key), None) if run is not None else None
    if run is None or found is None:
        message = "The latest audit has no such finding. Reload the page and look at what it found."
        raise NotReady(message)
    return run, found


def exclude(*, study: Study, key: str, reason: str = "", actor: AbstractBaseUser | None = None) -> Decided:
    """Leave the outputs of a finding out of the design; raises NotReady when the finding names none."""
    _, found = find(study=study, key=key)
    if not found["outputs"]:
        message = "This finding is about a system as a whole: match on length, or note it in the design."
        raise NotReady(message)
    return _decide(
        study,
        {"do": "exclude", "finding": key, "severity": found["severity"], "title": found["title"], "reason": reason},
        outputs=found["outputs"],
        why=reason.strip() or found["title"],
        actor=actor,
    )


def note(*, study: Study, key: str, text: str, actor: AbstractBaseUser | None = None) -> Decided:
    """Note a finding in the design; raises NotReady without words."""
    _, found = find(study=study, key=key)
    if not text.strip():
        message = "Say in a few words what is known about this and why it stays; it is frozen with the design."
        raise NotReady(message)
    decision = {"do": "note", "finding": key, "severity": found["severity"], "title": found["title"], "reason": text}
    return _decide(study, decision, outputs=(), why=text, actor=actor)


def measured(*, study: Study) -> list[matching.Measured]:
    """Return the outputs that take part with their numbers of words."""
    rows = material(study).filter(left_out="").order_by("pk")
    found = rows.values_list("pk", "system__name", "prompt__key", "text").iterator(chunk_size=2000)
    return [matching.Measured(pk, system, prompt, len(text.split())) for pk, system, prompt, text in found]


def preview_match(*, study: Study, within: int) -> matching.Match:
    """Return what matching on length would keep and lose, without writing; raises NotReady for a senseless limit."""
    if within not in WITHIN:
        message = f"The limit is a whole number of per cent from {WITHIN.start} to {WITHIN.stop - 1}."
        raise NotReady(message)
    return matching.match(measured(study=study), within=within)


def match_length(*, study: Study, within: int, key: str = "", actor: AbstractBaseUser | None = None) -> Decided:
    """Leave out what cannot be matched; raises NotReady when nothing would be left, or nothing is to be done."""
    made = preview_match(study=study, within=within)
    if not made.kept:
        message = f"No prompt has texts of all systems within {within}% of each other: allow more, or exclude by hand."
        raise NotReady(message)
    title = f"Matched on length within {within}%"
    decision = {
        "do": "match",
        "finding": key,
        "severity": "",
        "title": title,
        "reason": "",
        "within": within,
        "difference_before": _rounded(made.before),
        "difference_after": _rounded(made.after),
        "lost_prompts": len(made.lost_prompts),
    }
    return _decide(study, decision, outputs=made.dropped, why=title.lower(), actor=actor)


def _rounded(value: float) -> float | None:
    return round(value, 3) if value != float("inf") else None


def undo(*, study: Study, number: int, actor: AbstractBaseUser | None = None) -> int:
    """Take a decision back; return how many outputs take part again. One that is gone already changes nothing."""
    with transaction.atomic():
        locked = locked_draft(study)
        standing = decisions_of(locked)
        gone = next((one for one in standing if one["number"] == number), None)
        if gone is None:
            return 0
        back = _mark(material(locked).exclude(left_out=""), lambda numbers: [one for one in numbers if one != number])
        _store(locked, [one for one in standing if one["number"] != number])
        data = {"number": number, "do": gone["do"], "finding": gone["finding"], "outputs_back": back}
        log_event(study=locked, name="decision_undone", data=data, actor=actor)
    study.refresh_from_db()
    return back


def _decide(
    study: Study, decision: dict[str, Any], *, outputs: Iterable[int], why: str, actor: AbstractBaseUser | None
) -> Decided:
    if len(decision["reason"]) > LONGEST_NOTE:
        message = f"At most {LONGEST_NOTE:,} characters, please."
        raise NotReady(message)
    with transaction.atomic():
        locked = locked_draft(study)
        before = set(missing_cells(study=locked).words)
        standing = decisions_of(locked)
        number = 1 + int(locked.preparation.get("last_decision", 0))
        chosen = material(locked).filter(pk__in=list(outputs))
        concerned = _names(chosen)
        if decision["do"] == "exclude" and not concerned:
            message = "These outputs are not there any more: run the audit again."
            raise NotReady(message)
        _mark(chosen, lambda numbers: [*numbers, number], why=why)
        decision |= {
            "number": number,
            "outputs": len(concerned),
            "outputs_sha256": hashlib.sha256("\n".join(concerned).encode()).hexdigest(),
            "by": actor.get_username() if actor is not None else "",
            "at": timezone.now().isoformat(),
        }
        locked.preparation = {**locked.preparation, "last_decision": number}
        _store(locked, [*standing, decision])
        log_event(study=locked, name="decided", data=decision, actor=actor)
        gaps = tuple(word for word in missing_cells(study=locked).words if word not in before)
    study.refresh_from_db()
    return Decided(number, len(concerned), gaps)


def _names(outputs: Any) -> list[str]:
    rows = outputs.values_list("prompt__key", "system__name", "sample")
    return sorted(output_name(prompt=prompt, system=system, sample=sample) for prompt, system, sample in rows)


def _store(study: Study, decisions: list[dict[str, Any]]) -> None:
    study.preparation = {**study.preparation, "decisions": decisions}
    study.save(update_fields=["preparation"])


def _mark(outputs: Any, change: Callable[[list[int]], list[int]], *, why: str = "") -> int:
    """Change by which decisions outputs are left out; return how many take part again."""
    groups: dict[str, list[int]] = defaultdict(list)
    for pk, left_out in outputs.values_list("pk", "left_out"):
        groups[left_out].append(pk)
    back = 0
    for left_out, keys in groups.items():
        numbers, reason = parse(left_out)
        new = change(numbers)
        text = f"{' '.join(f'd{one}' for one in new)}: {reason or why}"[:LONGEST] if new else ""
        if text != left_out:
            Output.objects.filter(pk__in=keys).update(left_out=text)
        back += len(keys) if not new else 0
    return back


def parse(left_out: str) -> tuple[list[int], str]:
    """Return the numbers of the decisions and the reason from "d3 d5: names a model"."""
    if not left_out:
        return [], ""
    head, _, reason = left_out.partition(": ")
    return [int(one[1:]) for one in head.split() if one[:1] == "d" and one[1:].isdecimal()], reason
