"""The whole way from outputs and wishes to a plan; each stage draws from its own stream of the seed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from annotations.design.booklets import Showings, assign_booklets, booklet_count
from annotations.design.checks import (
    MainTrials,
    assign_attention,
    choose_originals,
    keep_apart,
    place_checks,
)
from annotations.design.counterbalance import assign_positions, assign_sides
from annotations.design.euler import Bools, Ints, halve
from annotations.design.feasibility import require_feasible
from annotations.design.plans import ATTENTION, MAIN, REPEAT, Plan, PlannedTask, TrialColumns
from annotations.design.slots import (
    assign_places,
    assign_slots,
    attention_orders,
    latin_square,
    shuffle_dimensions,
    spread_booklets,
)
from annotations.design.spec import SHUFFLED, AttentionTask, DesignSpec, OutputRef
from annotations.design.tasks import build_tasks


class _Mains(NamedTuple):
    """The main trials: one entry per showing."""

    showings: Showings
    booklet: Ints
    place: Ints
    flipped: Bools
    order: Ints | None = None


def plan(
    outputs: Iterable[OutputRef],
    spec: DesignSpec,
    *,
    attention: Sequence[str | AttentionTask] = (),
    dimensions: int = 0,
) -> Plan:
    """Plan the study, or raise `Infeasible` with every clash and what would be feasible.

    Same outputs (in any order), spec, attention tasks and number of questions: same plan.
    """
    given = list(outputs)
    meeting = build_tasks(given, spec)
    checks = sorted({AttentionTask(one) if isinstance(one, str) else one for one in attention})
    require_feasible(given, meeting, spec, attention=checks)
    mains = _plan_mains(meeting.tasks, spec) if spec.shows_pairs else _plan_sets(meeting.tasks, spec)
    trials = _add_checks(mains, spec, _Checks(checks, meeting.tasks))
    if spec.dimension_order == SHUFFLED and dimensions > 1:
        shuffled = shuffle_dimensions(len(trials), dimensions, _stream(spec, 8)).astype(np.int8)
        trials = replace(trials, dimensions=shuffled)
    keys = tuple(check.key for check in checks)
    return Plan(spec, meeting.tasks, keys, trials, meeting.missing, meeting.unused)


def _stream(spec: DesignSpec, stage: int) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64([spec.seed, stage]))


def _plan_mains(tasks: Sequence[PlannedTask], spec: DesignSpec) -> _Mains:
    showings = _showings(tasks, spec)
    booklet = _booklets(showings, spec)
    flipped = assign_sides(showings, booklet, _stream(spec, 2))
    place, flipped = assign_positions(showings, booklet, flipped, rng=_stream(spec, 3))
    return _Mains(showings, booklet, place, flipped)


def _plan_sets(tasks: Sequence[PlannedTask], spec: DesignSpec) -> _Mains:
    """Singles and groups: no sides, but slots; single stimuli in balanced Latin squares where that is possible."""
    showings = _showings(tasks, spec)
    square = latin_square(tasks, spec, _stream(spec, 9))
    if square is None:
        booklet = _booklets(showings, spec)
        place = assign_places(showings, booklet, _stream(spec, 3))
    else:
        booklet, place = square
    order = assign_slots(tasks, showings.task, _stream(spec, 2))
    return _Mains(showings, booklet, place, np.zeros(booklet.size, dtype=np.bool_), order)


def _showings(tasks: Sequence[PlannedTask], spec: DesignSpec) -> Showings:
    task = np.repeat(np.arange(len(tasks)), spec.raters_per_task)
    prompt = _codes([one.prompt for one in tasks])
    classes: Sequence[object] = [one.systems if spec.shows_pairs else tuple(sorted(one.systems)) for one in tasks]
    return Showings(task, prompt[task], _codes(classes)[task])


def _booklets(showings: Showings, spec: DesignSpec) -> Ints:
    count = booklet_count(showings.task.size, spec.trials_per_rater)
    assign = assign_booklets if spec.prompts_once else spread_booklets
    return assign(showings, count, _stream(spec, 1))


def _codes(labels: Sequence[object]) -> Ints:
    numbers: dict[object, int] = {}
    return np.array([numbers.setdefault(label, len(numbers)) for label in labels], dtype=np.int64)


class _Checks(NamedTuple):
    """The attention tasks, and the tasks of the study, whose prompts they may show again."""

    attention: Sequence[AttentionTask]
    tasks: Sequence[PlannedTask]


def _add_checks(mains: _Mains, spec: DesignSpec, checks: _Checks) -> TrialColumns:
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

    which, swapped = _deal_attention(mains, spec, checks)
    item[booklets, places.attention] = which
    flipped[booklets, places.attention] = swapped.astype(np.bool_)
    sources = _repeat(mains, places.repeats, (free, item, flipped), spec)
    order = None if mains.order is None else np.zeros((*kind.shape, mains.order.shape[1]), dtype=np.int8)
    if order is not None and mains.order is not None:
        flipped[:] = False  # there are slots, no sides
        order[mains.booklet, position] = mains.order
        order[booklets, places.attention] = attention_orders(which, order.shape[2], _stream(spec, 7))
        if places.repeats.size:
            order[booklets, places.repeats] = order[booklets, sources][:, :, ::-1]

    row, column = np.nonzero(kind >= 0)
    return TrialColumns(
        (row + 1).astype(np.int32),
        column.astype(np.int32),
        kind[row, column],
        item[row, column].astype(np.int32),
        flipped[row, column],
        None if order is None else order[row, column],
    )


def _deal_attention(mains: _Mains, spec: DesignSpec, checks: _Checks) -> tuple[Ints, Ints]:
    """Give each booklet its attention tasks, of either kind as many as are asked for, in any order of the kinds.

    A task that shows a prompt of the study goes to raters who do not meet the prompt otherwise, where there are any.
    """
    count = int(mains.booklet.max()) + 1
    kinds = spec.attention_kinds
    if not kinds[1]:
        instructed = sum(not one.is_degraded for one in checks.attention)
        return assign_attention(instructed, (count, kinds[0]), _stream(spec, 5))
    numbers = [
        [at for at, one in enumerate(checks.attention) if one.is_degraded is degraded] for degraded in (False, True)
    ]
    stream = _stream(spec, 5)
    parts = [
        np.array(items, dtype=np.int64)[assign_attention(len(items), (count, each), stream)[0]]
        for items, each in zip(numbers, kinds, strict=True)
        if each
    ]
    prompts = {
        task.prompt: int(code)
        for task, code in zip(checks.tasks, _codes([one.prompt for one in checks.tasks]), strict=True)
    }
    sources = np.array([prompts.get(one.prompt, -1) for one in checks.attention], dtype=np.int64)
    parts[-1] = keep_apart(parts[-1], sources, (mains.booklet, mains.showings.prompt), _stream(spec, 10))
    which = stream.permuted(np.concatenate(parts, axis=1), axis=1)
    owner = np.repeat(np.arange(count), which.shape[1])
    return which, halve([which.ravel()], [owner], stream).astype(np.int64).reshape(which.shape)


def _repeat(mains: _Mains, repeats: Ints, tables: tuple[Ints, Ints, Bools], spec: DesignSpec) -> Ints:
    """Fill the repeats into the tables of items and sides: an earlier main trial with its sides swapped.

    Gives the positions of the originals.
    """
    free, item, flipped = tables
    if not repeats.size:
        return repeats
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
    return source
