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
OPTIONAL = ("slot", "dimension_order")
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
    pairs: list[tuple[str, ...]]

    @property
    def sizes(self) -> Ints:
        """Main trials of each booklet."""
        return np.bincount(self.main.booklet, minlength=len(self.booklets)).astype(np.int64)

    @property
    def lengths(self) -> Ints:
        """All trials of each booklet."""
        return np.bincount(self.all.booklet, minlength=len(self.booklets)).astype(np.int64)


def recount(rows: Rows) -> Recount:
    """Read rows or columns of pairs, in any order; other fields and kinds (practice) are passed over.

    A trial that comes several times with the same contents (once per dimension, in an export) counts once. Rows about
    one output of a pair each (`slot` 1 and 2) are put together.
    """
    columns = _folded(read_columns(rows))
    booklet, booklets = codes_of(texts_of(columns["booklet"]), by_length=True)
    task, tasks = codes_of(texts_of(columns["task"]))
    prompt, prompts = codes_of(texts_of(columns["prompt"]))
    system_a, systems_a = codes_of(texts_of(columns["system_a"]))
    system_b, systems_b = codes_of(texts_of(columns["system_b"]))
    output_a, outputs_a = codes_of(texts_of(columns["output_a"]))
    output_b, outputs_b = codes_of(texts_of(columns["output_b"]))
    kind = np.array([KINDS.index(name) for name in columns["kind"]], dtype=np.int64)
    pair, sign, pairs = _pairs(_shared(system_a, systems_a, system_b, systems_b), kind == 0)
    left, right, count = _shared(output_a, outputs_a, output_b, outputs_b)[:3]
    shown = np.minimum(left, right) * count + np.maximum(left, right)
    contents = np.unique(shown * (len(prompts) + 1) + prompt, return_inverse=True)[1]
    position = np.array([int(value) for value in columns["position"]], dtype=np.int64)
    trials = once(Trials(booklet, position, kind, task, prompt, pair, sign, contents))
    parts = [trials.only(trials.kind == code) for code in range(len(KINDS))]
    main = parts[0]
    starts = np.searchsorted(main.booklet, np.arange(len(booklets)))
    place = np.arange(len(main)) - starts[main.booklet]
    return Recount(trials, main, parts[1], parts[2], place, booklets, tasks, prompts, pairs)


def read_columns(rows: Rows) -> dict[str, Sequence[Any]]:
    """Return the known columns of rows or columns, without kinds that the design does not plan."""
    known = (*FIELDS, *OPTIONAL)
    if isinstance(rows, Mapping):
        columns: dict[str, Sequence[Any]] = {name: rows[name] for name in known if name in rows}
    else:
        listed = list(rows)
        present = [name for name in known if (listed and name in listed[0]) or (not listed and name in FIELDS)]
        columns = {name: [row[name] for row in listed] for name in present}
    missing = [name for name in FIELDS if name not in columns]
    if missing:
        raise DesignError(f"the rows lack the column{'s' * (len(missing) > 1)} {', '.join(missing)}")
    if all(kind in KINDS for kind in set(columns["kind"])):
        return columns
    keep = [at for at, kind in enumerate(columns["kind"]) if kind in KINDS]
    return {name: [values[at] for at in keep] for name, values in columns.items()}


def _folded(columns: dict[str, Sequence[Any]]) -> dict[str, Sequence[Any]]:
    """Put rows about one output each together to pairs; a trial that has a row about the pair is known by that."""
    slots = [int(slot or 0) for slot in columns.get("slot", ())]
    if not any(slots):
        return columns
    where = list(zip(columns["booklet"], columns["position"], strict=True))
    whole = {place for place, slot in zip(where, slots, strict=True) if not slot}
    second = {place: at for at, (place, slot) in enumerate(zip(where, slots, strict=True)) if slot == 2}  # noqa: PLR2004
    keep = [at for at, slot in enumerate(slots) if not slot or (slot == 1 and where[at] not in whole)]
    folded = {name: [values[at] for at in keep] for name, values in columns.items()}
    for row, at in enumerate(keep):
        if slots[at] and where[at] in second:
            for name in ("output", "system"):
                folded[f"{name}_b"][row] = columns[f"{name}_a"][second[where[at]]]
    return dict(folded)


def texts_of(values: Sequence[Any]) -> Sequence[str]:
    """Return the values as texts, so that booklet 7 of a plan is booklet "7" of a CSV file."""
    return [value if isinstance(value, str) else str(value) for value in values]


def codes_of(values: Sequence[str], *, by_length: bool = False) -> tuple[Ints, Labels]:
    """Number the values in the order of their labels."""
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
) -> tuple[Ints, Ints, list[tuple[str, ...]]]:
    """Codes of the pairs of systems of main trials, -1 elsewhere: an attention trial may show anything."""
    left, right, count, labels = systems
    both = np.minimum(left, right) * max(1, count) + np.maximum(left, right)
    keys, codes = np.unique(both[main], return_inverse=True)
    pair = np.full(left.size, -1, dtype=np.int64)
    pair[main] = codes
    named: list[tuple[str, ...]] = [(labels[key // count], labels[key % count]) for key in keys.tolist()]
    return pair, np.where(left <= right, 1, -1).astype(np.int64), named


def once(trials: Trials) -> Trials:
    """Sort by booklet and position, and drop what only repeats the trial before it."""
    order = np.lexsort((trials.contents, trials.sign, trials.task, trials.kind, trials.position, trials.booklet))
    table = np.stack([getattr(trials, name)[order] for name in Trials.__slots__])
    fresh = np.ones(len(trials), dtype=np.bool_)
    fresh[1:] = (table[:, 1:] != table[:, :-1]).any(axis=0)
    return Trials(*table[:, fresh])
