"""The design as it would be frozen now, or the reasons why there is none: what design, preview and freeze show."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

from annotations.design import GROUPS, SINGLE, Clash, DesignError, DesignSpec, Infeasible
from annotations.domain import planning
from annotations.errors import PlatformError
from annotations.models import Study

PAIRS = "Pairs of texts"
TASKS = {SINGLE: "Texts", GROUPS: "Groups of texts"}


@dataclass(frozen=True, slots=True)
class Sketch:
    """A draft of the design; without one, `clashes` say what cannot be met, or `problem` what is missing."""

    made: planning.DraftDesign | None = None
    clashes: tuple[Clash, ...] = ()
    problem: str = ""
    certificate: dict[str, Any] = field(default_factory=dict)
    meetings: dict[tuple[str, str], int] = field(default_factory=dict)
    misfits: tuple[str, ...] = ()

    @property
    def spec(self) -> DesignSpec | None:
        """The wishes that the design was made from."""
        return self.made.plan.spec if self.made is not None else None

    @property
    def tasks(self) -> str:
        """What the tasks are called."""
        return TASKS.get(self.spec.comparisons, PAIRS) if self.spec is not None else PAIRS


def sketch_of(study: Study) -> Sketch:
    """Plan the study without writing, and turn what is wrong into words."""
    try:
        made = planning.draft(study=study)
    except Infeasible as error:
        return Sketch(clashes=error.clashes)
    except (DesignError, PlatformError) as error:
        return Sketch(problem=str(error))
    met = Counter(pair for task in made.plan.tasks for pair in combinations(_once(task.systems), 2))
    return Sketch(
        made=made,
        certificate=made.certificate.to_dict(),
        meetings=dict(met),
        misfits=tuple(planning.misfits(study=study)),
    )


def _once(systems: tuple[str, ...]) -> tuple[str, ...]:
    """Return the systems of a task, each once: a group may hold several texts of one."""
    return tuple(dict.fromkeys(systems))
