"""Planning: what the design will be, computed from the draft without writing, and the freezing of it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from django.contrib.auth.models import AbstractBaseUser

from annotations import design
from annotations.blind import BlindTrial, RaterView
from annotations.enums import Step, StudyState
from annotations.errors import NotReady, WrongState
from annotations.models import Output, Plan, Study
from annotations.registry import question_types

from . import attention, editing, freezing, panel, preparing
from .frames import frame_of_draft
from .freezing import output_name

FIELDS = frozenset(design.DesignSpec().to_dict())
# Reached by search: shown when they fail, but no reason to refuse.
AIMS = frozenset({"sides_position", "groups_meet", "groups_systems", "successions"})
OVERHEAD_MINUTES = 2.0  # welcome, consent and instructions
TYPING = 5  # a free text takes as long as so many clicks


@dataclass(frozen=True, slots=True)
class DraftDesign:
    """The design as it would be frozen now."""

    plan: design.Plan
    certificate: design.Certificate
    estimate: design.Estimate

    @property
    def missing(self) -> tuple[design.MissingCell, ...]:
        """The cells of prompt × system without an output."""
        return self.plan.missing


def spec_of(*, study: Study) -> design.DesignSpec:
    """Return the design settings of the study; raises DesignError naming the wrong one."""
    return design.DesignSpec.from_dict({key: value for key, value in study.design.items() if key in FIELDS})


def outputs_of(*, study: Study) -> list[tuple[design.OutputRef, int]]:
    """Return every output that takes part as the design sees it, with its number of words."""
    rows = Output.objects.filter(prompt__study=study, prompt__is_check=False, left_out="").values_list(
        "prompt__key", "system__name", "sample", "text"
    )
    return [
        (
            design.OutputRef(output_name(prompt=prompt, system=system, sample=sample), prompt, system, sample),
            len(text.split()),
        )
        for prompt, system, sample, text in rows.iterator(chunk_size=5000)
    ]


def draft(*, study: Study) -> DraftDesign:
    """Plan the study as it stands, without writing. The last few drafts are kept in memory by what they depend on.

    Raises NotReady without material, DesignError for a setting that makes no sense, and Infeasible with the clashing
    constraints and the nearest feasible numbers.
    """
    count, digest = freezing.material_digest(study=study)
    if not count:
        message = "There are no outputs yet: bring the material first."
        raise NotReady(message)
    spec = spec_of(study=study)
    rate = (float(study.hourly_rate), float(study.platform_fee))
    asked = asked_of(study=study, outputs=spec.outputs_per_task)
    return _draft((study.pk, digest, study.language), spec=spec, rate=rate, asked=asked)


def misfits(*, study: Study) -> list[str]:
    """Say which questions cannot be asked about as many outputs as the design shows together."""
    shown = spec_of(study=study).outputs_per_task
    found = []
    for dimension in study.dimensions.all():
        kind = question_types.get(dimension.question_type)
        least, most = kind.outputs
        if not least <= shown <= most:
            needs = f"{least}" if least == most else f"{least} to {most}"
            what = f"'{dimension.key}' ({kind.label}) needs {needs} texts at a time, but the design shows {shown}"
            found.append(f"{what}: choose another type or another design.")
    return found


class Asked(NamedTuple):
    """How many questions stand under a trial, and how many answers they take."""

    questions: int
    answers: int


def asked_of(*, study: Study, outputs: int) -> Asked:
    """Count questions and answers: one for each output where each is asked about, more for a free text."""
    kinds = [question_types.get(name) for name in study.dimensions.values_list("question_type", flat=True)]
    answers = 0
    for kind in kinds:
        each = outputs if kind.per_output or kind.measure == "ranking" else 1
        answers += TYPING if kind.measure == "text" else each
    return Asked(len(kinds), answers)


@lru_cache(maxsize=8)
def _draft(
    material: tuple[int, str, str], *, spec: design.DesignSpec, rate: tuple[float, float], asked: Asked
) -> DraftDesign:
    """Plan anew; `material` is the study's key, the digest of its outputs, its language: what the cache must know."""
    study = Study.objects.get(pk=material[0])
    outputs, checks = outputs_of(study=study), attention.checks_for(study=study, spec=spec)
    tasks = [check.task for check in checks]
    planned = design.plan([ref for ref, _ in outputs], spec, attention=tasks, dimensions=asked.questions)
    words = {ref.id: count for ref, count in outputs}
    return DraftDesign(
        plan=planned,
        certificate=design.certify(planned.columns(), spec),
        estimate=design.estimate_plan(
            planned,
            words,
            attention_words=sum(check.words for check in checks) // max(len(checks), 1),
            pace=design.Pace(answers_per_trial=asked.answers, overhead_minutes=OVERHEAD_MINUTES),
            rate=design.Rate(hourly=rate[0], fee=rate[1]),
        ),
    )


