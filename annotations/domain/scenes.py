"""What some pages of the path show beside the frame: the way out, a quiz's explanations, a practice trial, a break."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from django.db.models import Sum

from annotations.blind import BlindTrial, PracticeTrial, Question, RaterView
from annotations.enums import Outcome, Step
from annotations.models import Judgement, Participation, PathAnswer, System
from annotations.registry import Exit, Identity, question_types, recruitment_platforms

from .likeness import agreement_of
from .path import is_expected

PRACTICE = "practice."
MS_PER_MINUTE = 60_000
OUTCOMES = {
    Step.FINISHED: Outcome.COMPLETED,
    Step.DECLINED: Outcome.DECLINED,
    Step.SCREENED_OUT: Outcome.SCREENED_OUT,
    Step.FAILED_QUIZ: Outcome.FAILED_QUIZ,
    Step.FULL: Outcome.FULL,
    Step.LAPSED: Outcome.LAPSED,
    Step.WITHDRAWN: Outcome.WITHDRAWN,
}


class Who(NamedTuple):
    """Whose page it is."""

    participation: int
    steps_done: tuple[str, ...]
    lease: int | None


def set_scene(view: RaterView, who: Who) -> RaterView:
    """Return the view with what its page shows beside the frame; most pages show nothing more."""
    if view.step in OUTCOMES:
        return _ending(view, who)
    scene = SCENES.get(view.step)
    return scene(view, who) if scene is not None else view


# ----------------------------------------------------------------------------------------------------- the way out


def _ending(view: RaterView, who: Who) -> RaterView:
    person = Participation.objects.select_related("study", "identity").get(pk=who.participation)
    outcome = Outcome(person.outcome) if person.outcome and view.step in KEEPS else OUTCOMES[view.step]
    code, leave = way_out(person, outcome, codes=view.path.codes if view.path else {})
    return replace(view, completion_code=code, return_url=_link(leave), leave=leave, outcome=str(outcome))


# Whoever finished and withdraws afterwards is paid all the same; whoever failed a check may have a code of his own.
KEEPS = {Step.FINISHED, Step.WITHDRAWN}


def _link(leave: Exit) -> str:
    return leave.url if leave.method == "get" else ""


def way_out(person: Participation, outcome: Outcome, *, codes: Mapping[Outcome, str]) -> tuple[str, Exit]:
    """Return the code of this ending, if it has one, and the way back to where the person came from."""
    study = person.study
    code = codes.get(outcome, "")
    if outcome == Outcome.COMPLETED:
        code = study.completion_code or code or person.completion_code
    platform = recruitment_platforms.get(study.recruitment)
    if not code and not platform.remote:
        if outcome == Outcome.FAILED_ATTENTION:
            return way_out(person, Outcome.COMPLETED, codes=codes)
        return "", Exit()
    leave = platform.leave(
        outcome=outcome,
        code=code,
        template=study.return_address,
        settings=study.recruitment_settings,
        identity=identity_of(person),
    )
    if not leave.url and not code and outcome == Outcome.FAILED_ATTENTION:
        return way_out(person, Outcome.COMPLETED, codes=codes)
    return code, leave


def identity_of(person: Participation) -> Identity:
    """Return what the recruiter calls this person; nothing once the data are withdrawn."""
    kept = getattr(person, "identity", None)
    if kept is None:
        return Identity()
    return Identity(person=kept.person or "", session=kept.session or "", submit_to=kept.extra or "")


# ------------------------------------------------------------------------------------------------ quiz and practice


def _quiz(view: RaterView, who: Who) -> RaterView:
    """The attempt that comes now, and what was right and wrong at the last one."""
    last = PathAnswer.objects.filter(participation=who.participation, step=Step.QUIZ).order_by("-attempt").first()
    extra: dict[str, Any] = {"attempt": 1, "chosen": {}, "wrong": ()}
    if last is not None and view.path is not None:
        wrong = tuple(q.key for q in view.path.quiz if set(last.answers.get(q.key, ())) != set(q.correct))
        chosen = {key: value for key, value in last.answers.items() if key not in wrong}
        extra = {"attempt": last.attempt + 1, "chosen": chosen, "wrong": wrong}
    return replace(view, extra=extra)


def practice_number(steps_done: tuple[str, ...], trials: int) -> int:
    """Return the practice trial that comes now, from 1."""
    return next((n for n in range(1, trials + 1) if f"practice-{n}" not in steps_done), trials)


def practice_view(view: RaterView, trial: PracticeTrial, *, number: int, total: int) -> RaterView:
    """Return the practice trial as the trial of the view: the page is that of a real trial."""
    blind = BlindTrial(f"{PRACTICE}{number}", number, total, trial.prompt, trial.texts)
    return replace(view, trials=(blind,), total=total, judged=number - 1)


def _practice(view: RaterView, who: Who) -> RaterView:
    """The practice trial, or what there is to say about the answer to it."""
    trials = view.path.practice if view.path is not None else ()
    number = practice_number(who.steps_done, len(trials))
    trial = trials[number - 1]
    shown = practice_view(view, trial, number=number, total=len(trials))
    given = PathAnswer.objects.filter(participation=who.participation, step=Step.PRACTICE, attempt=number).first()
    if given is None:
        return replace(shown, extra={"number": number})
    return replace(shown, extra={"number": number, "feedback": feedback_on(shown, trial, given.answers)})


def feedback_on(view: RaterView, trial: PracticeTrial, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the feedback says: by row what was answered, what fits, and whether it does."""
    fits = is_expected(trial, view.questionnaire, values)
    rows = [
        {
            "label": question.label,
            "answer": _words(trial, question, values[question.key]),
            "expected": _expected_words(trial, question),
            "fits": fits.get(question.key),
        }
        for question in view.questionnaire.questions
        if question.key in fits
    ]
    return {"rows": rows, "all": all(fits.values()), "text": trial.feedback}


