"""What the platform holds: studies and submissions, and how the API shows them."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import Any

from .clock import Clock

RESERVED, ACTIVE, AWAITING = "RESERVED", "ACTIVE", "AWAITING REVIEW"
APPROVED, PARTIAL, REJECTED = "APPROVED", "PARTIALLY APPROVED", "REJECTED"
RETURNED, TIMED_OUT, SCREENED_OUT = "RETURNED", "TIMED-OUT", "SCREENED OUT"
HOLDING = frozenset({RESERVED, ACTIVE, AWAITING, APPROVED, PARTIAL})  # statuses that take one of the places
UNPUBLISHED, PAUSED, COMPLETED = "UNPUBLISHED", "PAUSED", "COMPLETED"
NO_CODE = "NOCODE"  # what stands as entered code when somebody left without one


def new_id() -> str:
    """Return 24 hexadecimal digits."""
    return secrets.token_hex(12)


@dataclass(slots=True)
class Submission:
    """One participant's session in one study."""

    study: str
    participant: str
    reserved_at: float
    id: str = field(default_factory=new_id)
    status: str = RESERVED
    started_at: float | None = None
    completed_at: float | None = None
    entered_code: str | None = None
    return_requested: float | None = None
    return_reasons: list[str] = field(default_factory=list)
    rejection: tuple[str, str] | None = None
    bonus_payments: list[int] = field(default_factory=list)

    def listed(self, clock: Clock) -> dict[str, Any]:
        """How a list shows it: not the bonuses, which only the submission itself is documented to show."""
        return {
            "id": self.id,
            "participant_id": self.participant,
            "status": self.status,
            "started_at": clock.stamp(self.started_at if self.started_at is not None else self.reserved_at),
            "completed_at": clock.stamp(self.completed_at),
            "has_siblings": False,
            "study_code": self.entered_code,
            "return_requested": clock.stamp(self.return_requested),
        }

    def shown(self, clock: Clock) -> dict[str, Any]:
        """How it is shown alone."""
        return {
            "id": self.id,
            "study_id": self.study,
            "participant": self.participant,
            "status": self.status,
            "started_at": clock.stamp(self.started_at if self.started_at is not None else self.reserved_at),
            "completed_at": clock.stamp(self.completed_at),
            "entered_code": self.entered_code,
            "bonus_payments": list(self.bonus_payments),
            "return_requested": clock.stamp(self.return_requested),
        }


@dataclass(slots=True)
class Study:
    """A study; `fields` are what the researcher sent."""

    fields: dict[str, Any]
    created_at: float
    id: str = field(default_factory=new_id)
    status: str = UNPUBLISHED
    published_at: float | None = None
    stopped: bool = False
    screened_out: int = 0

    @property
    def places(self) -> int:
        """All places, taken or not."""
        return int(self.fields["total_available_places"])

    @property
    def reward(self) -> int:
        """The reward in minor units."""
        return int(self.fields["reward"])

    @property
    def maximum_time(self) -> float:
        """Seconds after which a submission times out: given, or as long as possible, and always under a day."""
        return min(float(self.fields.get("maximum_allowed_time") or 24 * 60) * 60, 24 * 3600 - 1)

    def code(self, entered: str | None) -> dict[str, Any] | None:
        """Return the completion code that was entered."""
        return next((code for code in self.fields["completion_codes"] if code.get("code") == entered), None)

    def shown(self, clock: Clock, *, taken: int, currency: str) -> dict[str, Any]:
        """How the API shows it."""
        return {
            **self.fields,
            "id": self.id,
            "status": self.status,
            "places_taken": taken,
            "currency_code": currency,
            "presentment_currency_code": currency,
            "date_created": clock.stamp(self.created_at),
            "published_at": clock.stamp(self.published_at),
            "study_type": "SINGLE",
            "maximum_allowed_time": int(self.maximum_time // 60),
        }
