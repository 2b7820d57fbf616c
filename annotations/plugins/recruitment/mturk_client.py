"""One study on MTurk: its HITs, the sessions of workers, approvals, bonuses, and Amazon's books.

A session is ``assignment:worker``: a returned assignment's id is given to the next worker. Every call may be repeated:
HITs, extensions and bonuses carry request tokens, and a decision that was made before is found to be so.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any, Final
from xml.etree import ElementTree as ET

from annotations.enums import SubmissionState
from annotations.errors import RemoteRefused, RemoteUnreachable
from annotations.registry import RemoteCharge, RemoteClient, RemoteDraft, RemoteFacts, RemoteSubmission

from .mturk_calls import Calls, Refusal, token_of
from .mturk_hits import MASTERS, NINE, Hits, dollars

ANSWERS: Final = "{http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas/2005-10-01/QuestionFormAnswers.xsd}"
STATES: Final = {
    "Submitted": SubmissionState.AWAITING,
    "Approved": SubmissionState.APPROVED,
    "Rejected": SubmissionState.REJECTED,
}
NO_RETURNS: Final = "MTurk cannot ask for a submission back. Approve it, or reject it for one of the reasons."


def fee_on(amount: int, *, places: int = 1, masters: bool = False) -> int:
    """Return Amazon's fee in cents: 20%, 40% from ten places on, 5% for Masters; half a cent up, at least one cent."""
    percent = 20 + (20 if places > NINE else 0) + (5 if masters else 0)
    return max((amount * percent + 50) // 100, 1)


def cents(amount: str) -> int:
    """Return an amount as we keep it."""
    whole, _, part = amount.partition(".")
    return int(whole) * 100 + int(f"{part}00"[:2])


def code_in(answer: str) -> str:
    """Return the completion code among the worker's answers, or an empty string."""
    try:
        root = ET.fromstring(answer)  # noqa: S314 - Amazon wrote it, and expat bounds the expansion of entities
    except ET.ParseError:
        return ""
    for one in root.iter(f"{ANSWERS}Answer"):
        if one.findtext(f"{ANSWERS}QuestionIdentifier") == "code":
            return (one.findtext(f"{ANSWERS}FreeText") or "")[:80]
    return ""


def session_of(assignment: dict[str, Any]) -> str:
    """Return our name of a session."""
    return f"{assignment['AssignmentId']}:{assignment['WorkerId']}"


def reference(kind: str, session: str) -> str:
    """Return the name of a line in the books, which must not hold an id."""
    return f"{kind}-{hashlib.sha256(session.encode()).hexdigest()[:32]}"


class MTurkClient(RemoteClient):
    """One requester's account."""

    def __init__(self, *, base_url: str, key: str, secret: str) -> None:
        self.call = Calls(base_url=base_url, key=key, secret=secret)
        self.hits = Hits(self.call, live="sandbox" not in base_url)

    # The study

    def create(self, draft: RemoteDraft, *, key: str) -> str:
        """Create the qualification type and the expired HITs."""
        return self.hits.create(draft, key=key)

    def publish(self, remote_id: str) -> None:
        """Let the HITs run."""
        self.hits.publish(remote_id)

    def pause(self, remote_id: str) -> None:
        """Expire the HITs; who has accepted one may finish it."""
        self.hits.pause(remote_id)

    def stop(self, remote_id: str) -> None:
        """Expire the HITs for good."""
        self.hits.stop(remote_id)

    def set_places(self, remote_id: str, places: int) -> None:
        """Raise the number of places."""
        self.hits.set_places(remote_id, places)

    def facts(self, remote_id: str) -> RemoteFacts:
        """Return state and places."""
        return self.hits.facts(remote_id)

    # Sessions

    def submissions(self, remote_id: str) -> Iterator[RemoteSubmission]:
        """Yield every session that was handed in, and give its worker the qualification that keeps him out.

        MTurk says nothing of a session before it is handed in, nor when it is returned or abandoned.
        """
        asked = {"QualificationTypeId": remote_id, "Status": "Granted"}
        known = {one["WorkerId"] for one in self.call.pages("list_workers_with_qualification_type", **asked)}
        for hit in self.hits.of(remote_id):
            paid = self._bonuses(hit) if hit["NumberOfAssignmentsCompleted"] else {}
            for one in self.hits.handed_in(hit):
                if one["WorkerId"] not in known:
                    self._keep_out(remote_id, one["WorkerId"])
                    known.add(one["WorkerId"])
                yield self._submission(hit, one, bonus=_sum(paid, one))

    def _submission(self, hit: dict[str, Any], one: dict[str, Any], *, bonus: int) -> RemoteSubmission:
        state = STATES[one["AssignmentStatus"]]
        return RemoteSubmission(
            session=session_of(one),
            person=one["WorkerId"],
            state=state,
            code=code_in(one.get("Answer", "")),
            started_at=one.get("AcceptTime"),
            ended_at=one.get("SubmitTime"),
            reward=cents(hit["Reward"]) if state is SubmissionState.APPROVED else 0,
            bonus=bonus,
        )

    def submission(self, remote_id: str, session: str) -> RemoteSubmission | None:
        """Return one session, if it was handed in for this study by this worker."""
        found = self._handed_in(session)
        if found is None or found["HIT"]["HITId"] not in {hit["HITId"] for hit in self.hits.of(remote_id)}:
            return None
        paid = _sum(self._bonuses(found["HIT"]), found["Assignment"])
        return self._submission(found["HIT"], found["Assignment"], bonus=paid)

    def _handed_in(self, session: str) -> dict[str, Any] | None:
        """Return an assignment and its HIT; None while it is not handed in, or when another worker has done it."""
        assignment, _, worker = session.partition(":")
        try:
            found = self.call("get_assignment", AssignmentId=assignment)
        except Refusal as error:
            if error.wants("Approved") or "DoesNotExist" in error.code:
                return None
            raise
        return found if found["Assignment"]["WorkerId"] == worker else None

    def _keep_out(self, remote_id: str, worker: str) -> None:
        self.call(
            "associate_qualification_with_worker",
            QualificationTypeId=remote_id,
            WorkerId=worker,
            IntegerValue=1,
            SendNotification=False,
        )

    def approve(self, remote_id: str, sessions: Iterable[str]) -> None:
        """Approve sessions; one that was rejected before is approved against that. Goes on after a refusal."""
        refused: list[RemoteRefused] = []
        for session in sessions:
            try:
                self._approve(remote_id, session)
            except RemoteRefused as error:
                refused.append(error)
        if refused:
            raise refused[0]

    def _approve(self, remote_id: str, session: str) -> None:
        found = self._handed_in(session)
        if found is None:
            raise RemoteRefused("MTurk has no submission of this worker for this assignment.")
        status, ident = found["Assignment"]["AssignmentStatus"], found["Assignment"]["AssignmentId"]
        self._keep_out(remote_id, found["Assignment"]["WorkerId"])
        if status == "Approved":
            return
        try:
            self.call("approve_assignment", AssignmentId=ident, OverrideRejection=status == "Rejected")
        except Refusal as error:
            self._decided(error, session, wanted="Approved")

    def _decided(self, error: Refusal, session: str, *, wanted: str) -> None:
        """Let a decision pass that was made between two of our calls; what Amazon knows not yet is tried again."""
        if error.wants("null"):
            raise RemoteUnreachable from None
        found = self._handed_in(session)
        if found is None or found["Assignment"]["AssignmentStatus"] != wanted:
            raise error

    def reject(self, remote_id: str, session: str, *, reason: str, message: str) -> None:
        """Reject one session; MTurk shows the words to the worker and insists on them."""
        assignment, _, worker = session.partition(":")
        if self._handed_in(session) is None:
            raise RemoteRefused("MTurk has no submission of this worker for this assignment.")
        self._keep_out(remote_id, worker)
        try:
            self.call("reject_assignment", AssignmentId=assignment, RequesterFeedback=(message or reason)[:1024])
        except Refusal as error:
            self._decided(error, session, wanted="Rejected")

    def request_return(self, remote_id: str, session: str, *, reason: str) -> None:
        """MTurk has no such thing."""
        del remote_id, session, reason
        raise RemoteRefused(NO_RETURNS)

    # Money

    def bonus(self, remote_id: str, *, session: str, person: str, amount: int, key: str) -> None:  # noqa: ARG002
        """Pay a bonus once: Amazon forgets tokens after a day, so its list of bonuses is looked through first."""
        assignment = session.partition(":")[0]
        mark = f"(ref. {token_of(key)[:10]})"
        paid = self.call.pages("list_bonus_payments", AssignmentId=assignment)
        if any(one.get("Reason", "").endswith(mark) for one in paid):
            return
        self.call.once(
            "send_bonus",
            token=token_of("bonus", key),
            WorkerId=person,
            AssignmentId=assignment,
            BonusAmount=dollars(amount),
            Reason=f"Thank you for taking part in our study. {mark}",
        )

    def _bonuses(self, hit: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
        """Return the bonuses of a HIT by assignment."""
        paid: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for one in self.call.pages("list_bonus_payments", HITId=hit["HITId"]):
            paid[one["AssignmentId"]].append(one)
        return paid

    def charges(self, remote_id: str) -> Iterator[RemoteCharge]:
        """Yield rewards and bonuses as MTurk tells them, each with its fee, which MTurk's API does not tell."""
        for hit in self.hits.of(remote_id):
            reward, masters = cents(hit["Reward"]), _only_masters(hit)
            fee = fee_on(reward, places=hit["MaxAssignments"], masters=masters)
            bonuses = self._bonuses(hit)
            for one in self.hits.handed_in(hit):
                session = session_of(one)
                if one["AssignmentStatus"] == "Approved":
                    yield RemoteCharge(reference("reward", session), "reward", reward, session)
                    yield RemoteCharge(reference("fee", session), "fee", fee, session)
                for bonus in bonuses.get(one["AssignmentId"], ()):
                    amount, name = cents(bonus["BonusAmount"]), f"{session}/{bonus['GrantTime']}/{bonus['Reason']}"
                    yield RemoteCharge(reference("bonus", name), "bonus", amount, session)
                    yield RemoteCharge(reference("bonusfee", name), "fee", fee_on(amount), session)


def _sum(bonuses: dict[str, list[dict[str, Any]]], assignment: dict[str, Any]) -> int:
    return sum(cents(one["BonusAmount"]) for one in bonuses.get(assignment["AssignmentId"], ()))


def _only_masters(hit: dict[str, Any]) -> bool:
    rules = hit.get("QualificationRequirements", ())
    return any(rule["QualificationTypeId"] in MASTERS.values() for rule in rules)
