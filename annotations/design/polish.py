"""Last touch on positions: exchange two trials of one booklet so that at each position both sides are equally frequent.

Only trials of the same pair of systems with opposite sides change places, and only where the showings of their tasks
stay spread over the positions (see `most_at_one_place`) and as even over the two halves as they were.
"""

from __future__ import annotations

import numpy as np

from annotations.design.euler import Bools, Ints
from annotations.design.places import Laid

TOLERATED = 2


def most_at_one_place(copies: int, places: int) -> int:
    """How often a task may stand at the same position: as evenly as can be while there is room to choose.

    A task that needs more than half of all positions may stand at one of them once more than that: if it had to stand
    everywhere equally often, nothing could be exchanged to even the sides, which matter more.
    """
    return -(-copies // places) + (1 if 2 * copies > places else 0)


def even_sides(laid: Laid, place: Ints) -> int:
    """Change `place` so that for each pair "left less right" differs by 2 at most between common places, if it can.

    The showings of a task are consecutive and equally many. Gives the greatest difference that remains.
    """
    return _Board(laid, place).polish(int(np.bincount(laid.booklet).min()))


class _Board:
    """The trials as a table of booklet x place; `place` is changed in place."""

    def __init__(self, laid: Laid, place: Ints) -> None:
        self.task, self.pair, self.place = laid.showings.task, laid.showings.pair, place
        self.spread_tasks = laid.spread_tasks
        self.sign = np.where(laid.flipped, -1, 1)
        self.copies = int(np.bincount(self.task).max())
        self.at = np.full((int(laid.booklet.max()) + 1, int(place.max()) + 1), -1, dtype=np.int64)
        self.at[laid.booklet, place] = np.arange(place.size)
        self.pair_sign = self.sign * (self.pair + 1)
        self.half = np.zeros(int(place.max()) + 1, dtype=np.int64)

    def polish(self, common: int) -> int:
        """Go through the pairs; for each, exchange between the two places that differ most, as long as that helps."""
        self.most = most_at_one_place(self.copies, common)
        self.half[: common // 2] = 1
        self.half[common - common // 2 : common] = -1
        worst = 0
        for pair in range(int(self.pair.max()) + 1):
            chosen = self.pair == pair
            weights = np.bincount(self.place[chosen], weights=self.sign[chosen], minlength=common)
            lean = weights[:common].astype(np.int64)
            while self._improve(pair, lean):
                pass
            worst = max(worst, int(np.ptp(lean)))
        return worst

    def _improve(self, pair: int, lean: Ints) -> bool:
        """Make exchanges between two places, which lowers the sum of squares of `lean` (in place), or say it cannot."""
        gaps = lean[:, None] - lean[None, :]
        high, low = np.nonzero(gaps > TOLERATED)
        for best in np.argsort(-gaps[high, low], kind="stable").tolist():
            source, target = int(high[best]), int(low[best])
            done = self._exchange(pair, (source, target), max(1, (int(gaps[source, target]) + 1) // 4))
            if done:
                lean[source] -= 2 * done
                lean[target] += 2 * done
                return True
        return False

    def _exchange(self, pair: int, places: tuple[int, int], wanted: int) -> int:
        """Exchange up to `wanted` trials at the first place for others of the second; say how many."""
        source, target = places
        held, given = self.at[:, source], self.at[:, target]
        booklets = np.flatnonzero((self.pair_sign[held] == pair + 1) & (self.pair_sign[given] == -pair - 1))
        held, given = held[booklets], given[booklets]
        fits = self._may_move(held, source, target) & self._may_move(given, target, source)
        held, given = held[fits], given[fits]
        tasks = np.stack([self.task[held], self.task[given]], axis=1).ravel()
        first = np.unique(tasks, return_index=True)[1]
        fresh = np.zeros(tasks.size, dtype=np.bool_)
        fresh[first] = True
        chosen = np.flatnonzero(fresh.reshape(-1, 2).all(axis=1))[:wanted]
        self.place[held[chosen]], self.place[given[chosen]] = target, source
        rows = booklets[fits][chosen]
        self.at[rows, source], self.at[rows, target] = given[chosen], held[chosen]
        return int(chosen.size)

    def _may_move(self, trials: Ints, source: int, target: int) -> Bools:
        """Say which trials may go: their task is not yet at the target, and stays even over the halves."""
        if not self.spread_tasks:
            return np.ones(trials.size, dtype=np.bool_)
        siblings = self.place[(self.task[trials] * self.copies)[:, None] + np.arange(self.copies)]
        halves = self.half[siblings].sum(axis=1)
        moved = halves - int(self.half[source]) + int(self.half[target])
        room = (siblings == target).sum(axis=1) < self.most
        free: Bools = room & (np.abs(moved) <= np.maximum(1, np.abs(halves)))
        return free
