"""Flat rows read back into numbers, with nothing taken from the planner: what the certificate counts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from annotations.design.errors import DesignError

Ints = npt.NDArray[np.int64]
Rows = Iterable[Mapping[str, Any]] | Mapping[str, Sequence[Any]]
Labels = list[str]

FIELDS = ("booklet", "position", "kind", "task", "prompt", "output_a", "system_a", "output_b", "system_b")
KINDS = ("main", "attention", "repeat")


@dataclass(frozen=True, slots=True)
class Trials:
    """Trials of one kind or of all, sorted by booklet and position; codes count from 0 in the order of the labels.

    `sign` is +1 where the system whose name comes first stands on the left, -1 where it stands on the right.
    """

    booklet: Ints
    position: Ints
    kind: Ints
    task: Ints
    prompt: Ints
    pair: Ints
    sign: Ints
    contents: Ints

    def __len__(self) -> int:
        return int(self.booklet.size)

    def only(self, chosen: npt.NDArray[np.bool_]) -> Trials:
        """The trials for which `chosen` is true."""
        return Trials(*(getattr(self, name)[chosen] for name in self.__slots__))


@dataclass(frozen=True, slots=True)
class Recount:
    """Everything the guarantees look at. `place` is the rank of each main trial among those of its booklet, from 0."""

    all: Trials
    main: Trials
    attention: Trials
    repeat: Trials
    place: Ints
    booklets: Labels
    tasks: Labels
    prompts: Labels
    pairs: list[tuple[str, str]]

    @property
    def sizes(self) -> Ints:
        """Main trials of each booklet."""
        return np.bincount(self.main.booklet, minlength=len(self.booklets)).astype(np.int64)

    @property
    def lengths(self) -> Ints:
        """All trials of each booklet."""
        return np.bincount(self.all.booklet, minlength=len(self.booklets)).astype(np.int64)


def recount(rows: Rows) -> Recount:
    """Read rows or columns of `FIELDS`, in any order; other fields and kinds (practice) are passed over.

    A trial that comes several times with the same contents (once per dimension, in an export) counts once.
    """
    columns = _columns(rows)
    booklet, booklets = _codes(_texts(columns["booklet"]), by_length=True)
    task, tasks = _codes(_texts(columns["task"]))
    prompt, prompts = _codes(_texts(columns["prompt"]))
    system_a, systems_a = _codes(_texts(columns["system_a"]))
    system_b, systems_b = _codes(_texts(columns["system_b"]))
    output_a, outputs_a = _codes(_texts(columns["output_a"]))
    output_b, outputs_b = _codes(_texts(columns["output_b"]))
    kind = np.array([KINDS.index(name) for name in columns["kind"]], dtype=np.int64)
    pair, sign, pairs = _pairs(_shared(system_a, systems_a, system_b, systems_b), kind == 0)
    left, right, count = _shared(output_a, outputs_a, output_b, outputs_b)[:3]
    shown = np.minimum(left, right) * count + np.maximum(left, right)
    contents = np.unique(shown * (len(prompts) + 1) + prompt, return_inverse=True)[1]
    position = np.array([int(value) for value in columns["position"]], dtype=np.int64)
    trials = _once(Trials(booklet, position, kind, task, prompt, pair, sign, contents))
    parts = [trials.only(trials.kind == code) for code in range(len(KINDS))]
    main = parts[0]
    starts = np.searchsorted(main.booklet, np.arange(len(booklets)))
    place = np.arange(len(main)) - starts[main.booklet]
    return Recount(trials, main, parts[1], parts[2], place, booklets, tasks, prompts, pairs)


def _columns(rows: Rows) -> dict[str, Sequence[Any]]:
    if isinstance(rows, Mapping):
        columns: dict[str, Sequence[Any]] = {name: rows[name] for name in FIELDS if name in rows}
    else:
        listed = list(rows)
        columns = {name: [row[name] for row in listed] for name in FIELDS if not listed or name in listed[0]}
    missing = [name for name in FIELDS if name not in columns]
    if missing:
        raise DesignError(f"the rows lack the column{'s' * (len(missing) > 1)} {', '.join(missing)}")
    if all(kind in KINDS for kind in set(columns["kind"])):
        return columns
    keep = [at for at, kind in enumerate(columns["kind"]) if kind in KINDS]
    return {name: [values[at] for at in keep] for name, values in columns.items()}


def _texts(values: Sequence[Any]) -> Sequence[str]:
    """The values as texts, so that booklet 7 of a plan is booklet "7" of a CSV file."""
    return [value if isinstance(value, str) else str(value) for value in values]


def _codes(values: Sequence[str], *, by_length: bool = False) -> tuple[Ints, Labels]:
    labels = sorted(set(values), key=(lambda label: (len(label), label)) if by_length else None)
    numbers = {label: at for at, label in enumerate(labels)}
    return np.fromiter((numbers[value] for value in values), dtype=np.int64, count=len(values)), labels


def _shared(first: Ints, first_labels: Labels, second: Ints, second_labels: Labels) -> tuple[Ints, Ints, int, Labels]:
    """Two columns in one numbering of all their labels, in order."""
    labels = sorted({*first_labels, *second_labels})
    numbers = {label: at for at, label in enumerate(labels)}
    one = np.array([numbers[label] for label in first_labels], dtype=np.int64)[first]
    other = np.array([numbers[label] for label in second_labels], dtype=np.int64)[second]
    return one, other, len(labels), labels


def _pairs(
    systems: tuple[Ints, Ints, int, Labels], main: npt.NDArray[np.bool_]
) -> tuple[Ints, Ints, list[tuple[str, str]]]:
    """Codes of the pairs of systems of main trials, -1 elsewhere: an attention trial may show anything."""
    left, right, count, labels = systems
    both = np.minimum(left, right) * max(1, count) + np.maximum(left, right)
    keys, codes = np.unique(both[main], return_inverse=True)
    pair = np.full(left.size, -1, dtype=np.int64)
    pair[main] = codes
    named = [(labels[key // count], labels[key % count]) for key in keys.tolist()]
    return pair, np.where(left <= right, 1, -1).astype(np.int64), named


def _once(trials: Trials) -> Trials:
    """Sort by booklet and position, and drop what only repeats the trial before it."""
    order = np.lexsort((trials.contents, trials.sign, trials.task, trials.kind, trials.position, trials.booklet))
    table = np.stack([getattr(trials, name)[order] for name in Trials.__slots__])
    fresh = np.ones(len(trials), dtype=np.bool_)
    fresh[1:] = (table[:, 1:] != table[:, :-1]).any(axis=0)
    return Trials(*table[:, fresh])
