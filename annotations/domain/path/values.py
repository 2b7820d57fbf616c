"""Values out of JSON, each checked; errors name the place ("Path, questionnaire, field 2 (age): …")."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from annotations.errors import NotReady

Translate = Callable[[str, str], str]
A_KEY = re.compile(r"[a-z][a-z0-9_]{0,39}")
MOST_TEXT = 50_000
MOST_ITEMS = 60


def wrong(where: str, what: str) -> NotReady:
    return NotReady(f"Path, {where}: {what}." if where else f"Path: {what}.")


def an_object(value: Any, where: str, allowed: set[str]) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise wrong(where, f"must be an object, not {value!r}")
    if unknown := set(value) - allowed:
        raise wrong(where, f"does not know {', '.join(map(repr, sorted(map(str, unknown))))}")
    return value


def a_list(value: Any, where: str) -> list[tuple[str, Any]]:
    if not isinstance(value, (list, tuple)) or len(value) > MOST_ITEMS:
        raise wrong(where, f"must be a list of at most {MOST_ITEMS}, not {type(value).__name__}")
    return [(f"{where} {number}", item) for number, item in enumerate(value, start=1)]


def a_string(value: Any, where: str, *, most: int = MOST_TEXT) -> str:
    if not isinstance(value, str) or len(value) > most:
        raise wrong(where, f"must be a text of at most {most} characters")
    return value


def required(raw: Mapping[str, Any], name: str, where: str, *, most: int = MOST_TEXT) -> str:
    value = a_string(raw.get(name, ""), f"{where}, {name}", most=most)
    if not value.strip():
        raise wrong(where, f"'{name}' is missing")
    return value


def a_text(raw: Mapping[str, Any], name: str, where: str, translate: Translate, *, key: str = "") -> str:
    value = a_string(raw.get(name, ""), f"{where}, {name}")
    return translate(key or f"{where}.{name}", value) if value.strip() else ""


def a_key(raw: Mapping[str, Any], where: str) -> str:
    key = raw.get("key", "")
    if not isinstance(key, str) or not A_KEY.fullmatch(key):
        raise wrong(where, f"'key' is a word of small letters, digits and _, not {key!r}")
    return key


def a_flag(raw: Mapping[str, Any], name: str, where: str, *, usual: bool) -> bool:
    value = raw.get(name, usual)
    if not isinstance(value, bool):
        raise wrong(where, f"'{name}' must be true or false, not {value!r}")
    return value


def is_on(raw: Mapping[str, Any], name: str, *, usual: bool) -> bool:
    """A block that is there is on, unless it says that it is not."""
    return a_flag(raw[name], "on", name, usual=True) if name in raw else usual


def a_number(value: Any, where: str, *, least: float = -1e9, most: float = 1e9) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not least <= value <= most:
        raise wrong(where, f"must be a number from {least:g} to {most:g}, not {value!r}")
    return value


def one_of(value: Any, where: str, allowed: tuple[str, ...]) -> str:
    if value not in allowed:
        raise wrong(where, f"must be one of {', '.join(allowed)}, not {value!r}")
    return str(value)
