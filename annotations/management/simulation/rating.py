"""A simulation of a study: who comes, what they know of the texts, and the record of it afterwards."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NoReturn

from django.urls import reverse
from tqdm import tqdm

from analysis.simulate import PlantedTruth, SimulatedPopulation
from annotations.domain import attention, dataset
from annotations.domain.simulation import record_simulation
from annotations.models import Study

from .crowd import Summary, send_raters
from .minds import Known, Mind
from .visits import Visit


@dataclass(frozen=True, slots=True)
class Simulation:
    """What is planted, and how the raters behave."""

    study: Study
    truth: PlantedTruth
    seed: int
    drop_out: float = 0.0
    speed: float = 0.0
    concurrency: int = 8

    def run(self, *, base_url: str, raters: int, first: int = 1) -> Summary:
        """Send raters `first` … `first + raters − 1` through the pages at `base_url` and mark them as simulated."""
        population = SimulatedPopulation(self.truth, self.seed)
        library = library_of(self.study)
        names = [rater_name(self.seed, number) for number in range(first, first + raters)]
        minds = [Mind(name, population, library, self.drop_out) for name in names]
        entrance = reverse("study_entrance", args=[self.study.slug])
        try:
            with tqdm(total=raters, unit="rater", desc="simulated raters", disable=None, leave=False) as bar:
                return send_raters(
                    minds,
                    base_url=base_url,
                    entrance=entrance,
                    concurrency=self.concurrency,
                    speed=self.speed,
                    after_each=lambda visit: _show(bar, visit),
                )
        finally:
            planted = {"truth": self.truth.to_json(), "seed": self.seed, "drop_out": self.drop_out}
            record_simulation(study=self.study, persons=names, planted=planted)


def rater_name(seed: int, number: int) -> str:
    """Name a simulated rater as the recruiter's link names a person; the same name is the same rater in every run."""
    return f"sim-{seed}-{number:04d}"


def library_of(study: Study) -> Mapping[tuple[str, str], Known]:
    """Return what every text of the study is, by prompt and text; of equal texts under one prompt the last counts."""
    asked = {check.asked for check in attention.CHECKS}
    return {
        (prompt, text): Known(system, name, text in asked if system == attention.SYSTEM else None)
        for (prompt, text), (system, name) in dataset.text_index(study=study).items()
    }


def _show(bar: tqdm[NoReturn], visit: Visit) -> None:
    bar.update()
    if visit.error:
        bar.write(f"{visit.rater}: {visit.error}")
