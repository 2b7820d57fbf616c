"""Where a study stands: the seven stations of its path, what each still misses, in words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from annotations.design import DesignError
from annotations.enums import JobState, StudyState, SystemRole
from annotations.errors import PlatformError
from annotations.models import Judgement, Output, Study

from . import panel, planning

State = Literal["todo", "ready", "done", "blocked"]
TITLES = {
    "material": "Material",
    "design": "Design",
    "preview": "Preview",
    "freeze": "Freeze",
    "open": "Open",
    "monitor": "Monitor",
    "results": "Results",
}


@dataclass(frozen=True, slots=True)
class Station:
    """One station: `todo` misses something of its own, `ready` waits for a click, `blocked` for an earlier one."""

    key: str
    title: str
    state: State
    missing: tuple[str, ...] = ()


def readiness(*, study: Study) -> tuple[Station, ...]:
    """Return the seven stations in order, judged from what is stored now."""
    if study.plan_id is None:
        found = _before_freezing(study)
    else:
        found = dict.fromkeys(("material", "design", "preview", "freeze"), ("done", ()))
    found |= _after_freezing(study)
    return tuple(Station(key, title, *found[key]) for key, title in TITLES.items())


Found = dict[str, tuple[State, tuple[str, ...]]]


def _before_freezing(study: Study) -> Found:
    material = tuple(_missing_material(study))
    if material:
        later: tuple[State, tuple[str, ...]] = ("blocked", ("This needs material first.",))
        return {"material": ("todo", material), "design": later, "preview": later, "freeze": later}
    design = tuple(_missing_design(study))
    if design:
        later = ("blocked", ("This needs a design that can be made.",))
        return {"material": ("done", ()), "design": ("todo", design), "preview": later, "freeze": later}
    texts = tuple(
        f"The text '{name}' is empty."
        for name in ("welcome", "consent", "instructions")
        if not getattr(study, name).strip()
    )
    return {
        "material": ("done", ()),
        "design": ("done", ()),
        "preview": ("todo" if texts else "ready", texts),
        "freeze": ("ready", ()),
    }


def _missing_material(study: Study) -> Iterator[str]:
    if panel.is_panel(study):
        try:
            panel.writers_of(study)
        except PlatformError as error:
            yield str(error)
        return
    if study.imports.filter(state__in=(JobState.QUEUED, JobState.RUNNING)).exists():
        yield "A file is being imported."
    outputs = Output.objects.filter(system__study=study, left_out="").exclude(system__role=SystemRole.CHECK)
    systems = sorted(outputs.order_by().values_list("system__name", flat=True).distinct())
    if not systems:
        yield _without_outputs(study)
    elif len(systems) == 1:
        yield f"There are only outputs of '{systems[0]}': a comparison needs at least two systems."


def _without_outputs(study: Study) -> str:
    count = study.prompts.filter(is_check=False).count()
    if not count:
        return "There are no outputs yet: upload a file with the texts of your systems."
    prompts = "is 1 prompt" if count == 1 else f"are {count:,} prompts"
    return f"There {prompts} and no outputs yet: generate, fetch or upload them."


def _missing_design(study: Study) -> Iterator[str]:
    if not study.dimensions.exists():
        yield "There is nothing to ask yet: add at least one dimension."
    if panel.is_panel(study):
        try:
            panel.require_ready(study)
        except PlatformError as error:
            yield str(error)
        return
    try:
        made = planning.draft(study=study)
        yield from planning.misfits(study=study)
    except (DesignError, PlatformError) as error:
        yield f"This design cannot be made: {error}."
        return
    broken = planning.broken_guarantees(made)
    if broken:
        yield f"The certificate does not hold: {' '.join(item.statement for item in broken)}"


def _after_freezing(study: Study) -> Found:
    state = study.state
    if state == StudyState.DRAFT:
        later: tuple[State, tuple[str, ...]] = ("blocked", ("This needs a frozen design.",))
        return {"open": later, "monitor": later, "results": later}
    if state == StudyState.FROZEN:
        later = ("blocked", ("Nobody has been let in yet.",))
        return {"open": ("ready", ()), "monitor": later, "results": later}
    paused = ("The study is paused: raters wait until it is resumed.",) if state == StudyState.PAUSED else ()
    return {
        "open": ("ready" if paused else "done", paused),
        "monitor": ("done" if state == StudyState.CLOSED else "ready", ()),
        "results": _results(study),
    }


def _results(study: Study) -> tuple[State, tuple[str, ...]]:
    if study.reports.filter(state=JobState.DONE).exists():
        return "done", ()
    if Judgement.objects.filter(lease__plan=study.plan_id).exists():
        return "ready", ()
    return "blocked", ("There are no judgements yet.",)
