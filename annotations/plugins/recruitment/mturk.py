"""Amazon Mechanical Turk: an external question in a frame, with a preview, whose end is a form posted to Amazon.

A worker comes with assignmentId, hitId, workerId and turkSubmitTo. Amazon gives a returned assignment's id to the next
worker, so a session is the assignment *and* the worker, and the next worker is how we hear of the return. What is
spoken to the API stands in ``mturk_client``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar
from urllib.parse import urlsplit

from django.conf import settings as site

from annotations.enums import Outcome
from annotations.registry import (
    ENTRY_SETTINGS,
    Exit,
    Framing,
    Identity,
    RemoteClient,
    RemotePlatform,
    each_checked,
    recruitment_platforms,
)

from .mturk_client import MTurkClient, fee_on

PREVIEW = "ASSIGNMENT_ID_NOT_AVAILABLE"
LONGEST = 64  # of their ids
SANDBOX = "https://mturk-requester-sandbox.us-east-1.amazonaws.com"
WORKER_SITES = ("https://www.mturk.com", "https://worker.mturk.com", "https://workersandbox.mturk.com")
SUBMIT = "/mturk/externalSubmit"
NINE = 9  # assignments up to which Amazon takes 20%

# Who has not taken part in earnest has nothing to hand in and is asked to return the HIT.
NOTHING_TO_SEND = {Outcome.DECLINED, Outcome.FULL, Outcome.LAPSED, Outcome.WITHDRAWN}


def origin(address: str) -> str:
    """Return scheme, host and port of an address, or an empty string."""
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}" if parts.scheme in ("http", "https") and parts.netloc else ""


def _number(lowest: int, highest: int) -> Callable[[Any], int]:
    def checked(value: Any) -> int:
        number = int(value)
        if not lowest <= number <= highest:
            message = f"must lie between {lowest} and {highest}"
            raise ValueError(message)
        return number

    return checked


def _words(value: Any) -> list[str]:
    parts = value.split(",") if isinstance(value, str) else list(value)
    return [str(part).strip() for part in parts if str(part).strip()]


def _countries(value: Any) -> list[str]:
    found = [word.upper() for word in _words(value)]
    if any(len(word) != 2 for word in found):  # noqa: PLR2004 - ISO 3166
        message = "must be two-letter country codes"
        raise ValueError(message)
    return found


# name: default and check. `exclude` lists qualification types of earlier studies.
SETTINGS: Mapping[str, tuple[Any, Callable[[Any], Any]]] = {
    "description": ("", str),
    "keywords": ("study, judgement, text", str),
    "approved_percent": (95, _number(0, 100)),
    "approved_hits": (100, _number(0, 1_000_000)),
    "countries": ([], _countries),
    "masters": (False, bool),
    "lifetime_days": (14, _number(1, 365)),
    "auto_approval_days": (3, _number(1, 30)),
    "frame_height": (0, _number(0, 5000)),
    "groups_of_nine": (False, bool),
    "exclude": ([], _words),
}

# What the page "Recruitment" asks for other platforms' sake: fees here follow Amazon's price list.
ELSEWHERE = {"codes", "fee", "tax", "screened_out_reward", "screened_out_slots", "screened_out_by_code"}


@recruitment_platforms.register
class MTurk(RemotePlatform):
    """Amazon Mechanical Turk, live or sandbox."""

    name = "mturk"
    personal = True
    label = "Amazon Mechanical Turk"
    addresses: ClassVar[tuple[tuple[str, str], ...]] = ((SANDBOX, "Sandbox (no money)"),)
    reasons: ClassVar[tuple[tuple[str, str], ...]] = (
        ("NOT_DONE", "The task was submitted without being done."),
        ("FAILED_CHECKS", "Two or more attention checks were failed."),
        ("TWICE", "You have taken part in this study before."),
    )

    def identity(self, query: Mapping[str, str]) -> Identity:
        """Read Amazon's four parameters; in a preview nobody is named."""
        assignment, hit = query.get("assignmentId", "")[:LONGEST], query.get("hitId", "")[:LONGEST]
        if assignment == PREVIEW:
            return Identity(study=hit, preview=True)
        worker = query.get("workerId", "")[:LONGEST]
        if not assignment or not worker:
            return Identity(preview=bool(hit))
        return Identity(
            person=worker,
            session=f"{assignment}:{worker}",
            study=hit,
            submit_to=origin(query.get("turkSubmitTo", "")[:300]),
            seat=assignment,
        )

    def return_url(self, template: str, *, code: str) -> str:  # noqa: ARG002 - the way out is a form, see leave
        """Nowhere: a link cannot hand in an assignment."""
        return ""

    def leave(
        self,
        *,
        outcome: Outcome,
        code: str,
        template: str,  # noqa: ARG002 - the way out is Amazon's
        settings: Mapping[str, Any],  # noqa: ARG002
        identity: Identity,
    ) -> Exit:
        """Return the form that hands in the assignment, sent to Amazon or the configured stand-in and to nobody else.

        Amazon refuses a form that holds only the assignment's id, hence the code and the outcome.
        """
        assignment, _, worker = identity.session.partition(":")
        if outcome in NOTHING_TO_SEND or not assignment:
            return Exit(give_back=bool(assignment))
        allowed = self.framing().targets
        back = identity.submit_to if identity.submit_to in allowed else allowed[0]
        fields = {"assignmentId": assignment, "workerId": worker, "code": code, "outcome": str(outcome)}
        return Exit(f"{back}{SUBMIT}", method="post", fields=fields)

    def framing(self) -> Framing:
        """Return Amazon's worker sites, or the stand-in's alone where the deployment (not a study) names one."""
        sites = (site.MTURK_WORKER_SITE,) if site.MTURK_WORKER_SITE else WORKER_SITES
        return Framing(ancestors=sites, targets=sites)

    def clean_settings(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Complete and check; raises ValueError that names the wrong one."""
        if settings.get("screened_out_reward"):
            message = "screened_out_reward: MTurk pays the whole reward or nothing; leave it at 0"
            raise ValueError(message)
        unknown = set(settings) - set(SETTINGS) - ENTRY_SETTINGS - ELSEWHERE
        if unknown:
            message = f"MTurk has no setting '{min(unknown)}'"
            raise ValueError(message)
        kept = ENTRY_SETTINGS | {"codes"}
        return {**{name: settings[name] for name in settings if name in kept}, **each_checked(SETTINGS, settings)}

    def connect(self, *, base_url: str, secrets: Mapping[str, str]) -> RemoteClient:
        """Return a client with the keys of an AWS user who may use Mechanical Turk."""
        return MTurkClient(base_url=base_url, key=secrets.get("access_key", ""), secret=secrets.get("secret_key", ""))

    def secret_fields(self) -> tuple[tuple[str, str], ...]:
        """Return the two parts of an AWS access key."""
        return (("access_key", "AWS access key ID"), ("secret_key", "AWS secret access key"))

    def fee(self, *, reward: int, places: int, settings: Mapping[str, Any]) -> int:
        """Return Amazon's fee: 20%, or 40% where one HIT has ten or more places; in groups of nine always 20%."""
        size = NINE if settings.get("groups_of_nine") else places
        return places * fee_on(reward, places=size, masters=bool(settings.get("masters")))

    def fee_on_reward(self, *, amount: int, places: int, settings: Mapping[str, Any]) -> int:
        """Return the fee on one reward. Before there are places, the higher fee is assumed."""
        size = NINE if settings.get("groups_of_nine") else places or NINE + 1
        return fee_on(amount, places=size, masters=bool(settings.get("masters")))

    def fee_on_bonus(self, *, amount: int, settings: Mapping[str, Any]) -> int:  # noqa: ARG002 - the same for all
        """Return 20%, however many places there are."""
        return fee_on(amount)
