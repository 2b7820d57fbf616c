"""Whether a worker meets a HIT's requirements."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any

from .things import MASTERS, Hit, QualificationType, Worker

APPROVED_HITS, APPROVED_PERCENT = "00000000000000000040", "000000000000000000L0"
LOCALE, ADULT = "00000000000000000071", "00000000000000000060"
SYSTEM = {APPROVED_HITS, APPROVED_PERCENT, LOCALE, ADULT, *MASTERS}
STRICTNESS = ("Accept", "PreviewAndAccept", "DiscoverPreviewAndAccept")

COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    "LessThan": operator.lt,
    "LessThanOrEqualTo": operator.le,
    "GreaterThan": operator.gt,
    "GreaterThanOrEqualTo": operator.ge,
    "EqualTo": operator.eq,
    "NotEqualTo": operator.ne,
}


def value_of(worker: Worker, type_id: str, made: Mapping[str, QualificationType]) -> int | str | None:
    """Return the worker's value of a qualification; None: he does not have it."""
    if type_id in MASTERS:
        return 1 if worker.masters else None
    if type_id == LOCALE:
        return worker.country
    if type_id == APPROVED_HITS:
        return worker.approved
    if type_id == APPROVED_PERCENT:
        return 100 * worker.approved // worker.decided if worker.decided else 100
    return made[type_id].granted.get(worker.ident) if type_id in made else None


def meets(worker: Worker, requirement: Mapping[str, Any], made: Mapping[str, QualificationType]) -> bool:
    """Say whether a worker meets one requirement; somebody without the qualification meets DoesNotExist only."""
    value, comparator = value_of(worker, requirement["QualificationTypeId"], made), requirement["Comparator"]
    if comparator in ("Exists", "DoesNotExist"):
        return (value is not None) == (comparator == "Exists")
    wanted = requirement.get("IntegerValues") or [one["Country"] for one in requirement.get("LocaleValues", [])]
    if value is None:
        return False
    if comparator in ("In", "NotIn"):
        return (value in wanted) == (comparator == "In")
    return COMPARE[comparator](value, wanted[0])


def may(action: str, hit: Hit, worker: Worker, made: Mapping[str, QualificationType]) -> bool:
    """Say whether a worker may `Accept`, or see (`PreviewAndAccept`), a HIT."""
    guarding = STRICTNESS[STRICTNESS.index(action) :]
    return all(
        meets(worker, one, made)
        for one in hit.kind.requirements
        if one.get("ActionsGuarded", "PreviewAndAccept" if one.get("RequiredToPreview") else "Accept") in guarding
    )
