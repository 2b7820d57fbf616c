"""A simulation of a study: who comes, what they know of the texts, and the record of it afterwards."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NoReturn

from django.urls import reverse
from tqdm import tqdm

from analysis.simulate import PlantedTruth, SimulatedPopulation
from annotations.domain.planning import spec_of
from annotations.domain.simulation import record_simulation
from annotations.models import Study

from .bad_minds import BAD, habit_of
from .crowd import Summary, send_raters
from .knowledge import library_of, path_answers_of
from .minds import Habit, Library, Mind
from .visits import Visit

NO_HABIT = ("copy",)  # a second visit from the same browser
SIDED = ("side_preferrer",)


@dataclass(frozen=True, slots=True)
class Simulation:
    """What is planted, and how the raters behave; `bad` is the share of raters who do not rate, of all kinds."""

    study: Study
    truth: PlantedTruth
    seed: int
    drop_out: float = 0.0
    speed: float = 0.0
    concurrency: int = 8
    bad: float = 0.0

    def run(self, *, base_url: str, raters: int, first: int = 1) -> Summary:
        """Send raters `first` … `first + raters − 1` through the pages at `base_url` and mark them as simulated."""
        population = SimulatedPopulation(self.truth, self.seed)
        library = library_of(self.study)
        names = [rater_name(self.seed, number) for number in range(first, first + raters)]
        minds = [self._mind(name, population, library) for name in names]
        entrance = reverse("study_entrance", args=[self.study.slug])
        try:
            with tqdm(total=raters, unit="rater", desc="simulated raters", disable=None, leave=False) as bar:
                return send_raters(
                    minds,
                    base_url=base_url,
                    entrance=entrance,
                    concurrency=self.concurrency,
                    speed=self.speed,
                    fits=path_answers_of(self.study),
                    after_each=lambda visit: _show(bar, visit),
                )
        finally:
            planted = {"truth": self.truth.to_json(), "seed": self.seed, "drop_out": self.drop_out}
            planted |= {"bad": self.bad} if self.bad else {}
            record_simulation(study=self.study, persons=names, planted=planted)

    def _mind(self, name: str, population: SimulatedPopulation, library: Library) -> Mind:
        return Mind(name, population, library, self.drop_out, self.habit(name, population))

    def habit(self, name: str, population: SimulatedPopulation) -> Habit | None:
        """Return the habit of a bad rater; who is one follows from the name."""
        draws = population.generator(name, "habit")
        if draws.random() >= self.bad:
            return None
        left_out = NO_HABIT if spec_of(study=self.study).shows_pairs else (*NO_HABIT, *SIDED)
        kinds = [kind for kind in BAD if kind not in left_out]
        rows = max(self.study.dimensions.count(), 1)
        return habit_of(kinds[int(draws.integers(len(kinds)))], rows=rows, rng=draws)


def rater_name(seed: int, number: int) -> str:
    """Name a simulated rater as the recruiter's link names a person; the same name is the same rater in every run."""
    return f"sim-{seed}-{number:04d}"


def _show(bar: tqdm[NoReturn], visit: Visit) -> None:
    bar.update()
    if visit.error:
        bar.write(f"{visit.rater}: {visit.error}")
