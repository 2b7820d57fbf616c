"""The guarantees on attention and repeat trials, of either kind only when the design asks for it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import permutations
from typing import Any

import numpy as np

from annotations.design.promises import Guarantee, promise, worst_of
from annotations.design.recount import Recount, Trials
from annotations.design.recount_sets import SetRecount
from annotations.design.spec import SHUFFLED, AttentionTask, DesignSpec

_ROOM = 4
_REPEAT = 2
_FEW = 4  # questions: all their orders are used in turn


def of_numbers(counted: Recount, spec: DesignSpec) -> Iterator[Guarantee]:
    count = len(counted.booklets)
    for word, trials, asked in _kinds(counted, spec):
        if asked or len(trials):
            off = np.abs(np.bincount(trials.booklet, minlength=count) - asked).astype(np.int64)
            statement = f"Each booklet holds exactly {asked} {word} trial{'s' * (asked != 1)}."
            found = worst_of(off, lambda at: f"booklet {counted.booklets[at]}")
            yield promise(f"{word}_number", statement, 0, found)


def of_positions(counted: Recount, spec: DesignSpec) -> Iterator[Guarantee]:
    lengths = counted.lengths
    for word, trials, asked in _kinds(counted, spec):
        if not asked:
            continue
        size = lengths[trials.booklet]
        ranges = [_range(spec, length) for length in range(int(lengths.max(initial=0)) + 1)]
        low, high = np.array(ranges).T
        outside = np.bincount(
            trials.booklet[(trials.position < low[size]) | (trials.position > high[size])],
            minlength=len(counted.booklets),
        ).astype(np.int64)
        within = f"between {spec.check_range[0]:.0%} and {spec.check_range[1]:.0%} of the booklet"
        found = worst_of(outside, lambda at: f"booklet {counted.booklets[at]}")
        yield promise(f"{word}_range", f"All {word} trials stand {within}.", 0, found)

        statement = f"No two {word} trials of a booklet are bunched: they keep the distance of an even spread."
        yield promise(f"{word}_bunched", statement, 0, _bunched(counted, trials, spec))

        if word == "attention" or _is_roomy(counted, spec):
            required = min(asked, 2) if word == "attention" else max(asked, 2)
            statement = f"Among booklets of a length, {word} trials use all positions equally, within {required}."
            yield promise(f"{word}_positions", statement, required, _evenness(counted, trials, spec))


def of_attention(counted: Recount, spec: DesignSpec) -> Iterator[Guarantee]:
    if not spec.attention_trials:
        return
    trials, names = counted.attention, counted.booklets
    width = len(counted.tasks)
    keys, times = np.unique(trials.booklet * width + trials.task, return_counts=True)
    twice = worst_of(times, lambda at: f"booklet {names[keys[at] // width]}, {counted.tasks[keys[at] % width]}")
    yield promise("attention_once", "No rater meets an attention task twice.", 1, twice)

    present, used = np.unique(trials.task, return_counts=True)
    degraded = np.array([AttentionTask(counted.tasks[code]).is_degraded for code in present.tolist()], dtype=np.bool_)
    most = np.where(degraded, used[degraded].max(initial=0), used[~degraded].max(initial=0))
    rare = worst_of(most - used, lambda at: f"attention task {counted.tasks[present[at]]}, the rarest")
    each = " of either kind" if degraded.any() and not degraded.all() else ""
    yield promise("attention_use", f"All attention tasks{each} are used equally often, within one.", 1, rare)


def of_repeats(counted: Recount, spec: DesignSpec) -> Iterator[Guarantee]:
    """Each repeat is set beside the main trial of its booklet that shows the same task.

    A pair comes back with its sides swapped, a group in another order, a single output as it was.
    """
    if not spec.repeat_trials:
        return
    main, repeat, width = counted.main, counted.repeat, max(1, len(counted.tasks))
    keys = main.booklet * width + main.task
    order = np.argsort(keys, kind="stable")
    wanted = repeat.booklet * width + repeat.task
    at = np.minimum(np.searchsorted(keys[order], wanted), max(0, len(main) - 1))
    original = order[at] if len(main) else np.zeros(0, dtype=np.int64)
    known = keys[original] == wanted
    count, names = len(counted.booklets), counted.booklets

    def failing(good: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> tuple[int, str]:
        wrong = np.bincount(repeat.booklet[~good], minlength=count).astype(np.int64)
        return worst_of(wrong, lambda booklet: f"booklet {names[booklet]}")

    same = known & (main.contents[original] == repeat.contents)
    if not isinstance(counted, SetRecount):
        swapped = same & (main.sign[original] == -repeat.sign)
        statement = "Each repeat shows a pair that the rater has judged, with its sides swapped."
        yield promise("repeat_swapped", statement, 0, failing(swapped))
    else:
        alone, kind = spec.outputs_per_task == 1, counted.all.kind
        moved = counted.arranged[kind == 0][original] != counted.arranged[kind == _REPEAT]
        how = "an output that the rater has judged" if alone else "outputs that the rater has judged, in another order"
        yield promise("repeat_same", f"Each repeat shows {how}.", 0, failing(same & (moved | alone)))
    later = ~known | (repeat.position - main.position[original] >= spec.repeat_gap)
    statement = f"Each repeat comes at least {spec.repeat_gap} trials after its original."
    yield promise("repeat_gap", statement, 0, failing(later))
    times = np.unique(wanted, return_counts=True)[1]
    first = np.unique(wanted)
    once = worst_of(times, lambda at: f"booklet {names[first[at] // width]}, task {counted.tasks[first[at] % width]}")
    yield promise(
        "repeat_once", f"No {'pair' if spec.shows_pairs else 'task'} is repeated twice in a booklet.", 1, once
    )


def of_dimension_orders(columns: Mapping[str, Sequence[Any]], spec: DesignSpec) -> Iterator[Guarantee]:
    """The orders of the questions, where the rows tell them (a plan, the exported trials)."""
    if spec.dimension_order != SHUFFLED or "dimension_order" not in columns:
        return
    by_trial = dict(
        zip(zip(columns["booklet"], columns["position"], strict=True), columns["dimension_order"], strict=True)
    )
    orders = [tuple(map(int, str(order).split(","))) for order in by_trial.values() if str(order)]
    size = len(orders[0]) if orders else 0
    if 1 < size <= _FEW:
        used = Counter(orders)
        rare = [(max(used.values()) - used[order], f"order {order}") for order in permutations(range(size))]
        statement = "Over the study, the questions stand in each of their orders equally often, within one."
    elif size:
        table = np.zeros((size, size), dtype=np.int64)
        np.add.at(table, (np.array(orders), np.arange(size)), 1)
        rare = [(int(np.ptp(row)), f"question {at + 1}") for at, row in enumerate(table)]
        statement = "Over the study, each question stands at each place equally often, within one."
    else:
        return
    yield promise("dimension_order", statement, 1, max(rare))


def _kinds(counted: Recount, spec: DesignSpec) -> tuple[tuple[str, Trials, int], ...]:
    attention = ("attention", counted.attention, spec.attention_trials)
    return attention, ("repeat", counted.repeat, spec.repeat_trials)


def _range(spec: DesignSpec, length: int) -> tuple[int, int]:
    """The first and last allowed position, worked out from the spec's fractions."""
    low, high = spec.check_range
    return max(1, math.ceil(round(low * length, 6))), math.floor(round(high * length, 6))


