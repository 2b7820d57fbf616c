"""The marketplace: one requester, his HITs, and what workers do. Every public method holds the lock."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from decimal import Decimal
from urllib.parse import urlencode, urlsplit

from .books import Books, Entry
from .errors import Refused, missing
from .qualifying import may
from .questions import write_answers
from .things import (
    ACCEPTED,
    APPROVED,
    REJECTED,
    SUBMITTED,
    Assignment,
    Hit,
    HitType,
    QualificationType,
    Worker,
    new_id,
)

PREVIEW = "ASSIGNMENT_ID_NOT_AVAILABLE"


class Market:
    """State of the stand-in. `submit_to` is set by the server that shows it."""

    def __init__(self, *, prepaid: str = "10000.00", https_only: bool = True, reuse_ids: bool = True) -> None:
        self.lock = threading.RLock()
        self.books = Books(prepaid=Decimal(prepaid))
        self.types: dict[str, HitType] = {}
        self.hits: dict[str, Hit] = {}
        self.qualifications: dict[str, QualificationType] = {}
        self.workers: dict[str, Worker] = {}
        self.tokens: dict[str, tuple[float, str]] = {}  # until when, and what it made
        self.submit_to = ""
        self.https_only, self.reuse_ids = https_only, reuse_ids
        self.lag = 0.0  # seconds for which a submission is not visible to the requester's API yet
        self._ahead = 0.0

    @property
    def now(self) -> float:
        """The market's time."""
        return time.time() + self._ahead

    def advance(self, seconds: float) -> None:
        """Let time go by: assignments run out, submissions approve themselves, HITs expire."""
        with self.lock:
            self._ahead += seconds
            self.settle()

    def settle(self) -> None:
        """Do what time alone does."""
        for hit in self.hits.values():
            for one in hit.by_status(ACCEPTED):
                if self.now > one.deadline:
                    self._give_back(hit, one)
            for one in hit.by_status(SUBMITTED):
                if self.now >= one.auto_approval:
                    self.approve(hit, one, feedback="", at=one.auto_approval)
            self.rehold(hit)

    def rehold(self, hit: Hit) -> None:
        """Hold money for places that are open or not decided, and no more."""
        needed = hit.places(self.now) + len(hit.by_status(ACCEPTED, SUBMITTED))
        if needed > hit.held:
            self.books.hold(hit.price * (needed - hit.held))
        else:
            self.books.release(hit.price * (hit.held - needed))
        hit.held = needed

    # What the requester's API asks for

    def hit(self, ident: str) -> Hit:
        """Return a HIT."""
        self.settle()
        if ident not in self.hits:
            raise missing("HIT", ident)
        return self.hits[ident]

    def assignment(self, ident: str) -> tuple[Hit, Assignment]:
        """Return an assignment and its HIT."""
        self.settle()
        for hit in self.hits.values():
            for one in hit.assignments:
                if one.ident == ident:
                    return hit, one
        raise missing("Assignment", ident)

    def visible(self, one: Assignment) -> bool:
        """Say whether the API knows of a submission yet."""
        return one.status != ACCEPTED and self.now >= one.submitted + self.lag

    def approve(self, hit: Hit, one: Assignment, *, feedback: str, at: float = 0) -> None:
        """Pay a submission; a rejected one is no longer covered by what is on hold."""
        entry = Entry("reward", one.ident, one.worker, hit.kind.reward, hit.fee)
        held = one.status == SUBMITTED
        self.books.pay(entry, held=held)
        hit.held -= 1 if held else 0
        self._count(one.worker, approved=1, decided=1 if held else 0)
        one.status, one.approved, one.feedback = APPROVED, at or self.now, feedback or one.feedback

    def reject(self, hit: Hit, one: Assignment, *, feedback: str) -> None:
        """Refuse a submission; nobody pays."""
        one.status, one.rejected, one.feedback = REJECTED, self.now, feedback
        self._count(one.worker, approved=0, decided=1)
        self.rehold(hit)

    def _count(self, worker: str, *, approved: int, decided: int) -> None:
        self.worker(worker).approved += approved
        self.worker(worker).decided += decided

    # What workers do

    def worker(self, ident: str) -> Worker:
        """Return a worker, who is made at his first step."""
        return self.workers.setdefault(ident, Worker(ident))

    def address(self, hit: Hit, *, worker: str = "", assignment: str = PREVIEW) -> str:
        """Return the address that the frame shows; in a preview without a worker."""
        query = {"assignmentId": assignment, "hitId": hit.ident, "turkSubmitTo": self.submit_to}
        if worker:
            query["workerId"] = worker
        return hit.question.url + ("&" if urlsplit(hit.question.url).query else "?") + urlencode(query)

    def preview(self, hit_id: str, *, worker: str = "") -> str:
        """Return the address of the preview."""
        with self.lock:
            hit = self.hit(hit_id)
            if worker and not may("PreviewAndAccept", hit, self.worker(worker), self.qualifications):
                raise Refused("Your Qualifications do not meet the requirements to preview HITs in this group.")
            return self.address(hit)

    def accept(self, hit_id: str, *, worker: str) -> str:
        """Accept a HIT; returns the address that the frame shows."""
        with self.lock:
            hit = self.hit(hit_id)
            if not may("Accept", hit, self.worker(worker), self.qualifications):
                raise Refused("Your Qualifications do not meet the requirements to work on this HIT.")
            if any(one.worker == worker for one in hit.assignments):
                raise Refused("You have already accepted or completed this HIT.")
            if not hit.places(self.now):
                raise Refused("There are no more of these HITs available.")
            ident = hit.spare.pop() if hit.spare and self.reuse_ids else new_id()
            hit.assignments.append(Assignment(ident, worker, self.now, self.now + hit.kind.duration))
            return self.address(hit, worker=worker, assignment=ident)

    def give_back(self, assignment: str) -> None:
        """Return a HIT: the place is free again at once, for others and for the same worker."""
        with self.lock:
            hit, one = self.assignment(assignment)
            if one.status != ACCEPTED:
                raise Refused("This HIT was submitted already.")
            self._give_back(hit, one)
            self.rehold(hit)

    def _give_back(self, hit: Hit, one: Assignment) -> None:
        hit.assignments.remove(one)
        hit.given_back.append(one)
        hit.spare.append(one.ident)

    def submit(self, fields: Iterable[tuple[str, str]]) -> Assignment:
        """Take what a form sent to /mturk/externalSubmit; one field besides the assignment's id must be there.

        Amazon knows the worker by his session; here a `workerId` among the fields stands for it.
        """
        with self.lock:
            given = list(fields)
            ident = dict(given).get("assignmentId", "")
            answers = [(name, value) for name, value in given if name != "assignmentId"]
            hit, one = self.assignment(ident)
            other = dict(given).get("workerId", one.worker) != one.worker
            if one.status != ACCEPTED or not answers or other:
                raise Refused("There was a problem submitting your results for this HIT.")
            one.status, one.submitted = SUBMITTED, self.now
            one.auto_approval = self.now + hit.kind.auto_approval
            one.answer = write_answers(answers)
            return one
