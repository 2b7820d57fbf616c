"""The platform: studies, submissions and payments. Every public method holds the lock; time alone acts in `settle`."""

from __future__ import annotations

import threading
from collections.abc import Callable
from fractions import Fraction
from typing import Any
from urllib.parse import quote

from .books import Books
from .checking import check_change, check_study
from .clock import Clock
from .errors import bad, conflict, missing
from .things import (
    ACTIVE,
    APPROVED,
    AWAITING,
    COMPLETED,
    HOLDING,
    NO_CODE,
    PAUSED,
    RESERVED,
    RETURNED,
    SCREENED_OUT,
    TIMED_OUT,
    UNPUBLISHED,
    Study,
    Submission,
    new_id,
)

RESERVATION = 10 * 60.0
REVIEW = 21 * 24 * 3600.0  # unreviewed submissions approve themselves
Event = Callable[[str, dict[str, Any]], None]


class NoPlace(Exception):
    """The study has no place for this participant now."""


class TooLate(Exception):
    """The submission timed out and somebody else has taken the place."""


class Platform:
    """One workspace of one researcher. `approves_ended`: whether timed-out and returned ones may still be approved."""

    def __init__(
        self,
        *,
        token: str = "test-token",
        currency: str = "GBP",
        fee: Fraction = Fraction(1, 3),
        tax: Fraction = Fraction(1, 5),
        balance: int = 10_000_000,
        clock: Clock | None = None,
        approves_ended: bool = False,
    ) -> None:
        self.lock = threading.RLock()
        self.clock = clock or Clock()
        self.token, self.currency, self.approves_ended = token, currency, approves_ended
        self.workspace = new_id()
        self.books = Books(fee=fee, tax=tax, balance=balance)
        self.studies: dict[str, Study] = {}
        self.submissions: dict[str, Submission] = {}
        self.later: list[tuple[float, Callable[[], None]]] = []
        self.bonus_lag = 0.0  # seconds between the order to pay a bonus and the payment
        self.emit: Event = lambda kind, payload: None

    # Studies

    def create(self, fields: dict[str, Any]) -> Study:
        """Keep a draft."""
        with self.lock:
            study = Study(check_study(fields), self.clock.now())
            self.studies[study.id] = study
            return study

    def change(self, study: Study, changes: dict[str, Any]) -> Study:
        """Change a draft, or raise the places of a published study, which starts it again when it was done."""
        with self.lock:
            fields = check_change(study.fields, changes, published=study.status != UNPUBLISHED)
            more = int(fields["total_available_places"]) - study.places
            if study.status != UNPUBLISHED and more > 0:
                self._afford(more * self.books.cost(study.reward))
            study.fields = fields
            if more > 0 and study.status in (AWAITING, COMPLETED):
                study.stopped = False
                self._become(study, ACTIVE)
            return study

    def transition(self, study: Study, action: str) -> Study:
        """PUBLISH a draft; PAUSE, START and STOP a published one. The same action again changes nothing."""
        with self.lock:
            allowed = {
                "PUBLISH": ({UNPUBLISHED}, ACTIVE),
                "PAUSE": ({ACTIVE}, PAUSED),
                "START": ({PAUSED}, ACTIVE),
                "STOP": ({ACTIVE, PAUSED}, COMPLETED),
            }
            if action not in allowed:
                raise bad([{"action": ["Not a valid choice."]}])
            sources, target = allowed[action]
            if study.status == target and action != "PUBLISH":
                return study
            if study.status not in sources:
                raise conflict(f"A study that is {study.status} cannot {action}.")
            if action == "PUBLISH":
                self._afford(study.places * self.books.cost(study.reward))
                study.published_at = self.clock.now()
            study.stopped = study.stopped or action == "STOP"
            self._become(study, target)
            self._round_off(study)
            return study

    def taken(self, study: Study) -> int:
        """How many places are taken."""
        return sum(one.status in HOLDING for one in self.of(study))

    def of(self, study: Study) -> list[Submission]:
        """The submissions of a study, newest first."""
        with self.lock:
            return [one for one in reversed(self.submissions.values()) if one.study == study.id]

    def study(self, ident: str) -> Study:
        """Find a study."""
        if ident not in self.studies:
            raise missing("Study")
        return self.studies[ident]

    def submission(self, ident: str) -> Submission:
        """Find a submission."""
        if ident not in self.submissions:
            raise missing("Submission")
        return self.submissions[ident]

    def available(self) -> int:
        """The balance without what is kept for open places."""
        kept = sum(
            (study.places - self._paid(study)) * self.books.cost(study.reward)
            for study in self.studies.values()
            if study.status in (ACTIVE, PAUSED)
        )
        return self.books.balance - max(kept, 0)

    def _paid(self, study: Study) -> int:
        return len(self.books.of(study.id, "reward"))

    def _afford(self, cost: int) -> None:
        if self.available() < cost:
            raise bad("Your balance is not sufficient. Please top up your account.")

    def _become(self, study: Study, status: str) -> None:
        if study.status != status:
            study.status = status
            self.emit("study.status.change", {"resource_id": study.id, "status": status, "metadata": {}})

    def _round_off(self, study: Study) -> None:
        """All places are submitted: awaiting review; all of them approved: completed; one is free again: active."""
        if study.status in (UNPUBLISHED, PAUSED) or study.stopped:
            return
        ours = self.of(study)
        if self.taken(study) < study.places:
            self._become(study, ACTIVE)
            return
        if any(one.status in (RESERVED, ACTIVE) for one in ours):
            return
        self._become(study, AWAITING if any(one.status == AWAITING for one in ours) else COMPLETED)

    # What participants do

    def reserve(self, study: Study, participant: str) -> Submission:
        """Take a place; nobody takes part in a study twice."""
        with self.lock:
            if study.status != ACTIVE or self.taken(study) >= study.places:
                raise NoPlace
            if any(one.participant == participant for one in self.of(study)):
                raise NoPlace
            made = Submission(study.id, participant, self.clock.now())
            self.submissions[made.id] = made
            self._tell(made)
            return made

    def start(self, one: Submission) -> str:
        """Open the study: the address with the placeholders filled."""
        with self.lock:
            if one.status == RESERVED:
                one.started_at = self.clock.now()
                self._set(one, ACTIVE)
            return self.address(one)

    def address(self, one: Submission) -> str:
        """The study's address for this submission."""
        url = str(self.study(one.study).fields["external_study_url"])
        for name, value in (("PROLIFIC_PID", one.participant), ("STUDY_ID", one.study), ("SESSION_ID", one.id)):
            url = url.replace("{{%" + name + "%}}", quote(value))
        return url

    def complete(self, one: Submission, code: str | None) -> None:
        """Come back with a code, or say that there was none. A timed-out one counts if the place is still free."""
        with self.lock:
            study = self.study(one.study)
            if one.status == TIMED_OUT and self.taken(study) >= study.places:
                raise TooLate
            if one.status not in (ACTIVE, TIMED_OUT):
                return
            one.completed_at, one.entered_code = self.clock.now(), code or NO_CODE
            self._act(study, one, (study.code(code) or {}).get("actions", [{"action": "MANUALLY_REVIEW"}]))

    def give_back(self, one: Submission) -> None:
        """Return the submission: before it is done, or while it awaits review. The place is free at once."""
        with self.lock:
            if one.status in (RESERVED, ACTIVE, AWAITING):
                self._set(one, RETURNED)

    def _act(self, study: Study, one: Submission, actions: list[dict[str, Any]]) -> None:
        kinds = {action["action"]: action for action in actions}
        if "FIXED_SCREEN_OUT_PAYMENT" in kinds:
            self._screen_out(study, one, kinds["FIXED_SCREEN_OUT_PAYMENT"])
            return
        self._set(one, AWAITING)
        if "AUTOMATICALLY_APPROVE" in kinds:
            self.approve(one)
        if "REQUEST_RETURN" in kinds:
            self.request_return(one, [kinds["REQUEST_RETURN"]["return_reason"]])

    def _screen_out(self, study: Study, one: Submission, action: dict[str, Any]) -> None:
        """Pay the fixed amount and free the place; after the last slot the study pauses."""
        self._pay(one, "screened_out", int(action["fixed_screen_out_reward"]))
        self._set(one, SCREENED_OUT)
        study.screened_out += 1
        if study.screened_out >= int(action["slots"]) and study.status == ACTIVE:
            self._become(study, PAUSED)

    def _set(self, one: Submission, status: str) -> None:
        if one.status != status:
            one.status = status
            self._tell(one)
            self._round_off(self.study(one.study))

    def _tell(self, one: Submission) -> None:
        payload = {"resource_id": one.id, "participant_id": one.participant, "status": one.status}
        self.emit("submission.status.change", payload)

    # What the researcher decides

    def approve(self, one: Submission) -> None:
        """Approve and pay; a second time changes nothing."""
        with self.lock:
            ended = (TIMED_OUT, RETURNED) if self.approves_ended else ()
            if one.status == APPROVED:
                return
            if one.status not in (AWAITING, *ended):
                raise conflict(f"A submission that is {one.status} cannot be approved.")
            self._pay(one, "reward", self.study(one.study).reward)
            self._set(one, APPROVED)

    def reject(self, one: Submission, *, category: str, message: str) -> None:
        """Reject; the place is free again."""
        with self.lock:
            if one.status == "REJECTED":
                return
            if one.status != AWAITING:
                raise conflict(f"A submission that is {one.status} cannot be rejected.")
            one.rejection = (category, message)
            self._set(one, "REJECTED")

    def request_return(self, one: Submission, reasons: list[str]) -> None:
        """Ask the participant to return it; only he can."""
        with self.lock:
            if one.status not in (ACTIVE, AWAITING):
                raise conflict(f"A submission that is {one.status} cannot be returned.")
            one.return_requested, one.return_reasons = self.clock.now(), reasons

    def finish_for(self, one: Submission, code: str) -> None:
        """COMPLETE by the researcher: only with a code whose actor is the researcher."""
        with self.lock:
            study = self.study(one.study)
            found = study.code(code)
            if found is None or found.get("actor", "participant") != "researcher":
                raise bad([{"completion_code": ["Not a code that a researcher may use."]}])
            one.completed_at, one.entered_code = self.clock.now(), code
            self._act(study, one, found["actions"])

    def pay_bonus(self, one: Submission, amount: int) -> None:
        """Pay a bonus now, whatever was paid before."""
        with self.lock:
            self._pay(one, "bonus", amount)
            one.bonus_payments.append(amount)

    def _pay(self, one: Submission, kind: Any, amount: int) -> None:
        self.books.charge(kind, study=one.study, submission=one.id, participant=one.participant, amount=amount)

    # What time does

    def after(self, seconds: float, deed: Callable[[], None]) -> None:
        """Do something when so much of the platform's time has gone by."""
        with self.lock:
            self.later.append((self.clock.now() + seconds, deed))

    def settle(self) -> None:
        """Let reservations and submissions run out, approve what nobody reviewed, do what was put off."""
        with self.lock:
            now = self.clock.now()
            due = [deed for at, deed in self.later if at <= now]
            self.later = [(at, deed) for at, deed in self.later if at > now]
            for deed in due:
                deed()
            for one in list(self.submissions.values()):
                limit = self.study(one.study).maximum_time
                ends = {
                    RESERVED: one.reserved_at + RESERVATION,
                    ACTIVE: (one.started_at or 0.0) + limit,
                    AWAITING: (one.completed_at or 0.0) + REVIEW,
                }
                if now > ends.get(one.status, now):
                    if one.status == AWAITING:
                        self.approve(one)
                    else:
                        self._set(one, TIMED_OUT)
