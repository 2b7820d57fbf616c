"""The guarantees on main trials: what is promised in plain words, the bound, the worst case found and where.

Every guarantee is a count that must not exceed `required`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np

from annotations.design.promises import Guarantee, lean, promise, worst_of
from annotations.design.recount import Ints, Recount
from annotations.design.spec import DesignSpec

_SHORTEST_SPREAD = 4


def pair_name(counted: Recount, code: int) -> str:
    return " / ".join(counted.pairs[code])


def of_showings(counted: Recount, spec: DesignSpec) -> Iterator[Guarantee]:
    main, tasks = counted.main, counted.tasks
    present = np.unique(main.task)
    times = np.bincount(main.task, minlength=len(tasks))[present]
    found = worst_of(np.abs(times - spec.raters_per_task), lambda at: f"task {tasks[present[at]]}")
    statement = f"Every task is in exactly {spec.raters_per_task} booklets."
    yield promise("raters_per_task", statement, 0, found)

    keys, times = np.unique(main.booklet * len(counted.prompts) + main.prompt, return_counts=True)
    width = max(1, len(counted.prompts))

    def name(at: int) -> str:
        return f"booklet {counted.booklets[keys[at] // width]}, prompt {counted.prompts[keys[at] % width]}"

    yield promise("prompt_once", "No rater sees a prompt twice (repeats apart).", 1, worst_of(times, name))

    shown = np.unique(np.stack([main.task, main.contents]), axis=1)[0] if len(main) else main.task
    variants = np.bincount(shown, minlength=len(tasks))
    statement = "A task always shows the same two outputs of the same prompt."
    yield promise("task_constant", statement, 1, worst_of(variants, lambda at: f"task {tasks[at]}"))


def of_lengths(counted: Recount, spec: DesignSpec) -> Iterator[Guarantee]:
    sizes = counted.sizes
    longest = worst_of(sizes, lambda at: f"booklet {counted.booklets[at]}")
    statement = f"No booklet has more than {spec.trials_per_rater} main trials."
    yield promise("booklet_length", statement, spec.trials_per_rater, longest)

    even = not sizes.size or len(counted.main) % sizes.size == 0
    statement = "All booklets are equally long." if even else "Booklets differ in length by one trial at most."
    spread = worst_of(sizes.max(initial=0) - sizes, lambda at: f"booklet {counted.booklets[at]}, the shortest")
    yield promise("booklet_equal", statement, 0 if even else 1, spread)

    everything = counted.all
    starts = np.searchsorted(everything.booklet, np.arange(len(counted.booklets)))
    rank = np.arange(len(everything)) - starts[everything.booklet] + 1
    wrong = np.bincount(everything.booklet[everything.position != rank], minlength=len(counted.booklets))
    statement = "The positions of each booklet run from 1 without gap."
    yield promise("positions_run", statement, 0, worst_of(wrong, lambda at: f"booklet {counted.booklets[at]}"))


def of_pairs_in_booklets(counted: Recount, _spec: DesignSpec) -> Iterator[Guarantee]:
    main, count = counted.main, len(counted.pairs)
    per_booklet = _table(main.booklet * count + main.pair, (len(counted.booklets), count))
    spread = per_booklet.max(axis=0, initial=0) - per_booklet.min(axis=0, initial=len(main))
    statement = "Every rater sees each pair of systems equally often, within one."
    yield promise("pairs_in_booklet", statement, 1, worst_of(spread, lambda at: pair_name(counted, at)))


def of_sides(counted: Recount, _spec: DesignSpec) -> Iterator[Guarantee]:
    main, count = counted.main, len(counted.pairs)
    names = counted.booklets
    per_task = worst_of(lean(main, main.task, len(counted.tasks)), lambda at: f"task {counted.tasks[at]}")
    yield promise("sides_task", "Each task is shown both ways round equally often, within one.", 1, per_task)

    cells = lean(main, main.booklet * count + main.pair, len(names) * count)
    per_booklet = worst_of(cells, lambda at: f"booklet {names[at // count]}, {pair_name(counted, at % count)}")
    statement = "Each rater sees each pair of systems both ways round equally often, within one."
    yield promise("sides_booklet", statement, 1, per_booklet)

    per_pair = worst_of(lean(main, main.pair, count), lambda at: pair_name(counted, at))
    statement = "Over the study, each pair of systems is shown both ways round equally often, within one."
    yield promise("sides_pair", statement, 1, per_pair)

    systems = sorted({system for pair in counted.pairs for system in pair})
    signed = np.bincount(main.pair, weights=main.sign, minlength=count)
    member = np.array([[(pair[0] == s) - (pair[1] == s) for pair in counted.pairs] for s in systems])
    opponents = int(np.abs(member).sum(axis=1).max(initial=0)) if member.size else 0
    found = np.abs(member @ signed).astype(np.int64) if member.size else np.zeros(0, dtype=np.int64)
    statement = f"Over the study, each system stands left and right equally often, within {opponents} (its opponents)."
    yield promise("sides_system", statement, opponents, worst_of(found, lambda at: systems[at]))


def of_positions(counted: Recount, _spec: DesignSpec) -> Iterator[Guarantee]:
    main, sizes, count = counted.main, counted.sizes, len(counted.pairs)
    common, longest = int(sizes.min()) if sizes.size else 0, int(sizes.max(initial=0))
    table = _table(main.pair * longest + counted.place, (count, longest))
    steady = table[:, :common]
    spread = steady.max(axis=1, initial=0) - steady.min(axis=1, initial=len(main))
    statement = "Each pair of systems stands equally often at each position among the main trials, within one"
    statement += " (a last position that only some booklets have is counted apart)." if longest > common else "."
    name = _pair_namer(counted)
    yield promise("positions_pair", statement, 1, worst_of(spread * (common > 0), name))

    if longest > common:
        long = sizes[main.booklet] == longest
        share = np.bincount(main.pair[long], minlength=count) / longest
        off = np.ceil(np.abs(table[:, -1] - share) - 1e-9).astype(np.int64)
        statement = "At the last position, which only the longer booklets have, each pair has its share, within one."
        yield promise("positions_last", statement, 1, worst_of(off, name))


def of_tasks_in_booklets(counted: Recount, spec: DesignSpec) -> Iterator[Guarantee]:
    """Spread of the showings of a task; promised for booklets of some length only, where sides leave room for it."""
    main, sizes = counted.main, counted.sizes
    common, longest = int(sizes.min()) if sizes.size else 0, int(sizes.max(initial=0))
    if common < _SHORTEST_SPREAD:
        return
    keys, times = np.unique(main.task * longest + counted.place, return_counts=True)
    # One more than even where a task needs more than half of all positions: evenness of sides goes first there.
    most = math.ceil(spec.raters_per_task / common) + (1 if 2 * spec.raters_per_task > common else 0)
    often = "at another position each time" if most == 1 else f"at most {most} times at the same position"
    found = worst_of(times, lambda at: f"task {counted.tasks[keys[at] // longest]}, position {keys[at] % longest + 1}")
    yield promise("positions_task", f"Each task is shown {often} among the main trials.", most, found)

    weight = _halves(counted, common)
    uneven = np.abs(np.bincount(main.task, weights=weight, minlength=len(counted.tasks))).astype(np.int64)
    statement = "Each task is shown equally often in the first and the second half of booklets, within one."
    yield promise("halves_task", statement, 1, worst_of(uneven, lambda at: f"task {counted.tasks[at]}"))


def of_sides_at_positions(counted: Recount, _spec: DesignSpec) -> Iterator[Guarantee]:
    main, sizes, count = counted.main, counted.sizes, len(counted.pairs)
    common, longest = int(sizes.min()) if sizes.size else 0, int(sizes.max(initial=0))
    cells = lean(main, main.pair * longest + counted.place, count * longest).reshape(count, longest)[:, :common]
    most = int(_table(main.pair * longest + counted.place, (count, longest)).max(initial=0))
    required = max(4, math.ceil(1.5 * math.sqrt(min(most, 40))))
    found = worst_of(cells, lambda at: f"{pair_name(counted, at // common)}, position {at % common + 1}")
    statement = f"At each position, each pair of systems stands both ways round equally often, within {required}."
    yield promise("sides_position", statement, required, found)


def _halves(counted: Recount, common: int) -> Ints:
    """1 for trials in the first half of the positions that all booklets have, -1 in the second, 0 elsewhere."""
    half, place = common // 2, counted.place
    late = (place >= common - half) & (place < common)
    return np.where(place < half, 1, 0) - late.astype(np.int64)


def _table(codes: Ints, shape: tuple[int, int]) -> Ints:
    return np.bincount(codes, minlength=shape[0] * shape[1]).reshape(shape).astype(np.int64)


def _pair_namer(counted: Recount) -> Callable[[int], str]:
    return lambda at: pair_name(counted, at)
