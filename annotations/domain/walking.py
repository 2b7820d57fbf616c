"""Walking the path: each step is left by one verb, under a lock on the participation.

A step that is not the rater's own any more (two tabs, the back button, a second click) changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from annotations.blind import Path, RaterView
from annotations.enums import Outcome, ParticipationState, Step
from annotations.models import Participation, PathAnswer

from . import consents, judging, participation
from .events import log_event
from .path import BEFORE, Problem, is_eligible, is_expected, read_fields, read_quiz
from .path.answers import Sent
from .scenes import PRACTICE, practice_number

LONGEST_COMMENT = 10_000


@dataclass(frozen=True, slots=True)
class Visit:
    """A rater at a step, locked."""

    person: Participation
    here: RaterView
    path: Path
    sent: Sent

    def has_done(self, *names: str) -> None:
        """Note steps as done."""
        new = [name for name in names if name not in self.person.steps_done]
        if new:
            self.person.steps_done = [*self.person.steps_done, *new]
            self.person.save(update_fields=["steps_done"])

    def keep(self, answers: Mapping[str, Any], *, attempt: int = 1, passed: bool | None = None) -> None:
        """Store what was answered, once."""
        PathAnswer.objects.get_or_create(
            participation=self.person,
            step=self.here.step.value,
            attempt=attempt,
            defaults={"answers": dict(answers), "passed": passed},
        )

    def ends(self, state: ParticipationState, outcome: Outcome) -> None:
        """End the visit; only that it happened is kept."""
        self.person.state, self.person.outcome = state, outcome
        self.person.save(update_fields=["state", "outcome"])
        log_event(study=self.person.study, name=outcome.value, participation=self.person)


Problems = tuple[Problem, ...]


def take_step(*, public_id: str, step: Step, sent: Sent) -> Problems:
    """Leave a step with what was filled in; returns what is missing or wrong, in which case nothing is stored.

    With the last step before the trials a booklet is leased. A step that is not the one to be left changes nothing.
    """
    with transaction.atomic():
        visit = _visit(public_id, sent)
        if visit.here.step != step or step not in LEAVING:
            return ()
        problems = LEAVING[step](visit)
    if not problems:
        _go_on(visit)
    return problems


OVER = (ParticipationState.DECLINED, ParticipationState.SCREENED_OUT, ParticipationState.FAILED_QUIZ)


def _go_on(visit: Visit) -> None:
    """Take a booklet when the way to the trials is behind; what was filled in is stored, also when there is none."""
    if visit.here.step in BEFORE and visit.person.state not in OVER:
        participation.take_place(participation=visit.person)


def _visit(public_id: str, sent: Sent) -> Visit:
    person = participation.locked(public_id=public_id)
    here = judging.where_is(public_id=public_id)
    return Visit(person, here, here.path or Path(frozenset()), sent)


def decline(*, public_id: str) -> None:
    """Note that somebody does not want to take part; only before consent, and only that it happened."""
    with transaction.atomic():
        visit = _visit(public_id, {})
        if visit.here.step == Step.CONSENT:
            visit.ends(ParticipationState.DECLINED, Outcome.DECLINED)


def reconsider(*, public_id: str) -> None:
    """Take somebody back who declined, as long as no recruiter was told."""
    with transaction.atomic():
        visit = _visit(public_id, {})
        if visit.here.step == Step.DECLINED and not visit.here.leave.url:
            visit.person.state, visit.person.outcome = ParticipationState.ARRIVED, ""
            visit.person.save(update_fields=["state", "outcome"])
            log_event(study=visit.person.study, name="reconsidered", participation=visit.person)


def _eligibility(visit: Visit) -> Problems:
    """Look at the answers and forget them: before consent nothing is kept."""
    values, problems = read_fields(visit.path.eligibility, visit.sent)
    if problems:
        return problems
    if is_eligible(visit.path.eligibility, values):
        visit.has_done(Step.ELIGIBILITY.value)
    else:
        visit.ends(ParticipationState.SCREENED_OUT, Outcome.SCREENED_OUT)
    return ()


def _consent(visit: Visit) -> Problems:
    open_boxes = [
        Problem(f"box-{number}", box, _("Please tick this box, or say no."))
        for number, box in enumerate(visit.path.boxes, start=1)
        if not any(visit.sent.get(f"box-{number}", ()))
    ]
    if not open_boxes:
        frame = participation.frame_for(study=visit.person.study, language=visit.person.language)
        consents.agree(participation=visit.person, frame=frame)
    return tuple(open_boxes)


def _questionnaire(visit: Visit) -> Problems:
    values, problems = read_fields(visit.path.questionnaire, visit.sent)
    if not problems:
        visit.keep(values)
        visit.has_done(Step.QUESTIONNAIRE.value)
    return problems


def _quiz(visit: Visit) -> Problems:
    """One attempt: the form says which, so that the same form sent twice is one."""
    chosen, wrong, problems = read_quiz(visit.path.quiz, visit.sent)
    attempt = int(visit.here.extra["attempt"])
    if visit.sent.get("attempt", ()) != (str(attempt),):
        return ()
    if problems:
        return problems
    visit.keep(chosen, attempt=attempt, passed=not wrong)
    if not wrong:
        visit.has_done(Step.QUIZ.value)
    elif attempt >= visit.path.attempts:
        visit.ends(ParticipationState.FAILED_QUIZ, Outcome.FAILED_QUIZ)
    return ()


def _practice(visit: Visit) -> Problems:
    """Leave the feedback on a practice trial, or a practice trial that was shown to no purpose."""
    number = int(visit.here.extra["number"])
    if visit.sent.get("number", ()) == (str(number),) and "feedback" in visit.here.extra:
        last = [Step.PRACTICE.value] if number >= len(visit.path.practice) else []
        visit.has_done(f"practice-{number}", *last)
    return ()


def _break(visit: Visit) -> Problems:
    if visit.sent.get("at", ()) == (str(visit.here.judged),):
        visit.has_done(f"break-{visit.here.judged}")
    return ()


def _comments(visit: Visit) -> Problems:
    text = next(iter(visit.sent.get("comments", ())), "").strip()[:LONGEST_COMMENT]
    if text:
        visit.keep({"comments": text})
    visit.has_done(Step.COMMENTS.value)
    return ()


def _just_go_on(visit: Visit) -> Problems:
    visit.has_done(visit.here.step.value)
    return ()


LEAVING: Mapping[Step, Callable[[Visit], Problems]] = {
    Step.ELIGIBILITY: _eligibility,
    Step.CONSENT: _consent,
    Step.QUESTIONNAIRE: _questionnaire,
    Step.INSTRUCTIONS: _just_go_on,
    Step.QUIZ: _quiz,
    Step.PRACTICE: _practice,
    Step.BREAK: _break,
    Step.COMMENTS: _comments,
    Step.DEBRIEFING: _just_go_on,
}


def is_practice(trial: str) -> bool:
    """Say whether a trial's token is that of a practice trial."""
    return trial.startswith(PRACTICE)


def practise(*, public_id: str, trial: str, answers: judging.Answers) -> RaterView:
    """Store the answers of a practice trial and return the page that says what there is to say about them.

    Raises AnswerError when a row is missing. The same answers twice are one; an earlier trial's change nothing.
    """
    with transaction.atomic():
        visit = _visit(public_id, {})
        at = practice_number(tuple(visit.person.steps_done), len(visit.path.practice))
        if visit.here.step == Step.PRACTICE and trial == f"{PRACTICE}{at}" and "feedback" not in visit.here.extra:
            shown = visit.path.practice[at - 1]
            questionnaire = visit.here.questionnaire
            values = judging.parse_answers(questionnaire=questionnaire, answers=answers, outputs=len(shown.texts))
            fits = is_expected(shown, questionnaire, values)
            visit.keep(values, attempt=at, passed=all(fits.values()))
            if not fits and not shown.feedback:
                last = [Step.PRACTICE.value] if at >= len(visit.path.practice) else []
                visit.has_done(f"practice-{at}", *last)
    _go_on(visit)
    return judging.where_is(public_id=public_id)
