"""Simulated raters with a planted truth.

Every random effect is drawn from a hash of the seed and of the names it belongs to, never from the order of the calls.
So a population answers the same way through the HTTP pages, one trial at a time, as it does here on a whole plan.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np

from analysis import schema

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import pandas as pd

    from analysis.numerics.structure import FloatArray

GRADED_CUTS: Final[Mapping[int, tuple[float, ...]]] = {4: (1.6,), 5: (0.5, 1.9), 6: (0.9, 2.2), 7: (0.35, 1.2, 2.4)}
BEST_WORST: Final = "best_worst"
_TWO_32: Final = 2**32


@dataclass(frozen=True, slots=True)
class PlantedTruth:
    """What is true of the simulated world, on the logit scale.

    Attributes
    ----------
    effects
        dimension -> system -> effect; only differences within a dimension matter. A system not named has effect 0.
    output_sd, prompt_system_sd, rater_system_sd
        Spread of outputs, of prompt x system and of rater x system.
    side_bias, rater_side_sd
        Mean preference for the left text and its spread between raters.
    lapse_rate
        Share of trials answered at random.
    dimension_correlation
        Correlation of each random effect between two dimensions.
    rater_sd, prompt_sd
        Single stimuli: how much raters differ in the level of their answers, and prompts in theirs.
    slider_centre, slider_unit, slider_noise
        Sliders: points of an average text, points per logit, and the spread of one answer in points.
    tie_width
        Half-width of the band in which a rater who may says "tie".
    rank_tie_width
        Rankings: an output this little below the one before shares its rank.
    round_slopes
        dimension -> system -> change of the effect from one round to the next.
    graded_cuts
        levels -> positive thresholds of a graded preference; the negative ones mirror them.
    """

    effects: Mapping[str, Mapping[str, float]]
    output_sd: float = 0.5
    prompt_system_sd: float = 0.3
    rater_system_sd: float = 0.3
    side_bias: float = 0.1
    rater_side_sd: float = 0.0
    lapse_rate: float = 0.0
    dimension_correlation: float = 0.5
    rater_sd: float = 0.6
    prompt_sd: float = 0.4
    slider_centre: float = 50.0
    slider_unit: float = 10.0
    slider_noise: float = 12.0
    tie_width: float = 0.4
    rank_tie_width: float = 0.0
    round_slopes: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    graded_cuts: Mapping[int, tuple[float, ...]] = field(default_factory=lambda: dict(GRADED_CUTS))

    def contrast(self, dimension: str, first: str, second: str) -> float:
        """Return the planted effect of ``first`` over ``second`` on the logit scale."""
        effects = self.effects.get(dimension, {})
        return effects.get(first, 0.0) - effects.get(second, 0.0)

    def to_json(self) -> dict[str, Any]:
        """Return plain lists and dictionaries, ready for ``json.dumps``."""
        data = asdict(self)
        data["graded_cuts"] = {str(levels): list(cuts) for levels, cuts in self.graded_cuts.items()}
        return data

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Build a truth from what :meth:`to_json` gave."""
        values = dict(data)
        if "graded_cuts" in values:
            values["graded_cuts"] = {int(levels): tuple(cuts) for levels, cuts in values["graded_cuts"].items()}
        return cls(**values)


@dataclass(frozen=True, slots=True)
class Trial:
    """What a simulated rater is shown: the prompt and the two outputs with their systems, left (a) and right (b).

    A single stimulus has no b. ``round`` is that of an expert panel, 0 without rounds.
    """

    prompt: str
    output_a: str
    system_a: str
    output_b: str = ""
    system_b: str = ""
    round: int = 0


class SimulatedPopulation:
    """Raters, prompts and outputs whose random effects follow from a truth and a seed."""

    def __init__(self, truth: PlantedTruth, seed: int) -> None:
        """Keep truth and seed; nothing is drawn yet."""
        self.truth = truth
        self.seed = seed
        self._cache: dict[tuple[str, ...], float] = {}

    def rater(self, name: str) -> SimulatedRater:
        """Return the rater of this name; the same name is always the same rater."""
        return SimulatedRater(self, name)

    def generator(self, *names: str) -> np.random.Generator:
        """Return a generator for the noise of whatever these names stand for (a rater, a trial)."""
        return np.random.default_rng(int.from_bytes(_digest(self.seed, "noise", *names), "big"))

    def merit(self, dimension: str, trial: Trial, *, side: str) -> float:
        """Return effect + prompt x system + output of one side of a trial, without any rater."""
        system, output = (trial.system_a, trial.output_a) if side == "a" else (trial.system_b, trial.output_b)
        truth = self.truth
        return (
            truth.effects.get(dimension, {}).get(system, 0.0)
            + truth.round_slopes.get(dimension, {}).get(system, 0.0) * trial.round
            + truth.prompt_system_sd * self.draw(dimension, "prompt:system", trial.prompt, system)
            + truth.output_sd * self.draw(dimension, "output", output)
        )

    def draw(self, dimension: str, kind: str, *names: str) -> float:
        """Return a standard normal number that belongs to these names, correlated between dimensions."""
        key = (dimension, kind, *names)
        if key not in self._cache:
            share = self.truth.dimension_correlation
            common, own = _normal(self.seed, kind, *names), _normal(self.seed, kind, *names, dimension)
            self._cache[key] = math.sqrt(share) * common + math.sqrt(1.0 - share) * own
        return self._cache[key]


