"""Every page of the path as a rater will see it, from the draft or the frozen study; nothing is stored."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from annotations.blind import PracticeTrial, Questionnaire, RaterView
from annotations.enums import Outcome, Step
from annotations.errors import NotReady
from annotations.models import Participation, Study, System
from annotations.registry import question_types

from .frames import Frame, frame_of_draft
from .scenes import OUTCOMES, feedback_on, practice_view, way_out

FEEDBACK = "feedback"
BEGINNING = (Step.ELIGIBILITY, Step.CONSENT, Step.QUESTIONNAIRE, Step.INSTRUCTIONS, Step.QUIZ, Step.PRACTICE)
TRIALS = 20  # of a made-up booklet, half of which is done at a previewed break


def preview_frame(*, study: Study, language: str = "") -> Frame:
    """Return the texts as they stand now, in a language."""
    return frame_of_draft(study, version=f"preview-{study.pk}", language=language)


def preview_step(*, study: Study, step: str, language: str = "") -> RaterView:
    """Return the view of a page of the path; raises NotReady for one that has nothing to show."""
    frame = preview_frame(study=study, language=language)
    feedback = step == FEEDBACK
    view = RaterView(
        step=Step.PRACTICE if feedback else Step(step),
        study_title=frame.title,
        questionnaire=frame.questionnaire,
        total=TRIALS,
        judged=TRIALS // 2,
        instructions=frame.instructions,
        contact=frame.contact,
        language=frame.language,
        slug=frame.slug,
        consent=frame.consent,
        path=frame.path,
    )
    if view.step in OUTCOMES:
        return _ending(view, study)
    if view.step == Step.PRACTICE:
        return _practice(view, feedback=feedback)
    return replace(view, extra=_extra(view, study))


def _ending(view: RaterView, study: Study) -> RaterView:
    """The way out of a rater who is not there, with a code like the real ones."""
    outcome = OUTCOMES[view.step]
    nobody = Participation(study=study, completion_code="K7MRX2PA")
    code, leave = way_out(nobody, outcome, codes=view.path.codes if view.path else {})
    return replace(view, completion_code=code, return_url=leave.url, leave=leave, outcome=str(outcome))


def _practice(view: RaterView, *, feedback: bool) -> RaterView:
    trials = view.path.practice if view.path is not None else ()
    if not trials:
        message = "There is no practice trial yet."
        raise NotReady(message)
    shown = practice_view(view, trials[0], number=1, total=len(trials))
    if not feedback:
        return replace(shown, extra={"number": 1})
    values = expected_values(trials[0], view.questionnaire)
    return replace(shown, extra={"number": 1, "feedback": feedback_on(shown, trials[0], values)})


def expected_values(trial: PracticeTrial, questionnaire: Questionnaire) -> dict[str, Any]:
    """Return the first expected answer to each question that has one."""
    return {
        question.key: question_types.get(question.type).wanted(
            trial.expected[question.key][0], question.options, outputs=len(trial.texts)
        )
        for question in questionnaire.questions
        if question.key in trial.expected and question.key not in trial.ranges
    }


def _extra(view: RaterView, study: Study) -> dict[str, Any]:
    if view.step == Step.QUIZ:
        return {"attempt": 1, "chosen": {}, "wrong": ()}
    if view.step == Step.BREAK:
        return {"left": TRIALS // 2, "minutes": 3, "half": True}
    if view.step == Step.DEBRIEFING and view.path is not None and view.path.reveals:
        systems = System.objects.filter(study=study).exclude(role="check").order_by("name")
        return {"systems": [(system.name, system.get_role_display()) for system in systems]}
    return {}


def previewable(*, study: Study) -> list[tuple[str, str]]:
    """Return (name, title) of the pages that there are to look at, in the order in which a rater meets them."""
    path = preview_frame(study=study).path
    found = [(step.value, step.label) for step in BEGINNING if step in path.steps]
    if Step.PRACTICE in path.steps:
        found.append((FEEDBACK, "Feedback"))
    if path.break_every:
        found.append((Step.BREAK.value, Step.BREAK.label))
    found += [(step.value, step.label) for step in (Step.COMMENTS, Step.DEBRIEFING) if step in path.steps]
    endings = (Step.FINISHED, Step.DECLINED, Step.SCREENED_OUT, Step.FAILED_QUIZ, Step.FULL, Step.LAPSED)
    return [*found, *((step.value, step.label) for step in (*endings, Step.WITHDRAWN))]


ENDINGS = tuple((outcome.value, outcome.label) for outcome in Outcome if outcome != Outcome.FAILED_ATTENTION)
