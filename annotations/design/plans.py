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
_SIDES = np.array([[0, 1], [1, 0]])
ROW_FIELDS = ("booklet", "position", "kind", "task", "prompt", "output_a", "system_a", "output_b", "system_b")


class PlannedTask(NamedTuple):
    """Outputs of one prompt that will be judged together, in canonical order (of a pair, a baseline comes second)."""

    key: str
    prompt: str
    outputs: tuple[str, ...]
    systems: tuple[str, ...]


class PlannedTrial(NamedTuple):
    """One presentation: `item` points into `Plan.tasks`, or into `Plan.attention` when the kind is attention.

    `order` holds the places of the task's outputs from left to right; `flipped` means of a pair that the second one
    stands on the left. `dimensions` is the order of the questions; empty as they are.
    """

    position: int
    kind: str
    item: int
    flipped: bool
    order: tuple[int, ...] = (0, 1)
    dimensions: tuple[int, ...] = ()


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
    """All trials, sorted by booklet and position, as parallel arrays of one length.

    `order` (trials x outputs) is there for singles and groups, which have slots rather than sides; `dimensions` (trials
    x questions) where the questions are shuffled.
    """

    booklet: npt.NDArray[np.int32]
    position: npt.NDArray[np.int32]
    kind: npt.NDArray[np.int8]
    item: npt.NDArray[np.int32]
    flipped: npt.NDArray[np.bool_]
    order: npt.NDArray[np.int8] | None = None
    dimensions: npt.NDArray[np.int8] | None = None

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
        flipped = columns.flipped[part].tolist()
        trials = zip(
            columns.position[part].tolist(),
            columns.kind[part].tolist(),
            columns.item[part].tolist(),
            flipped,
            _SIDES[np.array(flipped, dtype=np.int64)].tolist()
            if columns.order is None
            else columns.order[part].tolist(),
            [()] * len(flipped) if columns.dimensions is None else columns.dimensions[part].tolist(),
            strict=True,
        )
        made = tuple(
            PlannedTrial(position, KINDS[kind], item, flip, tuple(order), tuple(dimensions))
            for position, kind, item, flip, order, dimensions in trials
        )
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
        """Give the flat columns of `ROW_FIELDS` that `certify` reads, a list per field.

        A pair is one row. Of singles and groups each output is a row, with its `slot` from 1, and `output_b` is empty.
        """
        trials = self.trials
        at = np.where(trials.kind == ATTENTION, len(self.tasks) + trials.item, trials.item)
        columns = self._pairs(at) if trials.order is None else self._slots(at, trials.order)
        if trials.dimensions is not None:
            orders = np.array([",".join(map(str, order)) for order in trials.dimensions.tolist()], dtype=object)
            columns["dimension_order"] = np.repeat(orders, self._rows_per_trial).tolist()
        return columns

    @property
    def _rows_per_trial(self) -> int:
        return 1 if self.trials.order is None else int(self.trials.order.shape[1])

    def _common(self, at: npt.NDArray[np.integer[Any]]) -> dict[str, list[Any]]:
        trials, times = self.trials, self._rows_per_trial
        keys = np.array([*(task.key for task in self.tasks), *self.attention], dtype=object)
        prompts = np.array([*(task.prompt for task in self.tasks), *[""] * len(self.attention)], dtype=object)
        return {
            "booklet": np.repeat(trials.booklet, times).tolist(),
            "position": np.repeat(trials.position, times).tolist(),
            "kind": np.repeat(np.array(KINDS, dtype=object)[trials.kind], times).tolist(),
            "task": np.repeat(keys[at], times).tolist(),
            "prompt": np.repeat(prompts[at], times).tolist(),
        }

    def _pairs(self, at: npt.NDArray[np.integer[Any]]) -> dict[str, list[Any]]:
        blank = [""] * len(self.attention)

        def take(values: list[str]) -> npt.NDArray[np.object_]:
            taken: npt.NDArray[np.object_] = np.array([*values, *blank], dtype=object)[at]
            return taken

        first_output, second_output = (take([task.outputs[side] for task in self.tasks]) for side in (0, 1))
        first_system, second_system = (take([task.systems[side] for task in self.tasks]) for side in (0, 1))
        flipped = self.trials.flipped
        return self._common(at) | {
            "output_a": np.where(flipped, second_output, first_output).tolist(),
            "system_a": np.where(flipped, second_system, first_system).tolist(),
            "output_b": np.where(flipped, first_output, second_output).tolist(),
            "system_b": np.where(flipped, first_system, second_system).tolist(),
        }

    def _slots(self, at: npt.NDArray[np.integer[Any]], order: npt.NDArray[np.int8]) -> dict[str, list[Any]]:
        size, rows = order.shape[1], np.arange(at.size)[:, None]
        blank = [("",) * size] * len(self.attention)

        def take(values: list[tuple[str, ...]]) -> list[Any]:
            table = np.array([*values, *blank], dtype=object).reshape(-1, size)
            found: list[Any] = table[at][rows, order].ravel().tolist()
            return found

        nothing = [""] * order.size
        return self._common(at) | {
            "slot": np.tile(np.arange(1, size + 1), at.size).tolist(),
            "output_a": take([task.outputs for task in self.tasks]),
            "system_a": take([task.systems for task in self.tasks]),
            "output_b": nothing,
            "system_b": nothing,
        }

    def rows(self) -> Iterator[dict[str, Any]]:
        """Give one dictionary of the `columns` per row, in order of booklet, position and slot."""
        columns = self.columns()
        names = tuple(columns)
        for values in zip(*columns.values(), strict=True):
            yield dict(zip(names, values, strict=True))

    def fingerprint(self) -> str:
        """Give a SHA-256 over tasks and trials: equal plans, equal fingerprints."""
        digest = hashlib.sha256(repr((self.tasks, self.attention)).encode())
        for name in ("booklet", "position", "kind", "item", "flipped"):
            digest.update(getattr(self.trials, name).tobytes())
        for table in (self.trials.order, self.trials.dimensions):
            if table is not None:
                digest.update(repr(table.shape).encode() + table.tobytes())
        return digest.hexdigest()
