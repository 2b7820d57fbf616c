"""Foresight: the power of a design before launch, its check by simulation, and the looks that are declared."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.utils import timezone

from annotations import design
from annotations.enums import JobState
from annotations.errors import NotReady
from annotations.models import PowerCheck, Study
from annotations.registry import question_types

from . import editing, planning, reporting
from .events import log_event
from .jobs import alone

if TYPE_CHECKING:
    from analysis.power import Assumptions, PlannedTrials, Question
    from analysis.sequential import Looks

LOCK = 20_2612  # the first key of our advisory locks: checks of the power
SIMULATIONS = 500
WORTH_A_PROCESS = 50  # studies: below, starting one takes longer than its work
MOST_CURVED = 60_000  # trials up to which the curves are drawn at once: each point takes a factorisation
PAIRWISE = ("pairwise_choice", "pairwise_graded")
PAIRS_ONLY = (
    "Power is worked out here for pairs only. For sliders and rating scales of single texts, python -m analysis.power "
    "takes a table of the trials; for rankings there is no power model."
)


@dataclass(frozen=True, slots=True)
class Assumed:
    """What a researcher assumes, in logits: the effect of a contrast, and spreads; None is the documented default."""

    effect: float | None = None
    output: float | None = None
    prompt_system: float | None = None
    rater_system: float | None = None

    def given(self) -> dict[str, float]:
        """Return what differs from the defaults."""
        return {name: value for name, value in asdict(self).items() if value is not None}


@dataclass(frozen=True)
class Forecast:
    """What the design page shows.

    `answer` is `analysis.power.PowerAnalysis` as plain values; `left_out` names the dimensions that have no power
    model; `check` is the simulation of exactly this, if there is one.
    """

    answer: dict[str, Any]
    left_out: tuple[str, ...]
    wanted: dict[str, Any]
    check: PowerCheck | None


@dataclass(frozen=True)
class _Planned:
    """A plan that a cache can know by its fingerprint."""

    fingerprint: str
    plan: design.Plan = field(compare=False)


def defaults() -> dict[str, float]:
    """Return the effect and spreads that are assumed when nothing is said."""
    from analysis.power import Assumptions

    assumed = Assumptions.default(PAIRWISE[0])
    names = ("output", "prompt_system", "rater_system")
    return {"effect": float(str(assumed.effect)), **{name: getattr(assumed.spreads, name) for name in names}}


def forecast(*, study: Study, made: planning.DraftDesign, assumed: Assumed | None = None) -> Forecast:
    """Return the power of a draft design; raises NotReady when no dimension or contrast has any, or by bad numbers."""
    from analysis.power import PowerError

    if not made.plan.spec.shows_pairs:
        raise NotReady(PAIRS_ONLY)
    wanted = _wanted(study=study, made=made, assumed=assumed or Assumed())
    if not wanted["questions"] or not wanted["contrasts"]:
        message = "There is no power to compute: it needs a dimension that compares two texts, and two systems."
        raise NotReady(message)
    estimate = made.estimate
    price = (estimate.median_minutes, float(study.hourly_rate), float(study.platform_fee), study.currency)
    try:
        answer = _answer(_Planned(wanted["plan"], made.plan), _frozen(wanted), price)
    except PowerError as error:
        raise NotReady(str(error)) from error
    asked = {question[0] for question in wanted["questions"]}
    left_out = tuple(key for key in study.dimensions.values_list("key", flat=True) if key not in asked)
    check = study.power_checks.filter(wanted=wanted, state=JobState.DONE).first()
    return Forecast(answer, left_out, wanted, check)


def _wanted(*, study: Study, made: planning.DraftDesign, assumed: Assumed) -> dict[str, Any]:
    """Return everything that the power depends on, as plain values."""
    questions = []
    for dimension in study.dimensions.all():
        kind = question_types.get(dimension.question_type)
        if kind.measure in PAIRWISE:
            questions.append([dimension.key, kind.measure, kind.levels(dimension.options)])
    return {
        "plan": made.plan.fingerprint(),
        "questions": questions,
        "contrasts": [list(pair) for pair in reporting.contrasts_of(study=study)],
        "assumed": defaults() | assumed.given(),
        "alpha": float(study.analysis.get("alpha", 0.05)),
    }


def _frozen(wanted: Mapping[str, Any]) -> tuple[Any, ...]:
    questions = tuple(tuple(question) for question in wanted["questions"])
    contrasts = tuple((first, second) for first, second in wanted["contrasts"])
    return questions, contrasts, tuple(sorted(wanted["assumed"].items())), wanted["alpha"]


@lru_cache(maxsize=16)
def _answer(planned: _Planned, content: tuple[Any, ...], price: tuple[float, float, float, str]) -> dict[str, Any]:
    from analysis.power import Price, analyse_power

    trials, questions, contrasts, assumptions = _parts(planned.plan, content)
    curves = len(trials) <= MOST_CURVED
    scenarios = {question.dimension: assumptions for question in questions}
    return analyse_power(
        trials, questions, contrasts, assumptions=scenarios, price=Price(*price), curves=curves
    ).to_json()


def _parts(
    plan: design.Plan, content: tuple[Any, ...]
) -> tuple[PlannedTrials, list[Question], tuple[tuple[str, str], ...], Assumptions]:
    from analysis.power import Assumptions, PlannedTrials, Question, Spreads

    questions, contrasts, assumed, alpha = content
    values = dict(assumed)
    effect = values.pop("effect")
    default = Spreads.default(PAIRWISE[0])
    given = {name: value for name, value in values.items() if value != getattr(default, name)}
    source = f"yours ({', '.join(given)}), else {default.source}" if given else default.source
    assumptions = Assumptions(effect=effect, spreads=Spreads(**values, source=source), alpha=alpha)
    trials = PlannedTrials.from_columns(plan.columns())
    return trials, [Question(*question) for question in questions], contrasts, assumptions


# ------------------------------------------------------------------------------------------------- check by simulation


def request_check(*, study: Study, assumed: Assumed | None = None, actor: AbstractBaseUser | None = None) -> PowerCheck:
    """Queue a simulation of the design as it stands; one that waits or runs for the same is returned instead."""
    made = planning.draft(study=study)
    wanted = forecast(study=study, made=made, assumed=assumed).wanted
    with transaction.atomic():
        Study.objects.select_for_update().get(pk=study.pk)
        under_way = study.power_checks.filter(state__in=(JobState.QUEUED, JobState.RUNNING)).first()
        if under_way is not None:
            return under_way
        check = PowerCheck.objects.create(study=study, wanted=wanted)
        log_event(study=study, name="power_check_requested", data={"check": check.pk}, actor=actor)
    return check


def run_check(*, check_id: int, simulations: int | None = None) -> PowerCheck:
    """Simulate (``SIMULATIONS`` studies by default) and store what came of it; a failure is kept with its words.

    Done twice it is done once.
    """
    with alone(LOCK, check_id) as free:
        check = PowerCheck.objects.select_related("study").get(pk=check_id)
        if free and check.state not in (JobState.DONE, JobState.REFUSED):
            PowerCheck.objects.filter(pk=check.pk).update(state=JobState.RUNNING)
            check.state = JobState.RUNNING
            _try(check, simulations or SIMULATIONS)
    return check


def _try(check: PowerCheck, simulations: int) -> None:
    try:
        check.result = _simulate(check, simulations)
        check.state, check.progress, check.stage, check.message = JobState.DONE, 100, "", ""
    except Exception as error:
        check.state, check.message = JobState.FAILED, f"{type(error).__name__}: {error}"
        if not isinstance(error, ValueError | NotReady):
            raise
    finally:
        check.finished_at = timezone.now()
        check.save()


def _simulate(check: PowerCheck, simulations: int) -> dict[str, Any]:
    """Simulate each model once: dimensions with the same question share it."""
    from analysis.power import simulate_power

    made = planning.draft(study=check.study)
    if made.plan.fingerprint() != check.wanted["plan"]:
        message = "The design was changed while the check waited. Ask for it again."
        raise NotReady(message)
    trials, questions, contrasts, assumptions = _parts(made.plan, _frozen(check.wanted))
    groups: dict[tuple[str, int], list[Question]] = {}
    for question in questions:
        groups.setdefault(question.model, []).append(question)
    found = []
    for number, group in enumerate(groups.values()):
        result = simulate_power(
            trials,
            group[0],
            contrasts,
            assumptions=assumptions,
            simulations=simulations,
            dimensions=len(questions),
            processes=min(os.cpu_count() or 1, 4, simulations // WORTH_A_PROCESS),
            progress=_Progress(check, group, number / len(groups), 1.0 / len(groups)),
        )
        found.append({"dimensions": [question.dimension for question in group], **result.to_json()})
    return {"simulations": simulations, "groups": found}


class _Progress:
    """Writes how far it is into the row, once per per cent."""

    def __init__(self, check: PowerCheck, group: list[Question], begin: float, share: float) -> None:
        self.check, self.begin, self.share = check, begin, share
        self.names = ", ".join(question.dimension for question in group)

    def __call__(self, done: int, total: int) -> None:
        progress = int(100 * (self.begin + self.share * done / total))
        if progress != self.check.progress or done == 1:
            self.check.progress = progress
            self.check.stage = f"{self.names}: {done} of {total} studies"[:120]
            PowerCheck.objects.filter(pk=self.check.pk).update(progress=progress, stage=self.check.stage)


# ------------------------------------------------------------------------------------------------------- looking early


def declare_looks(
    *, study: Study, declared: Mapping[str, Any], seen: str | None = None, actor: AbstractBaseUser | None = None
) -> Study:
    """Write into the analysis plan how the data may be looked at before the end; raises NotReady with the reason."""
    looks = _looks(declared)
    return editing.edit_analysis(study=study, changes={"looks": looks.to_json()}, seen=seen, actor=actor)


def settled_looks(*, study: Study, made: planning.DraftDesign) -> dict[str, Any] | None:
    """Return the declared looks with what the design expects of them, for freezing; None when nothing is declared.

    Expected information and standard error are those of the first contrast under the documented default spreads. They
    tune the boundaries; the error rates hold whatever the truth is.
    """
    if "looks" not in study.analysis:
        return None
    declared = {key: study.analysis["looks"][key] for key in ("method", "times") if key in study.analysis["looks"]}
    looks = _looks(declared)
    if looks.method == "none":
        return looks.to_json()
    from analysis.power import PowerError

    try:
        return looks.planned(_expected_errors(study=study, made=made, looks=looks)).to_json()
    except PowerError as error:
        raise NotReady(str(error)) from error


def _expected_errors(*, study: Study, made: planning.DraftDesign, looks: Looks) -> list[float]:
    from analysis.power.information import PlannedModel, Scale

    wanted = _wanted(study=study, made=made, assumed=Assumed())
    if not wanted["questions"] or not wanted["contrasts"]:
        message = "Early looks need a dimension that compares two texts, and two systems."
        raise NotReady(message)
    trials, questions, contrasts, assumptions = _parts(made.plan, _frozen(wanted))
    model = PlannedModel(trials, questions[0], contrasts[:1])
    return [float(model.solve(assumptions, Scale(raters=time)).se[0]) for time in looks.times or (1.0,)]


def _looks(declared: Mapping[str, Any]) -> Looks:
    from analysis.sequential import Looks, SequentialError

    try:
        return Looks.from_plan(declared)
    except SequentialError as error:
        message = str(error)
        raise NotReady(message[0].upper() + message[1:] + ".") from error


def boundaries_of(*, study: Study) -> list[dict[str, Any]]:
    """Return each declared look with the p value that stops the study there, the level divided among all tests."""
    looks = _looks(study.analysis.get("looks") or {})
    tests = max(study.dimensions.count() * len(reporting.contrasts_of(study=study)), 1)
    alpha = float(study.analysis.get("alpha", 0.05)) / tests
    return [
        {"time": time, "information": look.time, "z": look.z, "p": look.nominal_p}
        for time, look in zip(looks.times, looks.boundaries(alpha=alpha), strict=False)
    ]