def _places(spec: DesignSpec, length: int, word: str) -> range:
    low, high = _range(spec, length)
    return range(max(low, spec.repeat_gap + 1) if word == "repeat" else low, high + 1)


def _word(counted: Recount, trials: Trials) -> str:
    return "repeat" if trials is counted.repeat else "attention"


def _bunched(counted: Recount, trials: Trials, spec: DesignSpec) -> tuple[int, str]:
    """How far the closest two trials of a booklet fall short of an even spread over the allowed positions."""
    word, lengths = _word(counted, trials), counted.lengths
    asked = spec.repeat_trials if word == "repeat" else spec.attention_trials
    taken = spec.attention_trials if word == "repeat" else 0
    least = np.array([(len(_places(spec, n, word)) - taken) // asked for n in range(int(lengths.max(initial=0)) + 1)])
    same = np.flatnonzero(trials.booklet[1:] == trials.booklet[:-1])
    distance = trials.position[same + 1] - trials.position[same]
    short = least[lengths[trials.booklet[same]]] - distance
    found = worst_of(short, lambda at: f"booklet {counted.booklets[trials.booklet[same[at]]]}")
    return (max(0, found[0]), found[1])


def _is_roomy(counted: Recount, spec: DesignSpec) -> bool:
    """Whether repeats can be spread evenly at all: only where they have room beside the other checks and the gap."""
    shortest = int(counted.lengths.min()) if counted.lengths.size else 0
    return len(_places(spec, shortest, "repeat")) >= _ROOM * (spec.attention_trials + spec.repeat_trials)


def _evenness(counted: Recount, trials: Trials, spec: DesignSpec) -> tuple[int, str]:
    """The greatest difference in use of two allowed positions among booklets of one length."""
    word, lengths = _word(counted, trials), counted.lengths
    worst = (0, "")
    for length in np.unique(lengths[trials.booklet]).tolist():
        places = _places(spec, length, word)
        chosen = trials.position[lengths[trials.booklet] == length]
        used = np.bincount(chosen, minlength=length + 1)[places.start : places.stop].astype(np.int64)
        if used.size:
            at = int(used.argmin())
            worst = max(worst, (int(np.ptp(used)), f"position {places[at]} of {length}, the rarest"))
    return worst
