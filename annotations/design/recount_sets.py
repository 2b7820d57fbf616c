"""Flat rows of singles and groups read back into numbers: the trials, and which output stood in which slot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from annotations.design.recount import (
    KINDS,
    Ints,
    Labels,
    Recount,
    Rows,
    Trials,
    codes_of,
    read_columns,
    texts_of,
)


@dataclass(frozen=True, slots=True)
class Shown:
    """One entry per output of a trial: the number of the trial in `Recount.all`, slot from 1, output, system, kind."""

    trial: Ints
    slot: Ints
    output: Ints
    system: Ints
    main: npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class SetRecount(Recount):
    """Trials of singles and groups: `pairs` are the sets of systems that stand together, `sign` says nothing.

    `arranged` tells of each trial its outputs in their order, aligned to `all`; `outputs` and `systems` are labels.
    """

    shown: Shown
    arranged: Ints
    outputs: Labels
    systems: Labels


def recount_sets(rows: Rows) -> SetRecount:
    """Read rows or columns, each about one output in its slot, or about both of a pair; in any order, and repeated."""
    columns = read_columns(rows)
    booklet, booklets = codes_of(texts_of(columns["booklet"]), by_length=True)
    task, tasks = codes_of(texts_of(columns["task"]))
    prompt, prompts = codes_of(texts_of(columns["prompt"]))
    kind = np.array([KINDS.index(name) for name in columns["kind"]], dtype=np.int64)
    position = np.array([int(value) for value in columns["position"]], dtype=np.int64)
    table = np.stack([booklet, position, kind, task, prompt])
    unique, trial = np.unique(table, axis=1, return_inverse=True)
    count = unique.shape[1]
    found, outputs, systems = _shown(columns, trial.ravel())
    shown = Shown(*found, unique[2][found[0]] == 0)
    sets = _signature(shown, shown.system, count, by_slot=False)
    of_main = unique[2] == 0
    names, pair = np.unique(sets[of_main], return_inverse=True)
    pairs = np.full(count, -1, dtype=np.int64)
    pairs[of_main] = pair
    contents = _signature(shown, shown.output, count, by_slot=False)
    arranged = _signature(shown, shown.output, count, by_slot=True)
    every = Trials(
        unique[0], unique[1], unique[2], unique[3], unique[4], pairs, np.ones(count, dtype=np.int64), contents
    )
    main, attention, repeat = (every.only(every.kind == code) for code in range(len(KINDS)))
    starts = np.searchsorted(main.booklet, np.arange(len(booklets)))
    place = np.arange(len(main)) - starts[main.booklet]
    labels = [_names(shown, int(np.flatnonzero(of_main & (sets == code))[0]), systems) for code in names.tolist()]
    return SetRecount(
        every, main, attention, repeat, place, booklets, tasks, prompts, labels, shown, arranged, outputs, systems
    )


def _shown(columns: dict[str, Sequence[Any]], trial: Ints) -> tuple[tuple[Ints, Ints, Ints, Ints], Labels, Labels]:
    """One entry per trial and slot, sorted, whatever the rows repeat; a blank output (a check of a plan) is nothing."""
    given = columns.get("slot") or [0] * trial.size
    slot = np.maximum(np.array([int(value or 0) for value in given], dtype=np.int64), 1)
    first, second = texts_of(columns["output_a"]), texts_of(columns["output_b"])
    output, outputs = codes_of([*first, *second])
    system, systems = codes_of([*texts_of(columns["system_a"]), *texts_of(columns["system_b"])])
    both = np.concatenate([trial, trial]), np.concatenate([slot, np.full(trial.size, 2)]), output, system
    there = np.array([bool(text.strip()) for text in (*first, *second)], dtype=np.bool_)
    found = np.unique(np.stack(both)[:, there], axis=1)
    return (found[0], found[1], found[2], found[3]), outputs, systems


def _signature(shown: Shown, values: Ints, count: int, *, by_slot: bool) -> Ints:
    """Number what trials show: equal numbers, equal values, with regard to their slots or without."""
    slot = shown.slot if by_slot else _rank(shown.trial, np.lexsort((values, shown.trial)))
    table = np.full((count, int(slot.max(initial=1))), -1, dtype=np.int64)
    table[shown.trial, slot - 1] = values
    signature = np.zeros(count, dtype=np.int64)
    for column in table.T:
        keys = signature * (int(column.max(initial=0)) + 2) + column + 1
        signature = np.unique(keys, return_inverse=True)[1].astype(np.int64)
    return signature


def _rank(trial: Ints, order: Ints) -> Ints:
    """Number the entries of each trial from 1 in a given order."""
    codes = trial[order]
    rank = np.empty(trial.size, dtype=np.int64)
    rank[order] = np.arange(trial.size) - np.searchsorted(codes, codes) + 1
    return rank


def _names(shown: Shown, trial: int, systems: Labels) -> tuple[str, ...]:
    return tuple(sorted(systems[code] for code in shown.system[shown.trial == trial].tolist()))
