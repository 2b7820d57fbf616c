"""The whole way from outputs and wishes to a plan; each stage draws from its own stream of the seed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from annotations.design.booklets import Showings, assign_booklets, booklet_count
from annotations.design.checks import (
    MainTrials,
    assign_attention,
    choose_originals,
    place_checks,
)
from annotations.design.counterbalance import assign_positions, assign_sides
from annotations.design.euler import Bools, Ints
from annotations.design.feasibility import require_feasible
from annotations.design.plans import ATTENTION, MAIN, REPEAT, Plan, PlannedTask, TrialColumns
from annotations.design.spec import DesignSpec, OutputRef
from annotations.design.tasks import build_tasks


class _Mains(NamedTuple):
    """The main trials: one entry per showing."""

    showings: Showings
    booklet: Ints
    place: Ints
    flipped: Bools


def plan(outputs: Iterable[OutputRef], spec: DesignSpec, *, attention: Sequence[str] = ()) -> Plan:
    """Plan the study, or raise `Infeasible` with every clash and what would be feasible.

    Same outputs (in any order), spec and attention tasks: same plan.
    """
    given = list(outputs)
    meeting = build_tasks(given, spec)
    attention = tuple(sorted(set(attention)))
    require_feasible(given, meeting, spec, attention=attention)
    mains = _plan_mains(meeting.tasks, spec)
    trials = _add_checks(mains, spec, len(attention))
    return Plan(spec, meeting.tasks, attention, trials, meeting.missing, meeting.unused)


def _stream(spec: DesignSpec, stage: int) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64([spec.seed, stage]))


def _plan_mains(tasks: Sequence[PlannedTask], spec: DesignSpec) -> _Mains:
    task = np.repeat(np.arange(len(tasks)), spec.raters_per_task)
    prompt = _codes([one.prompt for one in tasks])
    pair = _codes([one.systems for one in tasks])
    showings = Showings(task, prompt[task], pair[task])
    count = booklet_count(task.size, spec.trials_per_rater)
    booklet = assign_booklets(showings, count, _stream(spec, 1))
    flipped = assign_sides(showings, booklet, _stream(spec, 2))
    place, flipped = assign_positions(showings, booklet, flipped, rng=_stream(spec, 3))
    return _Mains(showings, booklet, place, flipped)


def _codes(labels: Sequence[object]) -> Ints:
    numbers: dict[object, int] = {}
    return np.array([numbers.setdefault(label, len(numbers)) for label in labels], dtype=np.int64)


def _add_checks(mains: _Mains, spec: DesignSpec, attention_tasks: int) -> TrialColumns:
    """Put the checks among the main trials and lay everything out as sorted columns."""
    sizes = np.bincount(mains.booklet)
    lengths = sizes + spec.attention_trials + spec.repeat_trials
    places = place_checks(spec, lengths, _stream(spec, 4))
    booklets = np.arange(sizes.size)[:, None]
    kind = np.full((sizes.size, int(lengths.max()) + 1), MAIN, dtype=np.int8)
    kind[np.arange(kind.shape[1]) > lengths[:, None]] = -1
    kind[:, 0] = -1
    kind[booklets, places.attention] = ATTENTION
    kind[booklets, places.repeats] = REPEAT

    free = np.argsort(kind != MAIN, axis=1, kind="stable")
    item = np.zeros(kind.shape, dtype=np.int64)
    flipped = np.zeros(kind.shape, dtype=np.bool_)
    position = free[mains.booklet, mains.place]
    item[mains.booklet, position] = mains.showings.task
    flipped[mains.booklet, position] = mains.flipped

    which, swapped = assign_attention(attention_tasks, places.attention.shape, _stream(spec, 5))
    item[booklets, places.attention] = which
    flipped[booklets, places.attention] = swapped.astype(np.bool_)
    _repeat(mains, places.repeats, (free, item, flipped), spec)

    row, column = np.nonzero(kind >= 0)
    return TrialColumns(
        (row + 1).astype(np.int32),
        column.astype(np.int32),
        kind[row, column],
        item[row, column].astype(np.int32),
        flipped[row, column],
    )


def _repeat(mains: _Mains, repeats: Ints, tables: tuple[Ints, Ints, Bools], spec: DesignSpec) -> None:
    """Fill the repeats into the tables of items and sides: an earlier main trial with its sides swapped."""
    free, item, flipped = tables
    if not repeats.size:
        return
    shape = (free.shape[0], int(mains.place.max()) + 1)
    position = np.full(shape, np.iinfo(np.int64).max, dtype=np.int64)
    task, pair = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.int64)
    at = mains.booklet, mains.place
    position[at] = free[at]
    task[at], pair[at] = mains.showings.task, mains.showings.pair
    original = choose_originals(MainTrials(position, task, pair), repeats, spec.repeat_gap, _stream(spec, 6))
    booklets = np.arange(free.shape[0])[:, None]
    source = position[booklets, original]
    item[booklets, repeats] = item[booklets, source]
    flipped[booklets, repeats] = ~flipped[booklets, source]
