"""How long a booklet takes and what the study costs, before anybody has judged: reading time plus time per answer."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from annotations.design.errors import DesignError
from annotations.design.plans import ATTENTION, Plan

WORDS_PER_MINUTE = 230.0
"""Silent reading: 238 for English non-fiction (Brysbaert 2019); somewhat less here, as raters compare."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How raters work: reading speed, seconds for each answer, minutes once per booklet (consent, instructions)."""

    words_per_minute: float = WORDS_PER_MINUTE
    seconds_per_answer: float = 6.0
    answers_per_trial: int = 1
    overhead_minutes: float = 0.0

    def __post_init__(self) -> None:
        """Refuse what makes no sense."""
        if self.words_per_minute <= 0:
            raise DesignError(f"words_per_minute must be positive, but is {self.words_per_minute:g}")
        for name in ("seconds_per_answer", "answers_per_trial", "overhead_minutes"):
            if getattr(self, name) < 0:
                raise DesignError(f"{name} must not be negative, but is {getattr(self, name):g}")


@dataclass(frozen=True, slots=True)
class Rate:
    """What raters are paid per hour, and the platform's fee as a fraction of that."""

    hourly: float = 0.0
    fee: float = 0.0

    def __post_init__(self) -> None:
        """Refuse what makes no sense."""
        if self.hourly < 0 or self.fee < 0:
            raise DesignError(f"hourly rate and fee must not be negative, but are {self.hourly:g} and {self.fee:g}")


@dataclass(frozen=True, slots=True)
class Estimate:
    """Minutes of one booklet (over all booklets) and the bill; every rater is paid for the median booklet."""

    raters: int
    shortest_minutes: float
    median_minutes: float
    longest_minutes: float
    total_hours: float
    pay_per_rater: float
    pay: float
    fee: float
    cost: float

    def to_dict(self) -> dict[str, float]:
        """Plain JSON types only."""
        return asdict(self)


def booklet_words(plan: Plan, words: Mapping[str, int], *, attention_words: int = 0) -> list[int]:
    """Words to read in each booklet. `words` holds counts by output id and by prompt; a prompt may be left out."""
    lacking = next((output for task in plan.tasks for output in task.outputs if output not in words), None)
    if lacking is not None:
        raise DesignError(f"no word count for output {lacking!r}")
    per_task = [words.get(task.prompt, 0) + sum(words[output] for output in task.outputs) for task in plan.tasks]
    trials = plan.trials
    weights = np.array([*per_task, attention_words], dtype=np.float64)
    shown = weights[np.where(trials.kind == ATTENTION, len(per_task), trials.item)]
    return [int(total) for total in np.bincount(trials.booklet, weights=shown)[1:]]


def estimate(
    words: Sequence[int], trials: Sequence[int], *, pace: Pace | None = None, rate: Rate | None = None
) -> Estimate:
    """Work out length and cost from the words and the number of trials of each booklet.

    minutes = words / words_per_minute + trials x answers x seconds / 60 + overhead
    """
    if len(words) != len(trials) or not words:
        raise DesignError(f"{len(words)} counts of words for {len(trials)} booklets")
    pace, rate = pace or Pace(), rate or Rate()
    seconds = np.array(trials, dtype=np.float64) * pace.answers_per_trial * pace.seconds_per_answer
    minutes = np.array(words, dtype=np.float64) / pace.words_per_minute + seconds / 60 + pace.overhead_minutes
    median = float(np.median(minutes))
    each = math.ceil(median / 60 * rate.hourly * 100 - 1e-9) / 100
    pay = each * len(words)
    return Estimate(
        raters=len(words),
        shortest_minutes=float(minutes.min()),
        median_minutes=median,
        longest_minutes=float(minutes.max()),
        total_hours=float(minutes.sum()) / 60,
        pay_per_rater=each,
        pay=pay,
        fee=pay * rate.fee,
        cost=pay * (1 + rate.fee),
    )


def estimate_plan(
    plan: Plan,
    words: Mapping[str, int],
    *,
    attention_words: int = 0,
    pace: Pace | None = None,
    rate: Rate | None = None,
) -> Estimate:
    """Estimate a whole plan; see `booklet_words` and `estimate`."""
    lengths = np.bincount(plan.trials.booklet)[1:].tolist()
    return estimate(booklet_words(plan, words, attention_words=attention_words), lengths, pace=pace, rate=rate)
