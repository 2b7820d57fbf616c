"""What the page noticed while a trial was answered, from the hidden field `evidence`: known keys, plausible values.

It goes to ``Judgement.evidence`` and is for checks and analysis, never for refusing an answer. Fields are named as in
the form, without ``answer-``: ``creativity``, ``creativity.2`` (the second output), ``why.note``.

sliders   per field: `start`, where the handle stood (null: nowhere), and `by`, what moved it: pointer, key, number
pastes    `count`, `characters` and `fields` of what was pasted or dropped into text fields
burst     the longest run of characters that came into a text field without keys being pressed (and no paste)
switches  how often the tab was left
order     the fields in the order in which they were first answered
"""

from __future__ import annotations

import json
import math
import re
from typing import Any

LONGEST = 4096
MOST = 100
LARGEST = 10**6
FIELD = re.compile(r"[-\w]{1,40}(\.\w{1,20})?", re.ASCII)
MOVED_BY = ("pointer", "key", "number")


def read_evidence(raw: str) -> dict[str, Any]:
    """Return what is known and plausible; nothing when the text is too long or no JSON object."""
    if len(raw.encode(errors="replace")) > LONGEST:
        return {}
    try:
        sent = json.loads(raw or "{}")
    except (ValueError, RecursionError):
        return {}
    if not isinstance(sent, dict):
        return {}
    found = {
        "sliders": _sliders(sent.get("sliders")),
        "pastes": _pastes(sent.get("pastes")),
        "burst": _count(sent.get("burst")),
        "switches": _count(sent.get("switches")),
        "order": _fields(sent.get("order")),
    }
    return {name: value for name, value in found.items() if value}


def _count(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        return 0
    return min(max(value, 0), LARGEST)


def _fields(value: object) -> list[str]:
    names = value if isinstance(value, list) else []
    known = [name for name in names[:MOST] if isinstance(name, str) and FIELD.fullmatch(name)]
    return list(dict.fromkeys(known))


def _pastes(value: object) -> dict[str, Any]:
    given = value if isinstance(value, dict) else {}
    count = _count(given.get("count"))
    if not count:
        return {}
    return {"count": count, "characters": _count(given.get("characters")), "fields": _fields(given.get("fields"))}


def _sliders(value: object) -> dict[str, Any]:
    given = value if isinstance(value, dict) else {}
    found = {}
    for name in _fields(list(given)):
        one = given[name]
        if isinstance(one, dict):
            by = one.get("by")
            ways = by if isinstance(by, list) else []
            found[name] = {"start": _place(one.get("start")), "by": [way for way in MOVED_BY if way in ways]}
    return found


def _place(value: object) -> float | None:
    """Return a number that JSON can hold; whole numbers stay whole."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if math.isfinite(value) and abs(value) <= LARGEST else None
