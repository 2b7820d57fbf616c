"""Attention checks: instructed items that the platform adds, shown like any other pair."""

from __future__ import annotations

from dataclasses import dataclass

from annotations.enums import SystemRole
from annotations.models import Output, Prompt, Study, System

SYSTEM = "attention-check"


@dataclass(frozen=True, slots=True)
class Check:
    """One instructed pair: the text that asks to be chosen, and the other. Neither names a side."""

    key: str
    prompt: str
    asked: str
    other: str


CHECKS = (
    Check(
        "check-1",
        "A short check that the texts are being read.",
        "Please choose this text in every row, as clearly as the scale allows. There is nothing else to judge here.",
        "Please do not choose this text in any row. There is nothing else to judge here, so go on to the next pair.",
    ),
    Check(
        "check-2",
        "This screen only checks that somebody is reading along.",
        "This is the text to choose: give it the strongest answer in every row, and then go on to the next screen.",
        "This is the text to leave aside: give the strongest answer to the other one in every row, and then go on.",
    ),
    Check(
        "check-3",
        "One screen without a task, so that we know that answers are given with care.",
        "If you read this, answer every row fully in favour of this text. Thank you for reading so carefully.",
        "If you read this, answer every row fully in favour of the other text. Thank you for reading so carefully.",
    ),
)
KEYS = tuple(check.key for check in CHECKS)


def ensure_checks(*, study: Study) -> dict[str, tuple[Prompt, tuple[Output, Output]]]:
    """Create the check texts of a study if they are not there; return prompt and (asked, other) by key."""
    system, _ = System.objects.get_or_create(study=study, name=SYSTEM, defaults={"role": SystemRole.CHECK})
    found = {}
    for check in CHECKS:
        prompt, _ = Prompt.objects.get_or_create(
            study=study, key=check.key, defaults={"text": check.prompt, "is_check": True}
        )
        pair = tuple(
            Output.objects.get_or_create(
                prompt=prompt, system=system, sample=sample, defaults={"text": text, "content_hash": "check"}
            )[0]
            for sample, text in enumerate((check.asked, check.other))
        )
        found[check.key] = (prompt, (pair[0], pair[1]))
    return found
