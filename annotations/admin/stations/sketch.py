"""The design as it would be frozen now, or the reasons why there is none: what design, preview and freeze show."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from annotations.design import Clash, DesignError, Infeasible
from annotations.domain import planning
from annotations.errors import PlatformError
from annotations.models import Study


@dataclass(frozen=True, slots=True)
class Sketch:
    """A draft of the design; without one, `clashes` say what cannot be met, or `problem` what is missing."""

    made: planning.DraftDesign | None = None
    clashes: tuple[Clash, ...] = ()
    problem: str = ""
    certificate: dict[str, Any] = field(default_factory=dict)
    meetings: dict[tuple[str, str], int] = field(default_factory=dict)


def sketch_of(study: Study) -> Sketch:
    """Plan the study without writing, and turn what is wrong into words."""
    try:
        made = planning.draft(study=study)
    except Infeasible as error:
        return Sketch(clashes=error.clashes)
    except (DesignError, PlatformError) as error:
        return Sketch(problem=str(error))
    pairs = Counter(task.systems for task in made.plan.tasks)
    return Sketch(made=made, certificate=made.certificate.to_dict(), meetings=dict(pairs))