def _expected_words(trial: PracticeTrial, question: Question) -> list[str]:
    expected = trial.expected.get(question.key, ())
    if question.key in trial.ranges:
        least, most = expected
        return [f"{'' if least is None else f'{least:g}'} – {'' if most is None else f'{most:g}'}".strip()]
    kind, outputs = question_types.get(question.type), len(trial.texts)
    return [_words(trial, question, kind.wanted(one, question.options, outputs=outputs)) for one in expected]


def _words(trial: PracticeTrial, question: Question, value: Any) -> str:
    return question_types.get(question.type).words(value, question.options, outputs=len(trial.texts))


# ------------------------------------------------------------------------------------------------- breaks, debriefing


def _break(view: RaterView, who: Who) -> RaterView:
    """How far the rater is, and about how many minutes are left at the pace so far."""
    spent = Judgement.objects.filter(lease=who.lease).aggregate(
        total=Sum("submit_ms"), hidden=Sum("hidden_ms"), idle=Sum("idle_ms")
    )
    active = (spent["total"] or 0) - (spent["hidden"] or 0) - (spent["idle"] or 0)
    left = view.total - view.judged
    minutes = round(active / max(view.judged, 1) * left / MS_PER_MINUTE)
    half = abs(view.judged - view.total / 2) <= max(view.total * 0.05, 0.49)
    return replace(view, extra={"left": left, "minutes": max(minutes, 1) if active else 0, "half": half})


def _debriefing(view: RaterView, who: Who) -> RaterView:
    """What is revealed, here only: the systems, and how often the rater agreed with most others."""
    path = view.path
    study = Participation.objects.values_list("study", flat=True).get(pk=who.participation)
    systems = System.objects.filter(study=study).exclude(role="check").order_by("name")
    shown = [(system.name, system.get_role_display()) for system in systems] if path and path.reveals else []
    agreed = agreement_of(who.participation, view.questionnaire) if path and path.agreement else None
    return replace(view, extra={"systems": shown, "agreement": agreed})


def _instructions(view: RaterView, who: Who) -> RaterView:
    """Whether the instructions are behind the rater: the page then only begins."""
    on = view.path is not None and Step.INSTRUCTIONS in view.path.steps
    return replace(view, extra={"ready": not on or Step.INSTRUCTIONS.value in who.steps_done})


SCENES: Mapping[Step, Callable[[RaterView, Who], RaterView]] = {
    Step.INSTRUCTIONS: _instructions,
    Step.QUIZ: _quiz,
    Step.PRACTICE: _practice,
    Step.BREAK: _break,
    Step.DEBRIEFING: _debriefing,
}
