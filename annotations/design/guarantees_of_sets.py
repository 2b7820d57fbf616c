"""The guarantees on main trials of singles and groups, which have slots rather than sides."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np

from annotations.design.guarantees import pair_name
from annotations.design.promises import Guarantee, promise, worst_of
from annotations.design.recount import Ints
from annotations.design.recount_sets import SetRecount
from annotations.design.spec import SINGLE, DesignSpec


def of_showings(counted: SetRecount, spec: DesignSpec) -> Iterator[Guarantee]:
    main, tasks = counted.main, counted.tasks
    present, times = np.unique(main.task, return_counts=True)
    found = worst_of(np.abs(times - spec.raters_per_task), lambda at: f"task {tasks[present[at]]}")
    yield promise("raters_per_task", f"Every task is in exactly {spec.raters_per_task} booklets.", 0, found)

    width = max(1, len(tasks))
    keys, often = np.unique(main.booklet * width + main.task, return_counts=True)
    twice = worst_of(often, lambda at: f"booklet {counted.booklets[keys[at] // width]}, task {tasks[keys[at] % width]}")
    yield promise("task_once", "No rater judges the same task twice (repeats apart).", 1, twice)
    yield _prompts(counted, spec)

    shown = np.unique(np.stack([main.task, main.contents]), axis=1)[0] if len(main) else main.task
    variants = np.bincount(shown, minlength=len(tasks))
    statement = "A task always shows the same outputs."
    yield promise("task_constant", statement, 1, worst_of(variants, lambda at: f"task {tasks[at]}"))


def _prompts(counted: SetRecount, spec: DesignSpec) -> Guarantee:
    main, width = counted.main, max(1, len(counted.prompts))
    keys, times = np.unique(main.booklet * width + main.prompt, return_counts=True)
    most = 1
    if not spec.prompts_once:
        showings = int(np.bincount(main.prompt).max(initial=0))
        most = math.ceil(showings / max(1, len(counted.booklets)))
    often = "twice" if most == 1 else f"more than {most} times"
    found = worst_of(
        times, lambda at: f"booklet {counted.booklets[keys[at] // width]}, prompt {counted.prompts[keys[at] % width]}"
    )
    return promise("prompt_once", f"No rater sees a prompt {often} (repeats apart).", most, found)


def of_classes(counted: SetRecount, spec: DesignSpec) -> Iterator[Guarantee]:
    """Systems (singles), or the sets of systems that stand together (groups), within booklets and at positions."""
    main, sizes, count = counted.main, counted.sizes, len(counted.pairs)
    what = "system" if spec.comparisons == SINGLE else "set of systems that stand together"
    per_booklet = _table(main.booklet * count + main.pair, (len(counted.booklets), count))
    spread = per_booklet.max(axis=0, initial=0) - per_booklet.min(axis=0, initial=len(main))
    found = worst_of(spread, lambda at: pair_name(counted, at))
    yield promise("systems_in_booklet", f"Every rater sees each {what} equally often, within one.", 1, found)

    common, longest = int(sizes.min()) if sizes.size else 0, int(sizes.max(initial=0))
    apart = " (a last position that only some booklets have apart)" if longest > common else ""
    for name, noun, codes, labels in (
        ("positions_system", what, main.pair, [pair_name(counted, at) for at in range(count)]),
        ("positions_task", "task", main.task, counted.tasks),
    ):
        table = _table(codes * max(1, longest) + counted.place, (len(labels), longest))
        table = table[table.sum(axis=1) > 0]
        present = np.unique(codes)
        uneven = _spread(table[:, :common])
        statement = f"Each {noun} stands equally often at each position among the main trials, within one{apart}."
        worst = worst_of(uneven, _namer([labels[code] for code in present.tolist()]))
        yield promise(name, statement, 1, worst)


def of_slots(counted: SetRecount, spec: DesignSpec) -> Iterator[Guarantee]:
    """Where in a group an output stands, over the study and within its own task."""
    size = spec.outputs_per_task
    if size == 1:
        return
    shown = counted.shown
    main, slot = shown.main, shown.slot[shown.main] - 1
    task = counted.all.task[shown.trial[main]] * max(1, len(counted.outputs)) + shown.output[main]
    for name, what, codes, labels in (
        ("slots_task", "Each output of a task stands", task, None),
        ("slots_output", "Each output stands", shown.output[main], counted.outputs),
        ("slots_system", "Each system stands", shown.system[main], counted.systems),
    ):
        present, dense = np.unique(codes, return_inverse=True)
        table = _table(dense.astype(np.int64) * size + np.minimum(slot, size - 1), (present.size, size))
        names: Sequence[str] = (
            [f"output {counted.outputs[code % max(1, len(counted.outputs))]}" for code in present.tolist()]
            if labels is None
            else [labels[code] for code in present.tolist()]
        )
        worst = worst_of(_spread(table), _namer(names))
        yield promise(name, f"{what} equally often in each slot, within one.", 1, worst)


def of_groups(counted: SetRecount, spec: DesignSpec) -> Iterator[Guarantee]:
    """How the outputs of a prompt were shared out among groups."""
    size = spec.outputs_per_task
    if size == 1:
        return
    shown = counted.shown
    first = np.unique(counted.main.task, return_index=True)[1]
    chosen = np.isin(shown.trial, np.flatnonzero(counted.all.kind == 0)[first])
    output, trial = shown.output[chosen], shown.trial[chosen]
    prompt = counted.all.prompt[trial]
    times = np.bincount(output, minlength=len(counted.outputs))
    member = np.unique(np.stack([prompt, output]), axis=1)
    uneven = _by_group(times[member[1]], member[0], len(counted.prompts))
    found = worst_of(uneven, lambda at: f"prompt {counted.prompts[at]}")
    yield promise("groups_output", "Each output of a prompt stands in equally many tasks, within one.", 1, found)

    sizes = np.bincount(trial, minlength=len(counted.all))[np.unique(trial)]
    wrong = worst_of(np.abs(sizes - size), lambda at: f"task {counted.tasks[counted.all.task[np.unique(trial)[at]]]}")
    yield promise("groups_size", f"Every task shows {size} outputs.", 0, wrong)
    yield _systems_apart(counted, (trial, shown.system[chosen], prompt, output))
    yield _meetings(counted, (trial, output, prompt, shown.system[chosen]))


def _systems_apart(counted: SetRecount, parts: tuple[Ints, Ints, Ints, Ints]) -> Guarantee:
    """A task holds a system no oftener than it must: so often as evenly shared among the systems of the prompt."""
    trial, system, prompt, output = parts
    width = max(1, len(counted.systems))
    keys, times = np.unique(trial * width + system, return_counts=True)
    owner, code = np.divmod(keys, width)
    home = counted.all.prompt[owner]
    samples = np.unique(np.stack([prompt, system, output]), axis=1)
    there: dict[int, Counter[int]] = defaultdict(Counter)
    for place, one, _ in samples.T.tolist():
        there[place][one] += 1
    size = np.bincount(trial, minlength=len(counted.all))
    over = [
        count - _most(there[place], int(size[at]))
        for count, place, at in zip(times.tolist(), home.tolist(), owner.tolist(), strict=True)
    ]
    found = worst_of(np.maximum(np.array(over, dtype=np.int64), 0), lambda at: counted.systems[code[at]])
    statement = "A task shows as many different systems as it can: no system oftener than an even share."
    return promise("groups_systems", statement, 0, found)


def _most(samples: Mapping[int, int], size: int) -> int:
    """The smallest number so that `size` outputs can be had with so many of each system at most."""
    return next((n for n in range(1, size) if sum(min(n, count) for count in samples.values()) >= size), size)


def _meetings(counted: SetRecount, parts: tuple[Ints, Ints, Ints, Ints]) -> Guarantee:
    """Two outputs of different systems of a prompt (of any, if there is one system) meet in equally many tasks."""
    trial, output, prompt, system = parts
    worst, where = 0, ""
    order = np.argsort(prompt, kind="stable")
    for part in np.split(order, np.flatnonzero(np.diff(prompt[order])) + 1):
        rows, row = np.unique(trial[part], return_inverse=True)
        outputs, first, column = np.unique(output[part], return_index=True, return_inverse=True)
        member = np.zeros((rows.size, outputs.size), dtype=np.int64)
        member[row, column] = 1
        met = member.T @ member
        of_system = system[part][first]
        strange = np.triu(of_system[:, None] != of_system[None, :], 1)
        if not strange.any():
            strange = np.triu(np.ones_like(strange), 1)
        times = met[strange]
        if times.size and int(np.ptp(times)) > worst:
            worst, where = int(np.ptp(times)), f"prompt {counted.prompts[prompt[part[0]]]}"
    statement = "Two outputs of different systems of a prompt stand together in equally many tasks, within one."
    return promise("groups_meet", statement, 1, (worst, where))


def of_successions(counted: SetRecount, spec: DesignSpec) -> Iterator[Guarantee]:
    """In balanced Latin squares: which text follows which; promised where squares are what the design consists of."""
    length, k = spec.trials_per_rater, spec.raters_per_task
    if spec.comparisons != SINGLE or not spec.prompts_once or k % max(1, length) or not _is_crossed(counted):
        return
    main, width = counted.main, max(1, len(counted.tasks))
    if set(counted.sizes.tolist()) != {length}:
        return
    same = main.booklet[1:] == main.booklet[:-1]
    keys, times = np.unique(main.task[:-1][same] * width + main.task[1:][same], return_counts=True)
    found = worst_of(times, lambda at: f"{counted.tasks[keys[at] // width]} before {counted.tasks[keys[at] % width]}")
    squares = k // length
    most = "once" if squares == 1 else f"{squares} times"
    statement = f"No text comes right after the same other text more than {most} ({squares} balanced Latin square"
    yield promise("successions", f"{statement}{'s' * (squares != 1)}).", squares, found)


def _is_crossed(counted: SetRecount) -> bool:
    """Whether every prompt has equally many outputs of every system."""
    main = counted.main
    tasks, first = np.unique(main.task, return_index=True)
    cells = np.unique(main.prompt[first] * max(1, len(counted.pairs)) + main.pair[first], return_counts=True)[1]
    prompts = np.unique(main.prompt).size
    return bool(cells.size == prompts * len(counted.pairs) and np.ptp(cells) == 0 and tasks.size)


def _namer(names: Sequence[str]) -> Callable[[int], str]:
    return lambda at: names[at]


def _by_group(values: Ints, groups: Ints, count: int) -> Ints:
    """The range of the values of each group, 0 where there are none."""
    low, high = np.full(count, np.iinfo(np.int64).max), np.zeros(count, dtype=np.int64)
    np.minimum.at(low, groups, values)
    np.maximum.at(high, groups, values)
    spread: Ints = np.maximum(high - np.minimum(low, high), 0).astype(np.int64)
    return spread


def _table(codes: Ints, shape: tuple[int, int]) -> Ints:
    return np.bincount(codes, minlength=shape[0] * shape[1]).reshape(shape).astype(np.int64)


def _spread(table: Ints) -> Ints:
    """The range of each row."""
    if not table.size:
        return np.zeros(table.shape[0], dtype=np.int64)
    spread: Ints = (table.max(axis=1) - table.min(axis=1)).astype(np.int64)
    return spread