def broken_guarantees(made: DraftDesign) -> list[design.Guarantee]:
    """Return the guarantees that do not hold and that a design must not be frozen without."""
    return [item for item in made.certificate.guarantees if not item.holds and item.name not in AIMS]


def freeze_study(*, study: Study, actor: AbstractBaseUser | None = None) -> Plan:
    """Freeze design and analysis plan: write booklets and trials and the SHA-256 of the canonical JSON.

    Raises WrongState when the study is no draft, NotReady without dimensions or when a guarantee does not hold, and
    what ``draft`` raises. Nothing is written then.
    """
    study.refresh_from_db()
    if study.state != StudyState.DRAFT:
        message = "This study is frozen already."
        raise WrongState(message)
    if not study.dimensions.exists():
        message = "There is nothing to ask: add at least one dimension."
        raise NotReady(message)
    editing.check_path(study=study)
    if panel.is_panel(study):
        rounds = panel.require_ready(study)
        return freezing.write_plan(
            study=study, planned=None, certificate=panel.certificate(study), booklets=rounds, actor=actor
        )
    if unfit := misfits(study=study):
        raise NotReady(" ".join(unfit))
    if waiting := preparing.pending(study=study):
        message = f"{waiting:,} outputs came after the texts were prepared: prepare these, too (“Prepare and audit”)."
        raise NotReady(message)
    made = draft(study=study)
    broken = broken_guarantees(made)
    if broken:
        message = f"The certificate does not hold: {', '.join(item.name for item in broken)}."
        raise NotReady(message)
    certificate = made.certificate.to_dict() | {"estimate": made.estimate.to_dict()}
    from . import foresight  # which plans drafts itself

    looks = foresight.settled_looks(study=study, made=made)
    return freezing.write_plan(study=study, planned=made.plan, certificate=certificate, looks=looks, actor=actor)


def preview_trial(*, study: Study, number: int = 1, booklet: int = 1) -> RaterView:
    """Return trial `number` (from 1) of a booklet exactly as a rater would get it, from the draft or the frozen design.

    Numbers outside the plan are moved to the nearest that exists.
    """
    made = draft(study=study).plan
    chosen = made.booklets[min(max(booklet, 1), len(made.booklets)) - 1]
    total = len(chosen.trials)
    at = min(max(number, 1), total)
    keys = tuple(study.dimensions.values_list("key", flat=True))
    trials = tuple(_blind(study, made, trial, (total, keys)) for trial in chosen.trials[at - 1 : at + 1])
    frame = frame_of_draft(study, version=f"preview-{study.pk}-{_stamp(study)}")
    return RaterView(
        step=Step.TRIAL,
        study_title=frame.title,
        questionnaire=frame.questionnaire,
        trials=trials,
        total=total,
        judged=at - 1,
        instructions=frame.instructions,
        contact=frame.contact,
    )


def _stamp(study: Study) -> int:
    """Change whenever the questions do, so that no cache shows rows of an earlier draft."""
    fields = ("key", "label", "definition", "question_type", "options", "order")
    return hash((study.lead, repr(list(study.dimensions.values_list(*fields)))))


def _blind(
    study: Study, made: design.Plan, trial: design.PlannedTrial, frame: tuple[int, tuple[str, ...]]
) -> BlindTrial:
    prompt, texts = _texts(study, made, trial)
    total, keys = frame
    shown = tuple(texts[place] for place in trial.order)
    order = tuple(keys[at] for at in trial.dimensions)
    return BlindTrial(f"preview.{trial.position}", trial.position, total, prompt, shown, order)


def _texts(study: Study, made: design.Plan, trial: design.PlannedTrial) -> tuple[str, tuple[str, ...]]:
    if trial.kind == "attention":
        checks = attention.checks_for(study=study, spec=made.spec)
        check = next(item for item in checks if item.key == made.attention[trial.item])
        return check.prompt, check.texts
    task = made.tasks[trial.item]
    found: dict[str, tuple[str, str]] = {}
    rows: Any = Output.objects.filter(prompt__study=study, prompt__key=task.prompt)
    for key, system, sample, text, prompt in rows.values_list(
        "prompt__key", "system__name", "sample", "text", "prompt__text"
    ):
        found[output_name(prompt=key, system=system, sample=sample)] = (prompt, text)
    return found[task.outputs[0]][0], tuple(found[name][1] for name in task.outputs)