@dataclass(frozen=True, slots=True)
class SimulatedRater:
    """One simulated person."""

    population: SimulatedPopulation
    name: str

    def preference(self, dimension: str, trial: Trial) -> float:
        """Return the logit with which this rater prefers the left output, before the noise of the single answer."""
        population, truth = self.population, self.population.truth
        taste = 0.0
        for sign, system in ((1.0, trial.system_a), (-1.0, trial.system_b)):
            taste += sign * truth.rater_system_sd * population.draw(dimension, "rater:system", self.name, system)
        side = truth.side_bias + truth.rater_side_sd * population.draw(dimension, "rater", self.name)
        merit = population.merit(dimension, trial, side="a") - population.merit(dimension, trial, side="b")
        return merit + taste + side

    def appreciation(self, dimension: str, trial: Trial) -> float:
        """Return how much this rater likes a single output, on the logit scale, before the noise of the answer."""
        population, truth = self.population, self.population.truth
        return (
            population.merit(dimension, trial, side="a")
            + truth.rater_system_sd * population.draw(dimension, "rater:system", self.name, trial.system_a)
            + truth.rater_sd * population.draw(dimension, "rater level", self.name)
            + truth.prompt_sd * population.draw(dimension, "prompt", trial.prompt)
        )

    def answer(
        self, dimension: str, trial: Trial, *, measure: str, levels: int, rng: np.random.Generator | None = None
    ) -> float:
        """Answer one question on the scale of the long table.

        Parameters
        ----------
        measure, levels
            As in the schema: ``pairwise_choice`` with 2 levels or 3 (tie allowed), ``pairwise_graded``, ``ordinal`` and
            ``nominal`` (yes or no) with n levels, ``interval`` (0 levels: any number; n: whole points from 0 to n − 1;
            of a pair any number, 0 = no difference). Of a ``ranking`` the utility with its noise is returned, whose
            order is the ranking (Plackett–Luce; see :func:`ranks_of`).
        rng
            Noise of this answer; by default it follows from rater, dimension and outputs, so that a replay
            answers alike.
        """
        rng = rng or self.population.generator(self.name, dimension, trial.output_a, trial.output_b)
        if not trial.system_b:
            return self._answer_alone(dimension, trial, measure=measure, levels=levels, rng=rng)
        if measure == "interval":
            return self._slide_between(dimension, trial, rng)
        lapse, latent = rng.random(), self.preference(dimension, trial) + rng.logistic()
        scale = _scale(measure, levels)
        if lapse < self.population.truth.lapse_rate:
            return float(scale[int(rng.integers(len(scale)))])
        return float(scale[int(np.searchsorted(self._thresholds(measure, levels), latent))])

    def _slide_between(self, dimension: str, trial: Trial, rng: np.random.Generator) -> float:
        """Return points in favour of the left text."""
        truth, lapsed = self.population.truth, rng.random() < self.population.truth.lapse_rate
        liking = 0.0 if lapsed else self.preference(dimension, trial)
        return truth.slider_unit * liking + truth.slider_noise * float(rng.normal())

    def _answer_alone(
        self, dimension: str, trial: Trial, *, measure: str, levels: int, rng: np.random.Generator
    ) -> float:
        truth, lapsed = self.population.truth, rng.random() < self.population.truth.lapse_rate
        liking = 0.0 if lapsed else self.appreciation(dimension, trial)
        if measure == "ranking":
            return liking + float(rng.gumbel())
        if measure in ("ordinal", "nominal"):
            cuts = 1.2 * (np.arange(1, levels) - levels / 2.0)
            return float(rng.integers(levels) if lapsed else np.searchsorted(cuts, liking + rng.logistic())) + 1.0
        points = truth.slider_centre + truth.slider_unit * liking + truth.slider_noise * float(rng.normal())
        return min(max(float(round(points)), 0.0), levels - 1.0) if levels else points

    def _thresholds(self, measure: str, levels: int) -> list[float]:
        if levels == 2:  # noqa: PLR2004
            return [0.0]
        if measure == "pairwise_choice":
            cuts: Sequence[float] = (self.population.truth.tie_width,)
        else:
            cuts = self.population.truth.graded_cuts.get(levels) or _even_cuts(levels)
        middle = [0.0] if levels % 2 == 0 else []
        return [-cut for cut in reversed(cuts)] + middle + list(cuts)


