"""What the platform refuses in a study that a researcher sends."""

from __future__ import annotations

import math
from typing import Any
from urllib.parse import urlsplit

from .errors import bad

ACTIONS = frozenset({
    "AUTOMATICALLY_APPROVE", "MANUALLY_REVIEW", "REQUEST_RETURN", "DYNAMIC_PAYMENT", "FIXED_SCREEN_OUT_PAYMENT",
    "ADD_TO_PARTICIPANT_GROUP", "REMOVE_FROM_PARTICIPANT_GROUP",
})  # fmt: skip
REQUIRED = (
    "name", "description", "external_study_url", "prolific_id_option", "completion_codes", "total_available_places",
    "estimated_completion_time", "reward",
)  # fmt: skip
ID_OPTIONS = frozenset({"question", "url_parameters", "not_required"})
AFTER_PUBLISHING = frozenset({"internal_name", "total_available_places"})


def check_study(fields: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of a draft with defaults; refuses what is missing or not possible."""
    wrong = [{name: ["This field is required."]} for name in REQUIRED if fields.get(name) in (None, "", [])]
    if wrong:
        raise bad(wrong)
    if fields["prolific_id_option"] not in ID_OPTIONS:
        raise bad([{"prolific_id_option": ["Not a valid choice."]}])
    if urlsplit(fields["external_study_url"]).scheme not in ("https", "http"):
        raise bad([{"external_study_url": ["Enter a valid URL."]}])
    for name in ("total_available_places", "estimated_completion_time", "reward"):
        if not isinstance(fields[name], int | float) or fields[name] < 1:
            raise bad([{name: ["A positive number is required."]}])
    minutes = fields["estimated_completion_time"]
    if fields.get("maximum_allowed_time", math.inf) < 2 + 2 * minutes + 2 * math.sqrt(minutes):
        raise bad([{"maximum_allowed_time": ["It is too short for the estimated time."]}])
    check_codes(fields["completion_codes"], reward=int(fields["reward"]))
    return {"internal_name": "", "filters": [], "device_compatibility": [], "peripheral_requirements": [], **fields}


def check_codes(codes: list[dict[str, Any]], *, reward: int) -> None:
    """Refuse codes that are not unique, actions that exclude one another, and more than one code that screens out."""
    names = [code.get("code") for code in codes]
    if len(set(names)) != len(names):
        raise bad([{"completion_codes": ["Each code must be unique within a study."]}])
    screening = 0
    for code in codes:
        if not code.get("code_type"):  # one of ten words, or any other
            raise bad([{"completion_codes": ["code_type is required."]}])
        actions = code.get("actions") or []
        kinds = [action.get("action") for action in actions]
        if not kinds or not set(kinds) <= ACTIONS:
            raise bad([{"completion_codes": [f"Unknown actions {kinds}."]}])
        if {"AUTOMATICALLY_APPROVE", "MANUALLY_REVIEW"} <= set(kinds):
            raise bad([{"completion_codes": ["These actions can't be used together."]}])
        for action in actions:
            screening += _check_action(action, reward=reward)
    if screening > 1:
        raise bad([{"completion_codes": ["Custom screening is limited to a single code."]}])


def _check_action(action: dict[str, Any], *, reward: int) -> int:
    if action["action"] == "REQUEST_RETURN" and not action.get("return_reason"):
        raise bad([{"completion_codes": ["return_reason is required."]}])
    if action["action"] != "FIXED_SCREEN_OUT_PAYMENT":
        return 0
    if not action.get("slots") or not 0 < int(action.get("fixed_screen_out_reward") or 0) < reward:
        raise bad([{"completion_codes": ["fixed_screen_out_reward must be below the reward; slots are required."]}])
    return 1


def check_change(fields: dict[str, Any], changes: dict[str, Any], *, published: bool) -> dict[str, Any]:
    """Return the fields after a PATCH: after publishing only the name inside and more places."""
    if published:
        other = set(changes) - AFTER_PUBLISHING
        if other:
            raise bad([{name: ["Cannot be changed after publishing."]} for name in sorted(other)])
        if int(changes.get("total_available_places", fields["total_available_places"])) < int(
            fields["total_available_places"]
        ):
            raise bad([{"total_available_places": ["Places can only be increased."]}])
    return check_study({**fields, **changes})
