"""What a guarantee is, and the small tools with which guarantees are counted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from annotations.design.recount import Ints, Trials


@dataclass(frozen=True, slots=True)
class Guarantee:
    """One promise, recounted: it holds when the worst case, which `where` names, does not exceed what is required."""

    name: str
    statement: str
    required: int
    worst: int
    holds: bool
    where: str


def promise(name: str, statement: str, required: int, found: tuple[int, str]) -> Guarantee:
    """Make a guarantee out of the worst case found."""
    worst, where = found
    return Guarantee(name, statement, required, worst, worst <= required, where)


def worst_of(values: Ints, name: Callable[[int], str]) -> tuple[int, str]:
    """The greatest value and the name of the first place that has it; nothing is worst where there is nothing."""
    if not values.size:
        return 0, ""
    at = int(values.argmax())
    return int(values.ravel()[at]), name(at)


def lean(trials: Trials, groups: Ints, count: int) -> Ints:
    """For each group, how many more of its trials have the first system on one side than on the other."""
    return np.abs(np.bincount(groups, weights=trials.sign, minlength=count)).astype(np.int64)
