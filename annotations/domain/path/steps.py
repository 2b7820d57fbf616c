"""One function says which page comes next, from the path, the steps behind the rater and where the study stands."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from annotations.blind import Path
from annotations.enums import LeaseState, ParticipationState, Step, StudyState

BEFORE = (Step.ELIGIBILITY, Step.CONSENT, Step.QUESTIONNAIRE, Step.INSTRUCTIONS, Step.QUIZ, Step.PRACTICE)
AFTER = (Step.COMMENTS, Step.DEBRIEFING)
ENDINGS = {
    ParticipationState.WITHDRAWN: Step.WITHDRAWN,
    ParticipationState.DECLINED: Step.DECLINED,
    ParticipationState.SCREENED_OUT: Step.SCREENED_OUT,
    ParticipationState.FAILED_QUIZ: Step.FAILED_QUIZ,
}


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a rater and the study stand.

    `through` says that every trial of the latest booklet is judged, `number` is the trial that comes next. In an expert
    panel `round` is where the expert stands among the rounds, None when they are over.
    """

    participation: str
    study: str
    lease: str | None = None
    through: bool = False
    number: int = 1
    is_panel: bool = False
    round: Step | None = None


def next_step(path: Path, done: Collection[str], standing: Standing) -> Step:
    """Return the page to show.

    An ending stays an ending, and whoever has judged everything gets to the end, whatever the study does meanwhile.
    With the way to the trials behind a rater and no booklet in hand, INSTRUCTIONS is the page that begins.
    """
    if standing.participation in ENDINGS:
        return ENDINGS[ParticipationState(standing.participation)]
    if _has_finished(done, standing):
        return next((step for step in AFTER if step in path.steps and step not in done), Step.FINISHED)
    if standing.study != StudyState.OPEN:
        return Step.CLOSED if standing.study == StudyState.CLOSED else Step.PAUSED
    if standing.lease is None:
        return _before(path, done, standing)
    return standing.round or _among_trials(path, done, standing)


def _among_trials(path: Path, done: Collection[str], standing: Standing) -> Step:
    if standing.lease != LeaseState.LEASED:
        return Step.LAPSED
    return Step.BREAK if break_due(path, done, standing.number) else Step.TRIAL


def _has_finished(done: Collection[str], standing: Standing) -> bool:
    if standing.is_panel:
        return Step.ASK in done or (standing.lease == LeaseState.COMPLETED and standing.round is None)
    return standing.lease == LeaseState.COMPLETED or (standing.lease == LeaseState.LAPSED and standing.through)


def _before(path: Path, done: Collection[str], standing: Standing) -> Step:
    for step in BEFORE:
        if step in path.steps and step not in done:
            return step
    if standing.round is not None:
        return standing.round
    return Step.FULL if standing.participation == ParticipationState.TURNED_AWAY else Step.INSTRUCTIONS


def break_due(path: Path, done: Collection[str], number: int) -> bool:
    """Say whether a break comes before trial `number`."""
    behind = number - 1
    return bool(path.break_every and behind and behind % path.break_every == 0 and f"break-{behind}" not in done)
