"""Singles and groups: in which booklet, at which position and in which order of slots every showing stands."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import permutations
from math import factorial
from typing import NamedTuple

import numpy as np

from annotations.design.booklets import Showings, disjoint, resplit
from annotations.design.euler import Ints, combine
from annotations.design.latin import base_row, colour_evenly
from annotations.design.plans import PlannedTask
from annotations.design.spec import SINGLE, DesignSpec

_ALL_PERMUTATIONS = 4  # so many questions at most have all their orders used in turn


class Square(NamedTuple):
    """Booklets and places of all showings as a balanced Latin square gives them."""

    booklet: Ints
    place: Ints


def spread_booklets(showings: Showings, booklets: int, rng: np.random.Generator) -> Ints:
    """Give each showing a booklet where raters may see a prompt again: each prompt as rarely as can be, no task twice.

    As `assign_booklets`, but a prompt may be ceil(showings / booklets) times in a booklet; a task has no more showings
    than there are booklets. Sharing out two booklets anew raises no sum of squares and lowers that of the culprit.
    """
    size = showings.task.size
    shuffled = rng.permutation(size)
    order = shuffled[np.argsort(showings.pair[shuffled], kind="stable")]
    booklet = np.empty(size, dtype=np.int64)
    booklet[order] = np.arange(size) % booklets
    levels = ((showings.task, rng.spawn(1)[0]), (showings.prompt, rng.spawn(1)[0]))
    while True:
        found = [_crowded(group, booklet, booklets, stream) for group, stream in levels]
        first, second = (np.concatenate(parts) for parts in zip(*found, strict=True))
        if first.size == 0:
            return rng.permutation(booklets)[booklet]
        first, second = disjoint(first, second, booklets, rng)
        resplit(showings, booklet, np.stack([first, second]), rng, nested=True)


def _crowded(group: Ints, booklet: Ints, booklets: int, rng: np.random.Generator) -> tuple[Ints, Ints]:
    """For each group that is too often in a booklet, give this booklet and one that has it twice less often."""
    most = -(-np.bincount(group) // booklets)
    keys, counts = np.unique(group * booklets + booklet, return_counts=True)
    owner, holder = np.divmod(keys, booklets)
    culprits = np.flatnonzero(counts > most[owner])
    other = np.full(culprits.size, -1, dtype=np.int64)
    for at, culprit in enumerate(culprits.tolist()):
        start, stop = np.searchsorted(owner, [owner[culprit], owner[culprit] + 1])
        held = np.zeros(booklets, dtype=np.int64)
        held[holder[start:stop]] = counts[start:stop]
        other[at] = rng.choice(np.flatnonzero(held <= counts[culprit] - 2))
    return holder[culprits], other


def assign_places(showings: Showings, booklet: Ints, rng: np.random.Generator) -> Ints:
    """Give each showing its place in its booklet, from 0: every task and every class evenly at each common place."""
    lengths = np.bincount(booklet)
    common, longest = int(lengths.min()), int(lengths.max())
    place = np.full(booklet.size, -1, dtype=np.int64)
    if longest > common:
        # Only the longer booklets have a last place: it is taken from them first, as a fair share of what they hold.
        long = np.flatnonzero(lengths[booklet] == longest)
        chain = [showings.task[long], showings.pair[long]]
        place[long[colour_evenly(booklet[long], chain, longest, rng) == int(rng.integers(longest))]] = longest - 1
    rest = np.flatnonzero(place < 0)
    if rest.size:
        place[rest] = colour_evenly(booklet[rest], [showings.task[rest], showings.pair[rest]], common, rng)
    return place


def latin_square(tasks: Sequence[PlannedTask], spec: DesignSpec, rng: np.random.Generator) -> Square | None:
    """Lay single stimuli out as balanced Latin squares: where the length of a booklet divides k, and no cell is empty.

    One square has a booklet for every stimulus and shows each once at each place; k / length squares make k showings.
    """
    length, cells = spec.trials_per_rater, _cells(tasks)
    if spec.comparisons != SINGLE or not spec.prompts_once or cells is None or spec.raters_per_task % length:
        return None
    prompts, conditions = cells.shape
    task_at: list[Ints] = []
    for _ in range(spec.raters_per_task // length):
        row = base_row(prompts, conditions, length, rng)
        if row is None:
            return None
        table = cells[rng.permutation(prompts)]
        shift_prompt, shift_condition = np.divmod(np.arange(prompts * conditions)[:, None], conditions)
        task_at.append(table[(row[0] + shift_prompt) % prompts, (row[1] + shift_condition) % conditions])
    shown = np.concatenate(task_at)[rng.permutation(cells.size * len(task_at))]
    booklet, place = (part.ravel() for part in np.indices(shown.shape))
    order = np.argsort(shown.ravel(), kind="stable")  # showings of a task are consecutive
    return Square(booklet[order].astype(np.int64), place[order].astype(np.int64))


def _cells(tasks: Sequence[PlannedTask]) -> Ints | None:
    """The tasks as a table of prompt x condition (samples of a system are as many conditions), or None for gaps."""
    prompts = sorted({task.prompt for task in tasks})
    systems = sorted({task.systems[0] for task in tasks})
    times = set(Counter((task.prompt, task.systems[0]) for task in tasks).values())
    if len(times) != 1 or len(tasks) != len(prompts) * len(systems) * min(times):
        return None
    number = {system: at for at, system in enumerate(systems)}
    ordered = sorted(range(len(tasks)), key=lambda at: (tasks[at].prompt, number[tasks[at].systems[0]], at))
    table = np.array(ordered, dtype=np.int64).reshape(len(prompts), len(systems), min(times))
    # Neighbouring conditions are of different systems: c belongs to system c mod S, whatever it is shifted by.
    return table.transpose(0, 2, 1).reshape(len(prompts), -1)


def assign_slots(tasks: Sequence[PlannedTask], showing: Ints, rng: np.random.Generator) -> Ints:
    """Order the outputs of each showing (a task): each output of a task, each output, each system evenly in each slot.

    Gives a table of showing x slot that holds places in ``PlannedTask.outputs``.
    """
    size = len(tasks[0].outputs)
    if size == 1:
        return np.zeros((showing.size, 1), dtype=np.int64)
    outputs, systems = (
        _codes([label for task in tasks for label in getattr(task, name)]).reshape(-1, size)
        for name in ("outputs", "systems")
    )
    holder = np.repeat(np.arange(showing.size), size)
    member = np.tile(np.arange(size), showing.size)
    chain = [combine(np.repeat(showing, size), member), outputs[showing].ravel(), systems[showing].ravel()]
    slot = colour_evenly(holder, chain, size, rng).reshape(-1, size)
    order = np.empty_like(slot)
    np.put_along_axis(order, slot, np.broadcast_to(np.arange(size), slot.shape), axis=1)
    return order


def attention_orders(which: Ints, size: int, rng: np.random.Generator) -> Ints:
    """Order the outputs of attention trials (booklet x trial): the first, which is asked about, evenly in each slot."""
    flat = which.ravel()
    orders = rng.permuted(np.tile(np.arange(1, size), (flat.size, 1)), axis=1)
    found = np.zeros((flat.size, size), dtype=np.int64)
    for item in np.unique(flat).tolist():
        rows = rng.permutation(np.flatnonzero(flat == item))
        turns = -(-rows.size // size)
        slots = rng.permuted(np.tile(np.arange(size), (turns, 1)), axis=1).ravel()[: rows.size]
        for slot in range(size):
            here = rows[slots == slot]
            found[here] = np.insert(orders[here], slot, 0, axis=1)
    return found.reshape(*which.shape, size)


def shuffle_dimensions(trials: int, dimensions: int, rng: np.random.Generator) -> Ints:
    """Order the questions of each trial: every order equally often, of many questions every question at every place.

    Trials come in decks, so that one rater, too, meets the orders evenly.
    """
    if dimensions <= _ALL_PERMUTATIONS:
        every = np.array(list(permutations(range(dimensions))), dtype=np.int64)
        decks = -(-trials // factorial(dimensions))
        chosen = rng.permuted(np.tile(np.arange(len(every)), (decks, 1)), axis=1).ravel()[:trials]
        found: Ints = every[chosen]
        return found
    decks = -(-trials // dimensions)
    base = rng.permuted(np.tile(np.arange(dimensions), (decks, 1)), axis=1)
    start = rng.permuted(np.tile(np.arange(dimensions), (decks, 1)), axis=1)
    turned = (np.arange(dimensions)[None, None, :] + start[:, :, None]) % dimensions
    rows: Ints = np.take_along_axis(base[:, None, :], turned, axis=2).reshape(-1, dimensions)[:trials]
    return rows


def _codes(labels: Sequence[str]) -> Ints:
    numbers: dict[str, int] = {}
    return np.array([numbers.setdefault(label, len(numbers)) for label in labels], dtype=np.int64)