def simulate_answers(plan: Iterable[Mapping[str, Any]], truth: PlantedTruth, *, seed: int) -> pd.DataFrame:
    """Answer every trial of a plan and return the long table.

    Parameters
    ----------
    plan
        One mapping per trial and dimension with the keys rater, prompt, output_a, system_a, output_b,
        system_b, dimension, measure, levels (b is absent or empty for single stimuli); other columns of the schema
        may be given and are kept (round among them). A ranking has one mapping per output, with a common ``judgement``;
        one of the question type ``best_worst`` tells the best (1) and the worst (3) only, the others are 2.
    truth, seed
        What is planted, and the seed of all draws.
    """
    import pandas as pd

    population = SimulatedPopulation(truth, seed)
    rows: list[dict[str, Any]] = []
    for row in plan:
        trial = _trial(row)
        rater = population.rater(str(row["rater"]))
        answer = rater.answer(str(row["dimension"]), trial, measure=str(row["measure"]), levels=int(row["levels"]))
        judgement = "/".join(filter(None, (rater.name, trial.output_a, trial.output_b)))
        rows.append({"judgement": judgement, **row, "answer": answer})
    table = pd.DataFrame(rows)
    for _, part in table[table["measure"] == "ranking"].groupby(["judgement", "dimension"]):
        best_worst = str(part.get("question_type", part["measure"]).iloc[0]) == BEST_WORST
        found = ranks_of(part["answer"].to_numpy(), width=truth.rank_tie_width, best_worst=best_worst)
        table.loc[part.index, "answer"] = found
    return schema.validate(table, source="simulated study")


def _trial(row: Mapping[str, Any]) -> Trial:
    return Trial(
        prompt=str(row["prompt"]),
        output_a=str(row["output_a"]),
        system_a=str(row["system_a"]),
        output_b=str(row.get("output_b", "")),
        system_b=str(row.get("system_b", "")),
        round=int(row.get("round", 0)),
    )


def ranks_of(utility: FloatArray, *, width: float = 0.0, best_worst: bool = False) -> FloatArray:
    """Return ranks (1 = best) of outputs by their utilities with noise, (n,).

    Outputs within ``width`` of the next better one share its rank. Of a best–worst answer the best is 1, the worst 3
    and every other one 2.
    """
    order = np.argsort(-utility, kind="stable")
    if best_worst:
        places = np.full(utility.size, 2.0)
        places[[0, -1]] = 1.0, 3.0
    else:
        apart = np.concatenate([[True], -np.diff(utility[order]) > width])
        places = np.maximum.accumulate(np.where(apart, np.arange(1.0, utility.size + 1.0), 1.0))
    found = np.empty(utility.size)
    found[order] = places
    return found


def _scale(measure: str, levels: int) -> list[float]:
    """Return the answers of the schema from "b much more" up to "a much more"."""
    if measure == "pairwise_choice":
        return [0.0, 1.0] if levels == 2 else [0.0, 0.5, 1.0]  # noqa: PLR2004
    half = levels // 2
    return [float(level) for level in range(-half, half + 1) if level or levels % 2]


def _even_cuts(levels: int) -> tuple[float, ...]:
    count = (levels - 1) // 2
    first = 0.5 if levels % 2 else 1.0
    return tuple(first + step for step in range(count))


def _digest(seed: int, *names: str) -> bytes:
    text = "\x1f".join((str(seed), *names))
    return hashlib.blake2b(text.encode(), digest_size=16).digest()


def _normal(seed: int, *names: str) -> float:
    """Box-Muller on 128 hashed bits."""
    bits = _digest(seed, *names)
    radius = math.sqrt(-2.0 * math.log((int.from_bytes(bits[:8], "big") + 1) / (_TWO_32 * _TWO_32)))
    return radius * math.cos(2.0 * math.pi * int.from_bytes(bits[8:], "big") / (_TWO_32 * _TWO_32))
