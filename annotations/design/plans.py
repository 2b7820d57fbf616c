"""What the planner gives back: tasks, booklets and trials. Columns inside, so that 10^6 trials stay small."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, overload

import numpy as np
import numpy.typing as npt

from annotations.design.spec import DesignSpec

KINDS = ("main", "attention", "repeat")
MAIN, ATTENTION, REPEAT = range(3)
ROW_FIELDS = ("booklet", "position", "kind", "task", "prompt", "output_a", "system_a", "output_b", "system_b")


class PlannedTask(NamedTuple):
    """Two outputs of one prompt that will be judged together, in canonical order (a baseline comes second)."""

    key: str
    prompt: str
    outputs: tuple[str, str]
    systems: tuple[str, str]


class PlannedTrial(NamedTuple):
    """One presentation: `item` points into `Plan.tasks`, or into `Plan.attention` when the kind is attention.

    `flipped` means that the second output of the task stands on the left.
    """

    position: int
    kind: str
    item: int
    flipped: bool


class PlannedBooklet(NamedTuple):
    """The ordered trials of one rater; numbers start at 1."""

    number: int
    trials: tuple[PlannedTrial, ...]


class MissingCell(NamedTuple):
    """A system that was to be compared has no output for this prompt."""

    prompt: str
    system: str


@dataclass(frozen=True, slots=True)
class TrialColumns:
    """All trials, sorted by booklet and position, as parallel arrays of one length."""

    booklet: npt.NDArray[np.int32]
    position: npt.NDArray[np.int32]
    kind: npt.NDArray[np.int8]
    item: npt.NDArray[np.int32]
    flipped: npt.NDArray[np.bool_]

    def __len__(self) -> int:
        """Count the trials."""
        return int(self.booklet.size)


class Booklets(Sequence[PlannedBooklet]):
    """The booklets as a sequence; each is made when it is asked for."""

    def __init__(self, trials: TrialColumns) -> None:
        self._trials = trials
        count = int(trials.booklet[-1]) if len(trials) else 0
        self._starts = np.searchsorted(trials.booklet, np.arange(1, count + 2))

    def __len__(self) -> int:
        """Count the booklets, which is the number of raters needed."""
        return int(self._starts.size - 1)

    @overload
    def __getitem__(self, at: int) -> PlannedBooklet: ...
    @overload
    def __getitem__(self, at: slice) -> tuple[PlannedBooklet, ...]: ...
    def __getitem__(self, at: int | slice) -> PlannedBooklet | tuple[PlannedBooklet, ...]:
        """Make the booklet at an index (from 0, as in any sequence), or a tuple of them for a slice."""
        if isinstance(at, slice):
            return tuple(self[i] for i in range(*at.indices(len(self))))
        number = range(len(self))[at]
        part = slice(int(self._starts[number]), int(self._starts[number + 1]))
        columns = self._trials
        trials = zip(
            columns.position[part].tolist(),
            columns.kind[part].tolist(),
            columns.item[part].tolist(),
            columns.flipped[part].tolist(),
            strict=True,
        )
        made = tuple(PlannedTrial(position, KINDS[kind], item, flip) for position, kind, item, flip in trials)
        return PlannedBooklet(number + 1, made)


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """A finished design. `missing` and `unused` are remarks for the researcher: empty cells, outputs in no task."""

    spec: DesignSpec
    tasks: tuple[PlannedTask, ...]
    attention: tuple[str, ...]
    trials: TrialColumns
    missing: tuple[MissingCell, ...] = ()
    unused: tuple[str, ...] = ()
    booklets: Booklets = field(init=False)

    def __post_init__(self) -> None:
        """Open the view of the booklets."""
        object.__setattr__(self, "booklets", Booklets(self.trials))

    def columns(self) -> dict[str, list[Any]]:
        """Give the flat columns of `ROW_FIELDS` that `certify` reads, a list per field."""
        trials = self.trials
        checks = trials.kind == ATTENTION
        at = np.where(checks, len(self.tasks) + trials.item, trials.item)
        blank = [""] * len(self.attention)

        def take(values: list[str]) -> npt.NDArray[np.object_]:
            return np.array([*values, *blank], dtype=object)[at]

        first_output, second_output = (take([task.outputs[side] for task in self.tasks]) for side in (0, 1))
        first_system, second_system = (take([task.systems[side] for task in self.tasks]) for side in (0, 1))
        keys = np.array([*(task.key for task in self.tasks), *self.attention], dtype=object)
        return {
            "booklet": trials.booklet.tolist(),
            "position": trials.position.tolist(),
            "kind": np.array(KINDS, dtype=object)[trials.kind].tolist(),
            "task": keys[at].tolist(),
            "prompt": take([task.prompt for task in self.tasks]).tolist(),
            "output_a": np.where(trials.flipped, second_output, first_output).tolist(),
            "system_a": np.where(trials.flipped, second_system, first_system).tolist(),
            "output_b": np.where(trials.flipped, first_output, second_output).tolist(),
            "system_b": np.where(trials.flipped, first_system, second_system).tolist(),
        }

    def rows(self) -> Iterator[dict[str, Any]]:
        """Give one dictionary of `ROW_FIELDS` per trial, in order of booklet and position."""
        columns = self.columns()
        for values in zip(*(columns[name] for name in ROW_FIELDS), strict=True):
            yield dict(zip(ROW_FIELDS, values, strict=True))

    def fingerprint(self) -> str:
        """Give a SHA-256 over tasks and trials: equal plans, equal fingerprints."""
        digest = hashlib.sha256(repr((self.tasks, self.attention)).encode())
        for name in ("booklet", "position", "kind", "item", "flipped"):
            digest.update(getattr(self.trials, name).tobytes())
        return digest.hexdigest()
