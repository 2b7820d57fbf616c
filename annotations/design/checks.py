"""Where attention and repeat trials go: spread through each booklet, evenly over the allowed range.

Positions are drawn systematically: the range is cut into as many equal parts as there are trials, one in each, so they
cannot bunch; the starts go through all values in turn, so every position serves equally often, and raters differ.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from annotations.design.euler import Ints, halve
from annotations.design.spec import DesignSpec

_MANY = 2000  # booklets among which one is looked for to exchange with


class CheckPlaces(NamedTuple):
    """Final positions (from 1), one row per booklet, ascending."""

    attention: Ints
    repeats: Ints


def allowed_positions(spec: DesignSpec, length: int) -> range:
    """Give the positions of a booklet of `length` trials in which a check may stand."""
    low, high = spec.check_range
    return range(max(1, math.ceil(round(low * length, 6))), math.floor(round(high * length, 6)) + 1)


def fits(spec: DesignSpec, length: int) -> bool:
    """Say whether a booklet of `length` trials, checks included, can hold its checks wherever attention trials fall."""
    places = np.array(allowed_positions(spec, length))
    if places.size < spec.attention_trials + spec.repeat_trials:
        return False
    if not spec.repeat_trials:
        return True
    samples = _systematic(places, spec.attention_trials)
    return all(_repeat_options(spec, length, attention).size for attention in samples)


def place_checks(spec: DesignSpec, lengths: Ints, rng: np.random.Generator) -> CheckPlaces:
    """Choose the positions for booklets of these lengths, checks included."""
    attention = np.zeros((lengths.size, spec.attention_trials), dtype=np.int64)
    repeats = np.zeros((lengths.size, spec.repeat_trials), dtype=np.int64)
    for length in np.unique(lengths).tolist():
        booklets = rng.permutation(np.flatnonzero(lengths == length))
        options = _systematic(np.array(allowed_positions(spec, length)), spec.attention_trials)
        chosen = _take_turns(options, booklets.size, rng)
        attention[booklets] = options[chosen]
        if spec.repeat_trials:
            tables = [_repeat_options(spec, length, option) for option in options]
            repeats[booklets] = _even_rows([tables[option] for option in chosen], length, rng)
    return CheckPlaces(attention, repeats)


def assign_attention(tasks: int, shape: tuple[int, int], rng: np.random.Generator) -> tuple[Ints, Ints]:
    """Give each booklet different attention tasks, all equally often, and sides that balance per task and booklet."""
    booklets, each = shape
    if not each:
        return np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.int64)
    round_of = tasks // math.gcd(tasks, each)
    rounds = -(-booklets // round_of)
    rings = rng.permuted(np.tile(np.arange(tasks), (rounds, 1)), axis=1)
    dealt = np.tile(rings, (1, round_of * each // tasks)).reshape(-1, each)[:booklets]
    task: Ints = rng.permuted(dealt, axis=1)
    owner = np.repeat(np.arange(booklets), each)
    flipped = halve([task.ravel()], [owner], rng)
    return task, flipped.astype(np.int64).reshape(shape)


def keep_apart(which: Ints, sources: Ints, mains: tuple[Ints, Ints], rng: np.random.Generator) -> Ints:
    """Exchange attention tasks between booklets so that none shows a prompt that its rater judges as well.

    `which` is booklet x trial of tasks, `sources` the prompt of each task or -1, `mains` the booklet and prompt of each
    showing. Where no exchange helps (raters who see every prompt) it stays as it is.
    """
    found = which.copy()
    meets = np.zeros((found.shape[0], sources.size), dtype=np.bool_)
    for task in np.flatnonzero(sources >= 0).tolist():
        meets[mains[0][mains[1] == sources[task]], task] = True
    every = np.arange(found.shape[0])
    for booklet, at in zip(*np.nonzero(meets[every[:, None], found]), strict=True):
        mine, rows = found[booklet, at], every if every.size <= _MANY else rng.choice(every, _MANY, replace=False)
        for place in rng.permutation(found.shape[1]).tolist():
            theirs = found[rows, place]
            free = ~meets[booklet, theirs] & ~meets[rows, mine] & ~(found[rows] == mine).any(axis=1)
            others = rows[free & ~np.isin(theirs, found[booklet])]
            if others.size:
                other = int(rng.choice(others))
                found[booklet, at], found[other, place] = found[other, place], mine
                break
    return found


class MainTrials(NamedTuple):
    """The main trials as tables of booklet x place: final position (huge where there is none), task and pair."""

    position: Ints
    task: Ints
    pair: Ints


def choose_originals(mains: MainTrials, repeats: Ints, gap: int, rng: np.random.Generator) -> Ints:
    """Choose which main trial (its place) each repeat shows again: early enough, each once, tasks and pairs in turn."""
    original = np.zeros(repeats.shape, dtype=np.int64)
    shown_task = np.zeros(int(mains.task.max()) + 1, dtype=np.int64)
    shown_pair = np.zeros(int(mains.pair.max()) + 1, dtype=np.int64)
    for booklet in range(repeats.shape[0] if repeats.size else 0):
        free = np.ones(mains.position.shape[1], dtype=np.bool_)
        for at, position in enumerate(repeats[booklet].tolist()):
            places = np.flatnonzero(free & (mains.position[booklet] <= position - gap))
            tasks, pairs = mains.task[booklet, places], mains.pair[booklet, places]
            best = int(np.lexsort((rng.random(places.size), shown_pair[pairs], shown_task[tasks]))[0])
            original[booklet, at] = places[best]
            free[places[best]] = False
            shown_task[tasks[best]] += 1
            shown_pair[pairs[best]] += 1
    return original


def _systematic(places: Ints, count: int) -> Ints:
    """Give all systematic samples of `count` from `places`: one row per start; each place occurs in `count` rows."""
    if not count:
        return np.zeros((1, 0), dtype=np.int64)
    starts = np.arange(places.size)[:, None] + np.arange(count) * places.size
    sample: Ints = places[starts // count]
    return sample


def _repeat_options(spec: DesignSpec, length: int, attention: Ints) -> Ints:
    """Give the samples of positions for repeats beside these attention trials, with enough main trials before each."""
    places = np.array([at for at in allowed_positions(spec, length) if at > spec.repeat_gap and at not in attention])
    if places.size < spec.repeat_trials:
        return np.zeros((0, spec.repeat_trials), dtype=np.int64)
    options = _systematic(places.astype(np.int64), spec.repeat_trials)
    latest = options - spec.repeat_gap
    checks = (attention <= latest[..., None]).sum(axis=-1) + (options[:, None, :] <= latest[..., None]).sum(axis=-1)
    enough = (latest - checks >= np.arange(1, spec.repeat_trials + 1)).all(axis=1)
    kept: Ints = options[enough]
    return kept


def _take_turns(options: Ints, count: int, rng: np.random.Generator) -> Ints:
    """Choose an option for each of `count` booklets: all in turn, and in the last turn those that even out."""
    turns, left = divmod(count, options.shape[0])
    full = rng.permuted(np.tile(np.arange(options.shape[0]), (turns, 1)), axis=1).ravel()
    open_options = list(rng.permutation(options.shape[0]))
    hits = np.zeros(int(options.max(initial=0)) + 1, dtype=np.int64)
    last: list[int] = []
    for _ in range(left):
        best = min(open_options, key=lambda option: int(hits[options[option]].sum()))
        open_options.remove(best)
        hits[options[best]] += 1
        last.append(int(best))
    chosen: Ints = rng.permutation(np.r_[full, np.array(last, dtype=np.int64)].astype(np.int64))
    return chosen


def _even_rows(tables: Sequence[Ints], length: int, rng: np.random.Generator) -> Ints:
    """Choose a row of each table so that the positions in the rows are used evenly over all, ties at random."""
    used = np.zeros(length + 1, dtype=np.int64)
    rows = np.zeros((len(tables), tables[0].shape[1]), dtype=np.int64)
    for at, table in enumerate(tables):
        load = used[table]
        score = load.max(axis=1) * table.shape[1] + load.sum(axis=1) + rng.random(table.shape[0])
        rows[at] = table[int(score.argmin())]
        used[rows[at]] += 1
    return rows
