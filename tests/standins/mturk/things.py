"""What MTurk keeps: HIT types, HITs, assignments, qualifications, workers. Times are seconds since 1970."""

from __future__ import annotations

import dataclasses
import secrets
from decimal import Decimal
from typing import Any

from .books import fee_on
from .questions import ExternalQuestion

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
MASTERS = ("2F1QJWKUDD8XADTFD2Q0G6UTO95ALH", "2ARFPLSP75KLA8M8DH1HTEQVJT3SY6")  # live, sandbox
ACCEPTED, SUBMITTED, APPROVED, REJECTED = "Accepted", "Submitted", "Approved", "Rejected"


def new_id(first: str = "3", length: int = 30) -> str:
    """Return an id that looks like theirs."""
    return first + "".join(secrets.choice(ALPHABET) for _ in range(length - 1))


@dataclasses.dataclass
class Worker:
    """Somebody who works; `approved` of `decided` HITs and a country for the qualifications of the system."""

    ident: str
    approved: int = 1000
    decided: int = 1005
    country: str = "US"
    masters: bool = False
    mails: list[tuple[str, str]] = dataclasses.field(default_factory=list)


@dataclasses.dataclass
class QualificationType:
    """A qualification that a requester made; `granted` maps workers to values."""

    ident: str
    name: str
    description: str
    created: float
    status: str = "Active"
    granted: dict[str, int] = dataclasses.field(default_factory=dict)
    revoked: set[str] = dataclasses.field(default_factory=set)

    def as_answer(self) -> dict[str, Any]:
        """Return what the API sends."""
        return {
            "QualificationTypeId": self.ident,
            "Name": self.name,
            "Description": self.description,
            "CreationTime": self.created,
            "QualificationTypeStatus": self.status,
            "IsRequestable": True,
            "AutoGranted": False,
        }


@dataclasses.dataclass(frozen=True)
class HitType:
    """What HITs of one kind share."""

    ident: str
    title: str
    description: str
    keywords: str
    reward: Decimal
    duration: int
    auto_approval: int
    requirements: tuple[dict[str, Any], ...]

    @property
    def masters(self) -> bool:
        """Whether only Masters may accept, which costs more."""
        return any(one["QualificationTypeId"] in MASTERS and one["Comparator"] == "Exists" for one in self.requirements)


@dataclasses.dataclass
class Assignment:
    """A HIT accepted by one worker. After a return the next worker may get the same id (psiTurk's issue 184)."""

    ident: str
    worker: str
    accepted: float
    deadline: float
    status: str = ACCEPTED
    submitted: float = 0
    auto_approval: float = 0
    approved: float = 0
    rejected: float = 0
    feedback: str = ""
    answer: str = ""

    def as_answer(self, hit: Hit) -> dict[str, Any]:
        """Return what the API sends; times that have not come are left out."""
        known = {
            "AssignmentId": self.ident,
            "WorkerId": self.worker,
            "HITId": hit.ident,
            "AssignmentStatus": self.status,
            "AutoApprovalTime": self.auto_approval,
            "AcceptTime": self.accepted,
            "SubmitTime": self.submitted,
            "ApprovalTime": self.approved,
            "RejectionTime": self.rejected,
            "Deadline": self.deadline,
            "Answer": self.answer,
            "RequesterFeedback": self.feedback,
        }
        return {name: value for name, value in known.items() if value}


@dataclasses.dataclass
class Hit:
    """One HIT. A rejected assignment keeps its place: whoever wants another one must extend the HIT."""

    ident: str
    group: str
    kind: HitType
    question: ExternalQuestion
    xml: str
    most: int
    created: float
    expires: float
    annotation: str = ""
    reviewing: bool = False
    assignments: list[Assignment] = dataclasses.field(default_factory=list)
    given_back: list[Assignment] = dataclasses.field(default_factory=list)
    spare: list[str] = dataclasses.field(default_factory=list)
    held: int = 0  # places for which money is on hold
    charged_as: int = 0  # assignments by which the fee was fixed: those it was created with

    @property
    def price(self) -> Decimal:
        """What one assignment costs with its fee."""
        return self.kind.reward + self.fee

    @property
    def fee(self) -> Decimal:
        """Amazon's share of one assignment."""
        return fee_on(self.kind.reward, assignments=self.charged_as, masters=self.kind.masters)

    def by_status(self, *statuses: str) -> list[Assignment]:
        """Return assignments in these states."""
        return [one for one in self.assignments if one.status in statuses]

    def places(self, now: float) -> int:
        """How many more workers may accept."""
        return max(self.most - len(self.assignments), 0) if now < self.expires else 0

    def status(self, now: float) -> str:
        """Assignable, Unassignable (all taken, some still at work), then Reviewable."""
        if self.places(now):
            return "Assignable"
        if self.by_status(ACCEPTED):
            return "Unassignable"
        return "Reviewing" if self.reviewing else "Reviewable"

    def as_answer(self, now: float) -> dict[str, Any]:
        """Return what the API sends."""
        return {
            "HITId": self.ident,
            "HITTypeId": self.kind.ident,
            "HITGroupId": self.group,
            "CreationTime": self.created,
            "Title": self.kind.title,
            "Description": self.kind.description,
            "Keywords": self.kind.keywords,
            "Question": self.xml,
            "HITStatus": self.status(now),
            "MaxAssignments": self.most,
            "Reward": f"{self.kind.reward:.2f}",
            "AutoApprovalDelayInSeconds": self.kind.auto_approval,
            "Expiration": self.expires,
            "AssignmentDurationInSeconds": self.kind.duration,
            "RequesterAnnotation": self.annotation,
            "QualificationRequirements": list(self.kind.requirements),
            "HITReviewStatus": "NotReviewed",
            "NumberOfAssignmentsPending": len(self.by_status(ACCEPTED)),
            "NumberOfAssignmentsAvailable": self.places(now),
            "NumberOfAssignmentsCompleted": len(self.by_status(APPROVED, REJECTED)),
        }
