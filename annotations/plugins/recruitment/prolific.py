"""Prolific: people come by its link and leave with a code that says how it ended; its API does the rest.

Read in November 2026 at docs.prolific.com. What shapes this file: several completion codes with actions, rewards in
minor units, places that only increase, a session id for people who come without a code, signed messages.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from fractions import Fraction
from typing import Any, ClassVar
from urllib.parse import quote

from annotations.enums import Outcome
from annotations.errors import BadSignature
from annotations.registry import Exit, Identity, RemoteClient, RemoteEvent, RemotePlatform, recruitment_platforms

from .prolific_api import Api
from .prolific_client import REASONS, ProlificClient

COMPLETE = "https://app.prolific.com/submissions/complete?cc="
AN_ID = re.compile(r"[0-9A-Za-z_-]{1,128}")
TOLERANCE = dt.timedelta(minutes=5)  # between the sending of a message and its arrival
NUMBERS = {"screened_out_reward": 0, "screened_out_slots": 0, "maximum_allowed_time": 0}


@recruitment_platforms.register
class Prolific(RemotePlatform):
    """Prolific, with or without its API: a study that was made by hand there needs its codes in the settings only."""

    name = "prolific"
    label = "Prolific"
    hooks = True
    reasons: ClassVar[tuple[tuple[str, str], ...]] = REASONS

    def identity(self, query: Mapping[str, str]) -> Identity:
        """Read PROLIFIC_PID, STUDY_ID and SESSION_ID; what is no id (an unfilled placeholder) is nobody."""
        person, study, session = (_id(query.get(name)) for name in ("PROLIFIC_PID", "STUDY_ID", "SESSION_ID"))
        return Identity(person=person, session=session, study=study, preview="{{%" in query.get("PROLIFIC_PID", ""))

    def return_url(self, template: str, *, code: str) -> str:
        """Return the address that takes a code."""
        return template.replace("{code}", quote(code, safe="")) if template else COMPLETE + quote(code, safe="")

    def leave(
        self, *, outcome: Outcome, code: str, template: str, settings: Mapping[str, Any], identity: Identity
    ) -> Exit:
        """Return the link with the code of this outcome; without one for it, only whoever finished has a link."""
        del identity
        codes = settings.get("codes") or {}
        found = codes.get(str(outcome)) or (code if outcome == Outcome.COMPLETED else "")
        return Exit(self.return_url(template, code=found)) if found else Exit()

    def clean_settings(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Return complete settings; raises ValueError naming the wrong one."""
        clean: dict[str, Any] = {
            "fee": "0.428",
            "tax": "0",
            "filters": [],
            "device_compatibility": [],
            "codes": {},
            "description": "",
            "screened_out_by_code": False,
            **NUMBERS,
            **settings,
        }
        for name in ("fee", "tax"):
            if not 0 <= _share(clean[name], name=name) < 2:  # noqa: PLR2004 - nobody takes 200 per cent
                raise ValueError(f"'{name}' must be a share such as 0.333, not {clean[name]!r}")
        for name in NUMBERS:
            if not isinstance(clean[name], int) or clean[name] < 0:
                raise ValueError(f"'{name}' must be a whole number from 0, not {clean[name]!r}")
        if not isinstance(clean["filters"], list) or not all(isinstance(one, dict) for one in clean["filters"]):
            raise ValueError("'filters' must be a list of filters as Prolific writes them")
        if clean["screened_out_by_code"] and not (clean["screened_out_reward"] and clean["screened_out_slots"]):
            raise ValueError(
                "to pay screened-out people by code, 'screened_out_reward' and 'screened_out_slots' are needed"
            )
        unknown = set(clean["codes"]) - set(Outcome.values)
        if unknown:
            raise ValueError(f"'codes' has outcomes that do not exist: {', '.join(sorted(unknown))}")
        return clean

    def connect(self, *, base_url: str, secrets: Mapping[str, str]) -> RemoteClient:
        """Return a client; an empty address is Prolific's own."""
        return ProlificClient(Api(base_url, secrets.get("token", "")), secrets)

    def secret_fields(self) -> tuple[tuple[str, str], ...]:
        """Return what an account has. Workspace and secret of the messages are found by themselves when empty."""
        return (("token", "API token"), ("workspace", "Workspace id"), ("hook_secret", "Secret of its messages"))

    def fee(self, *, reward: int, places: int, settings: Mapping[str, Any]) -> int:
        """Return fee and tax on it, each rounded half up per payment."""
        fee = _rounded(reward * _share(settings.get("fee", 0), name="fee"))
        return places * (fee + _rounded(fee * _share(settings.get("tax", 0), name="tax")))

    def read_event(
        self, *, headers: Mapping[str, str], body: bytes, secrets: Mapping[str, str], now: dt.datetime
    ) -> RemoteEvent:
        """Check base64(HMAC-SHA256(secret, timestamp + body)) in constant time, then the age, then read."""
        timestamp = headers.get("X-Prolific-Request-Timestamp", "")
        given = headers.get("X-Prolific-Request-Signature", "")
        secret = secrets.get("hook_secret", "")
        expected = hmac.digest(secret.encode(), timestamp.encode() + body, hashlib.sha256)
        if not secret or not hmac.compare_digest(expected, _decoded(given)):
            raise BadSignature
        sent = _moment(timestamp) if timestamp.isdigit() else None
        if sent is None or abs(now - sent) > TOLERANCE:
            raise BadSignature("The message is older than five minutes.")
        return _event(body, headers)


def _event(body: bytes, headers: Mapping[str, str]) -> RemoteEvent:
    try:
        said = json.loads(body)
        kind, resource = str(said["event_type"]), str(said["resource_id"])
    except (ValueError, KeyError, TypeError):
        raise BadSignature("The message cannot be read.") from None
    # Without an id of its own a message is told apart by its content.
    name = headers.get("X-Event-ID") or hashlib.sha256(body).hexdigest()
    return RemoteEvent(
        id=name[:120],
        kind=kind[:80],
        session=resource if kind.startswith("submission.") else "",
        state=str(said.get("status", ""))[:40],
        happened_at=_moment(headers.get("X-Timestamp", "")),
    )


def _moment(text: str) -> dt.datetime | None:
    try:
        if text.isdigit():
            return dt.datetime.fromtimestamp(int(text), dt.UTC)
        found = dt.datetime.fromisoformat(text)
    except (ValueError, OverflowError, OSError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=dt.UTC)


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""


def _id(text: str | None) -> str:
    return text if text and AN_ID.fullmatch(text) else ""


def _share(value: Any, *, name: str) -> Fraction:
    try:
        return Fraction(str(value))
    except (ValueError, ZeroDivisionError):
        raise ValueError(f"'{name}' must be a share such as 0.333, not {value!r}") from None


def _rounded(amount: Fraction) -> int:
    return int((amount + Fraction(1, 2)).__floor__())
